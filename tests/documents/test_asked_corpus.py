"""Alert and Monitor items of real post-mortems, in their languages: which proof each asks for, and what it names."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import asdict
from functools import cache
from typing import Any

import pytest

from app.agent.asked import asked, verification_of
from app.documents.parse import parse
from tests.documents.test_corpus import CORPUS

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpus of real post-mortems is not here")

# File and line of each item that names something, with what it names; what is not listed must stay empty.
NAMED: dict[str, dict[str, tuple[str, ...]]] = {
    "PM-2026-028-mtls-cert-expiry-knowledge-home-outage.md:116": {"alert_names": ("PkiAgentCertExpirySoon",)},
    "PM-2026-028-mtls-cert-expiry-knowledge-home-outage.md:117": {"alert_names": ("PkiAgentCertExpired",)},
    "PM-2026-028-mtls-cert-expiry-knowledge-home-outage.md:118": {"alert_names": ("PkiAgentRenewalFailing",)},
    "PM-2026-028-mtls-cert-expiry-knowledge-home-outage.md:119": {"alert_names": ("PkiAgentDown",)},
    "PM-2026-054-pki-agent-swept-by-disk-cleanup-mtls-expiry-outage.md:166": {
        "expressions": ("absent_over_time(pki_agent_healthy[10m])",)
    },
    "PM-2026-054-pki-agent-swept-by-disk-cleanup-mtls-expiry-outage.md:167": {"alert_names": ("PkiAgentDown",)},
    "2026-03-16-nfs-csi-cascade-failure.md:75": {
        "expressions": (
            'kube_pod_container_status_waiting_reason{reason="CrashLoopBackOff", namespace="democratic-csi"}',
        )
    },
    "2026-04-14-postmortem-pipeline-test.md:19": {"targets": ("192.168.1.127:8006",)},
    "2026-04-19-registry-orphan-index.md:129": {"alert_names": ("RegistryManifestIntegrityFailure",)},
    "2026-05-16-metallb-l2-immutable-pg-vip-flap.md:111": {
        "expressions": ('metallb_speaker_reconcile_errors_total{kind="ServiceL2Status"}',)
    },
    "2026-06-01-cloudflared-stale-traefik-origin.md:68": {"alert_names": ("ExternalAccessDivergence",)},
    "2026-06-22-devvm-mem-io-overload-containment.md:99": {
        "alert_names": ("DevvmDown",),
        "targets": ("10.0.10.10:9100",),
    },
    "2026-06-20-argocd-secret-data-overwrite.md:142": {
        "expressions": ("bridge_telegram_sent_total",),
        "alert_names": ("BridgeNoTelegramTrafficInLastHour",),
    },
    "2026-07-11-postmortem-pihole-sqlite-arp-deadlock.md:94": {"targets": ("homelab.local",)},
    "2026-07-18-postmortem-pihole-loopback-drop-thanos-cascade.md:161": {
        "expressions": ('up{job="node"} == 0',),
        "alert_names": ("NodeDown",),
    },
    "2026-07-18-postmortem-pihole-loopback-drop-thanos-cascade.md:162": {
        "alert_names": ("ThanosCompactDown", "ThanosSidecarDown", "StoreDown", "QueryDown")
    },
    "2026-07-18-postmortem-pihole-loopback-drop-thanos-cascade.md:164": {
        "expressions": ("dnsmasq_non_local_queries_total",)
    },
    "2026-07-29-thanos-compact-r2-block-corruption.md:97": {"alert_names": ("ThanosCompactFailed",)},
    "2026-03-07-diamond-w4-kyverno-mutation.md:152": {"expressions": ('kyverno_policy_results_total{result="fail"}',)},
    "2026-04-30-iscsi-emergency-ro-multi-volume.md:164": {"expressions": ("node_filesystem_readonly",)},
    "2026-04-30-iscsi-emergency-ro-multi-volume.md:170": {"expressions": ("node_disk_pressure",)},
}
CHECKS = {
    "2026-03-16-nfs-csi-cascade-failure.md:77": "http",
    "2026-04-14-postmortem-pipeline-test.md:19": "tcp",
    "2026-06-20-quiet-hours-suppressed-resolved-alerts.md:149": "push",
    "2026-07-11-postmortem-pihole-sqlite-arp-deadlock.md:94": "dns",
}
DURATIONS = {
    "PM-2026-022-image-proxy-gzip-decode-failures.md:136": ("5m",),
    "2026-03-16-nfs-csi-cascade-failure.md:76": ("10m",),
    "2026-06-20-argocd-secret-data-overwrite.md:142": ("1h",),
}
SEVERITIES = {
    "PM-2026-028-mtls-cert-expiry-knowledge-home-outage.md:116": "page",
    "PM-2026-028-mtls-cert-expiry-knowledge-home-outage.md:119": "ticket",
    "PM-2026-054-pki-agent-swept-by-disk-cleanup-mtls-expiry-outage.md:167": "page",
    "2026-07-18-postmortem-pihole-loopback-drop-thanos-cascade.md:162": "",
}


@cache
def items() -> dict[str, tuple[str, str, str, str]]:
    """`file:line` to (kind of the label, declared type, action, details) of every labelled item."""
    found = {}
    for label in sorted(CORPUS.glob("labels/*/*.json")):
        file = CORPUS / "files" / label.parent.name / f"{label.stem}.md"
        there = {item.line: item for item in parse(file.read_bytes(), file.name).items}
        for one in json.loads(label.read_text())["items"]:
            item = there.get(one["line"])
            text: Any = (item.action, item.details) if item else (one["action"], "")
            found[f"{file.name}:{one['line']}"] = (one["kind"], one["declared_type"] or "", *text)
    return found


def proofs() -> dict[str, str]:
    return {place: verification_of(*item[1:]) for place, item in items().items()}


def test_every_alert_and_monitor_item_asks_for_its_own_proof() -> None:
    wanted = {p: i[0].lower() for p, i in items().items() if i[0] in ("Alert", "Monitor")}
    assert Counter(wanted.values()) == {"alert": 39, "monitor": 5}
    assert {place: proof for place, proof in proofs().items() if place in wanted} == wanted


def test_few_other_items_are_taken_for_an_alert_or_a_monitor() -> None:
    others = [proof for place, proof in proofs().items() if items()[place][0] not in ("Alert", "Monitor")]
    assert others.count("config") >= 0.93 * len(others) > 200


def test_what_an_alert_or_monitor_item_names_is_found_and_nothing_else() -> None:
    found = {}
    for place, (kind, _, action, details) in items().items():
        named = {
            k: v for k, v in asdict(asked(action, details)).items() if k in ("expressions", "alert_names", "targets")
        }
        if kind in ("Alert", "Monitor") and any(named.values()):
            found[place] = {k: v for k, v in named.items() if v}
    assert found == NAMED


def test_checks_times_and_severities_are_found() -> None:
    said = {place: asked(*item[2:]) for place, item in items().items()}
    assert {place: said[place].check for place in CHECKS} == CHECKS
    assert {place: said[place].durations for place in DURATIONS} == DURATIONS
    assert {place: said[place].severity for place in SEVERITIES} == SEVERITIES
