"""Rules over paths, git facts and added text: FILE-01 to FILE-07."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Literal

from app.guard.edits.lines import hunks_of, text_of
from app.guard.model import Change, Edits, Found, Policy, Rule
from app.redact import secret_shapes

_PIECE = r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]*[A-Za-z0-9_-])?"
_FILE = re.compile(rf"(?P<stack>{_PIECE})/(?:{_PIECE}/)*{_PIECE}\.(?:tf|tpl|ya?ml|json)")
_FORBIDDEN = re.compile(
    r"(^|/)(terragrunt[^/]*\.hcl(\.json)?|root\.hcl|override\.(tf|tofu)|[^/]*_override\.(tf|tofu)|[^/]*\.tofu"
    r"|[^/]*\.(tf|tofu|tftest|tfmock)\.json|[^/]*\.tf(test|mock|query)\.hcl|[^/]*\.tfvars[^/]*|\.terraform[^/]*|terraform\.rc"
    r"|terraform\.d|[^/]*\.tfstate[^/]*|\.git[^/]*|\.claude[^/]*|\.mcp\.json|claude(\.local)?\.md|agents\.md|gemini\.md"
    r"|\.cursor[^/]*|\.windsurf[^/]*|\.aider[^/]*|\.codex|\.vscode|\.devcontainer|\.env(rc|\.[^/]*)?|secrets)(/|$)",
    re.IGNORECASE,
)
_REGULAR_FILE = "100644"
_ABSENT = "000000"
_NET_TYPES = ("Alert", "Monitor")
_LFS = b"version https://git-lfs.github.com/spec/"
_CONFLICT = re.compile(r"(<{7}|>{7}|\|{7})( .*)?|={7}")
# Shapes that stand for a secret in code, besides those that every text is cleared of: shorter, or of services that this
# program itself never meets.
_SHAPES = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\bhv[sbr]\.[A-Za-z0-9]{4,}|\b(?:AKIA|ASIA)[0-9A-Z]{12,}|\bxox[a-z]-[A-Za-z0-9-]{6,}"
    r"|\bglpat-[\w-]{16,}|\bAIza[\w-]{30,}|\bAGE-SECRET-KEY-1|hooks\.slack\.com/services/\w+/\w+/\w+"
    r"|discord(?:app)?\.com/api/webhooks/\d+/|\bsk-[A-Za-z0-9_-]{20,}|\bnpm_[A-Za-z0-9]{30,}|\bdop_v1_[a-f0-9]{32,}"
)
# Letters that show nothing, though Unicode does not call them formatting.
_BLANK_LETTERS = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u2800\u3164\uffa0")
_EMOJI_STYLE = "\ufe0f"


def stack_of(path: str, policy: Policy) -> str | None:
    """The stack that a path belongs to, or None when it lies outside every stack folder."""
    head, _, rest = path.partition(policy.stacks + "/")
    return rest.split("/")[0] if not head and "/" in rest else None


def name_problem(path: str, policy: Policy) -> tuple[str, str] | None:
    """The first of FILE-01 to FILE-03 that a path breaks, and why; None when its name is fine."""
    for rule, problem in (("FILE-01", _place), ("FILE-02", steering), ("FILE-03", protected)):
        if why := problem(path, policy):
            return rule, why
    return None


def _place(path: str, policy: Policy) -> str | None:
    if path and path == policy.monitors and policy.todo_type == "Monitor":
        return None  # MON-01 to MON-06 judge it
    inside = path.removeprefix(policy.stacks + "/")
    match = _FILE.fullmatch(inside) if inside != path and ".." not in inside else None
    if match is None:
        return f"this is no .tf, .tpl, .yaml, .yml or .json file with a plain name inside {policy.stacks}/<stack>/"
    if match["stack"] not in policy.known_stacks:
        return f"there is no stack {match['stack']} in the base commit"
    return None


def steering(path: str, policy: Policy) -> str | None:
    """Why a name steers terraform, git or an agent on some file system, or None. Look-alikes count."""
    return "this name steers terraform, git or the agent itself" if _FORBIDDEN.search(_folded(path)) else None


def protected(path: str, policy: Policy) -> str | None:
    """Why a path belongs to a protected stack, or None. Look-alikes count."""
    stack = stack_of(path, policy)
    if stack is not None and _folded(stack) in {_folded(name) for name in policy.protected_stacks}:
        return f"the stack {stack} is protected"
    return None


def _folded(path: str) -> str:
    """A path as the most forgiving file system reads it."""
    shown = "".join(c for c in unicodedata.normalize("NFKC", path) if unicodedata.category(c) not in ("Cf", "Cc"))
    return "/".join(piece.rstrip(". ") or piece for piece in shown.casefold().replace("\\", "/").split("/"))


def _paths(problem: Callable[[str, Policy], str | None]) -> Callable[[Edits, Policy], Iterator[Found]]:
    def check(edits: Edits, policy: Policy) -> Iterator[Found]:
        for change in edits.changes:
            if why := problem(change.path, policy):
                yield Found(change.path, why)

    return check


def _places(edits: Edits, policy: Policy) -> Iterator[Found]:
    yield from _paths(_place)(edits, policy)
    spellings = Counter(path.casefold() for path in {*(c.path for c in edits.changes), *edits.around})
    for change in edits.changes:
        if spellings[change.path.casefold()] > 1:
            yield Found(change.path, "another file differs from it by upper and lower case only")


def _plain_edits(edits: Edits, policy: Policy) -> Iterator[Found]:
    for change in edits.changes:
        if change.status not in ("A", "M"):
            yield Found(change.path, f"git status is {change.status}")
            continue
        modes = (change.base_mode, change.head_mode)
        if modes != (_ABSENT if change.status == "A" else _REGULAR_FILE, _REGULAR_FILE):
            yield Found(change.path, f"the file mode goes from {change.base_mode} to {change.head_mode}")
        elif (change.base is None) != (change.status == "A") or change.head is None:
            yield Found(change.path, f"git status {change.status} and the file's contents do not fit")


def _filters(edits: Edits, policy: Policy) -> Iterator[Found]:
    for change in edits.changes:
        if change.filter != "unspecified":
            yield Found(change.path, f"its git filter is {change.filter}")


def _sizes(edits: Edits, policy: Policy) -> Iterator[Found]:
    hunks = [hunk for change in edits.changes for hunk in hunks_of(change)]
    added = sum(len(hunk.after) for hunk in hunks)
    deleted = sum(len(hunk.before) for hunk in hunks)
    net = sum(max(len(hunk.before) - len(hunk.after), 0) for hunk in hunks)
    if len(edits.changes) > policy.most_files:
        yield Found(policy.stacks, f"{len(edits.changes)} files changed, at most {policy.most_files} may")
    if added > policy.most_added_lines:
        yield Found(policy.stacks, f"{added} lines were added, at most {policy.most_added_lines} may be")
    if deleted > policy.most_deleted_lines:
        yield Found(
            policy.stacks, f"{deleted} lines were deleted or changed, at most {policy.most_deleted_lines} may be"
        )
    if policy.todo_type in _NET_TYPES and net:
        yield Found(policy.stacks, f"{net} lines were deleted without another in their place")


def _texts(edits: Edits, policy: Policy) -> Iterator[Found]:
    for change in edits.changes:
        text = text_of(change.head)
        if text is None:
            yield Found(change.path, "it holds NUL or is not UTF-8")
            continue
        if (change.head or b"").startswith(_LFS):
            yield Found(change.path, "it is a pointer of git-lfs")
        for line, added in _added_lines(change):
            if odd := _odd_character(added):
                yield Found(f"{change.path}:{line}", f"the added text holds {odd}")
            if _CONFLICT.fullmatch(added.rstrip("\r")):
                yield Found(f"{change.path}:{line}", "the added text holds a conflict marker")
        if more := _secrets(change, "after") - _secrets(change, "before"):
            yield Found(change.path, f"the added text holds what looks like a secret ({more.total()} times)")


def _added_lines(change: Change) -> Iterator[tuple[int, str]]:
    for hunk in hunks_of(change):
        yield from enumerate(hunk.after, hunk.line)


def _secrets(change: Change, side: Literal["before", "after"]) -> Counter[str]:
    """What looks like a secret in the lines that differ, one line at a time: a key's first line gives it away."""
    lines = (line for hunk in hunks_of(change) for line in (hunk.before if side == "before" else hunk.after))
    return Counter(shape for line in lines for shape in (*secret_shapes(line), *_SHAPES.findall(line)))


def _odd_character(line: str) -> str | None:
    if line.isascii() and line.isprintable():
        return None
    line = line.removesuffix("\r")
    for at, character in enumerate(line):
        category = unicodedata.category(character)
        styled = character == _EMOJI_STYLE and at > 0 and unicodedata.category(line[at - 1]) in ("So", "Sm")
        control = category in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp") and character != "\t"
        blank = (category == "Zs" and character != " ") or character in _BLANK_LETTERS
        selector = 0xFE00 <= ord(character) <= 0xFE0F or 0xE0100 <= ord(character) <= 0xE01EF
        if control or blank or (selector and not styled):
            return f"U+{ord(character):04X}"
    return None


RULES: tuple[Rule[Edits], ...] = (
    Rule(
        "FILE-01",
        "changed paths",
        "block",
        "an agent works inside the stacks that exist, in the file types that are judged here",
        "Use plain ASCII names inside an existing stack; a person makes new stacks and other files.",
        _places,
    ),
    Rule(
        "FILE-02",
        "changed paths",
        "block",
        "some names change what terraform, git or an agent does",
        "A person changes such files.",
        _paths(steering),
    ),
    Rule(
        "FILE-03",
        "changed paths",
        "block",
        "protected stacks hold what everything else stands on",
        "Their changes are made by a person.",
        _paths(protected),
    ),
    Rule(
        "FILE-04",
        "git status and modes",
        "block",
        "a plain edit of a regular file (100644) is all that a TODO needs",
        "Add files or edit them; a person deletes, renames and links.",
        _plain_edits,
    ),
    Rule(
        "FILE-05",
        "git's filter attribute of changed paths",
        "block",
        "a filtered file is not what it looks like, and may be written in clear",
        "A person changes encrypted and filtered files.",
        _filters,
    ),
    Rule(
        "FILE-06",
        "numbers of files and of lines; for Alert and Monitor lines that are gone without another in their place",
        "needs-approval",
        "a TODO's change is small, and a large one is read by a person",
        "Make the smallest change that does the TODO.",
        _sizes,
    ),
    Rule(
        "FILE-07",
        "added text: control, invisible and bidirectional characters, shapes of secrets, conflict markers, binary",
        "block",
        "what a reader cannot see, or should not see, does not belong into code",
        "Write visible text; refer to a secret by its place in Vault.",
        _texts,
    ),
)
