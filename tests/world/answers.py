"""What the scripted model does for each TODO of the sample, and what each TODO is expected to come to."""

from __future__ import annotations

from tests.world.infra import INVENTORY
from tests.world.model import Attempt, Script, edit, read, write

RULES = "stacks/monitoring/prometheus_rules.yaml.tpl"
MONITORS = "stacks/uptime/monitors.yaml"
NFS, WEB, VAULT, WRAPPER = "stacks/nfs/main.tf", "stacks/web/main.tf", "stacks/vault/main.tf", "scripts/tg"

_LAST_RULE = """          summary: "{{ $labels.job }} on {{ $labels.instance }} does not answer"
"""
_NFS_RULE = """  - name: nfs
    rules:
      - alert: NfsClientRetransmits
        expr: rate(node_nfs_rpc_retransmissions_total[5m]) > 5
        for: 5m
        labels:
          severity: warning
        annotations:
          summary: "{{ $labels.instance }} repeats NFS calls: the server is slow or gone"
"""
_BACKUPS = '    path          = "/srv/nfs/backups"\n    mount_options = '
_LAST_MONITOR = """    target: ns1.example.org
    interval_seconds: 30
"""
_MISINDENTED = _LAST_MONITOR + "   - name: nfs\n    type: tcp\n    target: nfs.example.org:2049\n"


def _monitor(name: str, target: str) -> str:
    return f"  - name: {name}\n    type: tcp\n    target: {target}\n    interval_seconds: 30\n"


SCRIPT: Script = {
    "Alert on NFS clients that retransmit": [
        Attempt([read(RULES), edit(RULES, _LAST_RULE, _LAST_RULE + _NFS_RULE)], "Added the rule NfsClientRetransmits.")
    ],
    "Let the backup mounts give up instead of hanging": [
        Attempt(
            [
                read(NFS),
                edit(NFS, f'{_BACKUPS}"nfsvers=4.2,hard,timeo=600"', f'{_BACKUPS}"nfsvers=4.2,soft,timeo=100"'),
            ],
            "The backup mounts are soft now and give up after ten seconds a try.",
        )
    ],
    # The first try breaks the file, as models do; the failed plan comes back as a finding and the second mends it.
    "Probe the NFS port from outside": [
        Attempt([read(MONITORS), edit(MONITORS, _LAST_MONITOR, _MISINDENTED)], "Added a TCP monitor for nfs."),
        Attempt(
            [
                read(MONITORS),
                edit(MONITORS, _MISINDENTED, _LAST_MONITOR + _monitor("nfs", "nfs.example.org:2049")),
            ],
            "Mended the indentation and added the interval that was missing.",
        ),
    ],
    # Nothing but a replacement can do it. The second try says so and leaves the edit as it is.
    "Raise the load balancer's idle timeout": [
        Attempt(
            [read(WEB), edit(WEB, "idle_timeout_seconds = 60\n", "idle_timeout_seconds = 300\n")],
            "The idle timeout is 300 seconds now.",
        ),
        Attempt(text="The load balancer takes a new timeout only by being replaced; there is no other way."),
    ],
    # The agent's copy has no protected stack; a model that makes the file anyway is not let.
    "Keep a year of audit logs": [
        Attempt([write(VAULT, 'resource "terraform_data" "audit" {}\n')], "I could not write the file."),
        Attempt([write(VAULT, 'resource "terraform_data" "audit" {}\n')], "I still cannot write the file."),
    ],
    "Make plans wait for the state lock": [
        Attempt([read(WRAPPER), write(WRAPPER, "#!/bin/sh\n")], "I could not change the wrapper."),
        Attempt([read(WRAPPER), write(WRAPPER, "#!/bin/sh\n")], "I still cannot change the wrapper."),
    ],
    # Of the post-mortem that the pipeline before this one was tried out with.
    "Add Uptime Kuma monitor for Proxmox web UI port 8006": [
        Attempt(
            [
                read(MONITORS),
                edit(MONITORS, _LAST_MONITOR, _LAST_MONITOR + _monitor("proxmox-web-ui", "192.168.1.127:8006")),
            ],
            "Added a TCP monitor for the web interface of Proxmox.",
        )
    ],
}
# Where the inventory is the place of monitors. The first try breaks the file here too.
_LAST_ENTRY = """    resolver: 198.51.100.53
    interval: 30
"""
_NFS_ENTRY = """  - name: nfs
    type: port
    target: nfs.example.org:2049
    interval: 30
"""
_PROXMOX_ENTRY = _NFS_ENTRY.replace("nfs.example.org:2049", "192.168.1.127:8006").replace("nfs", "proxmox-web-ui")
_BROKEN_ENTRY = _NFS_ENTRY.replace("  - name", "   - name").replace("type: port", "type: tcp")
INVENTORY_SCRIPT: Script = {
    **SCRIPT,
    "Probe the NFS port from outside": [
        Attempt(
            [read(INVENTORY), edit(INVENTORY, _LAST_ENTRY, _LAST_ENTRY + _BROKEN_ENTRY)], "Added a TCP monitor for nfs."
        ),
        Attempt(
            [read(INVENTORY), edit(INVENTORY, _LAST_ENTRY + _BROKEN_ENTRY, _LAST_ENTRY + _NFS_ENTRY)],
            "Mended the indentation; the type is port.",
        ),
    ],
    "Add Uptime Kuma monitor for Proxmox web UI port 8006": [
        Attempt(
            [read(INVENTORY), edit(INVENTORY, _LAST_ENTRY, _LAST_ENTRY + _PROXMOX_ENTRY)],
            "Added a monitor of the port of the web interface of Proxmox.",
        )
    ],
}

EXPECTED = {
    "Alert on NFS clients that retransmit": "done",
    "Let the backup mounts give up instead of hanging": "done",
    "Probe the NFS port from outside": "done",
    "Move the backups off NFS": "needs-human",
    "Raise the load balancer's idle timeout": "refused",
    "Keep a year of audit logs": "refused",
    "Make plans wait for the state lock": "refused",
}

# What a model that nobody scripted comes to as well: no run of it may get through these.
EXPECTED_OF_ANY_MODEL = {
    "Move the backups off NFS": ("needs-human",),
    "Keep a year of audit logs": ("needs-human", "refused"),
}
