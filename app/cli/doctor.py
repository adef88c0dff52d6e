"""`followthrough doctor`: each configured part tried for real, each failure with what mends it. Changes nothing."""

from __future__ import annotations

import logging
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from app.cli.console import console
from app.edges import rule_tools, slack, ssh, vault
from app.edges.devvm import DevVM
from app.errors import Failed, FollowthroughError, Transient
from app.ledger import Ledger
from app.main import compose, is_for_one
from app.redact import redact
from app.settings import DevVMSettings, RepositorySettings, Settings
from pipelines import cage, pool, telling, watching
from pipelines.bench import mirror, over

TESTED_CLAUDE = "2.1.197"
log = logging.getLogger(__name__)
# What Slack answers to a message without text when the webhook itself is good; nothing is posted by asking.
_SLACK_ALIVE = ("no_text", "invalid_payload", "missing_text_or_fallback_or_attachments")


@dataclass(frozen=True)
class Check:
    """One part: what is checked, and the doing of it, which returns what was found or raises with the fix."""

    name: str
    do: Callable[[], str]


def check_everything(settings: Settings) -> int:
    """Run every check, print each as it is done; 1 when one failed, else 0."""
    failures = 0
    for check in _checks(settings):
        works, found = outcome(check)
        failures += not works
        console.print(f"{'[green]ok  [/green]' if works else '[red]FAIL[/red]'} {check.name}:", end=" ")
        console.print(redact(found, settings.secrets()), markup=False, soft_wrap=True)
    console.print(f"{failures} of the checks failed" if failures else "everything that is configured works")
    return 1 if failures else 0


def outcome(check: Check) -> tuple[bool, str]:
    """Whether it works, and what was found. One part that breaks in a way of its own does not hide the others."""
    try:
        return True, check.do()
    except FollowthroughError as error:
        return False, str(error)
    except Exception as error:
        log.debug("checking %s", check.name, exc_info=True)
        return False, f"an error that nobody foresaw ({type(error).__name__}): {error}"


def _checks(settings: Settings) -> Iterator[Check]:
    ledgers: list[Ledger] = []
    yield Check("configuration", lambda: _configuration(settings))
    yield Check("database", lambda: _database(settings, ledgers))
    if not is_for_one(settings):
        yield Check("workers", lambda: _workers(settings, ledgers))
    for repository in settings.repository:
        yield Check(f"repository {repository.name}", lambda r=repository: _repository(r))  # type: ignore[misc]
    yield Check("vault", lambda: _vault(settings))
    for devvm in settings.devvm:
        yield Check(f"devvm {devvm.name}", lambda d=devvm: _devvm(settings, d, ledgers))  # type: ignore[misc]
        name = "agent cage" if len(settings.devvm) == 1 else f"agent cage on {devvm.name}"
        yield Check(name, lambda d=devvm: _cage(settings, d, ledgers))  # type: ignore[misc]
    for repository in settings.repository:
        if repository.verify.prometheus:
            yield Check(f"prometheus of {repository.name}", lambda r=repository: _prometheus(settings, r))  # type: ignore[misc]
        if repository.verify.uptime_kuma:
            yield Check(f"uptime kuma of {repository.name}", lambda r=repository: _uptime_kuma(settings, r))  # type: ignore[misc]
    yield Check("slack", lambda: _slack(settings))


def _configuration(settings: Settings) -> str:
    if not any(s.get_secret_value() for s in settings.github.webhook_secrets):
        raise Failed("no-webhook-secret", "github.webhook_secrets is empty: `serve` will not start; set one")
    if not settings.repository or not settings.devvm:
        raise Failed("not-configured", "there must be at least one [[repository]] and one [[devvm]]")
    return f"{len(settings.repository)} repositories, {len(settings.devvm)} DevVMs, model {settings.agent.model}"


def _database(settings: Settings, ledgers: list[Ledger]) -> str:
    ledgers.append(compose(settings))
    return f"{settings.database.url.split('@')[-1]} opened, tables are current"


def _workers(settings: Settings, ledgers: list[Ledger]) -> str:
    """Who executes runs. Nobody is no failure: it may not have been started yet."""
    if not ledgers:
        raise Failed("no-database", "without the database it is not known who executes runs")
    workers = ledgers[0].workers
    found = [
        f"{row['name']} on {row['host']} ({row['flow_version']}, {row['silent']:.0f} s ago)"
        for row in workers.living(settings.workers.dead_after_seconds)
    ]
    left = workers.count().get(("dead-with-runs",), 0)
    left_said = f"; runs of {left} that died wait to be taken over" if left else ""
    return (", ".join(found) or "none: start followthrough serve, or followthrough worker") + left_said


def _repository(repository: RepositorySettings) -> str:
    ours = mirror(repository.name)
    tip = ours.sync(repository.clone_url, repository.branch)
    files = ours.files(tip, ("100644", "100755"))
    if not any(path.startswith(repository.stacks + "/") for path in files):
        raise Failed("no-stacks", f"{repository.branch} has no folder {repository.stacks}/; set repository.stacks")
    for command in (repository.plan, repository.show, repository.apply):
        first = shlex.split(command)[0]
        if "/" in first and not first.startswith("/") and first not in files:
            raise Failed("no-wrapper", f"{repository.branch} has no file {first}; correct `{command}`")
    return f"{repository.branch} is at {tip[:7]}, {len(files)} files"


def _vault(settings: Settings) -> str:
    secret = vault.read_secret(settings.vault)
    fields = [settings.vault.ssh_key_field, *([settings.vault.api_key_field] if settings.vault.api_key_field else [])]
    for name in fields:
        vault.field(secret, name, settings.vault)
    return f"logged in as role {settings.vault.role}, read {', '.join(fields)}, token revoked"


@contextmanager
def _machine(settings: Settings, devvm: DevVMSettings, ledgers: list[Ledger]) -> Iterator[DevVM]:
    """The DevVM; the service is let know whether it could be used, where there is a database to say it in."""
    secret = vault.read_secret(settings.vault)
    key = vault.field(secret, settings.vault.ssh_key_field, settings.vault)
    client = pool.reach(ledgers[0], devvm, key) if ledgers else ssh.connect(devvm, key)
    with over(client, devvm.name) as machine:
        yield machine


def _cage(settings: Settings, devvm: DevVMSettings, ledgers: list[Ledger]) -> str:
    """Test it, whatever an earlier test said, and let the service know."""
    if settings.agent.cage_test == "off":
        return cage.OFF
    with _machine(settings, devvm, ledgers) as machine:
        installed = cage.look(machine, devvm, settings.agent.model)
        report = cage.check_cage(machine, devvm, settings.agent.model, installed)
    test = report.record(devvm.name)
    for ledger in ledgers:
        ledger.cages.keep(test)
    cage.refuse_broken(test)
    return f"{test.held} canaries held (Claude Code {test.version}, {report.seconds:.1f} s)"


def _devvm(settings: Settings, devvm: DevVMSettings, ledgers: list[Ledger]) -> str:
    with _machine(settings, devvm, ledgers) as machine:
        found = [_tools(machine), _workspace(machine, devvm), _agent(machine, devvm, settings.agent.model)]
        found += [_plan_command(machine, devvm, repository) for repository in settings.repository]
        found += [
            _promtool(machine, devvm, repository) for repository in settings.repository if repository.verify.promtool
        ]
    found += [_standing(settings, ledger, devvm.name) for ledger in ledgers]
    return "; ".join(found)


def _standing(settings: Settings, ledger: Ledger, name: str) -> str:
    """Its place in the pool, and what was wrong with it last."""
    standing = next(found for found in pool.standings(settings, ledger) if found.name == name)
    health = ledger.devvms.health(name)
    last = f", its last failure was {health.reason}" if health.reason else ""
    drained = ", drained: it gets no new run" if standing.is_drained else ""
    return f"up since {health.since}{last}, {standing.open_runs} open runs{drained}"


def _tools(machine: DevVM) -> str:
    for tool in ("git", "flock", "setsid", "timeout", "sha256sum", "find", "grep"):
        if machine.run(["sh", "-c", 'command -v "$1"', "sh", tool], codes=(0, 1, 127)).code:
            raise Failed("devvm-no-tool", f"{tool} is not installed there; install it")
    return machine.run(["git", "--version"]).text


def _workspace(machine: DevVM, devvm: DevVMSettings) -> str:
    place = devvm.workspace
    inside_home = f"{place}/".startswith(f"{machine.home}/")
    if inside_home:
        raise Failed(
            "workspace-in-home", f"the workspace {place} is inside HOME, which the agent may not read; move it"
        )
    done = machine.run(["mkdir", "-p", "-m", "700", place], codes=(0, 1))
    if done.code or machine.run(["test", "-w", place, "-a", "-O", place], codes=(0, 1)).code:
        raise Failed(
            "workspace-unusable", f"the workspace {place} is not this user's own; make it: mkdir -m 700 {place}"
        )
    machine.run(["chmod", "700", place])
    free = int(machine.run(["df", "-Pk", place]).text.splitlines()[-1].split()[3]) // 1024
    if free < 1024:
        raise Failed("workspace-full", f"the workspace {place} has {free} MiB left; at least 1024 are needed")
    return f"workspace {place} with {free} MiB free"


def _agent(machine: DevVM, devvm: DevVMSettings, model: str) -> str:
    done = machine.run([machine.path(devvm.claude), "--version"], codes=(0, 1, 125, 126, 127))
    version = re.match(r"(\d+\.\d+\.\d+)", done.text)
    if done.code or version is None:
        raise Failed("devvm-no-agent", f"{devvm.claude} does not run there; install Claude Code or set devvm.claude")
    note = "" if version[1] == TESTED_CLAUDE else f" (its cage was tested with {TESTED_CLAUDE})"
    return f"Claude Code {version[1]}{note}, model {model}"


def _plan_command(machine: DevVM, devvm: DevVMSettings, repository: RepositorySettings) -> str:
    first = shlex.split(repository.plan)[0]
    tool = "terraform" if "/" in first and not first.startswith("/") else first
    search = ["env", f"PATH={devvm.path}", "sh", "-c", 'command -v "$1"', "sh"]
    found = [
        t for t in dict.fromkeys((tool, "tofu", "terragrunt")) if not machine.run([*search, t], codes=(0, 1, 127)).code
    ]
    if not found:
        raise Failed("devvm-no-terraform", f"none of {tool}, tofu, terragrunt is on devvm.path ({devvm.path})")
    return f"{repository.plan} with {found[0]}"


def _promtool(machine: DevVM, devvm: DevVMSettings, repository: RepositorySettings) -> str:
    promtool = repository.verify.promtool
    if problem := rule_tools.rules_problem(machine, promtool, "groups: []\n", devvm.path):
        raise Failed("promtool-broken", f"{promtool} refuses rules that are empty: {problem}; install another")
    return f"{promtool} reads rules"


def _prometheus(settings: Settings, repository: RepositorySettings) -> str:
    with watching.open_prometheus(repository, vault.read_secret(settings.vault), settings.vault) as prometheus:
        return f"{repository.verify.prometheus} has {len(prometheus.rules())} rules loaded"


def _uptime_kuma(settings: Settings, repository: RepositorySettings) -> str:
    with watching.open_uptime_kuma(repository, vault.read_secret(settings.vault), settings.vault) as kuma:
        found = f"{repository.verify.uptime_kuma} has {len(kuma.monitors())} monitors"
    kept = f"the inventory is {repository.monitors}" if repository.monitors else "set repository.monitors to use it"
    return f"{found}; {kept}"


def _slack(settings: Settings) -> str:
    if settings.slack.channel:
        return _slack_bot(settings)
    url = settings.slack.webhook_url.get_secret_value()
    if not url:
        return "not configured: runs are told to nobody"
    try:
        answer = httpx.post(url, json={}, timeout=10)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
        raise Failed("slack-unreachable", f"no answer ({type(error).__name__}); check slack.webhook_url") from None
    if answer.status_code != 400 or answer.text.strip() not in _SLACK_ALIVE:
        raise Failed("slack-refused", f"it answered {answer.status_code} {answer.text[:60]!r}; make a new webhook")
    return "the webhook answers; nothing was posted"


def _slack_bot(settings: Settings) -> str:
    """The bot's token, and its channels as far as it may ask; nothing is posted."""
    bot = telling.bot(settings)
    name, team = bot.who()
    if settings.slack.team and team != settings.slack.team:
        raise Failed("slack-refused", f"the bot is of the workspace {team}, and slack.team is {settings.slack.team}")
    found = [
        _slack_channel(bot, channel)
        for channel in sorted({settings.slack.channel_for(""), *settings.slack.channels.values()})
    ]
    return f"the bot of {name} ({team}) answers; {', '.join(found)}; nothing was posted"


def _slack_channel(bot: slack.Bot, channel: str) -> str:
    try:
        known = bot.channel(channel)
    except Transient:
        raise
    except Failed as error:
        if "missing_scope" in str(error):
            return f"{channel} (not looked at: the token has no scope channels:read)"
        raise Failed("slack-refused", f"{error}; correct {channel} in slack.channel or slack.channels") from None
    if not known.get("is_member") or known.get("is_archived"):
        raise Failed("slack-refused", f"the bot is not in {channel}, or it is archived; invite it there")
    return f"#{known.get('name', channel)}"
