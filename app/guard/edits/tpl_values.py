"""The judgement of values in trees outside of alert rules, for TODOs of type Config and Monitor.

Ordinary values may change and entries may be added. Keys that decide what runs, as whom, with which secrets, and where
data and messages go, are for people; so is whatever is taken away or turned off.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from posixpath import dirname

from app.guard import suspects
from app.guard.edits import alert_rules
from app.guard.edits.hcl_resources import powerful_kind
from app.guard.edits.tpl_alerts import in_rules, outside_rules
from app.guard.edits.tpl_trees import Trees, moves
from app.guard.edits.tree import Scalar
from app.guard.edits.tree_diff import Delta, canonical, flat
from app.guard.model import Found

# Keys without their case and punctuation.
_NEVER = re.compile(
    r"privileged|host(path|network|pid|ipc|users|aliases)|allowprivilegeescalation|runas.*|capabilities|.*securitycontext"
    r"|serviceaccount(name)?|automountserviceaccounttoken|rbac|clusterrole.*|role(ref|bindings?)|subjects"
    r"|.*secrets?|secret.*|.*passwords?|.*passwd|.*passphrase|.*tokens?|.*apikeys?|.*credentials?|.*privatekeys?"
    r"|receivers?|.*webhooks?|webhook.*|slackapiurl|.*apiurl|remote(write|read)|alertmanagers|alertmanagerconfig"
    r"|.*extraflags|extraargs|.*sidecars?|.*sidecarcontainers|extra(init)?containers|initcontainers|command|cmd|entrypoint"
    r"|exec|.*images?|repository|registry|valuefrom|envfrom|lifecycle|poststart|prestop|.*hooks?|plugins?"
    r"|extra(volumes|volumemounts|manifests|deploy|objects|resources)|basicauth|authorization|bearertoken.*|tlsconfig"
    r"|.*ingress|networkpolicy|.*snippet.*|loadbalancersourceranges|external(name|ips)|nodeport|hostport|externalurl|proxyurl|httpproxy|httpsproxy|sshkeys?|authorizedkeys|.*script"
)
_FOR_PEOPLE = re.compile(
    r"args|tag|.*tag|.*scrapeconfigs?|routes?|inhibitrules?|mutetimeintervals|timeintervals|silences?|dependson"
    r"|smtp.*|auth.*|.*anonymous.*|ingressclass.*|.*kubernetesio.*ingress.*|reclaimpolicy|deletionpolicy|prune.*"
    r"|updatestrategy|readonly.*|nodeselector|tolerations|affinity|hosts?|endpoints?"
    r"|relabelconfigs|metricrelabelconfigs|writerelabelconfigs|version|chart|targetrevision|namespace"
)
# What a new monitor asks, and the word for monitors themselves.
_WATCHED = frozenset({"host", "hosts", "endpoint", "endpoints"})
_STEERING_ENV = re.compile(
    r"PATH|HOME|SHELL|ENV|IFS|BASH_.*|LD_.*|DYLD_.*|GCONV_PATH|PYTHON.*|PERL.*|RUBY.*|NODE_.*|JAVA_.*|_JAVA_OPTIONS|JDK_.*"
    r"|GIT_.*|SSH_.*|(HTTPS?|ALL|NO|FTP)_PROXY|SSL_CERT_.*|CURL_CA_BUNDLE|REQUESTS_CA_BUNDLE|AWS_.*|KUBE.*|VAULT_.*|TF_.*",
    re.IGNORECASE,
)
_SECRET_ENV = re.compile(r".*(PASS(WORD|WD|PHRASE)?|SECRET|TOKEN|API_?KEY|PRIVATE_?KEY|CREDENTIALS?)S?", re.IGNORECASE)
_SWITCHED_OFF = frozenset({"false", "no", "off", "n", "0", "", "~", "null", "disabled", "none"})
_ON_KEYS = re.compile(
    r"enabled?|active|create|install|persist(ence)?|alerting|notify.*|monitor(ed|ing)?|backup.*|alerts?"
)
_OFF_KEYS = re.compile(r"disabled?|suspend(ed)?|paused?|mute[dt]?.*|silenced?|ignored?|skip.*|insecure.*|.*skipverify")
_KEPT_KEYS = re.compile(
    r".*replicas?|.*replicacount|.*retention.*|storage|.*size|capacity|keep.*|history.*|minavailable|backups?|copies"
)
_PROSE_KEYS = re.compile(r"description|summary|message|comment|notes?|text|title|expr|query|expression|about")
_QUANTITY = re.compile(r"(\d+(?:\.\d+)?)\s*([A-Za-z]*)")
_UNITS = {
    "": 1.0, "m": 60, "s": 1, "ms": 0.001, "h": 3600, "d": 86400, "w": 604800, "y": 31536000, "K": 1e3, "k": 1e3,
    "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15, "Ki": 2**10, "Mi": 2**20, "Gi": 2**30, "Ti": 2**40, "Pi": 2**50,
    "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12,
}  # fmt: skip
_OPEN_SERVICES = frozenset({"LoadBalancer", "NodePort", "ExternalName"})
_HOST = re.compile(r"[a-z][a-z0-9+.-]*://([^/\s\"'?#]+)", re.IGNORECASE)
_PROGRAM = re.compile(r"\.(sh|bash|py|rb|pl|js|ts|lua|sql|conf|cfg|ini|cnf|toml)$", re.IGNORECASE)


def judge_values(files: tuple[Trees, ...], *, watches: bool = False) -> Iterator[Found]:
    """What blocks or needs a person in the values of a TODO of type Config, or Monitor, which `watches`."""
    moved = moves(files)
    for file in files:
        wholes = {delta.path for delta in file.deltas() if delta.before is None}
        known = suspects.domains_in(canonical(file.before.root)) if file.before and not file.new else frozenset()
        for delta in outside_rules(file):
            other_form = isinstance(delta.before, dict | list) and type(delta.before) is not type(delta.after)
            away = delta.before if delta.after is None or other_form else None
            if away is not None and (dirname(file.path), canonical(away)) not in moved:
                yield Found(f"{file.path}: {delta.where}", "it was taken away", "needs-approval")
            fresh = delta.before is None and (dirname(file.path), canonical(delta.after or {})) not in moved
            for leaf in flat(delta):
                where = f"{file.path}: {leaf.where}"
                yield from _leaf(leaf, where, watches=watches)
                if leaf.after is not None and (fresh or leaf.before is not None):
                    tops = (leaf.path[:end] for end in range(1, len(leaf.path)))
                    inside = next((top for top in tops if top in wholes), leaf.path)
                    what = _suspect(leaf, known, watches=watches, inside=inside)
                    yield from (Found(where, text, "needs-approval") for text in [what] if text)
        for delta in in_rules(file):
            keys = [key for key in delta.path if not key.startswith("[")]
            if keys[-1] not in ("groups", "rules") and keys[-1] not in alert_rules.GROUP_KEYS | alert_rules.RULE_KEYS:
                yield from (found for leaf in flat(delta) for found in _leaf(leaf, f"{file.path}: {leaf.where}"))


def _leaf(delta: Delta, where: str, *, watches: bool = False) -> Iterator[Found]:
    before = delta.before.text if isinstance(delta.before, Scalar) else None
    after = delta.after.text if isinstance(delta.after, Scalar) else None
    keys = [re.sub(r"[^a-z0-9]", "", key.lower()) for key in delta.path if not key.startswith("[")]
    names = [word for key in delta.path if not key.startswith("[") for word in suspects.snake(key)]
    if suspects.share_of_resources(names) and before is not None and after is not None:
        keys = keys[-3:]
    never = next((key for key in keys if _NEVER.fullmatch(key)), None)
    new = watches and before is None
    if never is not None:
        yield Found(where, f"a machine does not change {never}", "block")
    elif asked := next((key for key in keys if _FOR_PEOPLE.fullmatch(key) and not (new and key in _WATCHED)), None):
        yield Found(where, f"a person looks at changes of {asked}", "needs-approval")
    if "env" in keys and (name := _environment_problem(delta)):
        yield Found(where, f"the variable {name} holds a secret or steers programs", "block")
    key = keys[-1] if keys else ""
    if key == "kind" and after is not None and powerful_kind(after):
        yield Found(where, f"it makes a {after}", "block")
    if delta.path and delta.path[-1] == "[order]":
        yield Found(where, "the entries changed places", "needs-approval")
    if after is not None and (what := _doubtful(key, delta.path, before, after)):
        yield Found(where, what, "needs-approval")


def _suspect(leaf: Delta, known: frozenset[str], *, watches: bool, inside: tuple[str, ...]) -> str | None:
    """What a new value says by its name or text, and how far a number moved. `inside` is what is new as a whole."""
    keys = [key.partition("=")[2].rstrip("]") if key.startswith("[name=") else key for key in leaf.path]
    named = leaf.path[-1] in ("value", "default", "content") and leaf.path[-2:-1] and keys[-2] != leaf.path[-2]
    names = [word for key in leaf.path if not key.startswith("[") for word in suspects.snake(key)]
    names = [*names, *(suspects.snake(keys[-2]) if named else ())] or [""]
    text = leaf.after.text if isinstance(leaf.after, Scalar) else ""
    before = leaf.before.text if isinstance(leaf.before, Scalar) else None
    if before is not None and (old := _amount(before)) is not None:
        new = _amount(text)
        far = new is not None and suspects.too_far(names, old, new)
        return "it moves so far that it no longer does what it did" if far or text.startswith("-") else None
    entry = inside[-1:] != () and inside[-1].startswith("[")
    if (
        before is None
        and not entry
        and any(key.startswith("[") for key in inside)
        and (word := suspects.weakens(names))
    ):
        return f"{word} decides what is still found"
    if word := suspects.power(names, first=before is None):
        return f"a person looks at changes of {word}"
    if word := suspects.steering(keys, text):
        return f"the variable {word} steers programs"
    if "cron" in names[-1] or "schedule" in names[-1]:
        return suspects.schedule_problem(text)
    if _PROSE_KEYS.fullmatch(names[-1].replace("_", "")):
        return None
    if text.lower() in ("true", "yes", "on", "false", "no", "off"):
        on = text.lower() in ("true", "yes", "on")
        return suspects.switched(names, on, alone=leaf.path == inside) if before is None else None
    return suspects.text_problem(names, text) or suspects.leads_away(names, text, known, watches=watches)


def _environment_problem(delta: Delta) -> str | None:
    at = [key.lower() for key in delta.path].index("env") if "env" in [key.lower() for key in delta.path] else -1
    below = delta.path[at + 1 : at + 2]
    name = below[0].removeprefix("[name=").removesuffix("]") if below else ""
    return name if _STEERING_ENV.fullmatch(name) or _SECRET_ENV.fullmatch(name) else None


def _doubtful(key: str, path: tuple[str, ...], before: str | None, after: str) -> str | None:
    off_now = after.lower() in _SWITCHED_OFF
    off_then = before is None or before.lower() in _SWITCHED_OFF
    if _ON_KEYS.fullmatch(key) and off_now and not (before is not None and off_then):
        return "it is turned off"
    if _OFF_KEYS.fullmatch(key) and not off_now and off_then:
        return "something is turned off by it"
    if _KEPT_KEYS.fullmatch(key) and _less(before, after):
        return "it becomes less, or nobody can tell"
    if before is not None and _HOST.findall(before) != _HOST.findall(after):
        return "it leads to another host"
    if before is not None and before.lower().startswith("https:") and not after.lower().startswith("https:"):
        return "it gives up encryption"
    if key == "type" and after in _OPEN_SERVICES:
        return "it opens a service"
    if key in ("expr", "query") and alert_rules.says_nothing(after):
        return "its expression looks as if it never held, or always"
    code = any(_PROGRAM.search(part) for part in path) or after.startswith("#!")
    if code or ("\n" in after.strip() and not _PROSE_KEYS.fullmatch(key)):
        return "it holds a text of several lines or a program"
    return None


def _less(before: str | None, after: str) -> bool:
    """Whether a number with a unit shrinks; a new one only when it is zero, one that is no number always."""
    new = _amount(after)
    if before is None:
        return new == 0
    old = _amount(before)
    return old is None or new is None or new < old


def _amount(text: str) -> float | None:
    match = _QUANTITY.fullmatch(text.strip())
    if match is None or match[2] not in _UNITS:
        return None
    return float(match[1]) * _UNITS[match[2]]
