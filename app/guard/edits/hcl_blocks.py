"""Rules over which blocks an edit adds, changes or removes: HCL-00 to HCL-07, HCL-10, HCL-12, HCL-13."""

from __future__ import annotations

from collections.abc import Iterator

from app.guard.catalogue import matches
from app.guard.edits.hcl import Block
from app.guard.edits.hcl_delta import Folder, Pair, delta
from app.guard.edits.hcl_names import SECRET_DATA, changed_names, names_of
from app.guard.model import Edits, Found, Policy, Rule

_PROVISIONING = ("provisioner", "connection")
# helm_release pipes every manifest through this program, while it plans too.
_POST_RENDER = "postrender"
_NULL = ("null_resource", "null_data_source")
_STATE_MOVERS = ("moved", "removed", "import")
_MODULE_SOURCES = ("source", "version", "providers")


def _tops(edits: Edits) -> Iterator[Pair]:
    return (pair for pair in delta(edits).pairs if not pair.above)


def _unreadable(edits: Edits, policy: Policy) -> Iterator[Found]:
    yield from delta(edits).unreadable


def _data(edits: Edits, policy: Policy) -> Iterator[Found]:
    for pair in delta(edits).pairs:
        if pair.kind == "data" and pair.after and (not pair.above or pair.top.type == "check"):
            secret = not pair.block.labels or matches(pair.block.labels[0], SECRET_DATA)
            yield Found(pair.where, str(pair), "block" if secret else "needs-approval")


def _provisioning(edits: Edits, policy: Policy) -> Iterator[Found]:
    for pair in delta(edits).pairs:
        if pair.after is None:
            continue
        named = [label.lower() for label in pair.block.labels]
        if _POST_RENDER in (pair.kind, *(name for name, _, after in pair.arguments() if after)):
            yield Found(pair.where, f"{pair}: {_POST_RENDER}")
        elif pair.kind in _PROVISIONING or (not pair.above and named and named[0] in _NULL):
            yield Found(pair.where, str(pair))
    names = {change.path.rpartition("/")[2] for change in edits.changes}
    for folder in delta(edits).folders:
        yield from _used_by_provisioners(folder, names)


def _used_by_provisioners(folder: Folder, files: set[str]) -> Iterator[Found]:
    changed = changed_names(folder)
    for placed in folder.after:
        for block in _all_blocks(placed.block):
            if block.type not in _PROVISIONING and placed.block.labels[:1] != ("null_resource",):
                continue
            for expression in block.expressions():
                texts = [template.text for template in expression.templates]
                by_name = sorted(name for name in files if any(name in text for text in texts))
                for used in by_name + sorted(names_of(expression) & changed):
                    where = f"{placed.file}:{expression.line}"
                    yield Found(where, f"{used}, which a provisioner of {placed.block.name} uses, changed")


def _all_blocks(block: Block) -> Iterator[Block]:
    yield block
    for nested in block.blocks:
        yield from _all_blocks(nested)


def _provider(edits: Edits, policy: Policy) -> Iterator[Found]:
    yield from (Found(pair.where, str(pair)) for pair in _tops(edits) if pair.kind == "provider")


def _terraform(edits: Edits, policy: Policy) -> Iterator[Found]:
    yield from (Found(pair.where, str(pair)) for pair in _tops(edits) if pair.kind == "terraform")


def _module(edits: Edits, policy: Policy) -> Iterator[Found]:
    for pair in _tops(edits):
        if pair.kind != "module" or pair.after is None:
            continue
        if pair.before is None:
            yield Found(pair.where, str(pair))
        for name, _, _ in pair.arguments() if pair.before else ():
            if name in _MODULE_SOURCES:
                yield Found(pair.where, f"{pair}: {name}")


def _state(edits: Edits, policy: Policy) -> Iterator[Found]:
    yield from (Found(pair.where, str(pair)) for pair in _tops(edits) if pair.kind in _STATE_MOVERS)


def _lifecycle(edits: Edits, policy: Policy) -> Iterator[Found]:
    outer = (pair for pair in delta(edits).pairs if pair.above and pair.kind == "lifecycle")
    yield from (Found(pair.where, str(pair)) for pair in outer)


RULES: tuple[Rule[Edits], ...] = (
    Rule(
        "HCL-00",
        "every changed .tf file, before and after",
        "block",
        "what cannot be read exactly as terraform reads it cannot be judged",
        "Write plain HCL: UTF-8, no byte order mark, at most 512 KiB, one argument a line.",
        _unreadable,
    ),
    Rule(
        "HCL-01",
        "data blocks, those in check blocks too",
        "needs-approval",
        "a data source runs while terraform plans; some run programs, call servers or read secrets",
        "Use a value that is in the code already, or let a person add the data source.",
        _data,
    ),
    Rule(
        "HCL-02",
        "provisioner, connection, null_resource, and what existing ones use",
        "block",
        "a provisioner runs programs",
        "Describe the wish in the TODO's result; a person decides about programs that terraform runs.",
        _provisioning,
    ),
    Rule(
        "HCL-03",
        "provider blocks",
        "block",
        "a provider's configuration runs programs and decides which system is changed",
        "Leave providers as they are.",
        _provider,
    ),
    Rule(
        "HCL-04",
        "terraform blocks",
        "block",
        "they decide where the state is and which providers are downloaded",
        "Leave terraform blocks as they are.",
        _terraform,
    ),
    Rule(
        "HCL-05",
        "module blocks: new ones, and source, version, providers",
        "block",
        "a module is code from elsewhere that nobody judged here",
        "Change the ordinary arguments of the modules that are there.",
        _module,
    ),
    Rule(
        "HCL-06",
        "moved, removed and import blocks",
        "block",
        "they change the state without a trace in the counts of a plan",
        "A person moves, forgets and imports.",
        _state,
    ),
    Rule(
        "HCL-07",
        "lifecycle blocks, wherever they stand",
        "block",
        "they hold the protection from being destroyed, ignored changes and forced replacement",
        "Leave lifecycle blocks as they are.",
        _lifecycle,
    ),
)
