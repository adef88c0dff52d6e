"""Resource types that rules name: what a machine never creates or changes, and what it may create by default.

Patterns are globs over resource types of public providers, in lower case, with `*` only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

# Who may do what, what is let in, where secrets lie, and code that others call: a person decides these, whatever the
# TODO says (SECURITY.md, PLAN-09 and HCL-13).
NEVER_BY_MACHINE: tuple[str, ...] = (
    # Rights, in clusters and clouds
    "*_iam_*", "aws_iam_*", "*_role_binding*", "*_cluster_role*", "kubernetes_role*", "kubernetes_service_account*",
    "kubernetes_token_request*", "azurerm_role_*", "azuread_*", "okta_*", "auth0_*", "authentik_*", "keycloak_*",
    "*_access_policy", "*_access_policy_*", "*_bucket_policy", "*_bucket_acl*", "*_resource_policy", "*_key_policy",
    "*_acl", "aws_organizations_*", "aws_ssoadmin_*", "cloudflare_access_*", "cloudflare_zero_trust_*",
    "tailscale_acl*", "grafana_role*", "grafana_user*", "grafana_team*", "grafana_service_account*",
    "postgresql_role*", "postgresql_grant*", "mysql_grant*", "mysql_user*", "github_*_collaborator*",
    "github_membership*", "github_team*", "github_branch_protection*", "github_actions_*", "gitlab_*_membership",
    "gitlab_branch_protection*",
    # Secrets and keys
    "*_secret", "*_secret_*", "*_secrets", "kubernetes_secret*", "vault_*", "*_kms_*", "*_access_key*", "*_api_key*",
    "*_api_token*", "*_deploy_key*", "*_ssh_key*", "*_key_pair", "*_private_key*", "*_password*", "*_certificate*",
    "aws_ssm_parameter*", "tls_*", "random_password*", "acme_*",
    # Code that is called from elsewhere, and where messages go
    "*webhook*", "*_admission_*", "kubernetes_*_policy_v1*", "*_contact_point*", "*_notification_policy*",
    "*_notification_channel*", "*_notification_rule*", "aws_sns_topic_subscription*", "*_lambda_permission*",
    "aws_lambda_function_url", "kubernetes_api_service*", "kubernetes_custom_resource_definition*",
    # What is let in and out
    "*_ingress", "*_ingress_*", "*_network_policy*", "*_security_group*", "*_firewall*", "*_network_acl*", "*_nat_*",
    "*_vpn_*", "*_peering*", "*_public_access_block*", "*_authorized_network*", "*_gateway*", "*_tunnel*",
    # Programs on the machine that applies
    "null_resource", "local_file", "local_sensitive_file", "external", "shell_script*", "ansible_*", "ssh_resource*",
)  # fmt: skip

# The same for providers whose one type takes any Kubernetes object: its kind is read from the object.
_ANY_OBJECT = ("kubernetes_manifest", "kubectl_manifest", "k8s_manifest", "kustomization_resource")
_NEVER_KIND = re.compile(
    r"(Cluster)?Role(Binding)?|ServiceAccount|(Cluster|Sealed|External|Push)?Secret(Store)?|ClusterExternalSecret"
    r"|(Validating|Mutating)\w+|(Cluster)?Policy|\w*(Network|Authorization|Admission|Security)Policy|PeerAuthentication"
    r"|Ingress\w*|\w*Gateway|\w+Route|Middleware|APIService|CustomResourceDefinition|PolicyException|CertificateSigningRequest"
)

# Types that only add a watcher or an alert: creating one reaches nothing that runs.
ALERT_TYPES: tuple[str, ...] = (
    "aws_cloudwatch_metric_alarm", "aws_cloudwatch_composite_alarm", "azurerm_monitor_activity_log_alert",
    "azurerm_monitor_metric_alert", "azurerm_monitor_scheduled_query_rules_alert_v2", "datadog_monitor",
    "google_monitoring_alert_policy", "grafana_rule_group", "mimir_rule_group_alerting",
    "newrelic_nrql_alert_condition", "terraform_data",
)  # fmt: skip
MONITOR_TYPES: tuple[str, ...] = (
    "aws_route53_health_check", "betteruptime_heartbeat", "betteruptime_monitor", "datadog_monitor",
    "google_monitoring_uptime_check_config", "healthchecksio_check", "newrelic_synthetics_monitor",
    "statuscake_heartbeat_check", "statuscake_ssl_check", "statuscake_uptime_check", "terraform_data",
    "uptimekuma_monitor", "uptimekuma_monitor_*", "uptimerobot_monitor",
)  # fmt: skip


def matches(resource_type: str, patterns: Sequence[str]) -> bool:
    """Whether one of the globs names this resource type. Case is ignored: providers use lower case only."""
    return any(fnmatchcase(resource_type.lower(), pattern) for pattern in patterns)


def never_by_machine(resource_type: str, objects: Sequence[Any] = ()) -> str | None:
    """Why a machine never creates or changes this type, or None.

    `objects` are the Kubernetes objects that a resource of a generic type holds, as parsed data.
    """
    if matches(resource_type, NEVER_BY_MACHINE):
        return f"{resource_type} decides about rights, secrets, access or code"
    if matches(resource_type, _ANY_OBJECT):
        kinds = sorted(
            {kind for kind in map(_kind, _flat(objects)) if kind is None or _NEVER_KIND.fullmatch(kind)}, key=str
        )
        if kinds:
            return f"it holds a {kinds[0]}" if kinds[0] else "the kind of its object cannot be read"
    return None


def holds_any_object(resource_type: str) -> bool:
    """Whether the type takes any Kubernetes object."""
    return matches(resource_type, _ANY_OBJECT)


def _kind(item: Any) -> str | None:
    kind = item.get("kind") if isinstance(item, dict) else None
    return kind if isinstance(kind, str) else None


def _flat(objects: Sequence[Any]) -> Iterator[Any]:
    for item in objects:
        listed = item.get("items") if isinstance(item, dict) and _kind(item) == "List" else None
        yield from listed if isinstance(listed, list) else [item]
