"""Rules over what stands in added and changed expressions: HCL-08, HCL-09, HCL-11."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from app.guard.edits.hcl import Block, Call, Expression, Template
from app.guard.edits.hcl_delta import Folder, Pair, delta
from app.guard.edits.hcl_names import added, changed_names, is_secret, known_of, names_of, secrets_of
from app.guard.model import Edits, Found, Policy, Rule

# Terraform's functions that depend on their arguments alone and hide nothing. Whatever is not here reads files, asks
# the clock or chance, takes marks away, or is not known: it blocks.
_PURE = frozenset({
    "abs", "alltrue", "anytrue", "base64decode", "base64encode", "base64gunzip", "base64gzip", "base64sha256",
    "base64sha512", "basename", "can", "ceil", "chomp", "chunklist", "cidrcontains", "cidrhost", "cidrnetmask",
    "cidrsubnet", "cidrsubnets", "coalesce", "coalescelist", "compact", "concat", "contains", "csvdecode",
    "dirname", "distinct", "element", "endswith", "flatten", "floor", "format", "formatdate", "formatlist",
    "indent", "index", "join", "jsondecode", "jsonencode", "keys", "length", "list", "log", "lookup", "lower",
    "map", "matchkeys", "max", "md5", "merge", "min", "one", "parseint", "pow", "range", "regex", "regexall",
    "replace", "reverse", "setintersection", "setproduct", "setsubtract", "setunion", "sha1", "sha256", "sha512",
    "signum", "slice", "sort", "split", "startswith", "strcontains", "strrev", "substr", "sum", "textdecodebase64",
    "textencodebase64", "timeadd", "timecmp", "title", "tobool", "tolist", "tomap", "tonumber", "toset", "tostring",
    "transpose", "trim", "trimprefix", "trimspace", "trimsuffix", "try", "upper", "urldecode", "urlencode",
    "uuidv5", "values", "yamldecode", "yamlencode", "zipmap",
})  # fmt: skip
# Those whose first argument names what they read: with that argument as it was, the others may change.
_READERS = frozenset({
    "file", "filebase64", "filebase64sha256", "filebase64sha512", "fileexists", "filemd5", "fileset", "filesha1",
    "filesha256", "filesha512", "templatefile", "templatestring",
})  # fmt: skip
_CREDENTIAL_FILE = re.compile(
    r"\.vault-token|\.ssh/|\.aws/|\.kube/|\.docker/config|\.netrc|\.git-credentials|\.claude|id_(rsa|ed25519|ecdsa)"
    r"|/etc/(shadow|passwd|sudoers)|/proc/(self|\d+)/|/var/run/secrets/|(^|/)\.env$",
    re.IGNORECASE,
)
_URL = re.compile(r"[a-z][a-z0-9+.-]*://(?P<host>[^/\s\"'?#\\<>]*)", re.IGNORECASE)
_GLUE = frozenset({"format", "formatlist", "join", "replace", "templatestring", "urlencode"})
_ROOTS = frozenset({"var", "local", "data", "module", "ephemeral"})
_REPEATED = ("each", "count")


def _calls(edits: Edits, policy: Policy) -> Iterator[Found]:
    for pair in delta(edits).pairs:
        for name, before, after in pair.arguments():
            if after is None:
                continue
            kept = [_signature(call) for call in before.calls] if before else []
            for what in added(kept, [_signature(call) for call in after.calls if call.name not in _PURE]):
                yield _at(pair, name, after, what)
            words = [t.text for t in before.templates] if before else []
            for text in added(words, [t.text for t in after.templates]):
                if path := _CREDENTIAL_FILE.search(text):
                    yield _at(pair, name, after, f"the path of a credential ({path[0]})")
    for folder in delta(edits).folders:
        yield from _fed(folder)


def _at(pair: Pair, name: str, expression: Expression, what: str) -> Found:
    return Found(f"{pair.file}:{expression.line}", f"{pair}: {name} gets {what}")


def _signature(call: Call) -> str:
    shown = call.arguments[0].text if call.name in _READERS and call.arguments else ""
    return f"{call.name}({shown})" if shown else f"{call.name}()"


def _fed(folder: Folder) -> Iterator[Found]:
    """Calls that stand where they stood, and read another file now because a value that names it changed."""
    changed = changed_names(folder)
    for placed in folder.after if changed else ():
        for block in _all(placed.block):
            repeated = [e for name, e in block.attributes if name in ("count", "for_each")]
            for _, expression in block.attributes:
                for call in expression.calls:
                    names = _decides(call, expression, repeated) & changed
                    if call.name not in _PURE and names:
                        where = f"{placed.file}:{expression.line}"
                        yield Found(where, f"{call.name}() depends on {', '.join(sorted(names))}, which changed")


def _decides(call: Call, whole: Expression, repeated: list[Expression]) -> frozenset[str]:
    """The names that decide what a call reads; those of the whole expression when its path runs through a loop."""
    path = call.arguments[0] if call.arguments else None
    if path is None:
        return frozenset()
    roots = {reference.split(".")[0] for reference in path.references}
    looped = roots & whole.bound
    names = names_of(whole) if looped else names_of(path)
    for expression in repeated if roots & set(_REPEATED) else ():
        names |= names_of(expression)
    return names


def _all(block: Block) -> Iterator[Block]:
    yield block
    for nested in block.blocks:
        yield from _all(nested)


def _urls(edits: Edits, policy: Policy) -> Iterator[Found]:
    for folder in delta(edits).folders:
        known = frozenset(_hosts(t for p in folder.before for e in p.block.expressions() for t in e.templates))
        bases = frozenset(_foreign_bases(folder, known))
        for pair in folder.pairs:
            if pair.kind == "data" and pair.after and pair.top.type == "check":
                yield Found(pair.where, f"{pair}: a check asks something outside while terraform plans")
            for name, before, after in pair.arguments():
                old = set(_carriers(before)) if before else set()
                for text in dict.fromkeys(_carriers(after)) if after else ():
                    hosts = [host for host in _URL.findall(text) if _foreign(host, known)]
                    if hosts and after and text not in old:
                        yield _at(pair, name, after, f"an address at {hosts[0]} that carries values along")
                if after and _continues(after, bases):
                    yield _at(pair, name, after, "an address that begins with a new local and carries values along")


def _foreign_bases(folder: Folder, known: frozenset[str]) -> Iterator[str]:
    """`local.x` for every added or changed local that holds an address at a host which the folder did not have."""
    for pair in folder.pairs:
        if pair.block.type == "locals" and pair.after:
            texts = [template for expression in pair.after.expressions() for template in expression.templates]
            if any(_foreign(host, known) for host in _hosts(texts)):
                yield f"local.{pair.block.labels[0]}"


def _continues(expression: Expression, bases: frozenset[str]) -> bool:
    names = names_of(expression)
    return bool(names & bases) and bool(names - bases) and any(True for _ in _carriers(expression))


def _carriers(expression: Expression) -> Iterator[str]:
    """The texts of an expression into which values are put."""
    yield from (template.text for template in expression.templates if "${}" in template.text)
    for call in expression.calls:
        if call.name in _GLUE and any(argument.references for argument in call.arguments):
            yield from (template.text for argument in call.arguments for template in argument.templates)


def _hosts(templates: Iterable[Template]) -> Iterator[str]:
    return (host for template in templates for host in _URL.findall(template.text))


def _foreign(host: str, known: frozenset[str]) -> bool:
    """Whether the edit names a host: none that the folder had, none inside of the cluster, none made of values."""
    name = host.rpartition("@")[2].partition(":")[0]
    inside = name.endswith(("${}", ".svc", ".svc.cluster.local")) or name in ("localhost", "127.0.0.1")
    return bool(name) and host not in known and not inside


def _secrets(edits: Edits, policy: Policy) -> Iterator[Found]:
    for folder in delta(edits).folders:
        secrets, known = secrets_of(folder), known_of(folder)
        for pair in folder.pairs:
            loops = _secret_loops(pair, partial(is_secret, secrets=secrets, known=known, folder=folder))
            for name, before, after in pair.arguments():
                for reference in added(before.references if before else (), after.references) if after else ():
                    root = reference.split(".")[0]
                    if after is None or (root in after.bound and root not in _ROOTS):
                        continue
                    if root in loops or is_secret(reference, secrets, known, folder):
                        yield _at(pair, name, after, f"{reference}, which is or may be a secret")


def _secret_loops(pair: Pair, is_one: Callable[[str], bool]) -> frozenset[str]:
    """The words by which a block and the blocks around it go through a secret: `each`, a dynamic block's label."""
    words: set[str] = set()
    for block in (*pair.above, pair.block):
        source = block.get("for_each")
        if source and any(is_one(reference) for reference in source.references):
            iterator = block.get("iterator")
            words |= {"each"} if block.type != "dynamic" else {*block.labels, iterator.text if iterator else ""}
    return frozenset(words)


RULES: tuple[Rule[Edits], ...] = (
    Rule(
        "HCL-08",
        "function calls and paths in added and changed expressions",
        "block",
        "a function that reads files, asks the clock or chance or takes marks away makes a plan say what nobody judged",
        "Use pure functions; of a templatefile() that is there, change the values and leave the path.",
        _calls,
    ),
    Rule(
        "HCL-09",
        "check blocks with data, and added addresses with values in them",
        "block",
        "an address that is put together from values can carry them to anybody",
        "Write the whole address as a literal, or use a host that the stack names already.",
        _urls,
    ),
    Rule(
        "HCL-11",
        "added references to variables, locals, data and resources that hold secrets",
        "block",
        "a secret that is referred to in one more place is known in one more place",
        "Leave the use of secrets to people; declare a variable before it is used.",
        _secrets,
    ),
)
