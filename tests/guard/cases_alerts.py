"""ALERT rules: what trips each, and honest neighbours that pass it."""

from __future__ import annotations

from tests.guard.cases_tpl import ADDED, CHART, MANIFEST, RULES, TPL, template
from tests.guard.edits import Case

EXPR = "rate(nfs_latency_seconds_sum[5m]) > 0.5"
MORE = "stacks/monitoring/more.yaml"
HEREDOC = "stacks/web/main.tf"


def asks(expression: str, expected: object = "block", name: str = "", **policy: object) -> Case:
    """An added alert with another expression."""
    return template(name or expression, RULES, RULES + ADDED.replace(EXPR, f"'{expression}'"), expected, **policy)


def now_asks(expression: str, expected: object = "block") -> Case:
    """An alert that was there, with another expression."""
    return template(f"now {expression}", RULES, RULES.replace("memory_used_percent > 90", f"'{expression}'"), expected)


def without(name: str, part: str, expected: object = "block", **policy: object) -> Case:
    """An added alert without a part."""
    assert part in ADDED
    return template(name, RULES, RULES + ADDED.replace(part, ""), expected, **policy)


def indented(text: str, by: int) -> str:
    """A text further to the right."""
    return "".join(f"{' ' * by}{line}\n" for line in text.splitlines())


def heredoc(rules: str) -> str:
    """Terraform code with rules in it."""
    return f"locals {{\n  rules = <<-EOT\n{indented(rules, 4)}  EOT\n}}\n".replace("${disk_full_percent}", "85")


FOR, LABELS = "        for: 5m\n", "        labels:\n          severity: critical\n"
NOTES = ADDED[ADDED.index("        annotations") :]
DISK = RULES[RULES.index("      - alert: DiskFull") : RULES.index("      - alert: MemoryFull")]
OTHER = f"groups:\n  - name: nfs\n    rules:\n{ADDED}"
ALWAYS = RULES.replace("> 90", ">= bool 90")
NAMED_LIKE_ANOTHER = ADDED.replace("NfsSlow", "MemoryFull")

ALERTS: dict[str, list[Case]] = {
    "ALERT-01": [
        asks("vector(1)"),
        asks("vector(0)", name="a bare vector(0)"),
        asks("1"),
        asks("1 == bool 2"),
        asks("up >= 0"),
        asks("up"),
        asks("x >= 0 or x < 0"),
        asks("x == x"),
        asks("x > bool 5"),
        asks("count(x) >= 0"),
        asks("x > 5 or vector(1)"),
        asks("rate(errors_total[5m])", name="a rate without a limit"),
        asks('up{a="1",a="2"} or vector(1)'),
        asks('absent(x{a="1",a="2"})'),
        asks("vector(1)", todo_type="Config", name="in a TODO of type Config"),
        now_asks("vector(1)"),
        Case(
            "in a chart",
            {TPL: CHART},
            {TPL: CHART + indented(ADDED.replace(EXPR, "vector(1)"), 4)},
            "block",
            {"todo_type": "Alert"},
        ),
        Case(
            "in a manifest",
            {},
            {"stacks/web/r.yaml": MANIFEST.replace("memory_used_percent > 90", "vector(1)")},
            "block",
            {"todo_type": "Alert"},
        ),
        Case(
            "in a heredoc",
            {HEREDOC: heredoc(RULES)},
            {HEREDOC: heredoc(RULES + ADDED.replace(EXPR, "vector(1)"))},
        ),
        asks(EXPR, None),
        asks("up == 0", None),
        asks('absent(up{job="nfs"})', None),
        asks("x > 9 and on() hour() > 8", None),
        asks("(sum(x) or vector(0)) == 0", None),
        asks("x > ${disk_full_percent}", None),
        template("another duration of one that always fired", ALWAYS, ALWAYS.replace("10m", "20m"), None),
        template("a record", RULES, RULES + "      - record: job:up:sum\n        expr: sum by (job) (up)\n", None),
    ],
    "ALERT-02": [
        asks("vector(0) > 1"),
        asks("x > 5 and x < 3"),
        asks("x > 5 unless x > 3"),
        asks("x unless x"),
        asks("x != x"),
        asks("up > 1"),
        asks("up < 0"),
        asks('x{a="1",a="2"} > 5'),
        asks('x{a=~"1|2",a!~"1|2|3"} > 5'),
        asks("rate(x[5m]) < 0"),
        asks("count(x) < 0"),
        asks("count(up == 1) == 0"),
        asks("x > NaN"),
        asks("absent(vector(1)) == 1"),
        asks("x > ${disk_full_percent} and up > 1"),
        now_asks("vector(0) > 1"),
        asks("x == Inf", "needs-approval"),
        asks("x > 5 unless on() y", "needs-approval"),
        asks("absent(up)", "needs-approval"),
        template("a record of nothing", RULES, RULES + "      - record: a:b\n        expr: up > 1\n"),
        template(
            "too many to read",
            "groups: []\n",
            "groups:\n  - name: a\n    rules:\n" + "".join(ADDED.replace("NfsSlow", f"A{n}") for n in range(70)),
            "needs-approval",
        ),
        asks(EXPR, None),
        asks("x > 3 unless x > 5", None),
        asks("x < 3 or x > 5", None),
        asks("x > 5 and on(a) x < 3", None),
        asks('x{a=~"1|2",a!~"2"} > 5', None),
        asks("x > 5 unless on(instance) y == 1", None),
        asks("absent(x) == 1", None),
        asks("up == 0 unless up offset 1h == 0", None),
    ],
    "ALERT-03": [
        template("in the same group", RULES, RULES + NAMED_LIKE_ANOTHER),
        template("in another group", RULES, f"{RULES}  - name: x\n    rules:\n{NAMED_LIKE_ANOTHER}"),
        template("twice in the edit", RULES, RULES + ADDED + ADDED.replace("critical", "warning")),
        Case(
            "in another file",
            {TPL: RULES, MORE: "groups: []\n"},
            {TPL: RULES.replace("> 90", "> 91"), MORE: OTHER.replace("NfsSlow", "MemoryFull")},
            "block",
            {"todo_type": "Alert"},
        ),
        Case(
            "in terraform code around it",
            {HEREDOC: heredoc(RULES)},
            {HEREDOC: heredoc(RULES), "stacks/web/r.yaml": OTHER.replace("NfsSlow", "MemoryFull")},
        ),
        template("another name", RULES, RULES + ADDED, None),
        template("twice before", RULES + NAMED_LIKE_ANOTHER, RULES + NAMED_LIKE_ANOTHER + ADDED, None),
        template(
            "a limit of one that stands twice",
            RULES + NAMED_LIKE_ANOTHER,
            RULES.replace("> 90", "> 91") + NAMED_LIKE_ANOTHER,
            None,
        ),
        Case(
            "moved to another file",
            {TPL: RULES, MORE: OTHER},
            {TPL: RULES.replace(DISK, ""), MORE: OTHER + DISK},
            None,
            {"todo_type": "Alert"},
        ),
    ],
    "ALERT-04": [
        without("for", FOR),
        without("labels", LABELS),
        without("annotations", NOTES),
        template("an empty severity", RULES, RULES + ADDED.replace("severity: critical", 'severity: ""')),
        template("another label", RULES, RULES + ADDED.replace("severity: critical", "team: storage")),
        template("only a link", RULES, RULES + ADDED.replace("summary:", "runbook_url:")),
        without("in a TODO of type Config", FOR, todo_type="Config"),
        without("not wanted", FOR, None, alert_parts=("severity", "summary")),
        template("a description", RULES, RULES + ADDED.replace("summary:", "description:"), None),
        template("a message", RULES, RULES + ADDED.replace("summary:", "message:"), None),
        template("a change of one that lacks it", RULES, RULES.replace("> 90", "> 91"), None),
        template("a record", RULES, RULES + "      - record: job:up:sum\n        expr: sum by (job) (up)\n", None),
    ],
    "ALERT-05": [
        asks('{__name__=~".+"} > 5'),
        asks("count({}) > 5"),
        asks('{__name__!=""} == 0'),
        asks('{job=~".+"} == 0'),
        asks('{__name__=~"[a-z].*",instance!="x"} == 0'),
        now_asks('{__name__=~".+"} > 5'),
        without("no labels, where nobody asks for a severity", LABELS, alert_parts=("for", "summary")),
        template(
            "labels: {}",
            RULES,
            RULES + ADDED.replace(LABELS, "        labels: {}\n"),
            "block",
            alert_parts=("summary",),
        ),
        asks('{__name__=~"node_.+"} == 0', None),
        asks('{job="nfs"} == 0', None),
        asks("sum(x) > 5", None),
        asks("x{} > 5", None),
        without("no labels, which ALERT-04 says", LABELS, None),
    ],
    "ALERT-06": [
        template("removed", RULES, RULES.replace(DISK, ""), "needs-approval"),
        template("renamed", RULES, RULES.replace("MemoryFull", "MemoryFuller"), "needs-approval"),
        template("all of them", RULES, "groups: []\n", "needs-approval"),
        template("another metric", RULES, RULES.replace("memory_used", "swap_used"), "needs-approval"),
        template("a narrower selector", RULES, RULES.replace('job="node"', 'job="node",a="b"'), "needs-approval"),
        template(
            "another severity",
            RULES,
            RULES.replace("severity: warning\n        an", "severity: x\n        an"),
            "needs-approval",
        ),
        template(
            "recorded instead", RULES, RULES.replace("- alert: MemoryFull", "- record: MemoryFull"), "needs-approval"
        ),
        Case("the file", {TPL: RULES}, {}, "needs-approval", {"todo_type": "Alert"}),
        Case("in a heredoc", {HEREDOC: heredoc(RULES)}, {HEREDOC: heredoc(RULES.replace(DISK, ""))}, "needs-approval"),
        template("replaced by one of another name", RULES, RULES.replace(DISK, ADDED), "needs-approval"),
        template("one more", RULES, RULES + ADDED, None),
        template("another limit", RULES, RULES.replace("> 90", "> 91"), None),
        template("other layout", RULES, RULES.replace("expr: memory", "expr:   memory"), None),
        template("a record removed", RULES + "      - record: a:b\n        expr: up\n", RULES, None),
        Case(
            "moved to another file",
            {TPL: RULES, MORE: OTHER},
            {TPL: RULES.replace(DISK, ""), MORE: OTHER + DISK},
            None,
            {"todo_type": "Alert"},
        ),
    ],
}
