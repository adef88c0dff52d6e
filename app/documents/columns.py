"""Which column of a table holds what, found by the words of its header."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from app.documents import labels
from app.documents.tables import Row
from app.documents.text import fold
from app.documents.vocabulary import vocabulary

_ASIDE = re.compile(r"\([^()]*\)|\[[^\[\]]*\]")
_MOST_COLUMNS = 50
# Which role wins when a header has words of several ("Task owner", "Action status").
_PRECEDENCE = ("status", "owner", "due", "priority", "type", "action", "tracker", "details", "weak")


@dataclass
class Columns:
    """Roles to column numbers.

    `ambiguous`: two columns claim to be the action, the type or the status. `log`: the rows tell what happened;
    `dated`: they may.
    """

    roles: dict[str, int] = field(default_factory=dict)
    ambiguous: bool = False
    log: bool = False
    dated: bool = False
    strict_type: bool = False

    def get(self, role: str) -> int | None:
        return self.roles.get(role)

    @property
    def actionable(self) -> bool:
        """Whether the header alone says that these rows are work: an action, and who, when, how urgent or how far."""
        others = ("status", "ticked", "owner", "due", "priority", "type")
        return "action" in self.roles and any(role in self.roles for role in others)


def read_columns(head: Row) -> Columns:
    """The columns of a table. The first column that claims a role keeps it."""
    if len(head.cells) > _MOST_COLUMNS:
        return Columns()
    names = [fold(cell.text).strip(" :?") for cell in head.cells]
    found = Columns(log=any(label in labels.LOG_COLUMNS for label in names), dated="date" in names)
    exact = [_exact_roles(label) for label in names]
    for role in vocabulary().columns:
        claims = [i for i, roles in enumerate(exact) if role in roles and i not in found.roles.values()]
        if claims:
            found.roles.setdefault(role, claims[0])
            found.ambiguous |= len(claims) > 1 and role in ("action", "type", "status")
    for i, label in enumerate(names):
        if not exact[i] and i not in found.roles.values():
            role_found = _loose_role(label)
            if role_found:
                found.roles.setdefault(role_found, i)
    if "action" not in found.roles and "weak" in found.roles:
        found.roles["text"] = found.roles["weak"]
    elif "action" in found.roles:
        found.roles["text"] = found.roles["action"]
    if "action" in found.roles and "details" not in found.roles and "weak" in found.roles:
        found.roles["details"] = found.roles["weak"]
    found.ambiguous |= "status" in found.roles and "ticked" in found.roles
    column = found.get("type")
    found.strict_type = column is not None and head.cells[column].text.casefold() == "type"
    return found


def _exact_roles(label: str) -> tuple[str, ...]:
    bare = " ".join(_ASIDE.sub(" ", label).split())
    return tuple(role for role, names in vocabulary().columns.items() if label in names or bare in names)


def _loose_role(label: str) -> str | None:
    if len(label.split()) > 5:
        return None
    return next((role for role in _PRECEDENCE if vocabulary().columns[role].search(label)), None)
