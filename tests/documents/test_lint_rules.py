"""The rules: a good post-mortem has no finding, each breach has its own, and honest wording has none."""

from __future__ import annotations

import pytest

from app.documents.lint import RULES, computed_times, lint
from app.documents.lint.model import Limits
from app.documents.lint.timeline import zone_in
from app.documents.lint.times import duration_in
from app.documents.parse import scan

GOOD = """\
# Post-Mortem: database full

| Field | Value |
|-------|-------|
| **Date** | 2026-04-14 |
| **Duration** | 1h 35m |
| **Severity** | SEV2 |
| **Authors** | Alice Doe |
| **Published** | 2026-04-15 |

## Summary

The disk of the database filled up and every write failed.

## Impact

Writes failed. Time to detect is below.

- **Time to detect**: 15m
- **Time to mitigate**: 1h 20m
- **Time to resolve**: 95 minutes

## Timeline (UTC)

| Time | Event | Source |
|------|-------|--------|
| 10:05 | First errors appear | logs |
| 10:20 | Alert fires | Prometheus |
| 11:25 | The release is rolled back | commit abc1234 |
| 11:40 | Service restored | logs |

## Root Cause

Nothing watched the disk.

## Action Items

| Priority | Action | Type | Owner | Due | Details | Status |
|----------|--------|------|-------|-----|---------|--------|
| P1 | Add an alert at 80 % of the disk | Alert | @bob | 2026-05-01 | in the prometheus stack | TODO |
| P2 | Write the recovery guide for the database | Runbook | @bob | 2026-05-08 | | TODO |

## Lessons Learned

- Disks fill up.

## Follow-up Review

**Date of the review**: 2026-05-12
"""
ROW = "| P2 | Write the recovery guide for the database | Runbook | @bob | 2026-05-08 | | TODO |"


def rules_of(text: str) -> list[str]:
    return [finding.rule for finding in lint(text.encode(), "x.md")]


def test_a_good_document_has_no_finding() -> None:
    assert lint(GOOD.encode(), "x.md") == []


BREACHES = [
    ("## Impact", "## Reach", "section-missing"),
    ("## Lessons Learned", "## Other", "section-missing"),
    ("## Root Cause", "## Text", "section-missing"),
    ("Nothing watched the disk.\n", "", "section-empty"),
    ("Nothing watched the disk.\n", "<!-- why? -->\n\n- **Cause**:\n- _Evidence:_\n", "section-empty"),
    ("The disk of the database filled up and every write failed.\n", "### Details\n", "section-empty"),
    ("| **Date** | 2026-04-14 |", "| **Date** | |", "date-missing"),
    ("| **Date** | 2026-04-14 |", "| **Date** | 14 April 2026 |", "date-format"),
    ("| **Date** | 2026-04-14 |", "| **Date** | 2026/4/14 |", "date-format"),
    ("| **Date** | 2026-04-14 |", "| **Date** | 2026-02-31 |", "date-format"),
    ("| **Date** | 2026-04-14 |", "| **Date** | 2026-04-14 |\n| **Incident date** | 2026-04-13 |", "date-format"),
    ("| **Severity** | SEV2 |", "| **Status** | Draft |", "severity-missing"),
    ("| **Severity** | SEV2 |", "| **Severity** | |", "severity-missing"),
    ("| SEV2 |", "| sev-2 |", "severity-format"),
    ("| SEV2 |", "| SEV4 |", "severity-format"),
    ("| SEV2 |", "| SEV1/SEV2/SEV3 |", "severity-format"),
    ("| SEV2 |", "| High |", "severity-format"),
    ("| 2026-04-15 |", "| 2026-04-17 |", "report-late"),
    ("**Date of the review**: 2026-05-12", "Soon.", "review-date"),
    ("## Follow-up Review\n\n**Date of the review**: 2026-05-12\n", "", "review-date"),
    ("**Date of the review**: 2026-05-12", "**Date of the review**: 2025-05-12", "review-date"),
    ("| 11:25 |", "| 10:15 |", "timeline-order"),
    ("## Timeline (UTC)", "## Timeline", "timeline-utc"),
    ("## Timeline (UTC)", "## Timeline (EEST)", "timeline-utc"),
    ("## Timeline (UTC)", "## Timeline (UTC+3)", "timeline-utc"),
    ("| Alert fires | Prometheus |", "| Alert fires | |", "timeline-source"),
    ("| **Duration** | 1h 35m |", "| **Duration** | 5h 10m |", "duration-mismatch"),
    ("| **Duration** | 1h 35m |", "| **Duration** | 1h 35m (10:05 - 12:40 UTC) |", "duration-mismatch"),
    ("detect**: 15m", "detect**: 45m", "ttd-mismatch"),
    ("mitigate**: 1h 20m", "mitigate**: 10 min", "ttm-mismatch"),
    ("resolve**: 95 minutes", "resolve**: 9 hours", "ttr-mismatch"),
    ("| Runbook | @bob |", "| Runbook | |", "action-owner"),
    ("| @bob | 2026-05-08 |", "| @bob | TBD |", "action-due"),
    ("| @bob | 2026-05-08 |", "| @bob | soon |", "action-due"),
    ("| P2 | Write", "| | Write", "action-priority"),
    ("| P2 | Write", "| High | Write", "action-priority"),
    ("| P2 | Write", "| P4 | Write", "action-priority"),
    ("| Runbook |", "| |", "action-type"),
    ("| Runbook |", "| Terraform |", "type-unknown"),
    ("| Alert | @bob", "| alert | @bob", "type-unknown"),
    ("Write the recovery guide for the database", "Improve monitoring", "action-vague"),
    ("Write the recovery guide for the database", "Be more careful next time", "action-vague"),
    ("Write the recovery guide for the database", "監視を強化する", "action-vague"),
    ("Add an alert at 80 % of the disk", "Delete the old volumes at 80 %", "action-destructive"),
    ("in the prometheus stack", "first run kubectl delete pvc data-0", "action-destructive"),
    ("in the prometheus stack", "resize it, then recreate the database", "action-destructive"),
    (ROW, ROW + "\n" + ROW.replace("Write the recovery", "**write** recovery"), "action-duplicate"),
    ("Nothing watched the disk.", "The engineer forgot to resize it.", "blame"),
    ("Nothing watched the disk.", "It was seen late because Alice\nfailed to check the graph.", "blame"),
    ("Nothing watched the disk.", "@carol accidentally removed the limit.", "blame"),
    ("Nothing watched the disk.", "Human error.", "blame"),
    ("Nothing watched the disk.", "担当者が設定を忘れていた。", "blame"),
    ("Nothing watched the disk.", "L'opérateur a oublié la limite.", "blame"),
    ("- Disks fill up.", "- The developer should have tested it.", "blame"),
]


@pytest.mark.parametrize(("old", "new", "rule"), BREACHES, ids=[f"{r}-{n}" for n, (_, _, r) in enumerate(BREACHES)])
def test_a_breach_has_its_finding_and_no_other(old: str, new: str, rule: str) -> None:
    assert GOOD.count(old) == 1
    assert rules_of(GOOD.replace(old, new)) == [rule]


AUTHORS = "| **Authors** | Alice Doe |\n"
CAUSE = "Nothing watched the disk."
LIST = "## Participants\n\n- Łukasz Żak (on-call)\n- Scribe: Noor\n\n## Summary"


@pytest.mark.parametrize(
    ("old", "new", "sentence", "blamed"),
    [
        (AUTHORS, "| **Responders** | Łukasz Żak, Noor |\n", "Łukasz forgot to resize it.", True),
        (AUTHORS, "| **Responders** | Łukasz Żak, Noor |\n", "Then Żak misread the graph.", True),
        (AUTHORS, "| **Responders** | @nina_k and José |\n", "It was nina_k who accidentally removed it.", True),
        (AUTHORS, "| **Incident Commander** | José |\n", "José should have checked it.", True),
        (AUTHORS, "| **担当者** | 田中 |\n", "田中さんが設定を忘れていた。", True),
        ("## Summary", LIST, "Noor did not check the limit.", True),
        ("## Summary", LIST, "Łukasz broke it.", True),
        ("## Summary", LIST.replace("## Participants", "**Participants:**"), "Noor did not check the limit.", True),
        (
            "## Summary",
            "## Attendees\n\n| Name | Role |\n|---|---|\n| Noor | lead |\n\n## Summary",
            "Noor broke it.",
            True,
        ),
        ("| @bob |", "| Grace |", "Grace ignored the alert.", True),
        (AUTHORS, AUTHORS, "Noor forgot to resize it.", False),
        ("## Summary", LIST, "Noor resized it within minutes.", False),
        (AUTHORS, "| **Owner** | Storage team |\n", "Storage failed to check the lease.", False),
        (AUTHORS, "| **Owner** | Storage team |\n", "The team broke no rule.", False),
    ],
)
def test_a_name_that_the_document_introduces_is_a_person_s(old: str, new: str, sentence: str, blamed: bool) -> None:
    assert old in GOOD
    assert ("blame" in rules_of(GOOD.replace(old, new).replace(CAUSE, sentence))) is blamed


PUBLISHED = "| **Published** | 2026-04-15 |\n"


@pytest.mark.parametrize(
    "stated",
    [
        ("# Post-Mortem: database full", "---\npublished: {}\n---\n# Post-Mortem: database full"),
        (PUBLISHED, "| **Published** | {} |\n"),
        ("## Summary", "**Published**: {}\n\n## Summary"),
        ("## Summary", "- **Report date:** {}\n\n## Summary"),
        ("## Summary", "Publié le : {}\n\n## Summary"),
    ],
)
def test_a_stated_day_of_publication_is_held_to_the_limit(stated: tuple[str, str]) -> None:
    bare = GOOD.replace(PUBLISHED, "") if stated[0] != PUBLISHED else GOOD
    for day, late in (("2026-04-16", False), ("2026-04-17", True), ("", False)):
        text = bare.replace(stated[0], stated[1].format(day))
        assert rules_of(text) == (["report-late"] if late else []), (day, text)


def test_every_rule_has_a_breach() -> None:
    assert {rule for _, _, rule in BREACHES} == {rule.id for rule in RULES}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Add an alert at 80 % of the disk", "Add an alert when PVCs are deleted"),
        ("Add an alert at 80 % of the disk", "Block `kubectl delete` of volumes in the admission policy"),
        ("in the prometheus stack", "warns before: delete of a volume"),
        ("Write the recovery guide for the database", "Improve the `node_disk` graph"),
        ("Nothing watched the disk.", "The Keel operator failed to check the tag, the pod broke."),
        ("Nothing watched the disk.", "It was not a human error: “the engineer forgot” explains nothing."),
        ("Nothing watched the disk.", "```\nthe engineer forgot\n```"),
        ("Nothing watched the disk.", "The engineer rolled back and Alice restored the data."),
        ("| 11:40 |", "| 11:40:10 |"),
        ("| **Duration** | 1h 35m |", "| **Duration** | ~1.5 h |"),
        ("| **Duration** | 1h 35m |", "| **Duration** | more than a day of degraded writes |"),
        ("| SEV2 |", "| **SEV2** — writes failed |"),
        ("| **Date** | 2026-04-14 |", "| **Date** | 2026-04-14 (seen a day later) |"),
        ("| 2026-04-15 |", "| 2026-04-16 |"),
        ("## Timeline (UTC)", "## Timeline\n\nAll times UTC."),
        ("| Time | Event |", "| Time (UTC) | Event |"),
        ("## Root Cause", "## 🔍 3. Cause racine"),
        ("Add an alert at 80 % of the disk", "~~Improve monitoring~~"),
    ],
)
def test_honest_wording_has_no_finding(old: str, new: str) -> None:
    text = GOOD.replace(old, new)
    assert text != GOOD
    assert rules_of(text) == []


@pytest.mark.parametrize(
    ("action", "bad"),
    [
        ("Remove the old StatefulSet", True),
        ("Tear down the staging cluster", True),
        ("Scale down, then wipe it", True),
        ("Set retention to 7d and purge old backups", True),
        ("Replace the NFS volume", True),
        ("Supprimer les PVC", True),
        ("Run `terraform state rm` for the orphan", True),
        ("Clean up with `docker system prune -a`", True),
        ("Remove the pod anti-affinity", False),
        ("Remove node selectors", False),
        ("Drop privileges in the container", False),
        ("Replace the threshold of 90 % by 80 %", False),
        ("Never delete volumes without a snapshot", False),
        ("Alert on `terraform destroy`", False),
        ("Set deletion protection on the volumes", False),
        ("Format logs as JSON", False),
    ],
)
def test_what_reads_destructive(action: str, bad: bool) -> None:
    found = rules_of(GOOD.replace("Add an alert at 80 % of the disk", action).replace("| Alert |", "| Config |"))
    assert ("action-destructive" in found) is bad


@pytest.mark.parametrize(
    ("action", "bad"),
    [
        ("Improve monitoring and alerting", True),
        ("Better documentation", True),
        ("Add more tests", True),
        ("Review our deployment process", True),
        ("Update the documentation.", True),
        ("Améliorer la surveillance", True),
        ("Add monitoring of the NFS mounts", False),
        ("Improve the retry of the importer", False),
        ("Increase memory to 4Gi", False),
        ("Investigate why the lease expired", False),
        ("Document the restore of Vault", False),
    ],
)
def test_what_names_no_deliverable(action: str, bad: bool) -> None:
    found = rules_of(GOOD.replace("Write the recovery guide for the database", action))
    assert ("action-vague" in found) is bad


def timeline(*rows: str) -> str:
    table = "".join(f"| {row} | something happens | logs |\n" for row in rows)
    return f"# T\n\n**Date:** 2026-04-14\n\n## Timeline (UTC)\n\n| Time | Event | Source |\n|---|---|---|\n{table}"


@pytest.mark.parametrize(
    ("rows", "wrong"),
    [
        (("23:50", "00:10", "00:05"), [11]),
        (("2026-04-13 23:50", "2026-04-14 00:10", "2026-04-13 10:00"), [11]),
        (("Apr 13 09:00", "Apr 14 08:00", "14 April 07:00"), [11]),
        (("10:00:30", "10:00", "10:00:10"), []),
        (("10:00 JST", "02:00 UTC"), []),
        (("~47h ago", "10:00", "unknown", "11:00"), []),
        (("10:00 – 12:00", "11:00"), []),
        (("9:00 PM", "8:30 AM"), []),
        (("4月13日 08:50", "2026年4月13日 09:00", "2026年4月13日 08:40頃"), []),
        (("2026-04-13", "2026-04-13 10:00", "2026-04-12"), [11]),
    ],
)
def test_order_is_judged_where_it_is_beyond_doubt(rows: tuple[str, ...], wrong: list[int]) -> None:
    found = lint(timeline(*rows).encode(), "x.md")
    assert [finding.line for finding in found if finding.rule == "timeline-order"] == wrong


def test_a_timeline_from_last_to_first_is_one_finding() -> None:
    text = timeline("2026-04-14 12:00", "2026-04-14 11:00", "2026-04-14 10:00", "2026-04-14 09:00")
    found = [finding for finding in lint(text.encode(), "x.md") if finding.rule == "timeline-order"]
    assert [(finding.line, finding.text) for finding in found] == [
        (5, "the timeline runs from the last event to the first")
    ]


@pytest.mark.parametrize(
    "events",
    [
        "- **10:05** — first errors\n- **10:00** — alert fires\n",
        "### 2026-04-14 10:05\n\nFirst errors.\n\n### 10:00\n\nAlert fires.\n",
        "**10:05** - First errors\n\n**10:00** - Alert fires\n",
    ],
)
def test_timelines_without_a_table_are_read(events: str) -> None:
    text = GOOD[: GOOD.index("| Time |")] + events + GOOD[GOOD.index("## Root Cause") :]
    assert {"timeline-order", "timeline-source"} <= set(rules_of(text))


def test_times_are_computed_from_the_timeline() -> None:
    assert computed_times(scan(GOOD.encode(), "x.md")) == {"ttd_minutes": 15, "ttm_minutes": 80, "ttr_minutes": 95}
    assert set(computed_times(scan(b"# T", "x.md")).values()) == {None}


def test_what_no_item_has_is_one_finding() -> None:
    text = "# T\n\n## Action Items\n\n" + "".join(f"- [ ] Add the alert number {n}\n" for n in range(20))
    found = [finding for finding in lint(text.encode(), "x.md") if finding.rule.startswith("action-")]
    assert sorted(finding.rule for finding in found) == ["action-due", "action-owner", "action-priority", "action-type"]
    assert {finding.line for finding in found} == {5}


def test_rules_are_off_and_limits_move() -> None:
    late = GOOD.replace("| 2026-04-15 |", "| 2026-04-17 |").encode()
    assert [finding.rule for finding in lint(late, "x.md")] == ["report-late"]
    assert lint(late, "x.md", off={"report-late"}) == []
    assert lint(late, "x.md", limits=Limits(report_hours=72)) == []


@pytest.mark.parametrize(
    ("told", "zone"),
    [
        ("Timeline (UTC)", "UTC"),
        ("All times UTC unless noted, PST in brackets", "UTC"),
        ("Timeline (UTC + 3)", "UTC+3"),
        ("Déroulé (heure locale)", "heure locale"),
        ("時刻 (JST)", "JST"),
        ("Time (Europe/Sofia, UTC+3)", "Europe/Sofia"),
        ("Best estimates of the team", None),
    ],
)
def test_zones_are_read_from_words(told: str, zone: str | None) -> None:
    assert zone_in(told) == zone


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("1h 35min (10:05 - 11:40 UTC)", 95, 95),
        ("~2.5 h", 150, 150),
        ("20-30 min", 20, 30),
        ("4h30", 270, 270),
        ("2 days, 3 hours", 3060, 3060),
        ("約 58 分（期限切れまで）", 58, 58),
        ("環境", None, None),
        ("over 2 hours", None, None),
        ("5 days of degraded builds", None, None),
        ("N/A", None, None),
    ],
)
def test_durations_are_read_where_they_are_plain(text: str, low: float | None, high: float | None) -> None:
    span = duration_in(text)
    assert (span and span.low, span and span.high) == (low, high)


def test_rules_are_told_once_each() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    assert all(rule.reads and rule.why and rule.check.__doc__ for rule in RULES)
