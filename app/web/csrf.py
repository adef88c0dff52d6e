"""What a browser changes was asked for by a page of ours: a token in each form, and where the request comes from.

Browsers send cookies, and what a proxy adds, with requests that other sites make. The token is made from the session
and never leaves our pages; a program that names its own token with each request needs none.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from fastapi import Request

from app.web.denied import Denied
from app.web.identity import Identity

HEADER = "x-csrf-token"
# What browsers call a request of a page of the same origin, and one that the person made by hand.
_OWN = ("same-origin", "none")


def token_for(identity: Identity) -> str:
    """The token that forms bear for this identity, the same for as long as its session lasts; empty for one that has
    no session, which cannot change anything by forms.
    """
    if not identity.session:
        return ""
    return hmac.new(identity.session.encode(), b"csrf", hashlib.sha256).hexdigest()


def check(identity: Identity, given: str) -> None:
    """Raises Denied(403) unless `given` is this identity's token."""
    wanted = token_for(identity)
    if not wanted or not hmac.compare_digest(wanted.encode(), given.encode("utf-8", "replace")):
        message = "the form's token is missing or is of another session; load the page again and send it once more"
        raise Denied(403, "csrf", message, by=identity.name)


def must_be_own(request: Request, public_url: str, by: str = "") -> None:
    """Raises Denied(403) when the browser says that another site makes this request.

    Old browsers say nothing, and browsers say less over plain http: the token is what counts, this comes on top.
    """
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        own = site in _OWN
    elif origin is not None:
        place = _place(origin)
        own = bool(place) and place in (request.headers.get("host", ""), _place(public_url))
    else:
        own = True
    if not own:
        raise Denied(403, "cross-site", "this was sent by a page of another site; open the page here", by=by)


def _place(address: str) -> str:
    """Host and port of an address, empty for what is none."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return ""
