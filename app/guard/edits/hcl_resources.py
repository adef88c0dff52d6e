"""Rules over what may be created, taken away and declared: HCL-10, HCL-12, HCL-13."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.guard.catalogue import matches, never_by_machine
from app.guard.edits.hcl_delta import Pair, delta
from app.guard.model import Edits, Found, Policy, Rule

_META = ("count", "for_each", "depends_on", "provider")
_KIND = re.compile(r"""["']?\bkind\b["']?\s*[=:]\s*["']?([A-Za-z]+)""", re.IGNORECASE)
_KNOWN_BLOCKS = frozenset({
    "resource", "locals", "variable", "output", "module", "data", "provider", "terraform", "moved", "removed", "import",
    "check",
})  # fmt: skip
# Besides the catalogue's: types that give somebody power by any provider's name for it, that decide where names lead,
# and that run or write something on the machine where terraform runs.
_NEVER = (
    "*_role", "*_user", "*_user_*", "*_zone", "*_dns_zone*", "*_hosted_zone*", "local_*", "remote_*", "ssh_*",
    "shell_*", "system_*", "command_*", "external*", "http*", "null_*",
)  # fmt: skip


def powerful_kind(kind: str) -> bool:
    """Whether a Kubernetes kind gives power, holds secrets or opens doors."""
    return never_by_machine("kubernetes_manifest", [{"kind": kind}]) is not None


def _removals(edits: Edits, policy: Policy) -> Iterator[Found]:
    for pair in delta(edits).pairs:
        if pair.after is None:
            local = pair.block.type == "locals"
            if not local and (not pair.above or not pair.orphan):
                yield Found(pair.where, str(pair))
        elif pair.before is not None:
            yield from _arguments_taken_away(pair)


def _arguments_taken_away(pair: Pair) -> Iterator[Found]:
    """Arguments that decide how many there are, and such as fall back to a default that nobody sees."""
    decides = not pair.above or pair.block.type == "dynamic"
    metas = [name for name, _, _ in pair.arguments() if decides and name in _META]
    if metas:
        yield Found(pair.where, f"{pair}: {', '.join(metas)}")
    gone = [name for name, _, after in pair.arguments() if after is None and name not in metas]
    if gone:
        yield Found(pair.where, f"{pair}: {', '.join(gone)} taken away", "needs-approval")


def _declarations(edits: Edits, policy: Policy) -> Iterator[Found]:
    for pair in delta(edits).pairs:
        if not pair.above and pair.block.type not in _KNOWN_BLOCKS:
            yield Found(pair.where, f"{pair} (no block type that is known here)")
        if pair.after is None:
            continue
        write_only = [name for name, _, after in pair.arguments() if after and _write_only(name)]
        if write_only:
            yield Found(pair.where, f"{pair}: {', '.join(write_only)} leave no trace in a plan")
        if not pair.above and pair.block.type == "variable":
            yield from _variable(pair)
        if not pair.above and pair.block.type == "output":
            yield from _output(pair)


def _write_only(name: str) -> bool:
    return name.endswith(("_wo", "_wo_version"))


def _variable(pair: Pair) -> Iterator[Found]:
    """A variable may come with its default; without one its value would come from outside of what is judged."""
    changed = {name for name, _, _ in pair.arguments()}
    if pair.before is None:
        if pair.block.get("default") is None:
            yield Found(pair.where, f"{pair} without a default")
        changed -= {"sensitive", "type", "nullable"}
    if flags := sorted(changed & {"sensitive", "ephemeral"}):
        yield Found(pair.where, f"{pair}: {', '.join(flags)}")
    if pair.before and (shape := sorted(changed & {"type", "nullable"})):
        yield Found(pair.where, f"{pair}: {', '.join(shape)}", "needs-approval")
    default = [(old, new) for name, old, new in pair.arguments() if name == "default"]
    if pair.before and any(old is None or new is None for old, new in default):
        yield Found(pair.where, f"{pair}: default")


def _output(pair: Pair) -> Iterator[Found]:
    """An output is read by other stacks and by people, and stands in the state."""
    changed = {name for name, _, _ in pair.arguments()} - {"description"}
    if flags := sorted(changed & {"ephemeral"} | (changed & {"sensitive"} if pair.before else set())):
        yield Found(pair.where, f"{pair}: {', '.join(flags)}")
    elif pair.before is None or changed:
        yield Found(pair.where, str(pair), "needs-approval")


def _creations(edits: Edits, policy: Policy) -> Iterator[Found]:
    allowed = policy.creates.get(policy.todo_type or "Config", ())
    for pair in delta(edits).pairs:
        if kinds := _kinds(pair):
            yield Found(pair.where, f"{pair}: {', '.join(kinds)}", "block")
        if pair.above or pair.before or pair.block.type != "resource":
            continue
        name = pair.block.labels[0] if pair.block.labels else ""
        if not name or matches(name, _NEVER) or never_by_machine(name, [{"kind": ""}]):
            yield Found(pair.where, str(pair), "block")
        elif not matches(name, allowed):
            yield Found(pair.where, str(pair))


def _kinds(pair: Pair) -> list[str]:
    """The powerful kinds of Kubernetes that an edit writes into a manifest, in whatever notation."""
    pairs = list(pair.arguments())
    old = {kind for _, before, _ in pairs if before for kind in _KIND.findall(before.text)}
    new = {kind for _, _, after in pairs if after for kind in _KIND.findall(after.text)}
    return sorted(kind for kind in new - old if powerful_kind(kind))


RULES: tuple[Rule[Edits], ...] = (
    Rule(
        "HCL-10",
        "removed blocks and arguments; count, for_each, depends_on and provider of existing ones",
        "block",
        "what is taken away is destroyed, and these arguments decide how many there are",
        "Add or change arguments; a person removes.",
        _removals,
    ),
    Rule(
        "HCL-12",
        "block types, write-only arguments, variables, outputs",
        "block",
        "what is not known here, leaves no trace in a plan or comes from outside of the code cannot be judged",
        "Use resources, locals, variables with a default, and checks without data.",
        _declarations,
    ),
    Rule(
        "HCL-13",
        "new resources by their type, and the kinds in manifests",
        "needs-approval",
        "each type of TODO creates what the policy lists for it, and nothing that gives power or opens doors",
        "Change the arguments of existing resources, or ask the operator to list the type.",
        _creations,
    ),
)
