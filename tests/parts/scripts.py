"""What the scripted model does for each action of the sample, and what must come of it."""

from __future__ import annotations

from tests.parts.model import Call, Script

_RULES = "stacks/monitoring/prometheus_rules.yaml.tpl"
_LAST_RULE = "          summary: A filesystem has less than 10 % left\n"
_NEW_RULE = """\
      - alert: NFSMountFailing
        expr: rate(node_nfs_rpc_retransmissions_total[5m]) > 0
        for: 5m
        labels:
          severity: ${severity}
        annotations:
          summary: An NFS mount stopped answering
"""
_LAST_MONITOR = "  target: https://grafana.example.invalid\n  interval: 60\n"


def _edit(path: str, old: str, new: str) -> list[Call]:
    edit = {"file_path": path, "old_string": old, "new_string": new}
    return [Call("Read", {"file_path": path}), Call("Edit", edit)]


def _monitor(name: str, target: str) -> list[Call]:
    entry = f"- name: {name}\n  type: port\n  target: {target}\n  interval: 30\n"
    return _edit("stacks/uptime/monitors.yaml", _LAST_MONITOR, _LAST_MONITOR + entry)


SCRIPTS: dict[str, Script] = {
    "Alert when an NFS mount stops answering": [_edit(_RULES, _LAST_RULE, _LAST_RULE + _NEW_RULE)],
    "Mount NFS with a bounded retry": [
        _edit("stacks/nfs/main.tf", '["hard", "vers=4.2"]', '["hard", "vers=4.2", "timeo=150", "retrans=3"]')
    ],
    "Monitor the NFS port of the server": [_monitor("nfs", "nfs.example.invalid:2049")],
    "Roll the frontend to an image with the NFS probe": [
        _edit("stacks/web/main.tf", "frontend:1.4.2", "frontend:1.5.0"),
        _edit("stacks/web/main.tf", "frontend:1.5.0", "frontend:1.5.0-nfs"),
    ],
    "Move the seal of the secret store off NFS": [
        [Call("Write", {"file_path": "stacks/vault/main.tf", "content": 'resource "terraform_data" "server" {}\n'})]
    ],
    "Make the wrapper wait for NFS before a plan": [
        [
            Call("Write", {"file_path": "scripts/tg", "content": "#!/bin/sh\nexit 0\n"}),
            Call("Write", {"file_path": "../../../outside.tf", "content": "# outside of the tree\n"}),
        ]
    ],
    # The two-TODO sample of the system that this one replaces.
    "Add Uptime Kuma monitor for Proxmox web UI port 8006": [_monitor("proxmox", "192.168.1.127:8006")],
}

EXPECTED: dict[str, str] = {
    "Alert when an NFS mount stops answering": "done",
    "Mount NFS with a bounded retry": "done",
    "Monitor the NFS port of the server": "done",
    "Roll the frontend to an image with the NFS probe": "refused",
    "Move the seal of the secret store off NFS": "refused",
    "Make the wrapper wait for NFS before a plan": "refused",
    "Replace NFS by replicated block storage": "needs-human",
}
SAMPLE_POST_MORTEM = "docs/post-mortems/2026-04-14-nfs-outage.md"
