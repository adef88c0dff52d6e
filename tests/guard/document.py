"""docs/guardrails.md, made from the table of rules and from the cases that trip them.

.venv/bin/python -m tests.guard.document > docs/guardrails.md
"""

from __future__ import annotations

from app.guard.table import Row, rows
from tests.guard.plan.test_rules import CASES as PLANS
from tests.guard.test_cases import ALL as EDITS

HEAD = """# The guardrails

Every rule that stands between an agent and production, in the order in which they are asked. Made from the code by
`python -m tests.guard.document`; a test holds this page to it.

**block** ends the TODO, after one more try of the agent. **needs-approval** parks it for a person, who approves exactly
the judged commit and plan. A rule over an edit judges what the edit adds, changes or takes away, never what was there.

`followthrough guard plan`, `guard diff` and `guard todo` ask the same rules in anybody's CI; `followthrough guard
policy` prints the limits in force.
"""
# What trips the rules that are held where something is done; their tests are named in tests/guard/mutate.py.
HELD = {
    "TODO-01": "a TODO of type Migration",
    "AGENT-01": "an agent that writes to a protected stack and changes nothing else",
    "LIVE-01": "`up / on (nothing) up > 5`, which cannot be evaluated; a summary with `{{ nosuchfunction 1 }}`",
    "LIVE-02": "an alert on a metric that no target has",
    "LIVE-03": "`node_filesystem_avail_bytes > 5` where every disk has more",
    "ENV-01": "`TF_CLI_ARGS_plan` under `repository.environment`",
    "ENV-02": "a committed `.terraform/environment`",
    "ENV-03": "a provider in the DevVM user's own plugin folder",
    "ENV-06": "somebody's change that is on the branch and not applied",
    "APP-01": "a plan file that somebody edited between judgement and apply",
    "APP-03": "an apply that was cut short and left no trace",
    "APP-04": "somebody applied the stack by hand in between",
    "APP-05": "the stack does not plan empty after apply",
    "GIT-01": "a commit that would hold another set of files",
    "GIT-02": "a branch that was rewound while the run worked",
    "GIT-03": "another TODO's change of the same stack, landed after the agent's copy was made",
    "MONEY-01": "a day whose budget is spent",
}


def page() -> str:
    """The whole page."""
    table = "".join(f"| [{r.id}](#{r.id.lower()}) | {r.decision} | {r.reads} | {_example(r.id)} |\n" for r in rows())
    head = f"{HEAD}\n| Rule | Decision | Reads | Trips on |\n|---|---|---|---|\n{table}"
    return head + "".join(_section(row) for row in rows())


def _section(row: Row) -> str:
    said = f"{_sentence(row.why)} {_sentence(row.through)}"
    return f"\n## {row.id}\n\n**{row.decision}** · reads {row.reads} · `{row.code}`\n\n{said}\n"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:].rstrip(".") + "."


def _example(rule: str) -> str:
    if rule in HELD:
        return HELD[rule]
    named = [case.name for case in EDITS.get(rule, ()) if case.expected]
    named += [case.name for case in PLANS if case.rule == rule and case.decision]
    return "; ".join(_plain(name) for name in named[:3])


def _plain(name: str) -> str:
    return "`" + name.replace("|", "\\|").replace("`", "'") + "`"


if __name__ == "__main__":
    print(page(), end="")
