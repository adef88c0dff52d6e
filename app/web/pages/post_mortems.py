"""Post-mortems: what each still asks for, and one of them as it is on its branch, with what became of each item."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote, urlencode

from fastapi import APIRouter, Depends, Request, Response
from markupsafe import Markup

from app.documents.rendered import Beside, rendered
from app.ledger import Ledger
from app.ledger.clock import today
from app.reasons import in_words
from app.redact import redact
from app.settings import Settings
from app.web.access import Access
from app.web.acts import Acts
from app.web.identity import Identity
from app.web.pages.base import page, web

_FILTERS = (("", "All"), ("open", "With open items"), ("overdue", "Overdue"), ("unread", "Could not be read"))
_LONGEST_SEARCH = 200


def router(settings: Settings, ledger: Ledger, access: Access, _: Acts) -> APIRouter:
    """GET /post-mortems and GET /post-mortems/OWNER/NAME/-/PATH."""
    routes = APIRouter()
    reader = Depends(access.page("read"))

    @routes.get("/post-mortems")
    def post_mortems(
        request: Request,
        who: Identity = reader,
        q: str = "",
        only: str = "",
        before: str = "",
        after: str = "",
    ) -> Response:
        words = q.strip()[:_LONGEST_SEARCH]
        wanted = only if only in dict(_FILTERS) else ""
        found = ledger.document_list.page(words, wanted, before, after)
        older = _address(q=words, only=wanted, before=found.older) if found.older else ""
        newer = _address(q=words, only=wanted, after=found.newer) if found.newer else ""
        rows = [{**row, "href": address_of(row["repository"], row["path"])} for row in found.rows]
        values: dict[str, Any] = {
            "rows": rows,
            "q": words,
            "only": wanted,
            "filters": [(word, label, _address(q=words, only=word)) for word, label in _FILTERS],
            "totals": ledger.document_list.totals(),
            "older": older,
            "newer": newer,
        }
        return page(request, who, "post_mortems.html", **values)

    @routes.get("/post-mortems/{owner}/{name}/-/{path:path}")
    def post_mortem(request: Request, owner: str, name: str, path: str, who: Identity = reader) -> Response:
        found = ledger.documents.find(f"{owner}/{name}", path)
        if found is None:
            why = f"Nobody has seen {path} on the branch of {owner}/{name}, or it is gone from there."
            told = {"heading": "There is no such post-mortem", "code": "no-such-post-mortem", "message": why}
            return page(request, who, "error.html", 404, **told)
        items = _items(ledger, found)
        values: dict[str, Any] = {
            "document": found,
            "items": items,
            "counts": Counter(item["word"] for item in items),
            "overdue": sum(item["overdue"] for item in items),
            "runs": ledger.document_list.runs_of(found["repository"], path),
            "forge": _forge_url(settings, found),
            "body": _body(*_without_secrets(settings, found["text"], items)),
        }
        return page(request, who, "post_mortem.html", **values)

    return routes


def address_of(repository: str, path: str) -> str:
    """The page of a post-mortem."""
    return f"/post-mortems/{quote(repository)}/-/{quote(path)}"


def _address(**asked: str) -> str:
    query = urlencode({name: value for name, value in asked.items() if value})
    return f"/post-mortems?{query}" if query else "/post-mortems"


def _items(ledger: Ledger, document: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each item with the word for its state, the page that tells more of it, its history, whether it is overdue."""
    repository, path = document["repository"], document["path"]
    states, history = ledger.document_list.states(repository, path), ledger.documents.history(repository, path)
    return [_item(item, states.get(item["id"]), history.get(item["id"], {})) for item in document["items"]]


def _item(item: Mapping[str, Any], state: Mapping[str, Any] | None, history: Mapping[str, Any]) -> dict[str, Any]:
    """The document's word counts where it says done; else what the last run came to, else what the document says."""
    word, link, why = item["status"], "", {"reason": item["reason"], "message": ""}
    if state:
        link = f"/runs/{quote(state['run_id'], safe='')}#todo-{item['id']}"
        if item["status"] != "done":
            word = state["outcome"] or "going-on"
        why = {"reason": state["reason"], "message": state["message"]}
    if not why["message"]:
        why["message"] = (in_words(why["reason"]) or ("", ""))[0]
    due = history.get("due", "")
    return {
        **item,
        **why,
        "word": word,
        "link": link,
        "overdue": bool(due) and due < today() and item["status"] != "done",
        "opened_at": history.get("opened_at", ""),
        "closed_at": history.get("closed_at", ""),
        "closed_by": history.get("closed_by", ""),
    }


def _without_secrets(
    settings: Settings, text: str, items: Sequence[Mapping[str, Any]]
) -> tuple[str, tuple[Beside, ...]]:
    """The document redacted, and what stands beside its lines: nothing where a key of several lines was taken out."""
    hidden = redact(text, settings.secrets())
    if hidden.count("\n") != text.count("\n"):
        return hidden, ()
    return hidden, tuple(Beside(item["line"], item["word"], item["link"]) for item in items)


@lru_cache(maxsize=32)
def _body(text: str, beside: tuple[Beside, ...]) -> Markup:
    """The document as HTML. Kept for the next request: a hostile one of the largest size takes a second."""
    return rendered(text, beside)


def _forge_url(settings: Settings, document: Mapping[str, Any]) -> str:
    """Where people look at the document as it was read; empty when that is not known."""
    found = settings.repository_named(document["repository"])
    base = (found.web_url or found.clone_url).removesuffix("/").removesuffix(".git") if found else ""
    return f"{base}/blob/{document['commit']}/{quote(document['path'])}" if web(base) else ""
