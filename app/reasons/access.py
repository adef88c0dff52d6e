"""Who is not let in, or not let do something: logins, tokens, forms."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {
    "no-token": (
        "Nobody is logged in, and no token was given.",
        "Log in, or send a token: `Authorization: Bearer ...`.",
    ),
    "bad-token": ("Nobody knows this token.", "Look whether all of it was copied; else have one made."),
    "token-expired": ("The token's days are over.", "Have a new one made."),
    "token-revoked": ("The token was revoked.", "Have a new one made, if you still should have one."),
    "bad-link": (
        "The one-time link was used before, or its ten minutes are over.",
        "Ask for another one: `followthrough login`.",
    ),
    "loopback-only": (
        "Without a token or a login in the configuration only programs on the same machine may read.",
        "Have a token made, and log in with it.",
    ),
    "scope-missing": (
        "You may not do this: it needs another scope.",
        "Ask somebody who runs the service for `approve` or `operate`.",
    ),
    "csrf": ("The form does not belong to your session.", "Load the page again, and do it once more."),
    "cross-site": (
        "The request was sent by a page of another site.",
        "Open the page here. Behind a proxy see that `server.public_url` is what people type.",
    ),
    "too-many-attempts": ("Somebody tried to log in too often.", "Wait for as long as the answer says."),
    "proxy-not-trusted": (
        "The header that says who is logged in came from an address that is not trusted.",
        "Put the proxy into `server.trusted_proxies`, if it is one.",
    ),
    "proxy-header-unclear": (
        "The proxy's header names nobody, or several people.",
        "Let the proxy set it once, and take away what the browser sends.",
    ),
    "issuer-unreachable": (
        "The OpenID Connect issuer does not answer.",
        "Look whether it runs and whether `oidc.issuer` is right.",
    ),
    "issuer-unusable": (
        "What the OpenID Connect issuer says of itself cannot be used.",
        "Compare `oidc.issuer` with what the issuer calls itself.",
    ),
    "issuer-refused": ("The OpenID Connect issuer did not log you in.", "Read what it said; look at the client there."),
    "login-not-begun-here": (
        "This login was begun in another browser, or too long ago.",
        "Begin again on the login page.",
    ),
    "login-not-proven": (
        "What the issuer sent does not prove who you are.",
        "Begin again; when it stays so, compare keys, clocks and `oidc.client_id`.",
    ),
    "person-not-listed": ("You are known, and no list says what you may do.", "Have yourself put into `[people]`."),
    "no-such-token": ("There is no token of that name.", "See `followthrough tokens list`."),
    "token-name": (
        "That is no name for a token.",
        "Use letters, digits, dots, underscores, hyphens and @; not config-.",
    ),
    "token-name-taken": (
        "A token of that name was made before.",
        "Choose another name: it stands beside what was done.",
    ),
}
