"""Plans made by hand in the shape of real ones: for what no terraform prints, and for other providers."""

from __future__ import annotations

import json
from typing import Any

from app.guard.model import Policy, Verdict
from app.guard.plan import judge_plan
from app.guard.policy import DEFAULT_CREATES

BUILT_IN = "terraform.io/builtin/terraform"
POLICY = Policy(
    stacks="stacks",
    known_stacks=frozenset({"web"}),
    protected_stacks=frozenset({"vault"}),
    todo_type="Alert",
    creates={todo_type: tuple(globs) for todo_type, globs in DEFAULT_CREATES.items()},
)
_SIDES: dict[str, tuple[Any, Any]] = {
    "create": (None, {"input": 1}),
    "update": ({"input": 1}, {"input": 2}),
    "no-op": ({"input": 1}, {"input": 1}),
    "delete": ({"input": 1}, None),
    "forget": ({"input": 1}, None),
    "read": (None, {"input": 1}),
}


def row(*actions: str, address: str = "terraform_data.x", change: Any = None, **more: Any) -> dict[str, Any]:
    """One resource change; sides that fit the first verb unless `change` has others."""
    before, after = _SIDES.get(actions[0] if len(actions) == 1 else "update", _SIDES["update"])
    kind, name = address.split("[")[0].split(".")[-2:]
    return {
        "address": address,
        "mode": "data" if address.startswith("data.") else "managed",
        "type": kind,
        "name": name,
        "provider_name": BUILT_IN,
        "change": {
            "actions": list(actions),
            "before": before,
            "after": after,
            "after_unknown": {},
            "before_sensitive": {},
            "after_sensitive": {},
            **(change or {}),
        },
        **more,
    }


def update(kind: str, before: Any, after: Any, **change: Any) -> dict[str, Any]:
    """An update of one resource of this type, from one object to another."""
    return row("update", address=f"{kind}.x", change={"before": before, "after": after, **change})


def plan(*rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A whole plan with these changes."""
    kinds = {r["address"].split("[")[0]: r for r in rows}
    resources = [
        {"address": address, "mode": r["mode"], "type": r["type"], "name": r["name"], "expressions": {"input": {}}}
        for address, r in kinds.items()
        if not address.startswith("module.")
    ]
    return {
        "format_version": "1.2",
        "terraform_version": "1.11.4",
        "planned_values": {
            "root_module": {"resources": [_instance(r) for r in rows if r["change"]["after"] is not None]}
        },
        "resource_changes": list(rows),
        "prior_state": {
            "format_version": "1.0",
            "terraform_version": "1.11.4",
            "values": {"root_module": {"resources": [_instance(r) for r in rows if r["change"]["before"] is not None]}},
        },
        "configuration": {
            "provider_config": {"terraform": {"name": "terraform", "full_name": BUILT_IN}},
            "root_module": {"resources": resources},
        },
        "timestamp": "2026-11-21T14:38:56Z",
        "applyable": True,
        "complete": True,
        "errored": False,
        **more,
    }


def _instance(change: dict[str, Any]) -> dict[str, Any]:
    found = {key: change[key] for key in ("address", "mode", "type", "name", "provider_name")}
    return {**found, **({"deposed_key": change["deposed"]} if "deposed" in change else {})}


def shown(whole: dict[str, Any]) -> str:
    """As terraform prints it."""
    return json.dumps(whole, separators=(",", ":"), ensure_ascii=False)


def judged(whole: dict[str, Any] | str, exit_code: int | None = 2, policy: Policy = POLICY, **more: Any) -> Verdict:
    """The verdict; a baseline may be a plan too."""
    if isinstance(more.get("baseline"), dict):
        more["baseline"] = shown(more["baseline"])
    return judge_plan(whole if isinstance(whole, str) else shown(whole), exit_code, "web", policy, **more)


def found(verdict: Verdict) -> dict[str, str]:
    """The strictest decision of each rule that found something."""
    words: dict[str, str] = {}
    for finding in verdict.findings:
        if words.get(finding.rule) != "block":
            words[finding.rule] = finding.decision
    return words
