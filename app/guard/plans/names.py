"""What the name of an argument says about changing it. All patterns match whole words in snake_case."""

from __future__ import annotations

import re
from collections.abc import Sequence

from app.guard.plans.leaves import Step
from app.guard.suspects import snake

_SAYS_NOTHING = ("value", "default", "content")


def _words(*patterns: str) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{p})" for line in patterns for p in line.split()))


# What runs, as whom, who may reach it, where messages go, where secrets lie: a person looks at any change below these.
_DELICATE = _words(
    "commands? args? arguments? cmd entry_?point exec scripts? startup_script user_data cloud_init shell",
    "lifecycle hooks? images? image_(name|tag|repository|registry|digest) repository registry tag chart digest",
    "privileged host_(network|pid|ipc|path|users|aliases|port) capabilities run_as_.* allow_privilege_escalation",
    "service_account.* automount_.* roles? role_.* .*_role .*_role_arn policy policies policy_.*",
    ".*_policy_document (assume_role|inline|access|resource|bucket|key|iam|session|trust)_policy.* iam_.*",
    "permissions? scopes? principals? subjects? verbs receivers? routes? inhibit_.* mute_.* .*time_intervals?",
    "silences? matchers? contacts? contact_.* notif.* .*notification.* .*web_?hooks?.* slack.* pager_?duty.*",
    "opsgenie.* telegram.* discord.* e?mails? email_.* smtp.* .*_actions remote_(write|read)",
    "alert_?manager(s|_config.*|_url.*|_files)",
    "alerting scrape_config.* external_labels sidecars? sidecar_.*",
    "(init_|extra_|extra_init_|ephemeral_)containers? env_from (.*_)?secrets?(_.*)? (.*_)?passwords?(_.*)?",
    "(.*_)?passwd (.*_)?tokens?(_.*)? (.*_)?api_?keys? (.*_)?(access|private)_keys? (.*_)?credentials? kms_.*",
    "(.*_)?auth(_.*)? (.*_)?cidrs?(_.*)? (.*_)?cidr_blocks? allowed?_.* ingress(es)? egress (.*_)?source_ranges",
    "external_ips? (.*_)?acls? firewall.* security_groups?.* public(ly)?_.* redirect.* proxy.* forward.*",
    "finalizers? owner.* api_version namespace selector match_(labels|expressions) trust.* ca_bundle extra_.*",
    "plugins? .*_scripts?",
)
# A delicate word inside a longer one that is not.
_HARMLESS = _words(
    "restart_policy image_pull_policy termination_message_policy args_hash tokens?_per_.* max_tokens?",
    "proxy_(.+_)?(timeout|size|buffers?|buffering)",
)

# More of it is safe, less of it loses something.
_KEPT = _words(
    "replicas? replica_?counts? (node|instance|desired|task|shard|pod)_count count min_.* .*_min minimum.*",
    "desired_.* .*retention.* keep_.* .*_keep .*history.* storage storage_.* .*_storage size",
    "(disk|volume|storage|persistence)_.* .*_gb .*_gib .*backups?.* .*snapshots?.* capacity instances? nodes?",
    "max_replicas max_unavailable_.* ttl_seconds_after_.* .*expir.* delete_after.* max_age.* .*_days days",
)
# Having it at all, where it was left out before, changes what is kept.
_KEPT_BY_DEFAULT = _words(
    "replicas? replica_?counts? .*retention.* .*_count count keep_.* max_replicas .*expiration.*",
    "delete_after.* max_age.*",
)

_DANGEROUS_ON = _words(
    "force.* skip_.* disabled? disable_.* .*_disabled suspend.* paused? pause_.* allow.* public.* .*_public",
    "anonymous.* .*_anonymous.* insecure.* .*_insecure.* delete.* .*_delete prune.* .*_prune overwrite.*",
    "recreate.* ignore.* privileged host_.* mute.* silence.* unsafe.* no_.* maintenance.* dry_run destroy.*",
    ".*_on_destroy purge.* reset_.* bypass.* deny.*",
)
_DANGEROUS_OFF = _words(
    "enabled? enable_.* .*_enabled .*_enable deletion_protection.* .*_protection prevent_.* protect.*",
    "versioning.* verify.* validate.* secure.* tls.* ssl.* encrypt.* .*_encrypted? read_only.* run_as_non_root",
    "active activated hermetic backup.* create install wait atomic",
)

_ZERO = _words(
    ".*threshold.* .*delay.* for .*priority.* .*weight.* .*offset.* .*index.* .*level.* .*grace.* .*minute.* .*hour.*",
    ".*order.* version .*severity.* value .*jitter.* .*cooldown.*",
)

_EXPRESSION = _words(
    "expr expression query promql nrql .*_query condition filter .*_filter metric_filter search",
)
# Words for people: whatever they say, nothing acts on it.
_PROSE = _words(
    "description desc summary message title comments? notes? documentation runbook(_url)? dashboard(_url)? help",
    "text display_name friendly_name pronounceable_name alert_message",
)
# Settings in words that do not reach beyond the thing that they stand in.
_SETTING = _words(
    ".*schedules? cron .*cron_expression .*interval .*timeout(_.*)? .*_?duration .*period .*window .*delay for",
    ".*mount_options? .*frequency log_level loglevel log_format time_?zone restart_policy .*grace.*",
    "concurrency_policy unit statistic",
)


def names_of(path: Sequence[Step]) -> list[str]:
    """The words of a path in snake_case, items left out; a helm name such as server.replicas is two words.

    Where the last key says nothing (value), the name of the item that it stands in speaks: env[REPLICAS].value.
    """
    found = [word for step in path if not step.item for word in snake(step.text)]
    if len(path) > 1 and found and found[-1] in _SAYS_NOTHING and path[-2].item:
        found += snake(path[-2].text)
    return found or [""]


def delicate(names: Sequence[str]) -> str | None:
    """The first word under which any change is for a person, or None."""
    return next((n for n in names if _DELICATE.fullmatch(n) and not _HARMLESS.fullmatch(n)), None)


def kept(names: Sequence[str]) -> bool:
    """Whether less of it loses something."""
    return any(_KEPT.fullmatch(name) for name in names[-2:])


def kept_by_default(names: Sequence[str]) -> bool:
    """Whether setting it for the first time may already mean less."""
    return any(_KEPT_BY_DEFAULT.fullmatch(name) for name in names[-2:])


def dangerous(names: Sequence[str], switched_on: bool) -> bool:
    """Whether this switch opens, deletes or stops something in this direction."""
    return bool((_DANGEROUS_ON if switched_on else _DANGEROUS_OFF).fullmatch(names[-1]))


def may_be_zero(names: Sequence[str]) -> bool:
    """Whether 0 is a number like any other here."""
    return bool(_ZERO.fullmatch(names[-1]))


def is_expression(names: Sequence[str]) -> bool:
    """Whether it is what an alert looks at."""
    return bool(_EXPRESSION.fullmatch(names[-1]))


def is_prose(names: Sequence[str]) -> bool:
    """Whether it is there for people to read."""
    return bool(_PROSE.fullmatch(names[-1]))


def is_free(names: Sequence[str]) -> bool:
    """Whether a text may become any other without a person."""
    return is_prose(names) or bool(_SETTING.fullmatch(names[-1]))
