"""Rules over the inventory of monitors: MON-01 to MON-06. They hold where `policy.monitors` names one."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from app.errors import BadInput
from app.guard.model import Change, Edits, Found, Policy, Rule
from app.guard.monitors.inventory import Monitor, read, same_name
from app.guard.monitors.plan import watched
from app.guard.monitors.targets import target_problem

_MOST_ADDED = 3


def place_problem(path: str, policy: Policy) -> str | None:
    """Why a path is not for a TODO of this type, None when it is, or when there is no inventory."""
    if not policy.monitors:
        return None
    if path == policy.monitors and policy.todo_type not in ("Monitor", None):
        return f"a TODO of type {policy.todo_type} has no business in the inventory of monitors"
    if path != policy.monitors and policy.todo_type == "Monitor":
        return f"monitors of this repository stand in {policy.monitors}"
    return None


def added(edits: Edits, policy: Policy) -> tuple[Monitor, ...]:
    """The entries that an edit adds to the inventory; none where it cannot be read or is not touched."""
    sides = _sides(edits, policy)
    if sides is None:
        return ()
    before = {same_name(monitor.name) for monitor in sides[0]}
    return tuple(monitor for monitor in sides[1] if same_name(monitor.name) not in before)


def _change(edits: Edits, policy: Policy) -> Change | None:
    return next((c for c in edits.changes if policy.monitors and c.path == policy.monitors), None)


@lru_cache(maxsize=8)
def _read(data: bytes | None) -> tuple[Monitor, ...] | str:
    """The monitors of a file, none of an absent one; what is wrong with it where it cannot be read."""
    try:
        return read(data) if data is not None else ()
    except BadInput as error:
        return str(error)


def _sides(edits: Edits, policy: Policy) -> tuple[tuple[Monitor, ...], tuple[Monitor, ...]] | None:
    change = _change(edits, policy)
    before, after = (_read(change.base), _read(change.head)) if change else ("", "")
    return None if isinstance(before, str) or isinstance(after, str) else (before, after)


def _places(edits: Edits, policy: Policy) -> Iterator[Found]:
    for change in edits.changes:
        if why := place_problem(change.path, policy):
            yield Found(change.path, why)


def _readable(edits: Edits, policy: Policy) -> Iterator[Found]:
    change = _change(edits, policy)
    if change is None:
        return
    if isinstance(problem := _read(change.head), str):
        yield Found(change.path, problem)
    elif isinstance(problem := _read(change.base), str):
        yield Found(change.path, f"what it held before cannot be read: {problem}")


def _additions(edits: Edits, policy: Policy) -> Iterator[Found]:
    sides = _sides(edits, policy)
    if sides is None:
        return
    before, after = sides
    there = {same_name(monitor.name): monitor for monitor in after}
    for monitor in before:
        now = there.get(same_name(monitor.name))
        if now is None:
            yield Found(f"{policy.monitors}: {monitor.name}", "it was removed or renamed")
        elif now != monitor:
            fields = [name for name in monitor.__dataclass_fields__ if getattr(now, name) != getattr(monitor, name)]
            yield Found(f"{policy.monitors}: {monitor.name}", f"it was there and changed in {', '.join(fields)}")
    known = {same_name(monitor.name) for monitor in before}
    kept = [same_name(monitor.name) for monitor in after if same_name(monitor.name) in known]
    if kept != [name for name in map(same_name, (m.name for m in before)) if name in there]:
        yield Found(policy.monitors, "entries that were there changed places")


def _few(edits: Edits, policy: Policy) -> Iterator[Found]:
    count = len(added(edits, policy))
    if count > _MOST_ADDED:
        yield Found(policy.monitors, f"{count} monitors were added, at most {_MOST_ADDED} may be")
    if _sides(edits, policy) is not None and count == 0:
        yield Found(policy.monitors, "it was edited and no monitor was added")


def _targets(edits: Edits, policy: Policy) -> Iterator[Found]:
    for monitor in added(edits, policy):
        if problem := target_problem(monitor):
            yield Found(f"{policy.monitors}: {monitor.name}", problem)


def _doubles(edits: Edits, policy: Policy) -> Iterator[Found]:
    fresh = added(edits, policy)
    if not fresh:
        return
    names = {same_name(monitor.name) for monitor in fresh}
    seen = {watched(m): m for m in reversed((_sides(edits, policy) or ((), ()))[0]) if m.type != "push"}
    for monitor in (m for m in fresh if m.type != "push"):
        first = seen.setdefault(watched(monitor), monitor)
        if first is not monitor:
            word = "is added by the same edit" if same_name(first.name) in names else "exists"
            what = f"the monitor {first.name!r}, which watches the same {monitor.type} {monitor.target}, {word}"
            yield Found(f"{policy.monitors}: {monitor.name}", what)


RULES: tuple[Rule[Edits], ...] = (
    Rule(
        "MON-01",
        "changed paths, where the repository has an inventory of monitors",
        "block",
        "a TODO of type Monitor adds to the inventory and edits nothing else, and no other TODO touches it",
        "Add the monitor to the inventory, or declare the TODO as what it is.",
        _places,
    ),
    Rule(
        "MON-02",
        "the form of the inventory",
        "block",
        "a file that programs read differently, or not at all, brings other monitors than a reader sees",
        "Keep to the published schema: plain YAML, one key `monitors`, known fields, each name once.",
        _readable,
    ),
    Rule(
        "MON-03",
        "entries of the inventory that were there",
        "block",
        "a machine adds monitors; one that is gone or weaker lets the next outage pass unseen",
        "Leave every entry as and where it is; a person removes, renames and changes them.",
        _additions,
    ),
    Rule(
        "MON-04",
        "the number of monitors that are added",
        "needs-approval",
        "a TODO asks for a monitor or two, and many are read by a person",
        "Add what the TODO names and no more.",
        _few,
    ),
    Rule(
        "MON-05",
        "targets of the monitors that are added",
        "block",
        "a monitor makes Uptime Kuma call from inside, and metadata services answer to whoever calls from there",
        "Name the host, private address or service of the cluster that people use, without credentials.",
        _targets,
    ),
    Rule(
        "MON-06",
        "what the added monitors watch",
        "block",
        "the same thing watched twice says nothing more and wakes people twice",
        "Say in the post-mortem that the monitor exists, by its name.",
        _doubles,
    ),
)
