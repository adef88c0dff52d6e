"""The rule on wording: a person as the subject of a fault. What was possible is of interest, not who did it."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from app.documents.keys import kind_of
from app.documents.lint.model import Remark, quoted
from app.documents.lint.paper import Paper, leaves
from app.documents.markdown import Block
from app.documents.text import fold, plain, words_of

_ROLES = (
    r"(?:on-?call )?engineer|(?:junior |senior )?dev(?:eloper)?|sys ?admin|admin(?:istrator)?|on-?call|operator|"
    r"maintainer|intern|contractor|colleague|teammate|team ?member|employee|author|reviewer|someone|somebody|he|she|i"
)
_PLAIN_FAULTS = (
    r"forgot|forgets|neglected|overlooked|mistakenly|carelessly|inadvertently|foolishly|negligently|by mistake|"
    r"made an? (?:[a-z]+ )?(?:mistake|error|typo)|(?:was|were|is) (?:careless|negligent|sloppy|at fault|to blame|lazy)|"
    r"misconfigured|mistyped|fat-?fingered|screwed up|messed up|misread|botched|(?:did not|didn'?t) bother|"
    r"should(?: have|'ve) (?:checked|tested|known|noticed|verified|read|asked|been|caught|reviewed|followed|"
    r"realised|realized)"
)
# Software can do these too, and an operator in a cluster is software.
_SHARED_FAULTS = (
    r"accidentally|wrongly|erroneously|incorrectly|"
    r"failed to (?:check|test|verify|notice|read|follow|realise|realize|review)|"
    r"(?:did not|didn'?t) (?:check|test|verify|notice|read|follow|realise|realize|think|review|understand)|"
    r"caused|broke|ignored"
)
_BETWEEN = r"(?:[ ,]{1,2}(?:has|had|have|also|then|simply|just|who|manually|again|probably|apparently|never)){0,2}"
_ENGLISH = re.compile(
    rf"(?<![\w-])(?:(?P<role>{_ROLES})|(?P<name>@[A-Za-z0-9][\w-]{{1,38}}|%s))(?![\w-]){_BETWEEN}[ ,]{{1,2}}"
    rf"(?:(?P<plain>{_PLAIN_FAULTS})|(?P<shared>{_SHARED_FAULTS}))\b"
)
_NOUNS = re.compile(
    r"(?<![\w-])(?P<before>(?:not|no|never|than|without|isn't|blam\w{1,4})(?: an?| the| just)? )?"
    r"(?:human|operator|pilot|engineer|admin(?:istrator)?|developer)(?:'s)? "
    r"(?:error|mistake|carelessness|negligence|failing)s?\b"
    r"|\berreur humaine\b|(?:人為的ミス|人為ミス|ヒューマンエラー|操作ミス|うっかり)"
    r"|(?:担当者|エンジニア|運用者|開発者|管理者|オペレータ[ー]?)[がは][^。、\n]{0,20}(?:忘れ|怠|誤って|見落と|ミス)"
    r"|\b(?:l'ingenieur|l'ingénieur|l'opérateur|l'administrateur|l'admin|le développeur|quelqu'un) "
    r"(?:a|avait|n'a pas|n'avait pas) (?:oublié|négligé|cassé|mal configuré|vérifié|testé|provoqué)",
    re.IGNORECASE,
)
_CODE = re.compile(
    r"`[^`\n]{0,300}`|\"[^\"\n]{0,300}\"|“[^”\n]{0,300}”|「[^」\n]{0,300}」"
    r"|\([^()\n]{0,300}://[^()\n]{0,300}\)"
)
_NAME = re.compile(r"@([A-Za-z0-9][\w-]{1,38})|((?!\d)\w[\w'’-]{1,30})")
_PARTS = re.compile(r"[,;、，/&\n]|\band\b|\bet\b|\bund\b|<br ?/?>")
# Words of a field of names that name no person; a part with a word for a group in it is left out whole.
_NOT_NAMES = words_of(
    "claude, agent, incident, response, none, bot, the, and, tbd, unknown, everyone, n/a, dr, mr, mrs, ms"
)
_GROUPS = words_of(
    """team, teams, squad, group, guild, department, service, platform, infra, infrastructure, sre, ops, devops,
    operations, engineering, security, support, on-call, rotation, vendor, equipe, abteilung, チーム, 部"""
)
_ASIDE = re.compile(r"\([^()]{0,200}\)")
_JAPANESE_FAULT = r"(?:さん|氏)?[がは][^。、\n]{0,20}(?:忘れ|怠|誤って|見落と|ミス)"
_LINE_END = re.compile(r"\n")
_MOST_NAMES = 40
_VALUE_LIMIT = 400


def blameful(paper: Paper) -> Iterator[Remark]:
    """Sentences in which a role, a mention or somebody named as author or owner is the subject of a fault."""
    names = "|".join(_names(paper))
    pattern = re.compile(_ENGLISH.pattern % names, re.IGNORECASE)
    japanese = re.compile(f"(?:{names}){_JAPANESE_FAULT}")
    for block in leaves(paper.scan.blocks):
        for line, text in _texts(block):
            bare = _CODE.sub(lambda m: " " * len(m.group(0)), text).replace("\n", " ")
            breaks = [m.start() for m in _LINE_END.finditer(text)]
            for m in japanese.finditer(bare):
                yield _remark(line, text, breaks, m)
            for m in pattern.finditer(bare):
                software = (m.group("role") or "").lower() == "operator" and m.group("shared")
                if not software:
                    yield _remark(line, text, breaks, m)
            for m in _NOUNS.finditer(bare):
                if not m.groupdict()["before"]:
                    yield _remark(line, text, breaks, m)


def _remark(line: int, text: str, breaks: list[int], m: re.Match[str]) -> Remark:
    said = " ".join(text[m.start() : m.end()].split())
    return Remark(line + bisect_left(breaks, m.start()), f"{quoted(said)} makes a person the subject of a fault")


def _texts(block: Block) -> Iterator[tuple[int, str]]:
    """The running text of a block, with the line that it starts in; lines stay, so that a match can be placed."""
    if block.kind == "table":
        rows = (block.head, *block.rows) if block.head else block.rows
        yield from ((row.line, cell.text) for row in rows for cell in row.cells)
    else:
        yield block.line, re.sub(r"\n[ \t]*", "\n", block.text)


def _names(paper: Paper) -> list[str]:
    """The names of authors, owners and responders that the document gives; one that nobody has if it gives none."""
    found = [fact.value for fact in paper.stated if fact.kind == "people"]
    found += _listed_people(paper)
    found += [item.owner or "" for item in paper.document.items[:200]]
    names: dict[str, None] = {}
    for text in found:
        for part in _PARTS.split(_ASIDE.sub(" ", plain(text[:_VALUE_LIMIT]))):
            if not _GROUPS.search(fold(part)):
                names.update(dict.fromkeys(_names_in(part)))
    return [re.escape(name) for name in names][:_MOST_NAMES] or [r"(?!)"]


def _listed_people(paper: Paper) -> Iterator[str]:
    """What a list or a table right below a heading or a key of people holds: "Participants:", then a name a line."""
    people = False
    for block in paper.scan.blocks:
        if people and block.kind == "list":
            yield from (i.children[0].text.split(":")[-1] for i in block.children if i.children)
        elif people and block.kind == "table":
            yield from (cell.text for row in block.rows for cell in row.cells)
        last = block.text.rstrip().rpartition("\n")[2] if block.kind in ("heading", "paragraph") else ""
        people = kind_of(last) == "people"


def _names_in(part: str) -> list[str]:
    """The words of a part that begin like a name, and mentions; common words of such fields are none."""
    named = [m for m in _NAME.finditer(part) if m.group(1) or m.group(2)[0].isupper() or not m.group(2)[0].islower()]
    kept = []
    for m in named:
        name = m.group(1) or m.group(2)
        if len(name) > 1 + name.isascii() and fold(name) not in _NOT_NAMES.words:
            kept.append(name)
    return kept
