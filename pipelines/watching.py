"""Prometheus and Uptime Kuma as a repository's settings name them, and what their answers come to as checks.

The answers are somebody's text and go into stored records: one line each, cut, without control characters.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any

from app.agent.asked_promql import canonical
from app.checks import Check
from app.edges import vault
from app.edges.prometheus import LoadedRule, Prometheus
from app.edges.uptime_kuma import Heartbeat, UptimeKuma
from app.errors import Failed, FollowthroughError
from app.guard.monitors.plan import Known
from app.redact import redact
from app.settings import RepositorySettings, Settings, VaultSettings

_LONGEST = 200
_MOST_READ = 100_000
# A server may claim any number of rules of one name; comparing a long expression takes a while.
_MOST_COMPARED = 20


def open_prometheus(repository: RepositorySettings, secret: Mapping[str, str], settings: VaultSettings) -> Prometheus:
    """The repository's Prometheus, to be closed, with what Vault's secret holds for it; without a field, nothing.

    Raises Failed("prometheus-not-configured"), and ("vault-no-field") when the secret lacks the field.
    """
    verify = repository.verify
    if not verify.prometheus:
        raise Failed("prometheus-not-configured", f"asking Prometheus: {repository.name} has no verify.prometheus")
    field = settings.prometheus_field
    return Prometheus(
        verify.prometheus, verify.prometheus_user, vault.field(dict(secret), field, settings) if field else ""
    )


def open_uptime_kuma(repository: RepositorySettings, secret: Mapping[str, str], settings: VaultSettings) -> UptimeKuma:
    """The repository's Uptime Kuma, to be entered, with user and password from Vault's secret.

    Raises Failed("uptime-kuma-not-configured"), and ("vault-no-field") when the secret lacks one of the fields.
    """
    url = repository.verify.uptime_kuma
    if not url:
        raise Failed("uptime-kuma-not-configured", f"asking Uptime Kuma: {repository.name} has no verify.uptime_kuma")
    fields = (settings.uptime_kuma_user_field, settings.uptime_kuma_password_field)
    user, password = (vault.field(dict(secret), field, settings) for field in fields)
    return UptimeKuma(url, user, password)


@dataclass
class Servers:
    """What the servers of a repository say, each asked at most once; `until_done` closes them.

    Vault is logged in to only when something is asked that wants a secret, and what it gave ends with this.
    """

    repository: RepositorySettings
    settings: Settings
    until_done: ExitStack
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)

    def rules(self) -> list[LoadedRule]:
        """The rules that Prometheus has loaded. Raises FollowthroughError, the same one each time."""

        def ask() -> list[LoadedRule]:
            secret = self._secret() if self.settings.vault.prometheus_field else {}
            opened = open_prometheus(self.repository, secret, self.settings.vault)
            return self.until_done.enter_context(opened).rules()

        self._must_be_configured("prometheus")
        found: list[LoadedRule] = self._once("rules", ask)
        return found

    def monitors(self) -> tuple[UptimeKuma, list[Known]]:
        """Uptime Kuma, logged in, and its monitors. Raises FollowthroughError, the same one each time."""

        def ask() -> tuple[UptimeKuma, list[Known]]:
            opened = open_uptime_kuma(self.repository, self._secret(), self.settings.vault)
            kuma = self.until_done.enter_context(opened)
            return kuma, kuma.monitors()

        self._must_be_configured("uptime_kuma")
        found: tuple[UptimeKuma, list[Known]] = self._once("monitors", ask)
        return found

    def hide(self, text: str) -> str:
        """The text without any secret that was fetched or configured."""
        fetched = self._kept.get("secret")
        known = vault.hidden(fetched, self.settings.vault) if isinstance(fetched, dict) else []
        return redact(text, [*self.settings.secrets(), *known])

    def _secret(self) -> dict[str, str]:
        secret: dict[str, str] = self._once("secret", lambda: vault.read_secret(self.settings.vault))
        return secret

    def _must_be_configured(self, server: str) -> None:
        if not getattr(self.repository.verify, server):
            raise Failed("not-configured", f"repository.verify.{server} is not set for {self.repository.name}")

    def _once(self, name: str, ask: Callable[[], Any]) -> Any:
        if name not in self._kept:
            try:
                self._kept[name] = ask()
            except FollowthroughError as error:
                self._kept[name] = error
        if isinstance(self._kept[name], FollowthroughError):
            raise self._kept[name]
        return self._kept[name]


def rule_check(name: str, loaded: Sequence[LoadedRule], expr: str = "", hide: Callable[[str], str] = redact) -> Check:
    """Whether Prometheus has a rule of this name, evaluates it, and, with `expr`, evaluates that expression.

    Reasons: alert-not-loaded, alert-unhealthy, alert-not-evaluated, alert-differs. Of several rules of one name all
    have to be well, and one of them has to be the expression.
    """
    named = [rule for rule in loaded if rule.name == name]
    if not named:
        return _rule(name, "is not loaded", "alert-not-loaded")
    if expr and not any(same_expression(rule.query, expr) for rule in named[:_MOST_COMPARED]):
        return _rule(name, f"has another expression: {one_line(named[0].query, hide=hide)}", "alert-differs")
    for rule in named:
        if rule.health not in ("ok", "unknown"):
            said = one_line(rule.last_error, hide=hide) or "without a reason"
            return _rule(name, f"health {one_line(rule.health, 20, hide)}: {said}", "alert-unhealthy")
    if any(rule.health == "unknown" for rule in named):
        return _rule(name, "is loaded, and not evaluated yet", "alert-not-evaluated")
    return _rule(name, "health ok")


def monitor_check(name: str, monitor_id: int, beat: Heartbeat, link: str, hide: Callable[[str], str] = redact) -> Check:
    """What a monitor saw. Reasons: monitor-down, monitor-silent."""
    said = one_line(beat.message, hide=hide)
    if beat.up is None:
        answer, reason = f"id={monitor_id} has no heartbeat", "monitor-silent"
    else:
        answer, reason = (f"id={monitor_id} up", "") if beat.up else (f"id={monitor_id} down", "monitor-down")
    if said and not beat.up:
        answer += f": {said}"
    return Check("uptime-kuma", one_line(name, 300), beat.up is True, answer, reason, link)


def same_expression(one: str, other: str) -> bool:
    """Whether two expressions are the same but for white space and layout."""
    first, second = canonical(one), canonical(other)
    if first and second:
        return first == second
    # What the parser does not know yet is compared as it stands.
    return "".join(one.split()) == "".join(other.split())


def one_line(text: str, length: int = _LONGEST, hide: Callable[[str], str] = redact) -> str:
    """Somebody's text for a record: printable, without secrets, on one line, cut to `length` characters.

    `hide` knows which secrets there are; it reads the text before it is cut, since half a secret is found by nobody.
    """
    shown = "".join(c if c.isprintable() else " " for c in hide(text[:_MOST_READ]))
    return " ".join(shown.split())[:length]


def _rule(name: str, answer: str, reason: str = "") -> Check:
    return Check("prometheus-rule", one_line(name, 300), not reason, answer, reason)
