"""Every reason code that the code can give, found by walking its syntax trees; app/reasons says each in words.

A code is a string in a place of a call that is known to take one (`SINKS`), or any hyphenated string of a module that
speaks in codes (`WHOLE`), but for the words of `OTHER_WORDS`, which are outcomes, kinds of checks and the like.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from tests.deploy.files import ROOT

# The call's name -> where its reason stands among the positional arguments: failures, then other answers.
FAILURES = {"BadInput": 0, "Refused": 0, "Failed": 0, "Transient": 0, "Unknown": 0, "Rejected": 1, "Denied": 1}
SINKS = FAILURES | {"Decision": 1, "Check": 4, "_answer": 2}
# Calls that take a reason among other words, and keywords that take one.
AMONG_OTHERS = ("conclude", "finish", "finish_todo", "_record", "__init__")
KEYWORDS = ("reason", "hold")
# Names that are given one, or a table of them.
NAMES = ("reason", "code", "why_not", "_PLAIN", "_REASONS")
# Modules that hand codes around: returned, assigned, kept in a table.
WHOLE = (
    "app/agent/events.py",
    "app/documents/classify.py",
    "app/documents/extract.py",
    "app/documents/found.py",
    "app/documents/parse.py",
    "app/documents/rows.py",
    "app/documents/sections.py",
    "app/guard/alerts/live.py",
    "app/guard/money.py",
    "app/guard/push.py",
    "app/ledger/deliveries.py",
    "app/ledger/tips.py",
    "app/web/access.py",
    "app/web/login.py",
    "app/web/proofs.py",
    "pipelines/ending.py",
    "pipelines/intake.py",
    "pipelines/watching.py",
)
OUTCOMES = {"awaiting-approval", "needs-human"}
OTHER_WORDS = OUTCOMES | {
    "prometheus-query",
    "prometheus-rule",
    "uptime-kuma",
    "needs-approval",
    "to-do",
    "utf-8",
    "no-store",
}
# Codes that are put together, and everything that they become.
SPELT = {
    "already-{settled}": ("done", "unknown", "refused", "awaiting-approval", "needs-human"),
    "{what}-not-seen": ("alert", "monitor"),
}
_CODE = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)+")
_ONE_WORD = re.compile(r"[a-z]+")


def codes() -> dict[str, str]:
    """Every code with the first module that gives it, as a path from the repository's root."""
    found: dict[str, str] = {}
    for module in modules():
        path = str(module.relative_to(ROOT))
        for code in _of_module(ast.parse(module.read_text()), path):
            if code not in OTHER_WORDS:
                found.setdefault(code, path)
    return found


def modules() -> list[Path]:
    """All of the code that can give a reason."""
    every = [*ROOT.glob("app/**/*.py"), *ROOT.glob("pipelines/**/*.py")]
    return sorted(m for m in every if m.parent != ROOT / "app/reasons" and "migrations" not in m.parts)


def unspelt() -> Iterator[str]:
    """Failures whose reason nobody can find: it is neither written there, nor in a name of the module or an argument of
    the function that raises it, nor another failure's that is passed on."""
    for module in modules():
        path, tree = str(module.relative_to(ROOT)), ast.parse(module.read_text())
        known = {name for name, _ in _assigned(tree)}
        handed = {id(call) for _, call in _handed_on(tree)}
        for call in _calls(tree):
            if _name(call) in FAILURES and path not in WHOLE and id(call) not in handed and not _is_spelt(call, known):
                yield f"{path}:{call.lineno}"


def _is_spelt(call: ast.Call, known: set[str]) -> bool:
    given = _reason(call)
    if isinstance(given, ast.Attribute):
        return given.attr == "reason"
    return given is not None and (any(_strings(given)) or (isinstance(given, ast.Name) and given.id in known))


def _of_module(tree: ast.Module, path: str) -> Iterator[str]:
    takers = {*AMONG_OTHERS, *(function for function, _ in _handed_on(tree))}
    for call in _calls(tree):
        given = _reason(call)
        if given is not None:
            yield from _strings(given)
        if _name(call) in takers:
            handed = [*call.args, *(keyword.value for keyword in call.keywords)]
            yield from (s for argument in handed for s in _strings(argument) if _CODE.fullmatch(s))
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield from _put_together(node)
        if isinstance(node, ast.Dict):
            yield from _answered(node)
    yield from (code for _, code in _assigned(tree))
    if path in WHOLE:
        yield from (s for s in _strings(tree) if _CODE.fullmatch(s))


def _assigned(tree: ast.Module) -> Iterator[tuple[str, str]]:
    """The codes that a name of `NAMES` is given, each with that name: reason = "one" if so else "other"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for name in (target.id for target in node.targets if isinstance(target, ast.Name)):
                if name in NAMES:
                    yield from ((name, code) for code in _strings(node.value) if _CODE.fullmatch(code))


def _handed_on(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    """Functions that raise with a reason that they are given, each with the call that makes the failure."""
    for function in ast.walk(tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            given = {argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)}
            for call in _calls(function):
                reason = _reason(call)
                if _name(call) in FAILURES and isinstance(reason, ast.Name) and reason.id in given:
                    yield function.name, call


def _answered(node: ast.Dict) -> Iterator[str]:
    """The code of an answer to a request: {"error": "code", "message": ...}."""
    for key, value in zip(node.keys, node.values, strict=True):
        if isinstance(key, ast.Constant) and key.value == "error" and isinstance(value, ast.Constant | ast.IfExp):
            yield from _strings(value)


def _put_together(node: ast.JoinedStr) -> Iterator[str]:
    form = ast.unparse(node)[2:-1]
    yield from (re.sub(r"\{\w+\}", word, form) for word in SPELT.get(form, ()))


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _name(call: ast.Call) -> str:
    return str(getattr(call.func, "id", getattr(call.func, "attr", "")))


def _reason(call: ast.Call) -> ast.expr | None:
    """What a call is given as its reason; None for a call that takes none."""
    for keyword in call.keywords:
        if keyword.arg in KEYWORDS:
            return keyword.value
    place = SINKS.get(_name(call))
    return call.args[place] if place is not None and place < len(call.args) else None


def _strings(node: ast.AST) -> Iterator[str]:
    """The words in an expression that can be a code; of a choice both, without what it is decided by."""
    if isinstance(node, ast.IfExp):
        yield from _strings(node.body)
        yield from _strings(node.orelse)
    elif isinstance(node, ast.Constant):
        if isinstance(node.value, str) and (_CODE.fullmatch(node.value) or _ONE_WORD.fullmatch(node.value)):
            yield node.value
    elif not isinstance(node, ast.JoinedStr | ast.Subscript):
        for child in ast.iter_child_nodes(node):
            yield from _strings(child)
