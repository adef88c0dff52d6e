"""What is asked of a change's alerts before and after its apply: git, promtool, bench and ledger are real.

Prometheus is one that says whatever a test wants. What is seen of monitors is in `tests/edges/test_uptime_kuma.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.checks import Check
from app.errors import Refused
from app.guard.alerts.extract import changed_rules
from app.guard.model import Change, Edits, Finding
from app.ledger import Ledger, open_ledger
from app.ledger.runs import Todo
from app.settings import Settings
from pipelines import alerts, closing, verification
from pipelines import bench as benches
from pipelines.bench import Bench
from pipelines.landing import effect
from pipelines.values import AgentChange, Kept
from tests.world.here import Ground, kept
from tests.world.prometheus import PROMTOOL
from tests.world.scripted_prometheus import Rejected, ScriptedPrometheus, rule

PATH = "stacks/m/rules.yaml"
# Longer than the steps in which a text before it grows below: one of them is cut in its middle.
SECRET = "what-only-vault-knows-and-" + "nobody-else-has-been-told-" * 3
LOOKS_LIKE_IT = SECRET[:8]
NOBODY = "http://127.0.0.1:9"
RULES = """groups:
- name: g
  rules:
  - alert: Old
    expr: node_load1 > 5
    for: 5m
    labels: {severity: page}
    annotations: {summary: it is slow}
"""
HEREDOC = "locals {{\n  rules = <<-EOT\n{}  EOT\n}}\n"
TEMPLATE = RULES.replace("load1", "load1{${which}}")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"), {"README.md": "Ours.\n"})


@pytest.fixture
def ledger(tmp_path: Path, ground: Ground) -> Iterator[Ledger]:
    opened = open_ledger(f"sqlite:///{tmp_path}/l.db")
    benches.use(Settings(), opened)
    opened.runs.add(ground.run)
    opened.runs.add_todos(ground.run, [todo()])
    yield opened
    opened.engine.dispose()


def todo(kind: str = "Alert") -> Todo:
    return Todo("t", 0, 1, "as said", "", "P1", kind, True)


def bench(ground: Ground, prometheus: str, **verify: object) -> Bench:
    known = {"prometheus": prometheus, "uptime_kuma": NOBODY, "promtool": str(PROMTOOL), "minutes": 0.01}
    settings = {"monitors": "monitors.yaml", "verify": {**known, **verify}}
    return ground.bench(settings, {"uptime_kuma_password": SECRET})


def many(count: int) -> str:
    """A rule file with rules R0, R1, ..., each of which compares with its number."""
    head, _, one = RULES.partition("  - alert")
    return head + "".join(f"  - alert{one}".replace("Old", f"R{n}").replace("> 5", f"> {n}") for n in range(count))


def see(one: Bench, change: Kept, kind: str = "Alert") -> list[Check]:
    return verification.see(one, todo(kind), change, ["m"], [])


def ask(one: Bench, change: Kept) -> tuple[Finding, ...]:
    """The findings against the alerts of a change."""
    entries = tuple(one.workspace.committed(change.commit))
    return alerts.ask_about(one, todo(), AgentChange(entries, ("m",), ())).findings


@pytest.mark.parametrize(
    ("kind", "path", "texts", "reason"),
    [
        ("Alert", "stacks/m/main.tf", ['resource "grafana_rule_group" "x" {}\n'], "alert-not-seen"),
        ("Alert", PATH, [RULES, RULES.replace("name: g", "name: g\n  interval: 30s")], "alert-not-seen"),
        ("Monitor", "monitors.yaml", ["monitors: []\n# nothing\n"], "monitor-not-seen"),
        ("Config", "stacks/m/main.tf", ["locals {}\n"], ""),
    ],
)
def test_a_change_without_what_its_todo_asks_for_was_not_seen_to_work(
    ground: Ground, ledger: Ledger, kind: str, path: str, texts: Sequence[str], reason: str
) -> None:
    one = bench(ground, NOBODY)
    found = see(one, kept(one, path, *texts), kind)
    assert [check.reason for check in found if not check.ok] == ([reason] if reason else [])
    assert len(ledger.checks.of_run(ground.run.id)["t"]) == len(found) > 0


@pytest.mark.parametrize(
    ("edit", "reason"),
    [
        (("for: 5m", "for: 10m"), "alert-differs"),
        (("severity: page", "severity: ticket"), "alert-differs"),
        (("it is slow", "it is very slow"), "alert-differs"),
        (("> 5", "> 6"), "alert-differs"),
        (("Old", "New"), "alert-not-loaded"),
        ((RULES, RULES), ""),
    ],
)
@pytest.mark.parametrize("summary", ["it is slow", "it is slow in ${cluster}"])
def test_a_rule_of_before_is_not_taken_for_the_changed_one(
    ground: Ground, ledger: Ledger, edit: tuple[str, str], reason: str, summary: str
) -> None:
    """The wrapper has applied, and nobody has told Prometheus to load its files again."""
    shown, labels = summary.replace("${cluster}", "a"), {"severity": "page", "site": "a"}
    before = rule("Old", "node_load1 > 5", labels=labels, annotations={"summary": shown})
    text = RULES.replace(*edit).replace("slow}", f"slow{summary.removeprefix('it is slow')}}}")
    if "slow" in edit[0] and "$" in summary and edit[0] != edit[1]:
        # What a template fills in is not compared.
        reason = ""
    after = Change(PATH + ".tpl", "A", "000000", "100644", None, text.encode())
    with ScriptedPrometheus(loaded=[before]) as server:
        (check,) = alerts.see_loaded(bench(ground, server.url), changed_rules(Edits((after,))))
    assert (check.ok, check.reason) == (not reason, reason)


def refused(expr: str) -> Sequence[tuple[dict[str, str], str]]:
    raise Rejected(f"no PromQL: {expr}")


@pytest.mark.parametrize(
    ("path", "texts", "says"),
    [
        ("stacks/m/main.tf", [HEREDOC.format(""), HEREDOC.format(RULES.replace("> 5", ">"))], "no PromQL"),
        ("stacks/m/rules.yaml.tpl", [TEMPLATE, TEMPLATE.replace("5m", "6m")], ""),
    ],
    ids=["broken", "code"],
)
@pytest.mark.parametrize("promtool", [str(PROMTOOL), ""], ids=["promtool", "none"])
def test_an_expression_that_only_others_can_read_is_theirs_to_judge(
    ground: Ground, ledger: Ledger, path: str, texts: Sequence[str], says: str, promtool: str
) -> None:
    with ScriptedPrometheus(refused) as server:
        one = bench(ground, server.url, promtool=promtool)
        found = ask(one, kept(one, path, *texts))
    assert [finding.rule for finding in found] == (["LIVE-01"] if says else [])
    assert len(server.asked) == (1 if says and not promtool else 0)
    assert [finding for finding in found if ("parse error" if promtool else says) not in finding.why] == []


@pytest.mark.parametrize("way", ["series", "refusal"])
def test_what_prometheus_says_of_a_secret_is_hidden_before_it_is_cut(ground: Ground, ledger: Ledger, way: str) -> None:
    # A refusal is short already when it comes.
    before = range(0, 700, 90) if way == "series" else range(20, 400, 90)

    def give(expr: str) -> Sequence[tuple[dict[str, str], str]]:
        said = "x" * before[int(expr.rpartition(" ")[2])] + SECRET
        if way == "refusal":
            raise Rejected(said)
        return [({"path": said}, "1")]

    with ScriptedPrometheus(give) as server:
        one = bench(ground, server.url)
        found = ask(one, kept(one, PATH, many(len(before))))
    assert len(found) == len(before)
    said = [finding.why for finding in found]
    said += [check["answer"] for check in ledger.checks.of_run(ground.run.id)["t"]]
    assert any("[redacted]" in text for text in said)
    assert [text for text in said if LOOKS_LIKE_IT in text] == []


def test_what_a_loaded_rule_says_of_a_secret_is_hidden_before_it_is_cut(ground: Ground, ledger: Ledger) -> None:
    before = range(0, 700, 90)
    loaded = [rule(f"R{n}", f"node_load1 > {n}", error="x" * length + SECRET) for n, length in enumerate(before)]
    with ScriptedPrometheus(loaded=loaded) as server:
        one = bench(ground, server.url)
        found = [check for check in see(one, kept(one, PATH, many(len(before)))) if check.kind != "plan"]
    assert {check.reason for check in found} == {"alert-unhealthy"}
    assert "[redacted]" in found[0].answer
    assert [check.answer for check in found if LOOKS_LIKE_IT in check.answer] == []


def test_a_cancelled_run_asks_nobody_about_its_alerts(ground: Ground, ledger: Ledger) -> None:
    ledger.controls.set(ground.run.id, "me", "no more")
    with ScriptedPrometheus() as server:
        one = bench(ground, server.url)
        with pytest.raises(Refused, match="cancelled the run"):
            ask(one, kept(one, PATH, RULES))
    assert (server.asked, ledger.checks.of_run(ground.run.id)) == ([], {})


def test_a_run_that_is_cancelled_meanwhile_asks_no_more(ground: Ground, ledger: Ledger) -> None:
    def cancel(_: str) -> Sequence[tuple[dict[str, str], str]]:
        ledger.controls.set(ground.run.id, "me", "no more")
        return ()

    with ScriptedPrometheus(cancel) as server:
        one = bench(ground, server.url)
        with pytest.raises(Refused, match="cancelled the run"):
            ask(one, kept(one, PATH, many(3)))
    assert server.asked == ["node_load1 > 0"]


def test_an_edit_of_any_size_asks_so_many_questions_and_no_more(ground: Ground, ledger: Ledger) -> None:
    with ScriptedPrometheus() as server:
        one = bench(ground, server.url)
        assert ask(one, kept(one, PATH, many(300))) == ()
    assert server.asked == [f"node_load1 > {n}" for n in range(60)]


@pytest.mark.parametrize(("known", "found"), [("node_load1", []), ("other", ["LIVE-02"])])
def test_an_alert_may_use_what_the_same_change_records(
    ground: Ground, ledger: Ledger, known: str, found: list[str]
) -> None:
    rules = RULES.replace("node_load1 >", "job:load1:max >") + "  - record: job:load1:max\n    expr: max(node_load1)\n"
    with ScriptedPrometheus(metrics=[known]) as server:
        one = bench(ground, server.url)
        assert [finding.rule for finding in ask(one, kept(one, PATH, rules))] == found


@pytest.mark.parametrize(
    ("reason", "begun", "outcome"),
    [
        ("uptime-kuma-unknown-notification", 0, "failed"),
        ("uptime-kuma-unknown-notification", 1, "failed"),
        ("uptime-kuma-unknown-notification", 2, "unknown"),
        ("uptime-kuma-unreachable", 0, "failed"),
        ("uptime-kuma-unreachable", 1, "unknown"),
    ],
)
def test_once_something_was_begun_a_failure_is_one_of_unknown_effect(
    ground: Ground, ledger: Ledger, reason: str, begun: int, outcome: str
) -> None:
    """But for what is refused before anything is done."""
    for number in range(begun):
        ledger.runs.begin_effect(ground.run.id, f"{effect(ground.run.id, 't')}monitor {number}")
    assert closing.finish(ground.run.id, "t", "Failed", reason, "no", ()) == outcome
    (row,) = ledger.runs.todos(ground.run.id)
    assert (row["outcome"], row["reason"]) == (outcome, reason)
