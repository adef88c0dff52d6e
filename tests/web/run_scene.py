"""A run that shows everything that the page of a run can show."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from app.checks import Check
from app.guard.model import Change, Edits
from app.guard.shown import shown_edits, shown_plan
from app.ledger import Ledger
from app.ledger.approvals import Parked
from app.ledger.deliveries import Delivery
from app.ledger.evidence import Evidence
from app.ledger.runs import Run, Todo
from app.settings import DatabaseSettings, Settings
from tests.guard.plan.made import plan, row
from tests.web.pages_scene import COMMIT, settings_of

RUN = "me-infra-a1b2c3d4e5f6-000000aa"
DELIVERY = "72d3162e-cc78-11e3-81ab-0000000000aa"
STACK = "stacks/monitoring/main.tf"
_BEFORE = """locals {
  groups = {
    node = {
      interval = "1m"
      rules    = []
    }
  }
}

resource "grafana_rule_group" "node" {
  name     = "node"
  interval = local.groups.node.interval
  password = "hvs.AAAAAAAAAAAAAAAAAAAAAAAA"
}
"""
_AFTER = _BEFORE.replace(
    "      rules    = []\n",
    '      rules = [{\n        alert = "DiskFull"\n        expr  = "node_filesystem_avail_bytes < 1e9"\n'
    '        for   = "10m"\n      }]\n',
).replace('"1m"', '"30s"')


def settings_with(tmp_path: Path) -> Settings:
    """The settings of the scene, whose engine is in the ledger's database."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    return settings_of(tmp_path).model_copy(update={"database": DatabaseSettings(url=url)})


def edits() -> Edits:
    """An alert added to a stack, and a logo that is no text."""
    changed = Change(STACK, "M", "100644", "100644", _BEFORE.encode(), _AFTER.encode())
    return Edits((changed, Change("stacks/monitoring/logo.png", "A", "000000", "100644", None, b"\x89PNG\0\1\2")))


def planned() -> dict[str, Any]:
    """What terraform would say of it, as it is kept."""
    after = {"name": "disk", "rules": [{"name": "DiskFull"}]}
    created = {"before": None, "after": after, "after_unknown": {"id": True}}
    updated = {
        "before": {"interval": 60, "token": "glsa_unmasked_before"},
        "after": {"interval": 30, "token": "glsa_unmasked_after"},
        "before_sensitive": {"token": True},
        "after_sensitive": {"token": True},
    }
    rows = (
        row("create", address="grafana_rule_group.disk", change=created),
        row("update", address="grafana_rule_group.node", change=updated),
        row("no-op", address="grafana_folder.all"),
    )
    return shown_plan(plan(*rows))


def fill_run(ledger: Ledger, said: str = "", run_id: str = RUN) -> Run:
    """A run that goes on: one TODO is done, one waits for a person, one was refused, one is being worked on, one is a
    person's. `said` is put into every text that comes from elsewhere.
    """
    ledger.deliveries.store(
        Delivery(
            DELIVERY, "github", "push", "me/infra", "refs/heads/master", "0" * 40, COMMIT, f"viktor{said}"[:100],
            "accepted", "runs-started", "1 post-mortem",
        )
    )  # fmt: skip
    run = Run(run_id, "me/infra", f"docs/post-mortems/2026-11-18-disk{said}.md", COMMIT, delivery=DELIVERY)
    ledger.runs.add(run)
    ledger.runs.describe(run_id, title=f"Disk of the database was full{said}", incident_date="2026-11-18", devvm="vm-1")
    one = Todo(
        "t-1", 0, 31, f"Alert when a disk is full{said}", f"Below 1 GB for 10 minutes{said}", "P0", "Alert", True
    )
    ledger.runs.add_todos(
        run,
        [
            one,
            replace(one, id="t-2", position=1, line=32, action=f"Raise the limits{said}", details="", priority="P1"),
            replace(
                one, id="t-3", position=2, line=33, action=f"Watch the login page{said}", details="", type="Monitor"
            ),
            replace(one, id="t-4", position=3, line=34, action=f"Rotate the password{said}", details="", priority="P2"),
            replace(one, id="t-5", position=4, line=35, action=f"Move away{said}", type="Migration", safe=False),
        ],
    )
    _done(ledger, run, said)
    _parked(ledger, run, said)
    blocked = [
        {"rule": "FILE-03", "where": f"stacks/vault/main.tf{said}", "why": f"protected{said}", "decision": "block"}
    ]
    ledger.runs.begin_todo(run_id, "t-4")
    ledger.runs.finish_todo(run_id, "t-4", "refused", "change-refused", f"FILE-03 stacks/vault/main.tf{said}", blocked)
    ledger.evidence.keep(run_id, "t-4", Evidence("edits", 2, "", "ef" * 32, None, "policy1", "block"))
    ledger.runs.finish_todo(run_id, "t-5", "needs-human", "type-needs-human", f"Migration is for people{said}")
    ledger.runs.begin_todo(run_id, "t-3")
    ledger.runs.note(run_id, "workspace", f"vm-1 has master at a1b2c3d{said}")
    ledger.runs.note(run_id, "agent", f"try 1 with a model, at most $2.00{said}", "t-3")
    ledger.runs.note(run_id, "agent", f"Read stacks/monitoring/main.tf\nand more{said}", "t-3")
    ledger.spend.reserve(run_id, "t-3", 1, 2.0)
    return run


def _done(ledger: Ledger, run: Run, said: str) -> None:
    ledger.runs.begin_todo(run.id, "t-1")
    for attempt, cost in ((1, 0.41), (2, 0.22)):
        ledger.spend.reserve(run.id, "t-1", attempt, 2.0)
        ledger.spend.settle(run.id, "t-1", attempt, cost)
        ledger.evidence.keep(run.id, "t-1", Evidence("agent", attempt, exit_code=0))
    ledger.evidence.keep(run.id, "t-1", Evidence("edits", 2, "", "ab" * 32, None, "policy1", "allow"))
    ledger.evidence.keep(run.id, "t-1", Evidence("plan", 2, "monitoring", "cd" * 32, 2, "policy1", "allow"))
    ledger.changes.keep_diff(run.id, "t-1", 1, shown_edits(Edits(edits().changes[1:])))
    shown = shown_edits(edits())
    ledger.changes.keep_diff(run.id, "t-1", 2, [{**file, "path": file["path"] + said} for file in shown])
    kept = planned()
    kept["resources"][0]["address"] += said
    kept["resources"][0]["leaves"][0]["after"] += said
    ledger.changes.keep_plan(run.id, "t-1", 2, f"monitoring{said}", kept)
    link = f"https://prometheus.example/rules?x={said}"
    checked = Check("prometheus-rule", f"DiskFull{said}", True, f"health ok{said}", "", link)
    ledger.checks.keep(
        run.id,
        "t-1",
        [checked, Check("command", "check.sh", False, "exit code 1", "check-failed", "javascript:alert(1)")],
    )
    ledger.runs.set_commit(run.id, "t-1", "d4" * 20)
    ledger.runs.finish_todo(run.id, "t-1", "done", "", f"create grafana_rule_group.disk{said}")
    ledger.runs.note(run.id, "agent", f"Edit {STACK}{said}", "t-1")
    ledger.runs.note(run.id, "push", f"d4d4d4d is on master{said}", "t-1")


def _parked(ledger: Ledger, run: Run, said: str) -> None:
    ledger.runs.begin_todo(run.id, "t-2")
    findings = [
        {
            "rule": "PLAN-05",
            "where": f"monitoring{said}",
            "why": f"5 creates, 3 may be{said}",
            "decision": "needs-approval",
        }
    ]
    does = {"stack": "monitoring", "sha256": "cd" * 32, "does": ["create x"], "findings": [], "shown": [], "job": ""}
    asked = Parked(run.id, "t-2", "b2" * 20, "c" * 40, "e" * 40, f"followthrough/{run.id}/t-2{said}", [does])
    ledger.approvals.ask(asked)
    ledger.evidence.keep(run.id, "t-2", Evidence("plan", 1, "monitoring", "cd" * 32, 2, "policy1", "needs-approval"))
    ledger.changes.keep_diff(run.id, "t-2", 1, shown_edits(Edits(edits().changes[:1])))
    # Nothing stays as it is: that is not counted then.
    ledger.changes.keep_plan(run.id, "t-2", 1, "monitoring", {**planned(), "counts": {"create": 1, "update": 1}})
    ledger.runs.finish_todo(run.id, "t-2", "awaiting-approval", "approval-needed", f"PLAN-05{said}", findings)
