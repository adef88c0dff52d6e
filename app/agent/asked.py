"""What an action item's words ask for: expressions, names of alerts, targets, and which kind of proof would do.

Everything here is a reading of somebody's text, in whatever language it is written: a hint for the agent and a way to
find again what was done by hand. No permission follows from it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from app.agent.asked_promql import expressions_in
from app.agent.asked_targets import CheckWord, check_in, targets_in, without_links

Verification = Literal["alert", "monitor", "config"]

_ACTION, _DETAILS = 2000, 6000
_MOST = 8
_WORD = re.compile(r"(?<![\w./:-])(`?)([A-Z][A-Za-z0-9]{4,99})\1(?![\w/-]|\.\w|::)", re.A)
_HUMP = re.compile(r"[A-Z]+[a-z0-9]+", re.A)
# States of pods and kinds of objects: written as an alert's name is, and none.
_NO_ALERTS = re.compile(
    r"CrashLoopBackOff|ContainerCreating|(?:Err)?Image(?:Pull|PullBackOff)|\w{3,12}Pressure|NetworkUnavailable"
    r"|Prometheus(?:Rules?|Operator)|Alert[mM]anager\w{0,20}|(?:Service|Pod)Monitors?|CronJobs?|\w{4,9}Sets?|ConfigMaps?"
    r"|\w{4,12}Polic(?:y|ies)|PersistentVolume(?:Claim)?s?|ServiceAccounts?|\w{0,8}ClusterRole\w{0,9}|StorageClass(?:es)?"
    r"|\w{4,10}Release|Git(?:Hub|Lab)|\w{4,9}(?:Route|Service)"
)
_TELLING = re.compile(
    r"(?:Down|Up|Fail(?:ed|ing|ures?)?|Missing|Absent|Stale|Soon|Expir(?:ed|ing|y)|High|Low|Full|Slow|Errors?|Hours?"
    r"|Divergence|Drift(?:ed|ing)?|Lag|Unhealthy|Unreachable|NotReady|Exceeded|Stuck|Saturat(?:ed|ion)|Critical|Warning"
    r"|Corrupt(?:ed|ion)?|Mismatch|Timeouts?|Throttl(?:ed|ing)|Restart(?:s|ing)?|Flapping|Degraded|Looping|Unavailable"
    r"|Firing)$"
)
_ALERT = re.compile(
    r"\balert(?:s|ing|ed|es?|a\w{0,3})?\b|\balarm\w{0,4}\b|prometheusrule|アラート|通知|告警|警报|警告"
    r"|\bnotif(?:y|ies|ied|ications?)\b|\be?-?mailed\b|\bescalation\b|\bseverity\b"
    r"|\bpaged?\b(?= (?:on|when|if|us|someone))",
    re.IGNORECASE,
)
_FLAGGED = re.compile(r"\b(?:detection|monitoring)\b.{0,30}\b(?:flags?|warns?|raises?)\b|検知", re.IGNORECASE)
_MONITOR = re.compile(
    r"\bprobes?\b|\bblackbox\b|\bmonitors?\b(?! (?:rule|alert))|\bcanary\b|\bsynthetics?\b|\bup-?time (?:check|monitor)"
    r"|死活監視|外形監視|\bsonde\b",
    re.IGNORECASE,
)
_POD_PROBE = re.compile(r"\b(?:liveness|readiness|startup)[ -]?probes?\b|\bcanary (?:namespace|release)", re.IGNORECASE)
_KUMA = re.compile(r"\bup-?time[ -]?kuma\b", re.IGNORECASE)
_WATCH = re.compile(r"\bsurveill\w{1,6}\b|\büberwach\w{1,6}\b|\bmonitor(?:ing)?\b|監視", re.IGNORECASE)
_NUMBER = re.compile(
    r"\b(?:memory|mem|cpu|disk|oom\w{0,6}|overcommit|swap|usage|latency|rate|errors?|metrics?|ram|quota|inodes?)\b"
    r"|メトリクス",
    re.IGNORECASE,
)
_TIME = re.compile(
    r"(?<![\w.:/-])(\d{1,3})[ -]?(?:(ms)|(s|secs?|seconde?s?|sekunden?|秒)|(m|mins?|minut(?:e[ns]?|os?)?|分間?)"
    r"|(h|hrs?|hours?|heures?|stunden?|時間)|(d|days?|jours?|tagen?|日間?))(?![A-Za-z0-9_])",
    re.IGNORECASE | re.A,
)
_UNITS = ("ms", "s", "m", "h", "d")
_AMOUNT = re.compile(r"(?:limits?|mem|memory|cpu|requests?)\W{0,3}$", re.IGNORECASE)
_SEVERITY = re.compile(
    r"(?<![-\w])(?<!early )(critical|warning)\b|`(page|ticket|info|error|high|low)`|\bseverity\W{1,4}(\w{2,12})"
    r"|で\s?(page|ticket)\b|\b(page|ticket|info) severity\b",
    re.IGNORECASE | re.A,
)
_MOVED = re.compile(r"\bfrom\b.{1,60}\bto\b|から.{1,60}[にへ]|\bde\b.{1,60}\bà\b")


@dataclass(frozen=True)
class Asked:
    """What a text names. Times are as Prometheus writes them (5m); `severity` is empty where it names none or several.

    `targets` are addresses, host:port, or hosts; `check` is how they are to be asked.
    """

    expressions: tuple[str, ...] = ()
    alert_names: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    check: CheckWord = ""
    durations: tuple[str, ...] = ()
    severity: str = ""


def asked(action: str, details: str) -> Asked:
    """Read an action item. Text beyond 2,000 characters of action and 6,000 of details is not looked at."""
    text = f"{action[:_ACTION]}\n{details[:_DETAILS]}"
    expressions, rest = expressions_in(text)
    rest = without_links(rest)
    check = check_in(rest)
    return Asked(
        tuple(expressions[:_MOST]),
        tuple(_alert_names(rest)[:_MOST]),
        tuple(targets_in(rest, check)[:_MOST]),
        check,
        tuple(_durations(rest)[:_MOST]),
        _severity(rest),
    )


def verification_of(type: str, action: str, details: str) -> Verification:  # noqa: A002 - the word that documents use
    """Which proof an action item asks for. `type` is the declared type, empty where the document declares none.

    Alert and Monitor are what they are declared as; so is Config, unless it names Uptime Kuma. Else the words decide:
    Uptime Kuma makes a monitor, then whichever is said first, an alert or something that probes.
    """
    if type in ("Alert", "Monitor"):
        return "alert" if type == "Alert" else "monitor"
    text = _POD_PROBE.sub(" ", f"{action[:_ACTION]}\n{details[:_DETAILS]}")
    if _KUMA.search(text):
        return "monitor"
    if type == "Config":
        return "config"
    told, probes = (pattern.search(text) for pattern in (_ALERT, _MONITOR))
    if told and (not probes or told.start() < probes.start()):
        return "alert"
    if probes:
        return "monitor"
    if _watches_a_number(text):
        return "alert"
    return "config"


def _watches_a_number(text: str) -> bool:
    """Whether a text without the word alert still asks for one: a rule's name or expression, a number to watch."""
    expressions, rest = expressions_in(text)
    selects = any(re.search(r"[({\[]", expression) for expression in expressions)
    if selects or _alert_names(rest) or _FLAGGED.search(rest):
        return True
    return bool(_WATCH.search(rest) and _NUMBER.search(rest))


def _alert_names(text: str) -> list[str]:
    """Names in CamelCase: those in backticks where the text speaks of alerts, and those that say what went wrong."""
    speaks = _ALERT.search(text)
    found: dict[str, None] = {}
    for word in _WORD.finditer(text):
        name = word[2]
        if len(_HUMP.findall(name)) < 2 or _NO_ALERTS.fullmatch(name):
            continue
        if (speaks and word[1]) or _TELLING.search(name):
            found.setdefault(name)
    return list(found)


def _durations(text: str) -> list[str]:
    found: dict[str, None] = {}
    for time in _TIME.finditer(text):
        if not _AMOUNT.search(text[max(time.start() - 12, 0) : time.start()]):
            unit = next(unit for unit, said in zip(_UNITS, time.groups()[1:], strict=True) if said)
            found.setdefault(f"{int(time[1])}{unit}")
    return list(found)


def _severity(text: str) -> str:
    named = [next(filter(None, match.groups())).lower() for match in _SEVERITY.finditer(text)]
    return named[-1] if named and (len(set(named)) == 1 or _MOVED.search(text)) else ""
