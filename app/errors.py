"""Every failure that crosses a module boundary, sorted by who has to act on it.

    FollowthroughError
    ├── BadInput    the caller's file, argument or configuration is wrong   -> the caller; exit code 2
    ├── Refused     a guardrail said no                                     -> the author; quiet, with the rule
    ├── Failed      we broke, or a part that we depend on did               -> the operator; loud
    │   └── Transient   the same call may succeed a little later            -> retried, then Failed
    └── Unknown     an effect may or may not have happened                  -> a person looks; never retried

Each carries a reason (a kebab-case code that is stored, shown and counted) and a sentence that says what was being
done, what was found and what the reader can do. Neither may hold a secret: both are written to the database.
"""

from __future__ import annotations


class FollowthroughError(Exception):
    """Base of every failure raised on purpose.

    `reason` is a kebab-case code; `str(error)` is the sentence for people.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class BadInput(FollowthroughError):
    """What the caller handed over cannot be used as it is."""


class Refused(FollowthroughError):
    """A guardrail said no."""


class Failed(FollowthroughError):
    """Something that should have worked did not."""


class Transient(Failed):
    """A failure of the network or of a busy service; the same call may succeed later."""


class Unknown(FollowthroughError):
    """An effect may have happened and we cannot tell; nobody may repeat it blindly."""
