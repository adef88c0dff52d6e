"""What an action item's words ask for; hostile text takes no time and ends nothing."""

from __future__ import annotations

import pytest

from app.agent.asked import Asked, asked, verification_of
from app.agent.asked_promql import canonical
from tests.hang import ends


@pytest.mark.parametrize(
    ("text", "expressions"),
    [
        ("Alert on kube_pods{phase=\"Failed\"} > 5 for 5m", ('kube_pods{phase="Failed"} > 5',)),
        ("use sum by (pod) (rate(restarts_total[5m])) > 100 when", ("sum by (pod) (rate(restarts_total[5m])) > 100",)),
        ("when rate(calls_total{a=~\"x|y\"}[5m]) drops to zero", ('rate(calls_total{a=~"x|y"}[5m])',)),
        ("fires when up{job=\"node\"} == 0.", ('up{job="node"} == 0',)),
        ("`up == 0` and `node_load1`", ("up == 0", "node_load1")),
        ("| `a_b{x=~\"a\\|b\"}` |", ('a_b{x=~"a|b"}',)),
        ("login(s), user(s), stage(2) of `stacks/some_thing/main`", ()),
        ("`mem_limit: 2048m`, `-N /script`, `job=devvm`, `pg_advisory_lock`, `some_exporter`", ()),
        ("the tables `my_jobs_queue` and `my_stage_state`", ()),
        ("metrics `my_jobs_queue`", ("my_jobs_queue",)),
    ],
)  # fmt: skip
def test_expressions(text: str, expressions: tuple[str, ...]) -> None:
    assert asked(text, "").expressions == expressions


@pytest.mark.parametrize(
    ("action", "details", "targets", "check"),
    [
        ("Monitor the web UI port 8006", "TCP check on 192.168.1.127", ("192.168.1.127:8006",), "tcp"),
        ("Monitor for the web UI on port 8006", "at 192.168.1.127:8006", ("192.168.1.127:8006",), "tcp"),
        ("Probe https://vault.example.net/v1/sys/health.", "", ("https://vault.example.net/v1/sys/health",), "http"),
        ("Watch (https://a.example/x) ([it](https://git.example/issues/1))", "", ("https://a.example/x",), "http"),
        ("See https://git.example/o/r/pull/7", "", (), "http"),
        ("Ping gw.example.net every minute", "edit stacks/mon/main.tf", ("gw.example.net",), "ping"),
        ("DNS lookup of `.home.example`", "", ("home.example",), "dns"),
        ("TCP on redis:6379 and [fd00::1]:443", "", ("redis:6379", "[fd00::1]:443"), "tcp"),
        ("keyword monitor on the status page", "`ok`", (), "keyword"),
        ("postgres:16 at 10:30, values.yaml:120, 1.2.3.4.5:80, x:99999", "", (), ""),
        ("ポート 8006 の死活監視", "192.168.1.127", ("192.168.1.127:8006",), "tcp"),
    ],
)  # fmt: skip
def test_targets_and_the_kind_of_check(action: str, details: str, targets: tuple[str, ...], check: str) -> None:
    found = asked(action, details)
    assert (found.targets, found.check) == (targets, check)


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Prometheus alert NFSMountFailing for the mounts", ("NFSMountFailing",)),
        ("Alert `QueueBacklog`, in state `CrashLoopBackOff`, by a PrometheusRule", ("QueueBacklog",)),
        ("Alert for GitHub and PostgreSQL in a CronJob", ()),
        ("`JobOutcome::Success` is wrong", ()),
        ('kube_x{reason="NodeDown"} > 0', ()),
    ],
)
def test_names_of_alerts(text: str, names: tuple[str, ...]) -> None:
    assert asked(text, "").alert_names == names


def test_times_are_as_prometheus_writes_them() -> None:
    text = (
        "for 5 minutes, > 10min, 90-min gap, 2 heures, 30 Sekunden, 5 分あたり, 3h; mem_limit: 512m, 2026-04-16, v1.5m"
    )
    assert asked(text, "").durations == ("5m", "10m", "90m", "2h", "30s", "3h")
    assert asked("alert on x[5m]", "`rate(a_total[7m])` over 15m").durations == ("15m",)


@pytest.mark.parametrize(
    ("text", "severity"),
    [
        ("critical alert", "critical"),
        ("raise its severity from `ticket` to `page`", "page"),
        ("severity を `ticket` から `page` に", "page"),
        ("A (warning), B (critical)", ""),
        ("non-critical pages, early warning", ""),
        ("the page is slow", ""),
        ("severity: info", "info"),
    ],
)
def test_severity(text: str, severity: str) -> None:
    assert asked(text, "").severity == severity


@pytest.mark.parametrize(
    ("declared", "action", "proof"),
    [
        ("Alert", "Watch it in Uptime Kuma", "alert"),
        ("Monitor", "Alert on it", "monitor"),
        ("Config", "Set three replicas, alert the team", "config"),
        ("Config", "Add an Uptime Kuma monitor", "monitor"),
        ("", "Alert when the probe fails", "alert"),
        ("", "Synthetic probe, alert when it fails", "monitor"),
        ("", "Blackbox exporter for the DNS", "monitor"),
        ("", "Raise the timeout of the livenessProbe", "config"),
        ("", "Tune readiness probes", "config"),
        ("", "Alarm bei vollem Speicher", "alert"),
        ("", "Überwachung: CPU usage", "alert"),
        ("検知", "メモリの監視アラート", "alert"),
        ("", "Upgrade the database", "config"),
    ],
)
def test_which_proof_is_asked_for(declared: str, action: str, proof: str) -> None:
    assert verification_of(declared, action, "") == proof


def test_two_spellings_of_one_expression() -> None:
    assert canonical('sum  by(a)( rate(x_total{b="c"}[5m]) )>1') == canonical(
        'sum(rate(x_total{b="c"}[5m])) by (a) > 1'
    )
    assert canonical("x > 1") != canonical("x > 2")
    assert canonical("not an expression") == ""
    assert canonical("a  +\n" * 500 + "a") == "a+" * 500 + "a"


HOSTILE = {
    "brackets": "(" * 3000,
    "calls": "sum(" * 1500 + "x_y" + ")" * 1500,
    "ticked calls": "`" + "sum(" * 90 + "x_y" + ")" * 90 + "`",
    "sums": "a_b[5m]" + "+a_b" * 1500,
    "many expressions": 'a_b{c="d"} > 1 ' * 400,
    "many ticks": "`a_b{c=~\"(x{1000}){1000}\"}` " * 200,
    "repetition": "`a_b{c=~\"((a{99}){99}){99}\"}`",
    "far offset": "`a_b{c=\"d\"} offset 1e300` a_b{c=\"d\"} offset 1e300 `x_y[1e40] > 1`",
    "strings": 'a_b{c="' * 900,
    "escapes": 'a_b{c="\\' * 900,
    "dots": "a." * 4000 + ":80",
    "addresses": "http://" * 1100,
    "links": "[a](" * 1900,
    "digits": "1" * 8000 + "m",
    "words": "Aa" * 4000,
    "from": "from `page` " * 600,
    "DNS": "DNS " * 2000,
    "repetitions": ("`up{" + ",".join(f'a{i}=~"(\\\\pL{{99}}){{9}}"' for i in range(19)) + "}`\n") * 12,
    "one repetition": ("`up{" + ",".join(f'a{i}=~"\\\\pL"' for i in range(19)) + ',b=~"\\\\pL{99}"}`\n') * 24,
    "nothing": "\x00\ud800\u202e" * 2000,
}  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_hostile_text_does_not_hang_the_reader(text: str, capfd: pytest.CaptureFixture[str]) -> None:
    with ends(10):
        found = asked(text[:2000], text)
        verification_of("", text[:2000], text)
        canonical(text)
    assert capfd.readouterr().err == "", "a parser that panics prints that it did"
    assert all(
        len(value) <= 500 for name in ("expressions", "targets", "alert_names") for value in getattr(found, name)
    )


def test_nothing_is_asked_by_nothing() -> None:
    assert asked("", "") == Asked()
