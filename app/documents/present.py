"""A document as the JSON that `followthrough parse` prints."""

from __future__ import annotations

from typing import Any

from app.documents.model import Document, Item


def to_json(document: Document) -> dict[str, Any]:
    """One JSON object with exactly the keys that the command line promises."""
    return {
        "file": document.file,
        "title": document.title,
        "date": document.date,
        "severity": document.severity,
        "todos": [_item(item) for item in document.todos],
        "skipped": [_item(item) for item in document.skipped],
        "done": [_item(item) for item in document.done],
        "total_todos_in_doc": len(document.todos) + len(document.skipped),
        "safe_todos": len(document.todos),
        "skipped_todos": len(document.skipped),
        "duration": document.duration,
        "services": list(document.services),
        "status": document.status,
        "published": document.published,
    }


def _item(item: Item) -> dict[str, Any]:
    return {
        "priority": item.priority,
        "action": item.action,
        "type": item.type,
        "details": item.details,
        "status": item.status,
        "safe": item.safe,
        "reason": item.reason,
        "line": item.line,
        "end_line": item.end_line,
        "owner": item.owner,
        "due": item.due,
        "declared": {
            "type": item.declared.type,
            "priority": item.declared.priority,
            "status": item.declared.status,
        },
        "shape": item.shape,
        "section": item.section,
        "id": item.id,
        "links": list(item.links),
    }
