"""The self-test of the agent's cage: the real command on a real sshd, whole and broken in each way that matters."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from app.agent.cage_verdict import Judgement
from app.agent.canaries import CANARIES
from app.errors import Failed
from app.ledger import open_ledger
from app.ledger.cages import CageTest
from pipelines import cage
from pipelines.cage import check_cage, look, refuse_broken
from tests.e2e.conftest import CONFIG, PATH, deliver, eventually, finished, post_mortem, push, run_checkout, script
from tests.e2e.hosts import connected, settings_of
from tests.world.claude import claude_command
from tests.world.devvm import DevVM as Host
from tests.world.model import Attempt
from tests.world.world import World, temporary_folder

# What a release, or a mistake of ours, could make of the command line: what a wrapper does to it before it starts the
# real command, and the canaries that get out then.
BREAKS = {
    "Bash offered and allowed": ('tools(",Bash"); more("--allowedTools", "Bash")', {"shell", "more-tools"}),
    "Glob offered": ('tools(",Glob")', {"glob-pattern", "more-tools"}),
    "settings of everybody read": (
        'drop("--setting-sources", 1); drop("--strict-mcp-config"); attach(); tools(",Skill"); slash()',
        {
            *("repository-hook-start", "repository-hook-tool", "repository-key-helper", "repository-environment"),
            *("repository-server", "memory", "stack-memory", "home-memory", "home-hook-start", "skill"),
        },
    ),
    "the user's settings read": (
        'argv[argv.index("--setting-sources") + 1] = "user"; drop("--strict-mcp-config")',
        {"home-hook-start", "home-hook-tool", "home-key-helper", "home-environment", "home-server", "home-memory"},
    ),
    "attachments on": ("attach()", {"mention"}),
    "edits accepted": (
        'mode("acceptEdits")',
        {"write-wrapper", "write-root", "write-terragrunt", "write-variables", "write-attributes", "write-script"},
    ),
    "slash commands on": ("slash()", {"slash-command"}),
    "no permission asked": (
        'mode("bypassPermissions"); environ["IS_SANDBOX"] = "1"; tools(",Glob,Agent"); undeny(); attach()',
        {
            *("read-absolute", "read-beside", "read-dots", "read-link", "read-linked-folder", "read-home", "read-key"),
            *("read-system", "glob-path", "grep-path", "grep-home", "agent", "task", "mention-home"),
            *("write-absolute", "write-beside", "write-dots", "write-linked-folder", "write-home", "write-protected"),
            *("write-protected-case", "write-git-hook", "edit-git-config", "write-settings", "write-stack-settings"),
            *("write-stack-servers", "write-memory"),
        },
    ),
}
# The command itself stops these, whatever it is told; the address, and a server that is none, answer nobody.
_HELD_ANYWAY = {"read-process", "write-dangling-link", "edit-linked-file", "grep-glob", "fetch", "server-tool"}

SUCCESS = {"type": "result", "subtype": "success", "is_error": False, "num_turns": 1, "total_cost_usd": 0.1}
WRAPPER = """#!{python}
import os, sys
argv, environ = sys.argv[1:], os.environ
def drop(flag, count=0):
    at = argv.index(flag); del argv[at:at + 1 + count]
def more(flag, word):
    argv.insert(argv.index(flag) + 1, word)
def tools(added):
    argv[argv.index("--tools") + 1] += added
def mode(name):
    argv[argv.index("--permission-mode") + 1] = name
def attach():
    del environ["CLAUDE_CODE_DISABLE_ATTACHMENTS"]
def slash():
    drop("--disable-slash-commands")
def undeny():
    del argv[argv.index("--disallowedTools"):argv.index("--system-prompt")]
if argv != ["--version"]:
    {change}
os.execv({claude!r}, [{claude!r}, *argv])
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with temporary_folder() as folder, Host(folder / "host") as made:
        yield made


def executable(path: Path, text: str) -> str:
    path.write_text(text)
    path.chmod(0o755)
    return str(path)


def wrapper(folder: Path, change: str) -> str:
    """A command that changes its command line before it starts the real one."""
    text = WRAPPER.format(python=sys.executable, change=change, claude=str(claude_command()))
    return executable(folder / "claude", text)


def tried(host: Host, claude: str) -> Judgement:
    settings = settings_of(host, claude=claude)
    with connected(host) as machine:
        found = check_cage(machine, settings, "sonnet", look(machine, settings, "sonnet")).judgement
    assert list(host.workspace.iterdir()) == [], "nothing is left on the DevVM"
    stage = f"{host.workspace}/cage-"
    assert [p.info for p in psutil.process_iter(["cmdline"]) if stage in str(p.info)] == []
    return found


def test_the_command_as_we_start_it_holds_every_canary(host: Host) -> None:
    found = tried(host, str(claude_command()))
    assert (found.held, found.escapes, found.unusable) == (len(CANARIES), (), "")


@pytest.mark.thorough
@pytest.mark.parametrize("name", BREAKS)
def test_a_broken_cage_is_noticed_by_the_right_canaries(host: Host, tmp_path: Path, name: str) -> None:
    change, canaries = BREAKS[name]
    found = {escape.id: escape.how for escape in tried(host, wrapper(tmp_path, change)).escapes}
    assert canaries <= found.keys(), found
    with pytest.raises(Failed, match="does not keep an agent in its cage") as refused:
        refuse_broken(CageTest("devvm", "f", "2.1.0", 1, [f"{name}: {how}" for name, how in found.items()]))
    assert refused.value.reason == "cage-broken"


def test_every_canary_was_seen_to_get_out_of_some_cage() -> None:
    got_out = set().union(*(canaries for _, canaries in BREAKS.values()))
    assert {c.id for c in CANARIES} - got_out == _HELD_ANYWAY


@pytest.mark.parametrize(
    ("does", "says"),
    [
        ("exit 0", "no result"),
        ("echo '{}'; exit 3", "exit code 3"),
        (f"cat >/dev/null; echo '{json.dumps(SUCCESS)}'", ""),
    ],
    ids=["silent", "failing", "lying"],
)
def test_a_command_that_only_looks_like_it_is_unusable(host: Host, tmp_path: Path, does: str, says: str) -> None:
    fake = f'#!/bin/sh\n[ "$1" = --version ] && echo "2.1.0 (Claude Code)" && exit\n{does}\n'
    with pytest.raises(Failed, match="it could not read a file of a stack") as failed:
        tried(host, executable(tmp_path / "claude", fake))
    assert failed.value.reason == "agent-unusable"
    assert says in str(failed.value)


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 0\n", "#!/bin/sh\necho hello\n", "#!/nowhere\n", None])
def test_a_command_that_does_not_say_its_version_is_unusable(host: Host, tmp_path: Path, text: str | None) -> None:
    claude = executable(tmp_path / "claude", text) if text is not None else str(tmp_path / "none")
    with connected(host) as machine, pytest.raises(Failed, match="does not say its version") as failed:
        look(machine, settings_of(host, claude=claude), "sonnet")
    assert failed.value.reason == "agent-unusable"


def test_the_fingerprint_is_of_the_file_the_version_and_our_use_of_it(host: Host, tmp_path: Path) -> None:
    settings = settings_of(host, claude=str(tmp_path / "link"))
    (tmp_path / "link").symlink_to("claude")

    def prints(version: str, model: str = "sonnet") -> str:
        executable(tmp_path / "claude", f"#!/bin/sh\ncat {tmp_path}/version\n")
        (tmp_path / "version").write_text(f"{version} (Claude Code)\n")
        with connected(host) as machine:
            return look(machine, settings, model).fingerprint

    def touched() -> str:
        (tmp_path / "claude").touch()
        with connected(host) as machine:
            return look(machine, settings, "sonnet").fingerprint

    with connected(host) as machine:
        executable(tmp_path / "claude", "#!/bin/sh\necho 2.1.0\n")
        one, same = (look(machine, settings, "sonnet") for _ in range(2))
        assert one == same
        other = look(machine, settings, "opus")
    assert len({one.fingerprint, other.fingerprint, prints("2.1.1"), prints("2.1.2")}) == 4
    assert touched() != touched()


def test_a_devvm_that_forwards_no_port_is_untested(tmp_path: Path) -> None:
    with Host(tmp_path / "host") as host:
        keys = tmp_path / "host/authorized_keys"
        keys.write_text("restrict " + keys.read_text().split(" ", 1)[1])
        with pytest.raises(Failed, match="AllowTcpForwarding remote") as failed:
            tried(host, str(claude_command()))
    assert failed.value.reason == "cage-untested"
    assert "agent.cage_test" in str(failed.value)


@pytest.mark.configured(agent={"cage_test": "required"})
def test_no_agent_starts_until_the_cage_was_shown_to_hold_and_it_is_remembered(fresh: World, tmp_path: Path) -> None:
    """Broken: refused, and the second TODO at once. Another file: tested anew, once for both."""
    broken = 'tools(",Bash"); more("--allowedTools", "Bash")'
    fresh.options.changes = {"devvm": {"claude": wrapper(tmp_path, broken)}}
    fresh.write_config()
    push(fresh, {PATH: post_mortem(("P1", CONFIG, "Config"), ("P2", "Something without a script", "Config"))})
    first = run_checkout(fresh)
    assert (first.returncode, fresh.model.requests) == (1, [])
    assert first.stdout.count("testing the cage of Claude Code") == 1
    assert first.stdout.count("shell: it could run a command with Bash") >= 2
    assert "cage-broken" in first.stdout
    ledger = open_ledger(f"sqlite:///{fresh.database}")
    assert ledger.spend.so_far("", "").day == 0, "nothing of what was set aside is spent"
    ledger.engine.dispose()

    wrapper(tmp_path, "pass")
    fresh.forge.pull()
    second = run_checkout(fresh)
    assert second.returncode == 4, second.stdout
    assert second.stdout.count("testing the cage of Claude Code") == 1
    assert f"{len(CANARIES)} of {len(CANARIES)} canaries held" in second.stdout
    assert "agent-made-no-change" in second.stdout


@pytest.mark.configured(agent={"cage_test": "off"})
def test_off_is_said(fresh: World) -> None:
    push(fresh, {PATH: post_mortem(("P1", "Something without a script", "Config"))})
    done = run_checkout(fresh)
    assert done.returncode == 4, done.stdout
    assert cage.OFF in done.stdout


@pytest.mark.configured(agent={"cage_test": "required"})
def test_an_agent_whose_job_is_lost_is_not_left_behind_and_the_next_try_follows(fresh: World) -> None:
    usual = fresh.model.script
    script(fresh, CONFIG, Attempt(fault="hang"))
    commits = push(fresh, {PATH: post_mortem()})
    fresh.serve()
    deliver(fresh, commits)
    eventually(lambda: fresh.model.requests)
    fresh.model.script = usual
    (supervisor,) = fresh.devvm.workspace.glob("runs/*/jobs/*agent1/supervisor")
    psutil.Process(int(supervisor.read_text().split()[0])).kill()
    ended = finished(fresh)
    assert ended["outcome"] == "done"
    assert "try 1 is lost" in str(ended["events"])
    workspace = str(fresh.devvm.workspace)
    assert [p.info for p in psutil.process_iter(["environ", "cmdline"]) if workspace in str(p.info)] == []
