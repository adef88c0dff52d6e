"""Rules on the action items that are still open: who, until when, how urgent, of what type, and what comes of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from app.documents.classify import is_empty
from app.documents.lint.model import Edit, Remark, quoted
from app.documents.lint.paper import Paper
from app.documents.lint.words import VAGUE_JAPANESE, VAGUE_OBJECTS, VAGUE_VERBS
from app.documents.metadata import date_in
from app.documents.model import HUMAN_TYPES, SAFE_TYPES, Item
from app.documents.text import fold, plain, words_of

TYPES = (*SAFE_TYPES, *HUMAN_TYPES)
_PRIORITY = re.compile(r"[*_`]{0,3}P[0-3][*_`]{0,3}")
_NEARLY_PRIORITY = re.compile(r"[*_`]{0,3}([Pp][ -]?([0-3]))[*_`]{0,3}")
_STOP_WORDS = words_of("a, an, the, to, of, for, in, on, and, or, with, our, we, le, la, les, de, des, un, une").words
# More remarks of one kind in one table than this become one.
_EACH = 3
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_NAMED = re.compile(r"`|\d|://|[/_=]|\w\.\w|[a-z][A-Z]|\b[A-Z]{2,}\b(?<!\bCI)")

_ENDS = (
    r"(?:delet|destroy|wip|purg|drop|eras|truncat|terminat|decommission|uninstall|nuk|recreat|re-creat|remov|prun|reset"
    r"|replac|reformat|format|shrink|tear down|tear-down|force-delet|reinitiali[sz]|rebuild|supprim|detruir|effac)"
)
# What is lost with its content, unless the word only says whose setting it is ("the pod affinity").
_OBJECTS = re.compile(
    r"\b(?:pvcs?|pvs?|volumes?|disks?|data|databases?|db|tables?|buckets?|namespaces?|clusters?|nodes?|vms?|pods?"
    r"|backups?|snapshots?|secrets?|files?|stacks?|resources|releases?|deployments?|statefulsets?|instances?|servers?"
    r"|images?|users?|accounts?|keys?|certificates?|repos?|repositories|storage|partitions?|replicas?|zones?|records?"
    r"|everything|donnees)\b(?![ -](?:anti-?affinity|affinity|selectors?|labels?|annotations?|taints?|tolerations?"
    r"|alerts?|alerting|monitors?|monitoring|checks?|probes?|thresholds?|rules?|config\w*|settings?|options?"
    r"|timeouts?|limits?|quotas?|requests?|names?|tags?|versions?|schedules?|intervals?|sources?|panels?|graphs?)\b)"
)
_ALL_OF_IT = re.compile(
    r"(?:delet|destroy|wip|purg|eras|truncat|terminat|nuk|supprim)\w* (?:it|them|all|this|these|those)\b"
)
_CLAUSE = re.compile(r"[.;:,()\n]|\s(?:and|then|et|puis|-|->|→)\s")
_ORDER = re.compile(rf"^(?:please |to |by |also |safely |manually |then )?{_ENDS}(?:e|es|er|re|y|ing|)\b")
_COMMAND = re.compile(
    r"\brm -[a-z]*[rf]|\b(?:terraform|tofu|terragrunt|tg) (?:destroy|state rm|taint)\b|\bkubectl (?:delete|drain)\b"
    r"|\bhelm (?:uninstall|delete)\b|\bdrop (?:table|database|schema|user)\b|\btruncate table\b|\bmkfs\b|\bwipefs\b"
    r"|\bprune -a|\bgit push (?:--force|-f)\b|\bdd if="
)
_WATCHED = re.compile(
    r"\b(?:alerts?|alerte|monitor|warn|notify|page|detect|catch|watch|when|if|on|prevents?|block|forbid|refuse|deny|stop|"
    r"never|not|no|without|instead of|before|avoid|protect|guard|against|disallow|require)\b"
)


def owner(paper: Paper) -> Iterator[Remark]:
    """Open items that nobody owns."""
    return _missing(paper, "owner", lambda item: item.owner)


def due(paper: Paper) -> Iterator[Remark]:
    """Open items without a due date, and due dates that are no date."""
    yield from _missing(paper, "due date", lambda item: item.due)
    for item in _open(paper):
        said = item.due or ""
        own = item.line in paper.places and paper.places[item.line].columns.get("due") is not None
        if own and said and not is_empty(said) and not date_in(said) and not re.search(r"\d", said):
            yield Remark(item.line, f"the due date {quoted(said)} of {quoted(item.action)} is no date")


def priority(paper: Paper) -> Iterator[Remark]:
    """Open items without a priority, and declared priorities that are not P0, P1, P2 or P3."""
    yield from _missing(paper, "priority", lambda item: item.declared.priority or item.priority)
    for item in _open(paper):
        said = (item.declared.priority or "").strip()
        if is_empty(said) or _PRIORITY.fullmatch(said):
            continue
        m = _NEARLY_PRIORITY.fullmatch(said)
        edit = _cell_edit(paper, item, "priority", m.group(1), f"P{m.group(2)}") if m else None
        yield Remark(item.line, f"the priority {quoted(said)} is not P0, P1, P2 or P3", edit)


def missing_type(paper: Paper) -> Iterator[Remark]:
    """Open items that declare no type."""
    return _missing(paper, "type", lambda item: item.declared.type)


def unknown_type(paper: Paper) -> Iterator[Remark]:
    """Declared types outside of the vocabulary.

    The spelling of a type that a person does is certain. That of Alert, Config and Monitor is not ours to mend: the
    item would become one that a machine does.
    """
    for item in _open(paper):
        said = (item.declared.type or "").strip()
        if is_empty(said) or said in TYPES:
            continue
        bare = said.strip("*_`")
        meant = next((name for name in TYPES if name.casefold() == bare.casefold()), None)
        edit = _cell_edit(paper, item, "type", bare, meant) if meant in HUMAN_TYPES and bare != meant else None
        hint = f"; write {meant} if that is meant" if meant else ""
        if meant in HUMAN_TYPES and bare == meant:
            continue
        yield Remark(item.line, f"the type {quoted(said)} is none of {', '.join(TYPES)}{hint}", edit)


def vague(paper: Paper) -> Iterator[Remark]:
    """Open items whose words name nothing that can be seen to be there: all of them are general."""
    for item in _open(paper):
        bare = plain(item.action).strip(" .!")
        if len(bare) > 120 or _NAMED.search(item.action) or len(_WORD.findall(item.details)) >= 3:
            continue
        first, *rest = _WORD.findall(fold(bare)) or [""]
        general = first in VAGUE_VERBS and all(word in VAGUE_OBJECTS or word in VAGUE_VERBS for word in rest)
        if general or (len(bare) <= 25 and VAGUE_JAPANESE.search(fold(bare))):
            yield Remark(item.line, f"{quoted(bare)} names no deliverable")


def destructive(paper: Paper) -> Iterator[Remark]:
    """Open items of a type that a machine does whose words destroy something."""
    for item in _open(paper):
        if (item.declared.type or "").strip("*_` ") not in SAFE_TYPES:
            continue
        text = next((text for text in (item.action, item.details) if _destroys(text)), None)
        if text:
            told = f"{quoted(text)} reads destructive, but the type {quoted(item.declared.type or '')}"
            yield Remark(item.line, f"{told} is for the machine")


def duplicates(paper: Paper) -> Iterator[Remark]:
    """Open items that say what another one says already, in the same words whatever their order."""
    first: dict[frozenset[str], Item] = {}
    for item in _open(paper):
        tokens = frozenset(_WORD.findall(fold(plain(item.action)))) - _STOP_WORDS
        known = first.setdefault(tokens, item) if len(tokens) > 1 else item
        if known is not item:
            yield Remark(item.line, f"{quoted(item.action)} is in line {known.line} already")


def _open(paper: Paper) -> list[Item]:
    return [item for item in paper.document.items if item.status != "done"]


def _missing(paper: Paper, name: str, value: Callable[[Item], str | None]) -> Iterator[Remark]:
    """One remark for a document where no item has it, one for a table where few have, else one for each item."""
    items = _open(paper)
    lacking = [item for item in items if is_empty(value(item) or "")]
    if len(lacking) == len(items) > 1:
        yield Remark(items[0].line, f"none of the {len(items)} open action items has {_article(name)}")
        return
    sizes = Counter(_group(paper, item) for item in items)
    groups: dict[int, list[Item]] = {}
    for item in lacking:
        groups.setdefault(_group(paper, item), []).append(item)
    for head, group in groups.items():
        if len(group) > _EACH:
            told = f"{len(group)} of the {sizes[head]} open action items here have no {name}"
            yield Remark(group[0].line, f"{told}, this one first")
        else:
            yield from (Remark(item.line, f"{quoted(item.action)} has no {name}") for item in group)


def _group(paper: Paper, item: Item) -> int:
    """The table of an item by the line of its header; all other items are one group."""
    place = paper.places.get(item.line)
    return place.head if place else 0


def _article(name: str) -> str:
    return f"an {name}" if name[0] in "aeiou" else f"a {name}"


def _cell_edit(paper: Paper, item: Item, role: str, old: str, new: str | None) -> Edit | None:
    """Replace `old` in the item's cell; None where the cell is not plainly there in the source line."""
    place = paper.places.get(item.line)
    column = place.columns.get(role) if place else None
    if place is None or column is None or new is None or column >= len(place.row.cells):
        return None
    cell = place.row.cells[column]
    raw = paper.scan.source.line(item.line)[cell.start : cell.end]
    if raw != cell.text or raw.count(old) != 1:
        return None
    start = cell.start + raw.index(old)
    return Edit(item.line, start, start + len(old), new)


def _destroys(text: str) -> bool:
    """Whether a clause orders a destruction; one that watches for it, or forbids it, orders none."""
    label = fold(text)
    position = 0
    watched = False
    cuts = [(m.start(), m.end(), m.group(0)) for m in _CLAUSE.finditer(label)]
    for end, after, cut in [*cuts, (len(label), len(label), "")]:
        clause = label[position:end].strip()
        position = after
        command = _COMMAND.search(clause)
        order = _ORDER.match(clause)
        if order and not watched and (_OBJECTS.search(clause, order.end()) or _ALL_OF_IT.search(clause)):
            return True
        if command and not _WATCHED.search(clause[: command.start()]):
            return True
        watched = cut in (":", "(") and bool(_WATCHED.search(clause))
    return False
