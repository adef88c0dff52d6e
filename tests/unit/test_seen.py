"""What is seen of a change after its apply, with servers that say whatever a test wants."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.checks import Check
from app.edges.prometheus import LoadedRule
from app.guard.alerts.extract import changed_rules
from app.guard.model import Change, Edits
from app.ledger import Ledger, open_ledger
from app.ledger.runs import Run, Todo
from app.redact import redact
from app.settings import RepositorySettings, Settings, VerifySettings
from pipelines import alerts, verification
from pipelines import bench as benches
from pipelines.values import Kept

PATH = "stacks/m/rules.yaml"
KEPT = Kept("c" * 40, "t" * 40, "b" * 40, "followthrough/r/t")
SECRET = "what-only-vault-knows"
RULES = """groups:
- name: g
  rules:
  - alert: Old
    expr: node_load1 > 5
    for: 5m
    labels: {severity: page}
    annotations: {summary: it is slow}
"""


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    benches.use(Settings(), opened)
    yield opened
    opened.engine.dispose()


def todo(kind: str = "Alert") -> Todo:
    return Todo("t", 0, 1, "as said", "", "P1", kind, True)


def bench(before: str, after: str, path: str = PATH, monitors: str = "", **verify: Any) -> Any:
    """A bench whose commit changes one file."""
    change = Change(path, "M", "100644", "100644", before.encode(), after.encode())
    entry = SimpleNamespace(path=path)
    known = {"prometheus": "http://prometheus.example", "uptime_kuma": "http://kuma.example", "minutes": 0.01}
    settings = RepositorySettings(
        name="me/infra",
        clone_url="https://git.example/me/infra",
        monitors=monitors,
        verify=VerifySettings(**{**known, **verify}),
    )
    workspace = SimpleNamespace(committed=lambda _: [entry], read=lambda _: [change], tree="/tree")
    return SimpleNamespace(
        run=Run("r", "me/infra", "docs/a.md", "0" * 40),
        repository=settings,
        workspace=workspace,
        secret={},
        say=lambda *_: None,
        hide=lambda text: redact(text, [SECRET]),
    )


def edits(after: str) -> Edits:
    return Edits((Change(PATH + ".tpl", "A", "000000", "100644", None, after.encode()),))


def see(one: Any, kind: str = "Alert") -> list[Check]:
    return verification.see(one, todo(kind), KEPT, ["m"], [])


@pytest.mark.parametrize(
    ("kind", "path", "after", "reason"),
    [
        ("Alert", "stacks/m/main.tf", 'resource "grafana_rule_group" "x" {}\n', "alert-not-seen"),
        ("Alert", PATH, RULES.replace("name: g", "name: g\n  interval: 30s"), "alert-not-seen"),
        ("Monitor", "monitors.yaml", "monitors: []\n# nothing\n", "monitor-not-seen"),
        ("Config", "stacks/m/main.tf", "locals {}\n", ""),
    ],
)
def test_a_change_without_what_its_todo_asks_for_was_not_seen_to_work(
    ledger: Ledger, kind: str, path: str, after: str, reason: str
) -> None:
    found = see(bench(RULES if path == PATH else "", after, path, monitors="monitors.yaml"), kind)
    assert [check.reason for check in found if not check.ok] == ([reason] if reason else [])


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (("for: 5m", "for: 10m"), "alert-differs"),
        (("severity: page", "severity: ticket"), "alert-differs"),
        (("it is slow", "it is very slow"), "alert-differs"),
        (("> 5", "> 6"), "alert-differs"),
        (("", ""), ""),
    ],
)
@pytest.mark.parametrize("summary", ["it is slow", "it is slow in ${cluster}"])
def test_a_rule_of_before_is_not_taken_for_the_changed_one(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, edit: tuple[str, str], reason: str, summary: str
) -> None:
    """The wrapper has applied, and nobody has told Prometheus to load its files again."""
    parts: Any = {"wait": 300, "labels": {"severity": "page", "site": "a"}, "annotations": {"summary": "it is slow"}}
    old = LoadedRule("Old", "g", "node_load1 > 5", "ok", "", "inactive", "alerting", **parts)
    if "$" in summary:
        parts["annotations"]["summary"] = "it is slow in a"
    server = SimpleNamespace(rules=lambda: [old])
    monkeypatch.setattr(alerts, "open_prometheus", lambda *_: nullcontext(server))
    before = RULES.replace("it is slow", summary)
    if edit[0] == "it is slow" and "$" in summary:
        pytest.skip("what a template fills in is not compared")
    check = alerts.see_loaded(bench("", before), changed_rules(edits(before.replace(*edit) if edit[0] else before)))[0]
    assert (check.ok, check.reason) == (not reason, reason)
