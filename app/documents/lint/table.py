"""Every rule, in the order in which findings of one line are told: the one place that knows their ids."""

from __future__ import annotations

from app.documents.lint import action_rules, head_rules, timeline_rules, wording_rules
from app.documents.lint.model import Rule

_MISLED = "whoever reads it later is misled about what was known when"
_DRIFT = "programs that sort, count and link post-mortems cannot read it"

RULES: tuple[Rule, ...] = (
    Rule(
        "section-missing",
        "error",
        "headings and bold keys",
        "a reader looks for it and cannot tell whether it was left out or does not apply",
        head_rules.missing_sections,
    ),
    Rule(
        "section-empty",
        "warning",
        "what stands under the headings of required sections",
        "a heading alone tells nothing",
        head_rules.empty_sections,
    ),
    Rule("date-missing", "error", "metadata, title, file name", _DRIFT, head_rules.missing_date),
    Rule("date-format", "error", "metadata", _DRIFT, head_rules.malformed_date, "another spelling of the same day"),
    Rule("severity-missing", "error", "metadata", _DRIFT, head_rules.missing_severity),
    Rule(
        "severity-format",
        "error",
        "metadata",
        _DRIFT,
        head_rules.malformed_severity,
        "another spelling of SEV1, SEV2 or SEV3",
    ),
    Rule(
        "report-late",
        "warning",
        "the date of the report, the incident's last day",
        "memories and logs are gone after two days",
        head_rules.late_report,
    ),
    Rule(
        "review-date",
        "warning",
        "metadata, a section on the follow-up review",
        "actions that nobody looks at again are not done",
        head_rules.review_date,
    ),
    Rule("timeline-order", "error", "timeline", _MISLED, timeline_rules.order),
    Rule(
        "timeline-utc",
        "warning",
        "timeline",
        "logs and metrics are in UTC, and readers are in other zones",
        timeline_rules.utc,
    ),
    Rule("timeline-source", "warning", "timeline", "an event without a source is not evidence", timeline_rules.sources),
    Rule("duration-mismatch", "error", "metadata, timeline", _MISLED, timeline_rules.duration),
    Rule("ttd-mismatch", "error", "stated time to detection, timeline", _MISLED, timeline_rules.ttd),
    Rule("ttm-mismatch", "error", "stated time to mitigation, timeline", _MISLED, timeline_rules.ttm),
    Rule("ttr-mismatch", "error", "stated time to resolution, timeline", _MISLED, timeline_rules.ttr),
    Rule("action-owner", "warning", "open actions", "what is everybody's is nobody's", action_rules.owner),
    Rule("action-due", "warning", "open actions", "without a date it is never late", action_rules.due),
    Rule(
        "action-priority",
        "warning",
        "open actions",
        "what is done first is decided by chance",
        action_rules.priority,
        "another spelling of P0 to P3",
    ),
    Rule(
        "action-type",
        "warning",
        "open actions",
        "only a declared type says whether a machine may do it",
        action_rules.missing_type,
    ),
    Rule(
        "type-unknown",
        "error",
        "open actions",
        "a machine leaves it alone, and nobody knows whether that was meant",
        action_rules.unknown_type,
        "another spelling of a type that people do",
    ),
    Rule("action-vague", "error", "open actions", "nobody can tell when it is done", action_rules.vague),
    Rule(
        "action-destructive",
        "error",
        "open actions of type Alert, Config or Monitor",
        "the machine would try it; declare it as Architecture, Migration or Runbook",
        action_rules.destructive,
    ),
    Rule(
        "action-duplicate",
        "error",
        "open actions",
        "two rows for one piece of work drift apart; the machine does neither twice",
        action_rules.duplicates,
    ),
    Rule(
        "blame",
        "warning",
        "running text, tables and lists; quotes and code aside",
        "people stop telling what happened; say what made the fault possible",
        wording_rules.blameful,
    ),
)
RULE_IDS = frozenset(rule.id for rule in RULES)
