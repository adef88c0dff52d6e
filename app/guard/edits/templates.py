"""Rules over templates, YAML and JSON: TPL-01 to TPL-03."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from app.guard.edits.interpolation import Code, code_in
from app.guard.edits.lines import hunks_of, text_of
from app.guard.edits.tpl_alerts import judge_alert_only, judge_rules
from app.guard.edits.tpl_trees import ENDINGS, Trees, trees
from app.guard.edits.tpl_values import judge_values
from app.guard.edits.tree import Tree
from app.guard.model import Change, Edits, Found, Policy, Rule


def _code(edits: Edits, policy: Policy) -> Iterator[Found]:
    for change in edits.changes:
        if change.path.endswith(ENDINGS):
            yield from _added_code(change)


def _added_code(change: Change) -> Iterator[Found]:
    """Code that a changed place holds and did not hold before: what only moves within a line was there."""
    before = list(code_in(text_of(change.base) or ""))
    after = list(code_in(text_of(change.head) or ""))
    for hunk in hunks_of(change):
        old = Counter(code.text for code in _within(before, hunk.old_line, hunk.before))
        here = _within(after, hunk.line, hunk.after)
        for text, _ in (Counter(code.text for code in here) - old).items():
            line = next(code.first_line for code in here if code.text == text)
            yield Found(f"{change.path}:{line}", f"it holds the code {text[:80]!r}")


def _within(codes: list[Code], line: int, lines: tuple[str, ...]) -> list[Code]:
    return [code for code in codes if code.first_line < line + len(lines) and code.last_line >= line]


def _judged(edits: Edits, policy: Policy) -> tuple[Trees, ...]:
    """The changed files without the inventory of monitors, whose form and values MON-01 to MON-06 judge."""
    return tuple(file for file in trees(edits) if file.path != policy.monitors)


def _meaning(edits: Edits, policy: Policy) -> Iterator[Found]:
    files = _judged(edits, policy)
    for file in files:
        if not file.readable and not _broken(file):
            problem = file.problem_after or file.problem_before or "it holds no mapping and no list"
            yield Found(file.path, f"what changes in it cannot be told: {problem}", "needs-approval")
    readable = tuple(file for file in files if file.readable)
    yield from judge_rules(readable)
    if policy.todo_type == "Alert":
        yield from judge_alert_only(readable)
    else:
        yield from judge_values(readable, watches=policy.todo_type == "Monitor")


def _broken(file: Trees) -> bool:
    """Whether an edit makes what could be read unreadable; a new template may be anything."""
    return file.after is None and file.before is not None and not (file.new and file.path.endswith(".tpl"))


def _form(edits: Edits, policy: Policy) -> Iterator[Found]:
    for file in _judged(edits, policy):
        if _broken(file):
            yield Found(file.path, f"it cannot be read, or no longer: {file.problem_after}")
        if file.after is None:
            continue
        odd = file.after.odd - (file.before or Tree((), Counter(), 0)).odd
        yield from (Found(file.path, f"it has {what} more than before") for what in odd)
        documents = len(file.before.documents) if file.before and not file.new else 1
        if len(file.after.documents) > max(documents, 1) == 1:
            yield Found(file.path, "one document became several")


RULES: tuple[Rule[Edits], ...] = (
    Rule(
        "TPL-01",
        "${...} and %{...} in changed lines of .tpl, .yaml, .yml and .json files",
        "block",
        "terraform runs what stands there when the file is used as a template, and can put any value into the text",
        "Write literals; keep the code that a changed line had; for text write $${ and %%{.",
        _code,
    ),
    Rule(
        "TPL-02",
        "what differs in YAML and JSON by its meaning",
        "needs-approval",
        "a value decides as much as code does, and a change that destroys nothing can still turn off an alert",
        "Add alert rules, change the numbers of one, change ordinary values; a person does the rest.",
        _meaning,
    ),
    Rule(
        "TPL-03",
        "the form of YAML and JSON: repeated keys, anchors, merge keys, tags, documents, errors",
        "block",
        "readers differ in what they make of such text, so nobody can tell what it means",
        "Write plain YAML or JSON, each key once.",
        _form,
    ),
)
