"""Applying the fixes that are certain, and proving by reading again that nothing else changed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from app.documents.lint import check
from app.documents.lint.model import Edit, Finding, Limits
from app.documents.model import Declared, Document, Item
from app.documents.parse import Scan, scan
from app.documents.proof import encode, splice
from app.documents.vocabulary import BUILT_IN, Vocabulary
from app.errors import Refused


def apply_fixes(
    data: bytes, file: str, off: Collection[str] = (), limits: Limits = Limits(), vocabulary: Vocabulary = BUILT_IN
) -> tuple[bytes, int]:
    """The file with every certain fix made, and how many; the same bytes when there is none.

    Raises BadInput for a file that cannot be read, and Refused `fix-not-proven` when the file read again differs in
    anything but the findings that are gone: then nothing may be written.
    """
    before = scan(data, file, vocabulary)
    findings = check(before, off, limits)
    edits = sorted({f.edit for f in findings if f.edit}, key=lambda edit: (edit.line, edit.start), reverse=True)
    if not edits:
        return data, 0
    text, limit = before.source.text, len(before.source.text)
    for edit in edits:
        offset = before.source.starts[edit.line - 1]
        if offset + edit.end > limit:
            raise Refused("fix-not-proven", f"line {edit.line}: two fixes are in each other's way")
        limit = offset + edit.start
        text = splice(text, limit, offset + edit.end, edit.value)
    fixed = encode(before, text)
    _prove(before, scan(fixed, file, vocabulary), findings, off, limits)
    return fixed, len(edits)


def _prove(before: Scan, after: Scan, findings: list[Finding], off: Collection[str], limits: Limits) -> None:
    """Refused unless the items, the title and the date are the same, and exactly the fixed findings are gone."""
    left = [_told(finding) for finding in findings if finding.edit is None]
    found = [_told(finding) for finding in check(after, off, limits)]
    if left != found or _meaning(before.document) != _meaning(after.document):
        raise Refused("fix-not-proven", "fixing this file would change more than the findings that are fixed")


def _told(finding: Finding) -> tuple[int, str, str, Edit | None]:
    return finding.line, finding.rule, finding.text, finding.edit


def _meaning(document: Document) -> tuple[object, ...]:
    return (*document.head, *map(_spelt, document.items))


def _spelt(item: Item) -> Item:
    """The item with its type and priority in one spelling; whether it is safe, and why not, is compared as it is."""
    said = item.declared
    declared = Declared(_bare(said.type), _bare(said.priority), said.status)
    reason = "" if item.reason in ("type-unknown", "type-needs-human") else item.reason
    return replace(item, declared=declared, type=_bare(item.type), reason=reason)


def _bare(text: str | None) -> str | None:
    return text.strip("*_` ").replace(" ", "").replace("-", "").casefold() if text else text
