"""What is seen of a change after its apply, with servers that say whatever a test wants."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app.checks import Check
from app.edges import rule_tools
from app.edges.prometheus import LoadedRule, Sample
from app.edges.uptime_kuma import Brought, Heartbeat, UptimeKuma
from app.edges.uptime_kuma_session import Session
from app.errors import Failed, Refused, Transient
from app.guard.alerts.extract import changed_rules
from app.guard.model import Change, Edits, Finding
from app.guard.monitors.inventory import Monitor
from app.guard.monitors.plan import Known, Step
from app.ledger import Ledger, open_ledger
from app.ledger.runs import Run, Todo
from app.redact import redact
from app.settings import RepositorySettings, Settings, VerifySettings
from pipelines import alerts, closing, monitors, verification
from pipelines import bench as benches
from pipelines.values import AgentChange, BroughtMonitor, Kept

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
        edits=Edits((change,)),
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
    if "slow" in edit[0] and "$" in summary:
        # What a template fills in is not compared.
        reason = ""
    check = alerts.see_loaded(bench("", before), changed_rules(edits(before.replace(*edit) if edit[0] else before)))[0]
    assert (check.ok, check.reason) == (not reason, reason)


class Asked:
    """A Prometheus that has every metric, and answers as a test wants."""

    def __init__(self, answer: Callable[[str], list[Sample]] = lambda _: [], known: Sequence[str] = ()) -> None:
        self.query, self._known = answer, known

    def knows(self, metric: str) -> bool:
        return not self._known or metric in self._known

    def counts(self, _: str) -> int:
        return 1


def ask(
    monkeypatch: pytest.MonkeyPatch, one: Any, server: Asked, complaint: Callable[[str], str | None] = lambda _: None
) -> tuple[Finding, ...]:
    """The findings against the alerts of a change."""
    monkeypatch.setattr(alerts, "open_prometheus", lambda *_: nullcontext(server))
    monkeypatch.setattr(rule_tools, "rules_problem", lambda _, __, text, ___: complaint(text))
    one.machine, one.devvm = None, SimpleNamespace(path="/usr/bin")
    return alerts.ask_about(one, todo(), AgentChange((), ("m",), (), None)).findings


HEREDOC = "locals {{\n  rules = <<-EOT\n{}  EOT\n}}\n"


@pytest.mark.parametrize(
    ("path", "before", "after"),
    [
        ("stacks/m/main.tf", HEREDOC.format(""), HEREDOC.format(RULES.replace("> 5", ">"))),
        (
            "stacks/m/rules.yaml.tpl",
            RULES.replace("load1", "load1{${which}}"),
            RULES.replace("load1", "load1{${which}}").replace("5m", "6m"),
        ),
    ],
)
def test_an_expression_that_only_others_can_read_is_theirs_to_judge(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, path: str, before: str, after: str
) -> None:
    def refuse(expr: str) -> list[Sample]:
        raise Refused("expression-refused", f"no PromQL: {expr}")

    broken = "CODE" not in changed_rules(bench(before, after, path).edits)[0].expr
    found = ask(monkeypatch, bench(before, after, path), Asked(refuse), lambda text: "bad" if "{CODE" in text else None)
    assert [finding.rule for finding in found] == (["LIVE-01"] if broken else [])


@pytest.mark.parametrize("before", [0, *range(170, 220), *range(560, 640)])
def test_what_a_server_says_of_a_secret_is_hidden_before_it_is_cut(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, before: int
) -> None:
    said = "x" * before + SECRET
    loaded = LoadedRule("Old", "g", "node_load1 > 5", "err", said, "inactive", "alerting")
    for server in (Asked(lambda _: [Sample({"token": said}, "1")]), Asked(_refusing(said))):
        found = ask(monkeypatch, bench("", RULES), server)
        assert not [finding for finding in found if SECRET[:8] in finding.why]
    for check in ledger.checks.of_run("r")["t"]:
        assert SECRET[:8] not in check["answer"]
    monkeypatch.setattr(alerts, "open_prometheus", lambda *_: nullcontext(SimpleNamespace(rules=lambda: [loaded])))
    assert not [check for check in see(bench("", RULES)) if SECRET[:8] in check.answer]
    kuma = SimpleNamespace(link=str, heartbeat=lambda *_, **__: Heartbeat(False, said))
    monkeypatch.setattr(monitors, "open_uptime_kuma", lambda *_: nullcontext(kuma))
    (check,) = monitors.see_beating(bench("", RULES), [BroughtMonitor("a", 1, "", False)])
    assert SECRET[:8] not in check.answer


def _refusing(said: str) -> Callable[[str], list[Sample]]:
    def refuse(_: str) -> list[Sample]:
        raise Refused("expression-refused", said)

    return refuse


@pytest.mark.parametrize("before", range(470, 510))
def test_a_heartbeat_is_without_the_password_before_it_is_cut(before: int) -> None:
    session = Session("http://kuma.example", "me", SECRET)
    session._beat({"monitorID": 1, "status": 0, "time": "2026-11-21 10:00:00", "msg": "x" * before + SECRET})
    (beat,) = session.beats[1].values()
    assert SECRET[:8] not in beat.message


def test_a_cancelled_run_asks_nobody_about_its_alerts(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger.controls.set("r", "me", "no more")

    def down(_: str) -> list[Sample]:
        raise Transient("prometheus-unreachable", "asking: no connection")

    with pytest.raises(Refused, match="cancelled the run"):
        ask(monkeypatch, bench("", RULES), Asked(down))


def test_an_edit_of_any_size_asks_so_many_questions_and_no_more(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    head, _, rule = RULES.partition("  - alert")
    rules = head + "".join(f"  - alert{rule}".replace("Old", f"Old{n}").replace("> 5", f"> {n}") for n in range(300))

    def count(expr: str) -> list[Sample]:
        asked.append(expr)
        return []

    ask(monkeypatch, bench("", rules), Asked(count))
    assert len(asked) == 60


def test_an_alert_may_use_what_the_same_change_records(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = RULES.replace("node_load1 >", "job:load1:max >") + "  - record: job:load1:max\n    expr: max(node_load1)\n"
    assert ask(monkeypatch, bench("", rules), Asked(known=["node_load1"])) == ()
    found = ask(monkeypatch, bench("", rules), Asked(known=["other"]))
    assert [finding.rule for finding in found] == ["LIVE-02"]


def test_a_monitor_is_not_adopted_while_its_earlier_heartbeats_are_not_told() -> None:
    kuma = UptimeKuma("http://kuma.example", "me", SECRET, timeout=0.2)
    session: Any = kuma._session
    session.api, session.again = object(), lambda do: do()
    kuma._there = (session.api, frozenset({7}))
    found = Step("same", Monitor("a", "port", "a:1"), Known(7, "a", "port", "a:1"))
    with pytest.raises(Transient, match="heartbeats"):
        kuma._adopted(found)
    session._earlier_beats("7", [{"monitorID": 7, "status": 1, "time": "2025-01-01 00:00:00", "msg": "old"}])
    assert kuma._adopted(found).since == "2025-01-01T00:00:00.000Z"


@pytest.mark.parametrize(
    ("reason", "earlier", "outcome"),
    [
        ("uptime-kuma-unknown-notification", (), "failed"),
        ("uptime-kuma-unknown-notification", ("made",), "unknown"),
        ("uptime-kuma-unreachable", (), "unknown"),
    ],
)
def test_a_monitor_with_a_notification_that_there_is_not_stops_no_run(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch, reason: str, earlier: tuple[str, ...], outcome: str
) -> None:
    wanted = [Monitor(name, "port", f"{name}:1") for name in (*earlier, "last")]
    monkeypatch.setattr(monitors, "_added", lambda *_: wanted)

    def bring(monitor: Monitor) -> Brought:
        if monitor.name == "last":
            raise Failed(reason, "no")
        return Brought(1, "created")

    monkeypatch.setattr(monitors, "open_uptime_kuma", lambda *_: nullcontext(SimpleNamespace(bring=bring)))
    with pytest.raises(Failed):
        monitors.bring(bench("", "", "monitors.yaml", "monitors.yaml"), todo("Monitor"), KEPT)
    assert closing.finish("r", "t", "Failed", reason, "no", ()) == outcome
