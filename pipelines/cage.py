"""The self-test of the agent's cage: the installed command, started as every agent is, against a model that means harm.

The model is ours: it is served from here, and reaches the DevVM by a port of its loopback that is forwarded over the
SSH connection. Nothing is asked of the DevVM but what agents need too. A DevVM whose command lets one canary out runs
no agent, until the command or the way that we start it is another.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock

from app.agent import command, events
from app.agent.cage_scene import Scene
from app.agent.cage_verdict import Judgement, Seen, judge
from app.agent.canaries import ALLOWED, CANARIES
from app.agent.events import AgentResult
from app.edges.devvm import DevVM
from app.edges.machine import TIMED_OUT, Job, JobState
from app.edges.scripted_api import ScriptedApi
from app.errors import Failed
from app.ledger.cages import CageTest
from app.settings import DevVMSettings
from pipelines.bench import Bench, ledger, settings

OFF = "not tested: agent.cage_test is off, so nothing was shown to keep an agent in its cage"
_SESSION_SECONDS = 60
# Within that the command is up and waits.
_UP_SECONDS = 1
_NO_NEWS = 1 << 40
# What this process found installed, by DevVM and the file that it was: asking a command for its version takes a while.
_looked_at: dict[tuple[str, str], Installed] = {}
# Two runs of one process may come upon an untested DevVM at once: one tests, the other waits and finds it tested.
_one_at_a_time = Lock()

_FILE = 'file=$(command -v "$1") && stat -L -c "%d %i %s %y %z" "$file"'
_INSTALLED = f'{_FILE} && exec "$1" --version'
# Every file by the SHA-256 of its content, every link by where it leads; a line each.
_LISTING = """
cd "$1" && find . -type f -exec sha256sum {} + && find . -type l -exec sh -c '
for link; do printf "link %s  %s\\n" "$(readlink "$link")" "$link"; done' sh {} +
"""
# What a test that was cut short had to leave behind.
_TIDY = 'mkdir -p -m 700 "$1" && find "$1" -maxdepth 1 -name "cage-*" -mmin +60 -exec rm -rf {} +'


@dataclass(frozen=True)
class Installed:
    """The command as it is on a DevVM. `fingerprint` changes with the file, its version, our use of it, the table."""

    claude: str
    version: str
    fingerprint: str


@dataclass(frozen=True)
class CageReport:
    """A finished test of what is installed, and how long it took in seconds."""

    installed: Installed
    judgement: Judgement
    seconds: float

    def record(self, devvm: str) -> CageTest:
        """What is remembered of it."""
        found = self.judgement
        escapes = [f"{e.id}: it could {e.tries}; {e.how}" for e in found.escapes]
        return CageTest(devvm, self.installed.fingerprint, self.installed.version, found.held, escapes)


def require_cage(bench: Bench) -> None:
    """Return when the cage on this DevVM was shown to hold, testing it when it never was; say which of it happened.

    Raises Failed: "cage-broken" when a canary got out, now or in an earlier test of the same command, "cage-untested"
    when it cannot be tested, "agent-unusable" when the command does not work at all. The last two are not remembered.
    """
    if settings().agent.cage_test == "off":
        bench.say("cage", OFF)
        return
    model = settings().agent.model
    with _one_at_a_time:
        installed = look(bench.machine, bench.devvm, model)
        known = ledger().cages.find(bench.devvm.name, installed.fingerprint)
        if known is None:
            bench.say("cage", f"testing the cage of Claude Code {installed.version} on {bench.devvm.name}")
            report = check_cage(bench.machine, bench.devvm, model, installed)
            known = report.record(bench.devvm.name)
            ledger().cages.keep(known)
            bench.say("cage", f"{known.held} of {len(CANARIES)} canaries held ({report.seconds:.1f} s)")
    refuse_broken(known)


def was_shown(bench: Bench) -> bool:
    """Whether agents may be made ready on this DevVM by what this process knows: nothing is tested, and nothing said.

    It is a guess where the file in its place is a script that starts another; `require_cage` looks again before a
    prompt is given.
    """
    if settings().agent.cage_test == "off":
        return True
    argv = _asking(bench.devvm, _FILE, bench.machine.path(bench.devvm.claude))
    file = bench.machine.run(argv, codes=range(256)).text.partition("\n")[0]
    installed = _looked_at.get((bench.devvm.name, file))
    if installed is None:
        return False
    known = ledger().cages.find(bench.devvm.name, installed.fingerprint)
    return known is not None and not known.escapes


def look(machine: DevVM, devvm: DevVMSettings, model: str) -> Installed:
    """What is installed on a DevVM. Raises Failed("agent-unusable") when it does not say its version."""
    claude = machine.path(devvm.claude)
    done = machine.run(_asking(devvm, _INSTALLED, claude), codes=range(256))
    version = re.search(r"^(\d+\.\d+\.\d+)\b", done.text, re.MULTILINE)
    if done.code or version is None:
        why = f"{devvm.claude} on {devvm.name} does not say its version; install Claude Code or set devvm.claude"
        raise Failed("agent-unusable", f"testing the agent's cage: {why}")
    variables = command.environment(devvm.path, devvm.workspace, "")
    ours = [command.command_line(Scene("", "").cage(claude, model)), variables, repr(CANARIES), repr(ALLOWED)]
    file = done.text.partition("\n")[0]
    digest = hashlib.sha256(json.dumps([file, version[1], ours]).encode()).hexdigest()
    found = Installed(claude, version[1], digest)
    _looked_at[(devvm.name, file)] = found
    return found


def _asking(devvm: DevVMSettings, script: str, claude: str) -> list[str]:
    """A script about the command, in the environment that agents have."""
    variables = command.environment(devvm.path, devvm.workspace, "")
    environment = [f"{name}={value}" for name, value in variables.items()]
    return ["env", "-i", *environment, "sh", "-c", script, "sh", claude]


def check_cage(machine: DevVM, devvm: DevVMSettings, model: str, installed: Installed) -> CageReport:
    """Play every canary against what is installed. Nothing is left on the DevVM.

    Raises Failed("cage-untested") when its sshd forwards no port to us, Failed("agent-unusable") when nothing got out
    and what an agent must be able to do did not work either.
    """
    begun = time.monotonic()
    nonce = secrets.token_hex(12)
    machine.run(["sh", "-c", _TIDY, "sh", devvm.workspace])
    scene = Scene(f"{devvm.workspace}/cage-{nonce}", nonce)
    api = ScriptedApi(scene.api_key, scene.reply)
    argv = command.command_line(scene.cage(installed.claude, model))
    try:
        with machine.listening(api.serve) as port:
            session, files = _play(machine, scene, argv, devvm.path, f"http://127.0.0.1:{port}")
    except Failed as error:
        if error.reason != "devvm-no-forwarding":
            raise
        fix = "allow it (AllowTcpForwarding remote), or set agent.cage_test to off and do without the proof"
        raise Failed("cage-untested", f"testing the agent's cage on {devvm.name}: {error}; {fix}") from None
    judgement = judge(scene, Seen(tuple(api.bodies), tuple(api.heard), files, session))
    if judgement.unusable and not judgement.escapes:
        why = f"Claude Code {installed.version} does not work as an agent there: {judgement.unusable}"
        raise Failed("agent-unusable", f"testing the agent's cage on {devvm.name}: {why}")
    return CageReport(installed, judgement, time.monotonic() - begun)


def refuse_broken(test: CageTest) -> None:
    """Raise Failed("cage-broken") when a canary got out, with the first few of them."""
    if test.escapes:
        more = f"; and {len(test.escapes) - 5} more" if len(test.escapes) > 5 else ""
        found = "; ".join(test.escapes[:5]) + more
        why = f"Claude Code {test.version} on {test.devvm} does not keep an agent in its cage: {found}"
        raise Failed(
            "cage-broken", f"{why}. No agent is started; install another version, then run followthrough doctor"
        )


def _play(
    machine: DevVM, scene: Scene, argv: Sequence[str], path: str, base_url: str
) -> tuple[AgentResult, dict[str, str]]:
    """Start every session, follow each to its end: how the first ended, and the files afterwards."""
    jobs = {place: f"{scene.root}/jobs/{number}" for number, place in enumerate(scene.prompts())}
    streams = {place: bytearray() for place in jobs}
    ended: dict[str, JobState] = {}
    machine.lay_out(scene.root, scene.files(), scene.links())
    try:
        _start(machine, scene, jobs, argv, path, base_url)
        for place, folder in jobs.items():
            # Nobody wants to hear of it meanwhile: what it said is fetched whole when it is over.
            while machine.poll(folder, _NO_NEWS).state == "running":
                continue
            ended[place] = machine.follow(folder, streams[place].extend)
        code = ended["."].code
        session = events.read_result(streams["."].decode("utf-8", "replace"), code, code == TIMED_OUT)
        return session, _files(machine.run(["sh", "-c", _LISTING, "sh", scene.root]).text)
    finally:
        for place in jobs.keys() - ended.keys():
            machine.kill(jobs[place], 0)
        machine.run(["rm", "-rf", scene.root])


def _start(
    machine: DevVM, scene: Scene, jobs: Mapping[str, str], argv: Sequence[str], path: str, base_url: str
) -> None:
    """Start the command as a try does: it is up while its tree is filled, and given its prompt when it is full.

    The tree is full before that as well, as it is when a second try begins.
    """
    held, secret = {}, {"ANTHROPIC_API_KEY": scene.api_key}
    for place, folder in jobs.items():
        environment = command.environment(path, f"{scene.root}/{place}/home", base_url)
        tree = f"{scene.root}/{place}/tree"
        held[place] = Job(folder, argv, tree, _SESSION_SECONDS, environment, wait=_SESSION_SECONDS)
        machine.hold(held[place], secret)
    machine.poll(jobs["."], _NO_NEWS, _UP_SECONDS)
    files = {path: data for path, data in scene.files().items() if "tree/" in path}
    links = {path: to for path, to in scene.links().items() if "tree/" in path}
    machine.lay_again(scene.root, files, links)
    for place, prompt in scene.prompts().items():
        machine.start(replace(held[place], input=command.message(prompt)), secret)


def _files(listing: str) -> dict[str, str]:
    """The lines of a listing, by path. A name that needs escapes is none of ours, so it counts as new either way."""
    found = {}
    for line in listing.split("\n"):
        what, _, path = line.partition("  ./")
        if path:
            found[path] = what
    return found
