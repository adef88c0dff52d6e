"""Rules for good post-mortems: each a small pure function over a parsed document, listed in `table`.

A new rule is a function that takes a `Paper` and yields a `Remark` for each breach, and a line in `table.RULES`.
"""

from __future__ import annotations

from collections.abc import Collection

from app.documents.lint.model import Finding, Limits
from app.documents.lint.paper import read_paper
from app.documents.lint.table import RULE_IDS, RULES
from app.documents.lint.times import milestones
from app.documents.parse import Scan, scan
from app.documents.vocabulary import BUILT_IN, Vocabulary, reading_with

__all__ = ["RULES", "RULE_IDS", "Finding", "Limits", "check", "computed_times", "lint"]


def lint(
    data: bytes, file: str, off: Collection[str] = (), limits: Limits = Limits(), vocabulary: Vocabulary = BUILT_IN
) -> list[Finding]:
    """The findings in a file, by line; rules whose ids are in `off` are not asked. Raises BadInput as `parse` does."""
    return check(scan(data, file, vocabulary), off, limits)


def check(scanned: Scan, off: Collection[str] = (), limits: Limits = Limits()) -> list[Finding]:
    """As `lint`, for a file that is scanned already."""
    with reading_with(scanned.vocabulary):
        paper = read_paper(scanned, limits)
        found = [
            Finding(paper.document.file, remark.line, rule.id, rule.level, remark.text, rule.why, remark.edit)
            for rule in RULES
            if rule.id not in off
            for remark in rule.check(paper)
        ]
    return sorted(found, key=lambda finding: finding.line)


def computed_times(scanned: Scan) -> dict[str, float | None]:
    """TTD, TTM and TTR in minutes as the timeline gives them, counted from its first event; None where it does not."""
    with reading_with(scanned.vocabulary):
        found = milestones(read_paper(scanned, Limits()).timelines)
    return {f"{kind}_minutes": found.minutes(kind) for kind in ("ttd", "ttm", "ttr")}
