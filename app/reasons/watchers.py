"""Prometheus, Uptime Kuma, promtool and Slack: what they say, and when they cannot be asked."""

from __future__ import annotations

TABLE: dict[str, tuple[str, str]] = {
    "alert-not-loaded": (
        "Prometheus has no rule of that name.",
        "See that it reads the file and was told to load it again.",
    ),
    "alert-unhealthy": ("Prometheus has the rule and cannot evaluate it.", "Read what it says on its rules page."),
    "alert-differs": (
        "Prometheus has a rule of that name with another expression, `for`, labels or annotations.",
        "See that it has loaded the newest file, and that no other rule has the name.",
    ),
    "alert-not-evaluated": ("Prometheus has loaded the rule and not evaluated it yet.", "Look again in some minutes."),
    "alert-not-seen": (
        "The change holds no alert that could be looked for, so nothing was seen to work.",
        "Look yourself, then mark it as done.",
    ),
    "monitor-gone": (
        "Uptime Kuma does not have the monitor any more.",
        "Put it back, or say in the post-mortem why it went.",
    ),
    "monitor-down": ("The monitor's heartbeat says down.", "Look at what it watches: this may be the finding."),
    "monitor-silent": ("The monitor has no heartbeat, or is paused.", "Look at it in Uptime Kuma."),
    "monitor-elsewhere": ("A monitor of that name was there before and watches something else.", "Rename one of them."),
    "monitor-not-seen": (
        "The change holds no monitor that could be looked for, so nothing was seen to work.",
        "Look yourself, then mark it as done.",
    ),
    "check-failed": (
        "Your own check after the change did not exit with 0.",
        "Read what it printed in the run's lines.",
    ),
    "fires-now": ("The alert would fire at once.", "See whether that is right; then approve it."),
    "metrics-missing": (
        "A metric of the alert does not exist in Prometheus.",
        "Name metrics that are scraped, or add the exporter first.",
    ),
    "expression-refused": (
        "Prometheus cannot evaluate the expression.",
        "Read what it said; word the TODO with an expression that works.",
    ),
    "labels-refused": ("The alert's labels cannot be asked about.", "Use fewer labels, of plain characters."),
    "prometheus-unreachable": (
        "Prometheus does not answer.",
        "Look whether it runs and whether `repository.verify.prometheus` is right.",
    ),
    "prometheus-slow": ("Prometheus took too long.", "Look at its load."),
    "prometheus-busy": ("Prometheus, or what is before it, says that it is busy.", "Look at its load."),
    "prometheus-refused": (
        "Prometheus refused the request.",
        "Check its login: `repository.verify.prometheus_user` and `vault.prometheus_field`.",
    ),
    "prometheus-tls": (
        "Prometheus's certificate is not trusted.",
        "Check the address and the authority that signed it.",
    ),
    "prometheus-unreadable": (
        "What is at that address does not answer as Prometheus does.",
        "Correct `repository.verify.prometheus`.",
    ),
    "prometheus-not-configured": ("No Prometheus is set for the repository.", "Set `repository.verify.prometheus`."),
    "not-configured": ("A part that is asked about is not set.", "Set the key that the message names."),
    "promtool-missing": (
        "promtool is not on the DevVM.",
        'Install it, or set `repository.verify.promtool = ""` to do without.',
    ),
    "promtool-failed": ("promtool ended with an error of its own.", "Read the sentence; try it on the DevVM."),
    "promtool-broken": ("promtool refuses rules that are right.", "Install another version."),
    "amtool-missing": (
        "amtool is not on the DevVM.",
        "Install it, or leave `repository.verify.alertmanager_config` empty.",
    ),
    "amtool-failed": ("amtool ended with an error of its own.", "Read the sentence; try it on the DevVM."),
    "alertmanager-config-broken": (
        "Alertmanager's configuration cannot be read.",
        "Mend the file that `repository.verify.alertmanager_config` names.",
    ),
    "uptime-kuma-unreachable": (
        "Uptime Kuma does not answer.",
        "Look whether it runs and whether `repository.verify.uptime_kuma` is right.",
    ),
    "uptime-kuma-busy": ("Uptime Kuma lets nobody log in for the moment.", "Nothing; it is tried again."),
    "uptime-kuma-login-refused": (
        "Uptime Kuma refused the login.",
        "Correct the user and password in Vault; the user must have no second factor.",
    ),
    "uptime-kuma-refused": ("Uptime Kuma refused what it was asked.", "Read what it said."),
    "uptime-kuma-unreadable": (
        "What is at that address does not answer as Uptime Kuma does.",
        "Correct `repository.verify.uptime_kuma`.",
    ),
    "uptime-kuma-not-configured": ("No Uptime Kuma is set for the repository.", "Set `repository.verify.uptime_kuma`."),
    "uptime-kuma-unknown-notification": (
        "The inventory names a notification that Uptime Kuma does not have.",
        "Make it in Uptime Kuma, or correct the inventory.",
    ),
    "inventory-unreadable": (
        "The inventory of monitors cannot be read.",
        "Mend the file; docs/monitors.schema.json says its form.",
    ),
    "monitor-invalid": ("An entry of the inventory is not right.", "Mend the fields that the message names."),
    "slack-unreachable": ("Slack does not answer.", "Check `slack.webhook_url` and the way out."),
    "slack-busy": ("Slack wants fewer messages.", "Nothing; it is tried again."),
    "slack-lost": ("The message was sent and no answer came: it may be there.", "Nothing; look into the channel."),
    "slack-unclear": ("Slack's answer cannot be read: the message may be there.", "Nothing; look into the channel."),
    "slack-message-gone": ("The message that was to be edited is gone.", "Nothing; the next one is new."),
    "slack-refused-message": ("Slack refuses the message for what is in it.", "Report it with the run."),
    "slack-not-configured": ("Slack is not set any more.", "Set it again, or let it be."),
    "wrong-workspace": (
        "The button was pressed in another Slack workspace than `slack.team`.",
        "Correct `slack.team`, or find out who signs with your secret.",
    ),
    "slack-refused": ("Slack refused the message.", "Make a new webhook and set it."),
}
