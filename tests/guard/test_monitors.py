"""The inventory of monitors: read, written, published; what it asks of Uptime Kuma; where a monitor may not look."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from jsonschema import Draft202012Validator

from app.errors import BadInput
from app.guard.change import exportable, judge_change, outside_writes
from app.guard.monitors.forms import schema
from app.guard.monitors.inventory import Monitor, read, write
from app.guard.monitors.plan import Known, entry_of, match, plan, step, watched
from app.guard.monitors.rules import added
from app.guard.monitors.targets import host_problem, target_problem
from tests.guard.cases_monitors import ADDED, BASE, FOURTH, INVENTORY, MONITORS, SECOND, THIRD
from tests.guard.edits import edits, findings, policy_of
from tests.world.processes import ROOT

ALL = BASE + ADDED + SECOND + THIRD + FOURTH
FOR_MONITORS = policy_of(monitors=INVENTORY, todo_type="Monitor")


def told(text: str) -> str:
    with pytest.raises(BadInput) as caught:
        read(text.encode())
    assert caught.value.reason == "inventory-unreadable"
    return str(caught.value)


def test_an_entry_is_read_with_all_of_its_fields() -> None:
    grafana, nfs, vault, dns, push, ping = read(ALL.encode())
    assert grafana == Monitor("Grafana", "http", "https://grafana.example.lan/login", notifications=("slack",))
    assert nfs == Monitor("NFS server", "port", "192.168.1.127:2049", interval=30, retries=3, tags=("storage",))
    assert (vault.keyword, vault.notifications) == ('"sealed":false', None)
    assert (dns.resolver, dns.record_type) == ("192.168.1.1", "A")
    assert (push.target, push.interval, ping.target) == ("", 86400, "192.168.1.1")


def test_what_is_written_is_read_again() -> None:
    odd = Monitor("on: 'off' # \u00fc", "push", description="~", notifications=(), tags=("22:22", "null", "1e3"))
    monitors = (*read(ALL.encode()), odd, Monitor("0x10", "ping", "1.1.1.1", interval=20, retries=0))
    assert read(write(monitors)) == monitors
    assert write(read(write(monitors))) == write(monitors)
    assert read(write(())) == ()


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        (
            BASE + "  - {name: New, type: push, intervall: 60}\n",
            ("line 13", "entry 3", "'New'", "'intervall' is no field"),
        ),
        (BASE + "  - {name: New, type: ping}\n", ("line 13", "target: it is missing")),
        (BASE + "  - {name: NEW, type: smtp}\n", ("'NEW'", "type must be http, keyword, port, ping, dns or push")),
        (BASE + "  - {name: grafana, type: push}\n", ("entry 3", "a monitor of this name exists, at line 3")),
        (BASE + "  - {name: New, type: push, tags: [on]}\n", ("'tags'", "'on' as bool", "quotes")),
        (BASE + "  - {name: New, type: push, interval: 1_000}\n", ("'interval'", "as int")),
        (BASE + "  - New\n", ("line 13", "it is no mapping")),
        (BASE.replace("monitors:", "monitor:"), ("the key monitors and no other",)),
        ("monitors: {}\n", ("must be a list",)),
        ("monitors:\n" + "  - {}\n" * 1001, ("1001 monitors, at most 1000",)),
        ("monitors: " + "[" * 80 + "]" * 80, ("nested deeper",)),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, parts: tuple[str, ...]) -> None:
    said = told(text)
    assert [part for part in parts if part not in said] == [], said


def test_a_file_that_is_no_text_is_refused() -> None:
    with pytest.raises(BadInput, match="UTF-8"):
        read(b"monitors:\n- \xff\n")


def test_the_published_schema_is_what_the_code_asks_for() -> None:
    published = json.loads((ROOT / "docs" / "monitors.schema.json").read_text())
    assert published == schema(), "run: python -m app.cli monitors schema > docs/monitors.schema.json"
    Draft202012Validator.check_schema(published)


def test_what_the_reader_takes_the_schema_takes() -> None:
    validator, taken = Draft202012Validator(schema()), 0
    for text in [str(case.head[INVENTORY]) for cases in MONITORS.values() for case in cases if INVENTORY in case.head]:
        try:
            monitors = read(text.encode())
        except BadInput:
            continue
        assert validator.is_valid(yaml.safe_load(text)), text
        assert [entry["name"] for entry in yaml.safe_load(text)["monitors"]] == [m.name for m in monitors]
        taken += 1
    assert taken > 100


@pytest.mark.parametrize(
    "entry",
    [
        {"name": "a", "type": "ping"},
        {"name": "a", "type": "ping", "target": "b", "keyword": "c"},
        {"name": "a", "type": "smtp", "target": "b"},
        {"name": " a", "type": "push"},
        {"name": "", "type": "push"},
        {"name": "a\u0007", "type": "push"},
        {"name": "a", "type": "push", "interval": 19},
        {"name": "a", "type": "push", "interval": "60"},
        {"name": "a", "type": "push", "retries": 11},
        {"name": "a", "type": "push", "tags": "b"},
        {"name": "a", "type": "http", "target": "ftp://b"},
        {"name": "a", "type": "http", "target": "https://user:word@b/"},
        {"name": "a", "type": "http", "target": "https://b", "accepted_status_codes": ["2xx"]},
        {"name": "a", "type": "http", "target": "https://b", "accepted_status_codes": []},
        {"name": "a", "type": "port", "target": "b"},
        {"name": "a", "type": "port", "target": "b:0"},
        {"name": "a", "type": "keyword", "target": "https://b"},
        {"name": "a", "type": "dns", "target": "b", "record_type": "ANY"},
    ],
    ids=str,
)
def test_neither_the_schema_nor_the_reader_takes_it(entry: dict[str, object]) -> None:
    assert not Draft202012Validator(schema()).is_valid({"monitors": [entry]})
    told(yaml.safe_dump({"monitors": [entry]}))


def test_a_plan_creates_adopts_and_leaves_alone() -> None:
    grafana, nfs, vault, dns, push, ping = read(ALL.encode())
    known = (
        Known(1, "Grafana", "http", "https://grafana.example.lan/login", notifications=("slack",)),
        Known(66, "nfs", "port", "192.168.1.127:2049", interval=60, retries=3, active=False, tags=("storage", "old")),
        Known(67, "Backup", "push", interval=86400),
        Known(68, "Gateway", "ping", "192.168.1.254"),
    )
    steps = plan((grafana, nfs, vault, dns, push, ping), known)
    assert [one.action for one in steps] == ["same", "adopt", "create", "create", "same", "adopt"]
    assert steps[1].known == known[1]
    assert steps[1].differs == ("it is paused", "its name is 'nfs'", "interval is 60", "tags are storage, old")
    assert not steps[1].elsewhere
    assert steps[5].differs == ("it watches ping 192.168.1.254",)
    assert steps[5].elsewhere


def test_of_several_the_one_that_watches_the_same_comes_first_and_then_the_oldest() -> None:
    wanted = Monitor("NFS", "port", "nas:2049")
    assert match(wanted, [Known(1, "NFS", "port", "nas:111"), Known(3, "NFS", "port", "NAS:2049")]).id == 3  # type: ignore[union-attr]
    assert match(wanted, [Known(5, "NFS", "port", "nas:2049"), Known(4, "NFS", "port", "nas:2049")]).id == 4  # type: ignore[union-attr]
    assert match(wanted, [Known(5, "a", "port", "nas:2049"), Known(4, "b", "port", "nas.:2049")]).id == 4  # type: ignore[union-attr]
    assert match(wanted, [Known(5, "a", "port", "nas:2049"), Known(9, "nfs", "ping", "nas")]).id == 9  # type: ignore[union-attr]
    assert match(wanted, [Known(5, "a", "ping", "nas"), Known(6, "b", "port", "nas:20490")]) is None
    assert match(Monitor("Backup", "push"), [Known(1, "Other", "push")]) is None


def test_two_spellings_of_one_target_are_one() -> None:
    web = Monitor("a", "http", "https://nas.lan/")
    assert watched(web) == watched(replace(web, target="https://NAS.lan.:443")) != watched(replace(web, type="keyword"))
    assert watched(web) != watched(replace(web, target="https://nas.lan/?a=b"))
    assert watched(web) != watched(replace(web, target="http://nas.lan/"))


def test_what_an_inventory_cannot_say_is_said() -> None:
    known = Known(1, "Web", "http", "https://nas.lan/", accepted_status_codes=("200-299", "401"), keyword="ignored")
    assert step(entry_of(known), [known]).action == "same"
    for other in (
        replace(known, type="docker"),
        replace(known, target="https://user:word@nas.lan/"),
        replace(known, interval=5),
        replace(known, name="a\nb"),
    ):
        with pytest.raises(BadInput) as caught:
            entry_of(other)
        assert caught.value.reason == "monitor-invalid"


def test_the_agent_gets_the_inventory_and_may_write_nothing_else() -> None:
    assert exportable(INVENTORY, "100644", FOR_MONITORS)
    paths = [INVENTORY, "stacks/web/main.tf", "README.md"]
    assert outside_writes(paths, FOR_MONITORS) == paths[1:]
    assert outside_writes(paths, policy_of(monitors=INVENTORY, todo_type="Config")) == [INVENTORY, "README.md"]
    assert outside_writes(paths, policy_of(todo_type="Monitor")) == [INVENTORY, "README.md"]


def test_what_an_edit_adds_is_what_is_brought() -> None:
    change = edits({INVENTORY: BASE}, {INVENTORY: BASE + ADDED + THIRD})
    assert [monitor.name for monitor in added(change, FOR_MONITORS)] == ["Vault is unsealed", "Backup"]
    assert added(change, policy_of(todo_type="Monitor")) == ()
    assert added(edits({INVENTORY: BASE}, {INVENTORY: "monitors: {}\n"}), FOR_MONITORS) == ()
    assert judge_change(change, FOR_MONITORS).allows


def test_one_fault_is_told_once() -> None:
    """The rules of templates leave the inventory's form and values to its own; code in it is still theirs."""
    for case in MONITORS["MON-02"]:
        rules = {finding.rule for finding in findings(case)}
        assert not rules & {"TPL-02", "TPL-03", "FILE-01"}, case.name
    code = edits({INVENTORY: BASE}, {INVENTORY: BASE + "  - {name: New, type: push, description: 'a ${b}'}\n"})
    assert {finding.rule for finding in judge_change(code, FOR_MONITORS).findings} == {"TPL-01"}


def test_a_finding_says_what_exists() -> None:
    case = next(case for case in MONITORS["MON-06"] if case.name == "the same host and port")
    (found,) = findings(case)
    assert found.where == "monitors.yaml: New"
    assert found.why.startswith("the monitor 'NFS server', which watches the same port 192.168.1.127:2049, exists;")


@pytest.mark.parametrize("text", ["a b", "a\u200b", "a\tb", "\u202ea", "a\u2028"])
def test_a_target_of_what_nobody_sees_is_refused(text: str) -> None:
    assert target_problem(Monitor("a", "ping", text))


@pytest.mark.parametrize(
    "host", ["", ".", "-a", "a-", "a_" * 40, "a/b", "a@b", "[::1", "::1]", "x" * 64, "a." * 130, "1.2.3", "[1.2.3.4]"]
)
def test_what_is_no_host_is_refused(host: str) -> None:
    assert host_problem(host)


def test_no_host_breaks_the_judge() -> None:
    for host in (
        "xn--",
        "xn--a-ecp.ru",
        "xn--\u00fc",
        "%",
        "%zz",
        "[%25]",
        "::%",
        "[]",
        "0x",
        "0x.0x",
        "\ud800",
        "1" * 400,
    ):
        host_problem(host)
        target_problem(Monitor("a", "http", f"http://{host}/"))
        target_problem(Monitor("a", "port", f"{host}:80"))


@pytest.mark.parametrize("sign", ["upsideDown", "invertKeyword"])
def test_one_that_is_up_when_its_target_is_down_does_not_stand_for_an_entry(sign: str) -> None:
    monitor = Monitor("nfs", "port", "nfs.example.org:2049")
    found = step(monitor, [Known(1, "by hand", "port", "nfs.example.org:2049", retries=1, beyond=(sign,))])
    assert (found.action, found.elsewhere) == ("adopt", True)
    assert f"it has {sign}" in found.differs
