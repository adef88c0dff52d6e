"""`followthrough monitors`: an inventory compared with Uptime Kuma, brought there, or made from what it has."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from app.cli.console import console
from app.cli.files import read_file
from app.edges import vault
from app.edges.uptime_kuma import Brought, Heartbeat, UptimeKuma
from app.errors import BadInput, Failed, FollowthroughError, Transient
from app.guard.monitors.forms import schema
from app.guard.monitors.inventory import Monitor, read, same_name, write
from app.guard.monitors.plan import Known, Step, entry_of, plan
from app.guard.monitors.targets import target_problem
from app.redact import redact, secret_shapes
from app.settings import RepositorySettings, Settings

_WORDS = {"create": "to create", "adopt": "there otherwise", "same": "there"}


@dataclass(frozen=True)
class Done:
    """What came of one entry: brought and listened to, or the failure in words."""

    monitor: Monitor
    brought: Brought | None = None
    heartbeat: Heartbeat | None = None
    link: str = ""
    failure: str = ""

    @property
    def up(self) -> bool | None:
        """What its heartbeat says of what the entry names; None when nothing was seen."""
        elsewhere = self.brought is not None and self.brought.elsewhere
        return None if self.heartbeat is None or elsewhere else self.heartbeat.up


def print_plan(settings: Settings, name: str, file: Path | None, as_json: bool) -> int:
    """Print what each entry comes to. Returns 0."""
    repository = _repository(settings, name)
    wanted = _inventory(repository, file)
    with _uptime_kuma(settings, repository) as uptime_kuma:
        steps = plan(wanted, uptime_kuma.monitors())
    _warn(wanted)
    if as_json:
        _print_json([_step(one) for one in steps])
        return 0
    table = Table("", "Monitor", "Type", "Target", "In Uptime Kuma", box=None, pad_edge=False)
    for one in steps:
        there = f"id {one.known.id}; {'; '.join(one.differs)}".rstrip("; ") if one.known else ""
        cells = (one.action, one.monitor.name, one.monitor.type, one.monitor.target, there)
        table.add_row(*(Text(redact(cell)) for cell in cells))
    console.print(table)
    counts = [f"{sum(one.action == action for one in steps)} {word}" for action, word in _WORDS.items()]
    console.print(", ".join(counts))
    return 0


def apply_monitors(settings: Settings, name: str, file: Path | None, as_json: bool) -> int:
    """Bring every entry and wait for its heartbeat. Returns 0 all up, 4 some down or not seen, 1 failed."""
    repository = _repository(settings, name)
    wanted = _inventory(repository, file)
    _warn(wanted)
    with _uptime_kuma(settings, repository) as uptime_kuma:
        brought = [_bring(uptime_kuma, monitor) for monitor in wanted]
        _note(f"waiting for heartbeats, {repository.verify.minutes:g} minutes at most")
        deadline = time.monotonic() + repository.verify.minutes * 60
        done = [_listen(uptime_kuma, one, deadline) for one in brought]
    if as_json:
        _print_json([_done(one) for one in done])
    else:
        for one in done:
            console.print(redact(_line(one)), markup=False, soft_wrap=True)
    if any(one.failure for one in done):
        return 1
    return 0 if all(one.up for one in done) else 4


def import_monitors(settings: Settings, name: str, output: Path | None, yes: bool) -> int:
    """Write the inventory of what Uptime Kuma has, and say on standard error what it cannot say. Returns 0."""
    repository = _repository(settings, name)
    if output is not None and output.exists() and not yes:
        raise BadInput("file-exists", f"writing {output}: it is there already; --yes replaces it")
    with _uptime_kuma(settings, repository) as uptime_kuma:
        data = write(_entries(uptime_kuma.monitors()))
    if output is None:
        sys.stdout.write(data.decode())
        return 0
    try:
        output.write_bytes(data)
    except OSError as error:
        raise BadInput("not-writable", f"writing {output}: {error.strerror}") from None
    return 0


def print_schema() -> int:
    """Print the JSON Schema of the inventory. Returns 0."""
    _print_json(schema())
    return 0


def _repository(settings: Settings, name: str) -> RepositorySettings:
    if name:
        found = settings.repository_named(name)
        if found is None:
            raise BadInput("unknown-repository", f"looking for {name}: no [[repository]] has this name")
    else:
        candidates = [r for r in settings.repository if r.verify.uptime_kuma]
        if len(candidates) > 1:
            raise BadInput("which-repository", "several repositories have an Uptime Kuma; name one with --repository")
        found = candidates[0] if candidates else None
    if found is None or not found.verify.uptime_kuma:
        why = "no Uptime Kuma is configured; set uptime_kuma under [repository.verify]"
        raise BadInput("no-uptime-kuma", f"looking for Uptime Kuma: {why}")
    return found


def _inventory(repository: RepositorySettings, file: Path | None) -> tuple[Monitor, ...]:
    if file is None and not repository.monitors:
        raise BadInput("no-inventory", "looking for the inventory: name it with --file or set repository.monitors")
    path = file or Path(repository.monitors)
    try:
        return read(read_file(path))
    except BadInput as error:
        if error.reason == "file-unreadable":
            raise
        raise BadInput(error.reason, f"reading {path}: {error}") from None


@contextmanager
def _uptime_kuma(settings: Settings, repository: RepositorySettings) -> Iterator[UptimeKuma]:
    """A session with the credentials that Vault has."""
    secret = vault.read_secret(settings.vault)
    user = vault.field(secret, settings.vault.uptime_kuma_user_field, settings.vault)
    password = vault.field(secret, settings.vault.uptime_kuma_password_field, settings.vault)
    with UptimeKuma(repository.verify.uptime_kuma, user, password) as session:
        yield session


def _bring(uptime_kuma: UptimeKuma, monitor: Monitor) -> Done:
    try:
        brought = uptime_kuma.bring(monitor)
    except Transient:
        raise
    except Failed as error:
        return Done(monitor, failure=str(error))
    return Done(monitor, brought, link=uptime_kuma.link(brought.id))


def _listen(uptime_kuma: UptimeKuma, one: Done, deadline: float) -> Done:
    """What it sees; of one that was there before the newest heartbeat is good enough."""
    if one.brought is None:
        return one
    # Nobody knows the address of a new push monitor yet, so that nobody can have called it.
    within = 0 if one.monitor.type == "push" else max(deadline - time.monotonic(), 0)
    try:
        heartbeat = uptime_kuma.heartbeat(one.brought.id, within)
    except FollowthroughError as error:
        return Done(one.monitor, one.brought, link=one.link, failure=str(error))
    return Done(one.monitor, one.brought, heartbeat, one.link)


def _entries(known: Sequence[Known]) -> list[Monitor]:
    entries: dict[str, Monitor] = {}
    for one in known:
        told = f"id {one.id} {one.name!r} ({one.type})"
        try:
            entry = entry_of(one)
        except BadInput as error:
            _note(f"left out {told}: {error}")
            continue
        if same_name(entry.name) in entries:
            _note(f"left out {told}: another monitor has this name")
        elif any(True for _ in secret_shapes(entry.target)):
            _note(f"left out {told}: its target holds what looks like a secret")
        else:
            entries[same_name(entry.name)] = entry
            if one.beyond:
                _note(f"{told} has more than an inventory says: {', '.join(one.beyond)}")
    return list(entries.values())


def _warn(monitors: Sequence[Monitor]) -> None:
    for monitor in monitors:
        if problem := target_problem(monitor):
            _note(f"{monitor.name!r}: {problem}; an agent could not add it")


def _line(one: Done) -> str:
    if one.brought is None or one.heartbeat is None:
        return f"failed   {one.monitor.name}: {one.failure}"
    seen = {True: "up", False: "DOWN", None: "not seen"}[one.up]
    differs = f" [{'; '.join(one.brought.differs)}]" if one.brought.differs else ""
    said = f" ({one.heartbeat.message})" if one.heartbeat.message else ""
    return f"{one.brought.how:<8} {one.brought.id} {one.monitor.name}: {seen}{said}{differs} {one.link}"


def _step(one: Step) -> dict[str, Any]:
    known = {"id": one.known.id, "name": one.known.name} if one.known else None
    return {"action": one.action, "monitor": asdict(one.monitor), "known": known, "differs": list(one.differs)}


def _done(one: Done) -> dict[str, Any]:
    return {
        "name": one.monitor.name,
        "id": one.brought.id if one.brought else None,
        "how": one.brought.how if one.brought else "failed",
        "differs": list(one.brought.differs) if one.brought else [],
        "up": one.up,
        "message": redact(one.failure or (one.heartbeat.message if one.heartbeat else "")),
        "at": one.heartbeat.at if one.heartbeat else "",
        "link": one.link,
    }


def _note(text: str) -> None:
    print(f"followthrough: {redact(text)}", file=sys.stderr)  # noqa: T201


def _print_json(value: Any) -> None:
    print(json.dumps(value, indent=2, ensure_ascii=False))  # noqa: T201
