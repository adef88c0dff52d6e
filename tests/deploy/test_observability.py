"""Alerts, dashboard and runbook: valid, about metrics that exist, and good enough for our own guard."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest

from app.guard.alerts.rules import RULES
from app.guard.model import Verdict, judge
from app.ledger import open_ledger
from tests.deploy.files import ROOT, read, scrape_config
from tests.guard.edits import edits, policy_of
from tests.web.measured import populate, scrape, series
from tests.world.prometheus import PROMTOOL

FOLDER = ROOT / "deploy/prometheus"
ALERTS = [rule for group in read(FOLDER / "followthrough.rules.yml")["groups"] for rule in group["rules"]]
DASHBOARD = json.loads((ROOT / "deploy/grafana/followthrough.json").read_text())
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
PAGE = (ROOT / "docs/operating.md").read_text()
# What Prometheus itself says of every target, and what the client library says of the process.
NOT_OURS = {"up", "process_resident_memory_bytes", "process_cpu_seconds_total"}
ANY_TARGET = {"job", "instance"}
VARIABLES = {"datasource": "prometheus", "job": "followthrough"}


@pytest.fixture(scope="module")
def body(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    ledger = open_ledger(f"sqlite:///{tmp_path_factory.mktemp('metrics')}/ledger.db")
    populate(ledger)
    yield scrape(ledger)
    ledger.engine.dispose()


@pytest.fixture(scope="module")
def labels(body: str) -> dict[str, set[str]]:
    """The names of metrics with the names of their labels."""
    found: dict[str, set[str]] = {}
    for name, pairs in series(body):
        found.setdefault(name, set()).update(label for label, _ in pairs)
    return found


def promtool(*argv: str | Path, given: str | None = None) -> None:
    done = subprocess.run([PROMTOOL, *argv], input=given, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr


def selectors(query: str) -> Iterator[tuple[str, list[str]]]:
    """The metrics that a query names, each with the labels that it is chosen by."""
    for name, chosen in re.findall(r"\b([a-z_:]+)\{([^}]*)\}", query):
        yield name, re.findall(r"(\w+)(?:=~|!~|!=|=)", chosen)


def grouped(query: str) -> set[str]:
    return {label for found in re.findall(r"\bby \(([^)]*)\)", query) for label in found.split(", ")}


def assert_known(query: str, labels: dict[str, set[str]]) -> None:
    """The query parses, and what it names exists."""
    promql_parser.parse(query)
    named = list(selectors(query))
    assert named, "a selector without braces is not looked at here"
    assert len(named) == query.count("{") == len(re.findall(r"\b(?:followthrough_|process_|up\b)", query))
    for name, chosen in named:
        if name not in NOT_OURS:
            assert name in labels, f"{name} is not in /metrics"
            assert set(chosen) <= labels[name] | ANY_TARGET, name
            assert grouped(query) <= labels[name] | ANY_TARGET, name


def test_promtool_takes_rules_metrics_and_scrape_job(body: str, tmp_path: Path) -> None:
    promtool("check", "rules", FOLDER / "followthrough.rules.yml")
    (tmp_path / "scrape.json").write_text(json.dumps(scrape_config([{"targets": ["127.0.0.1:8080"]}])))
    promtool("check", "config", "--syntax-only", tmp_path / "scrape.json")
    promtool("check", "metrics", given=body)


def test_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", FOLDER / "followthrough_test.yml")
    tests = (FOLDER / "followthrough_test.yml").read_text()
    assert [alert["alert"] for alert in ALERTS if alert["alert"] not in tests] == []


def guarded(text: str) -> Verdict:
    return judge(RULES, edits({}, {"stacks/monitoring/followthrough.yml": text}), policy_of(todo_type="Alert"))


def test_our_own_guard_finds_nothing() -> None:
    text = (FOLDER / "followthrough.rules.yml").read_text()
    assert guarded(text).findings == ()
    assert [f.rule for f in guarded(text.replace("> 43200", ">= bool 43200")).findings] == ["ALERT-01"]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: str(alert["alert"]))
def test_an_alert_says_what_an_operator_needs(alert: dict[str, Any], labels: dict[str, set[str]]) -> None:
    name, notes = alert["alert"], alert["annotations"]
    assert_known(alert["expr"], labels)
    assert alert["for"]
    assert alert["labels"]["severity"] in ("warning", "critical")
    assert notes["summary"]
    assert notes["description"].endswith(".")
    used = set(re.findall(r"\$labels\.(\w+)", notes["description"]))
    assert used <= grouped(alert["expr"])
    assert notes["runbook_url"] == f"docs/operating.md#{name.lower()}"
    assert f"\n### {name}\n\n" in PAGE


def test_the_page_knows_every_alert_and_metric_and_no_other(labels: dict[str, set[str]]) -> None:
    assert re.findall(r"^### (\w+)$", PAGE, re.M) == [alert["alert"] for alert in ALERTS]
    listed = {re.sub(r"_(bucket|sum|count)$", "", name) for name in labels}
    table = PAGE[PAGE.index("| Metric |") : PAGE.index("## Logs")]
    assert set(re.findall(r"`(followthrough_\w+)`", table)) == listed
    for line in table.splitlines()[2:]:
        if cells := line.split("|")[1:3] if line.startswith("|") else []:
            (name, *_), named = (
                re.findall(r"`(\w+)`", cells[0]),
                {label for label in cells[1].strip().split(", ") if label},
            )
            assert labels.get(name, labels.get(f"{name}_count")) == named, name


def test_the_scrape_job_is_the_one_that_the_alerts_name() -> None:
    (job,) = read(FOLDER / "scrape.yml")["scrape_configs"]
    assert all(f'job="{job["job_name"]}"' in alert["expr"] for alert in ALERTS)
    assert read(FOLDER / "scrape.yml")["rule_files"] == ["followthrough.rules.yml"]


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: str(panel["title"]))
def test_a_panel_asks_for_what_exists(panel: dict[str, Any], labels: dict[str, set[str]]) -> None:
    assert panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert panel["targets"]
    for target in panel["targets"]:
        query = target["expr"]
        for name, value in VARIABLES.items():
            query = query.replace(f"${name}", value)
        assert "$" not in query
        assert_known(query, labels)
        shown = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        assert shown <= grouped(query) | ANY_TARGET


def test_the_dashboard_can_be_imported_and_shows_everything(labels: dict[str, set[str]]) -> None:
    assert DASHBOARD["schemaVersion"] >= 41
    assert {variable["name"] for variable in DASHBOARD["templating"]["list"]} == set(VARIABLES)
    places = [tuple(panel["gridPos"][key] for key in "xywh") for panel in DASHBOARD["panels"]]
    cells = [(x + i, y + j) for x, y, w, h in places for i in range(w) for j in range(h)]
    assert len(set(cells)) == len(cells), "panels lie over each other"
    assert all(x + w <= 24 for x, _, w, _ in places)
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(places)
    queries = " ".join(target["expr"] for panel in PANELS for target in panel["targets"])
    assert [name for name in labels if f"{name}{{" not in queries] == []
