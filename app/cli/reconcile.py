"""`followthrough reconcile`: look for pushes that no webhook told of, now."""

from __future__ import annotations

import sqlalchemy as sa

from app.cli.console import console
from app.errors import FollowthroughError
from app.main import compose
from app.redact import redact
from app.settings import Settings
from pipelines import durable, reconcile


def look_now(settings: Settings, everything: bool) -> int:
    """Look at each configured repository and hand over what is found. Returns 1 when one could not be looked at."""
    compose(settings)
    code = 0
    for repository in settings.repository:
        try:
            found = reconcile.look(repository, everything)
        except FollowthroughError as error:
            _say(f"{repository.name}: {error} ({error.reason})")
            code = 1
            continue
        _say(f"{repository.name}: {found.said}")
        for subject in found.subjects:
            _say(_hand_over(settings, subject, repository.name))
    if not settings.repository:
        _say("no [[repository]] is configured")
    return code


def _hand_over(settings: Settings, subject: str, repository: str) -> str:
    try:
        durable.hand_over(settings.database.url, "follow_push", subject, reconcile.lane_of(repository))
    except sa.exc.DBAPIError:
        # The library makes its tables when a service first starts, which takes up what is stored and not begun.
        return "no service has run on this database yet: the first one that starts goes on with it"
    return "the running service goes on with it, or the next one that starts"


def _say(text: str) -> None:
    console.print(redact(text), markup=False, soft_wrap=True)
