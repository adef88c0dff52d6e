"""The alerts of a change: what promtool, Prometheus and Alertmanager say of them before it is applied, and after."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from app.checks import Check
from app.edges import rule_tools
from app.edges.prometheus import LoadedRule, Prometheus, Sample
from app.errors import Failed, Refused
from app.guard.alerts import live
from app.guard.alerts.extract import AlertRule, as_rule_file, changed_rules
from app.guard.alerts.promql import Query, read
from app.guard.alerts.selectors import MASKED
from app.guard.edits.alert_rules import seconds
from app.guard.model import Edits, Finding
from app.ledger.runs import Todo
from pipelines.bench import Bench, ledger, settings
from pipelines.controls import heed, must_go_on
from pipelines.values import AgentChange, Kept
from pipelines.watching import open_prometheus, rule_check

# Of an edit with more new expressions a person is asked anyway (ALERT-02).
_MOST_ASKED = 60


def ask_about(bench: Bench, todo: Todo, change: AgentChange) -> AgentChange:
    """The change with what is found against the rules that it adds or changes; what was asked is recorded.

    promtool says whether Prometheus would load them, Prometheus whether their metrics exist and whether they would
    fire now (LIVE-01 to LIVE-03). A change without rules is given back as it is.
    """
    bench.must_be_whole("asking about alerts")
    rules = changed_rules(Edits(tuple(bench.workspace.read(change.entries))))
    if not rules:
        return change
    # Asked again by every try of this step: it may wait long for a Prometheus that is down.
    heed(bench.run.id, "asking about alerts", todo.id)
    found = [*_promtool(bench, todo, rules)] or [*_prometheus(bench, todo, rules)]
    _routes(bench, todo, rules)
    for finding in found:
        bench.say("alerts", f"{finding.rule} {finding.where}: {finding.why}", todo.id)
    return replace(change, findings=(*change.findings, *found))


def rules_of(bench: Bench, kept: Kept) -> tuple[AlertRule, ...]:
    """The rules that a kept commit adds or changes."""
    return changed_rules(Edits(tuple(bench.workspace.read(bench.workspace.committed(kept.commit)))))


def see_loaded(bench: Bench, rules: Sequence[AlertRule]) -> list[Check]:
    """What Prometheus says of these rules now: loaded as written, and evaluated without an error."""
    with open_prometheus(bench.repository, bench.secret, settings().vault) as prometheus:
        loaded = prometheus.rules()
    return [_loaded(rule, loaded, bench.hide) for rule in rules]


def _loaded(rule: AlertRule, loaded: Sequence[LoadedRule], hide: Callable[[str], str]) -> Check:
    check = rule_check(rule.name, loaded, "" if MASKED.search(rule.expr) else rule.expr, hide)
    if not check.ok or any(_is(rule, one) for one in loaded if one.name == rule.name):
        return check
    # Who changed only these parts would otherwise see the rule that was there before.
    return replace(check, ok=False, answer="has another `for`, labels or annotations", reason="alert-differs")


def _is(rule: AlertRule, loaded: LoadedRule) -> bool:
    """Whether a loaded rule has a rule's `for`, labels and annotations; more of them come from its group or server.

    What is filled in, by a template or by a chart, is passed over.
    """
    if not MASKED.search(rule.wait) and loaded.wait not in (None, seconds(rule.wait)):
        return False
    pairs = ((rule.labels, loaded.labels), (rule.annotations, loaded.annotations))
    return all(
        there.get(name, "").strip() == value or MASKED.search(name + value) or "{" in value
        for wanted, there in pairs
        for name, value in wanted.items()
    )


def _promtool(bench: Bench, todo: Todo, rules: Sequence[AlertRule]) -> Iterator[Finding]:
    if not (promtool := bench.repository.verify.promtool):
        return
    # Where code may be a selector or an operator, no word that is put in its place makes an expression.
    rules = [rule for rule in rules if not rule.masked or _query(rule)]
    if not rules:
        return
    problem = rule_tools.rules_problem(bench.machine, promtool, as_rule_file(rules), bench.devvm.path)
    if problem:
        yield live.not_loadable(rules, bench.hide(problem))
        return
    names = ", ".join(dict.fromkeys(rule.name for rule in rules))
    _keep(bench, todo, [Check("promtool", names, True, "would be loaded")])


def _prometheus(bench: Bench, todo: Todo, rules: Sequence[AlertRule]) -> Iterator[Finding]:
    if not bench.repository.verify.prometheus:
        return
    # What the same change records has no series yet.
    recorded = {rule.name for rule in rules if rule.record}
    with open_prometheus(bench.repository, bench.secret, settings().vault) as prometheus:
        for rule in rules[:_MOST_ASKED]:
            must_go_on(bench.run.id, "asking about alerts")
            answers = _answers(prometheus, rule, recorded, bench.hide)
            found, check = live.judge(rule, answers)
            _keep(bench, todo, [check])
            yield from found


def _answers(
    prometheus: Prometheus, rule: AlertRule, recorded: Collection[str], hide: Callable[[str], str]
) -> live.Answers:
    # What a server says is hidden before it is cut: half a secret is found by nobody.
    query = _query(rule) or Query()
    unknown = tuple(name for name in query.metrics if name not in recorded and not prometheus.knows(name))
    matched = tuple((selector, prometheus.counts(selector)) for selector in query.series) if not rule.masked else ()
    if rule.masked or rule.record:
        return live.Answers(unknown, matched, None)
    try:
        return live.Answers(unknown, matched, tuple(hide(_shown(one)) for one in prometheus.query(rule.expr)))
    except Refused as error:
        return live.Answers(unknown, matched, None, hide(str(error)))


def _query(rule: AlertRule) -> Query | None:
    """What a rule asks for; None for what is not read here, which promtool and Prometheus judge by themselves."""
    try:
        return read(rule.expr, masked=rule.masked)
    except ValueError:
        return None


def _routes(bench: Bench, todo: Todo, rules: Sequence[AlertRule]) -> None:
    """Whom each alert reaches, where an Alertmanager configuration is named. It is told, and decides nothing."""
    verify = bench.repository.verify
    if not verify.alertmanager_config:
        return
    file = f"{bench.workspace.tree}/{verify.alertmanager_config}"
    for rule in rules[:_MOST_ASKED]:
        must_go_on(bench.run.id, "asking about alerts")
        if not rule.record and not rule.masked:
            labels = {"alertname": rule.name, **rule.labels}
            try:
                reached = rule_tools.receivers(bench.machine, verify.amtool, file, labels, bench.devvm.path)
                check = Check("alertmanager-route", rule.name, True, f"reaches {', '.join(reached) or 'nobody'}")
            except (Failed, Refused) as error:
                check = Check("alertmanager-route", rule.name, False, str(error), error.reason)
            _keep(bench, todo, [check])


def _shown(sample: Sample) -> str:
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
    return f"{{{labels}}} {sample.value}" if labels else sample.value


def _keep(bench: Bench, todo: Todo, checks: Sequence[Check]) -> None:
    hidden = [replace(check, answer=bench.hide(check.answer)) for check in checks]
    ledger().checks.keep(bench.run.id, todo.id, hidden)
    for check in hidden:
        bench.say("alerts", check.said, todo.id)
