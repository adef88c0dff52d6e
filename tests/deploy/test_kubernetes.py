"""The manifests for a cluster: valid by its own schemas, whole, closed, and meant for the commands that we have."""

from __future__ import annotations

import copy
import json
import re
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import kubernetes_validate
import pytest
from pydantic import SecretStr
from typer.core import TyperGroup
from typer.main import get_command

from app.cli import app
from app.settings import Settings, load
from tests.deploy.cluster import (
    LAYOUTS,
    WORKLOADS,
    configuration,
    container,
    lets_in,
    lets_out,
    named,
    of_kind,
    pod_labels,
    policy_of,
    rendered,
    selected,
)
from tests.deploy.files import CLUSTER, ROOT, read, scrape_config
from tests.world.prometheus import PROMTOOL

PAGE = (CLUSTER / "README.md").read_text()
# The oldest that the page names, and the newest that the schemas know.
VERSIONS = ("1.29", kubernetes_validate.latest_version())
# The keys of the Secret, and which pods of `workers` are said to see them.
SEEN_BY = dict(re.findall(r"^\| `(FOLLOWTHROUGH_\w+)` \|.*\| ([\w, ]+) \|$", PAGE, re.M))
DOCUMENTED = set(SEEN_BY)
EVERYWHERE = [("single", "followthrough"), ("workers", "followthrough-web"), ("workers", "followthrough-worker")]
every_pod = pytest.mark.parametrize(("layout", "name"), EVERYWHERE)
SPREAD = [("Deployment", "followthrough-web"), ("StatefulSet", "followthrough-worker")]


@pytest.fixture
def workload(layout: str, name: str) -> dict[str, Any]:
    """The Deployment or StatefulSet of this name."""
    (found,) = [w for w in of_kind(layout, *WORKLOADS) if w["metadata"]["name"] == name]
    return found


def problems(document: dict[str, Any], version: str) -> str:
    try:
        kubernetes_validate.validate(document, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return f"{document['kind']} {document['metadata']['name']}: {error.message}"
    return ""


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_schemas_of_kubernetes_are_kept(layout: str, version: str) -> None:
    assert [said for document in rendered(layout) if (said := problems(document, version))] == []


def test_the_schemas_notice_what_is_misspelt_or_of_another_type() -> None:
    worker = named("workers", "StatefulSet", "followthrough-worker")
    misspelt, mistyped = copy.deepcopy(worker), copy.deepcopy(worker)
    container(misspelt)["securityContext"]["readOnlyRootFileSystem"] = True
    mistyped["spec"]["replicas"] = "two"
    assert "'readOnlyRootFileSystem' was unexpected" in problems(misspelt, VERSIONS[-1])
    assert "'two' is not of type" in problems(mistyped, VERSIONS[-1])


@pytest.mark.parametrize("folder", ["base", *LAYOUTS])
def test_every_manifest_is_applied(folder: str) -> None:
    listed = set(read(CLUSTER / folder / "kustomization.yaml")["resources"]) - {"../base"}
    assert listed == {file.name for file in (CLUSTER / folder).iterdir()} - {"kustomization.yaml"}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_no_secret_is_in_it_and_all_is_in_one_namespace(layout: str) -> None:
    assert of_kind(layout, "Secret") == []
    (namespace,) = of_kind(layout, "Namespace")
    assert namespace["metadata"]["labels"] == {"pod-security.kubernetes.io/enforce": "restricted"}
    others = [document for document in rendered(layout) if document is not namespace]
    assert {document["metadata"]["namespace"] for document in others} == {namespace["metadata"]["name"]}


# --- every pod


def test_no_pod_is_left_out_below() -> None:
    assert [(layout, w["metadata"]["name"]) for layout in LAYOUTS for w in of_kind(layout, *WORKLOADS)] == EVERYWHERE
    for layout in LAYOUTS:
        assert not of_kind(layout, "Pod", "Job", "CronJob", "DaemonSet", "ReplicaSet")


@every_pod
def test_a_pod_is_closed(layout: str, workload: dict[str, Any]) -> None:
    pod = workload["spec"]["template"]["spec"]
    account = named(layout, "ServiceAccount", pod["serviceAccountName"])
    assert pod["automountServiceAccountToken"] is account["automountServiceAccountToken"] is False
    assert pod["enableServiceLinks"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert f"USER {pod['securityContext']['runAsUser']}:" in (ROOT / "Dockerfile").read_text()
    assert container(workload)["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"initContainers", "hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert {kind for volume in pod["volumes"] for kind in volume} - {"name"} <= {
        "configMap",
        "emptyDir",
        "persistentVolumeClaim",
        "projected",
    }, "nothing of a node"


@every_pod
def test_what_a_pod_names_is_there(layout: str, workload: dict[str, Any]) -> None:
    pod, made = workload["spec"]["template"]["spec"], {(d["kind"], d["metadata"]["name"]) for d in rendered(layout)}
    assert ("ServiceAccount", pod["serviceAccountName"]) in made
    assert {mount["name"] for mount in container(workload)["volumeMounts"]} == {v["name"] for v in pod["volumes"]}
    for volume in pod["volumes"]:
        if "configMap" in volume:
            assert ("ConfigMap", volume["configMap"]["name"]) in made
        if "persistentVolumeClaim" in volume:
            assert ("PersistentVolumeClaim", volume["persistentVolumeClaim"]["claimName"]) in made
    matched = workload["spec"]["selector"]["matchLabels"]
    assert selected(layout, matched) == [workload["metadata"]["name"]], "it would take over another's pods"
    for spread in pod.get("topologySpreadConstraints", []):
        assert spread["labelSelector"]["matchLabels"] == matched
    if workload["kind"] == "StatefulSet":
        assert named(layout, "Service", workload["spec"]["serviceName"])["spec"]["clusterIP"] == "None"


@every_pod
def test_a_pod_writes_only_where_it_has_a_volume(layout: str, workload: dict[str, Any], tmp_path: Path) -> None:
    only, volumes = container(workload), {v["name"]: v for v in workload["spec"]["template"]["spec"]["volumes"]}
    writable = {m["mountPath"]: volumes[m["name"]] for m in only["volumeMounts"] if not m.get("readOnly")}
    assert set(writable) == {"/var/lib/followthrough", "/tmp"}
    assert all("sizeLimit" in v["emptyDir"] for v in writable.values() if "emptyDir" in v), "a node's disk is not ours"
    assert load(configuration(layout, tmp_path)).server.data.is_relative_to("/var/lib/followthrough")
    assert only["workingDir"] == "/etc/followthrough"
    assert only["resources"]["limits"]["memory"] and only["resources"]["requests"]


@every_pod
def test_a_pod_is_probed_and_has_the_time_to_stop(layout: str, workload: dict[str, Any]) -> None:
    only = container(workload)
    asked = {probe: only[f"{probe}Probe"]["httpGet"] for probe in ("startup", "liveness", "readiness")}
    assert [asked[probe]["path"] for probe in asked] == ["/healthz", "/healthz", "/readyz"]
    (port,) = only["ports"]
    assert {probe["port"] for probe in asked.values()} == {port["name"]}
    before = only.get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command", ["sleep", "0"])
    # Five seconds are what a stop takes at most; the rest is for a machine that is busy.
    assert workload["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= int(before[1]) + 5 + 10


@every_pod
def test_a_command_is_one_that_we_have(layout: str, workload: dict[str, Any], tmp_path: Path) -> None:
    only, commands = container(workload), get_command(app)
    assert 'ENTRYPOINT ["followthrough"]' in (ROOT / "Dockerfile").read_text()
    assert "command" not in only
    word, *options = only["args"]
    assert isinstance(commands, TyperGroup)
    with commands.commands[word].make_context(word, options) as understood:
        said = understood.params
    settings = load(configuration(layout, tmp_path))
    assert (said.get("host") or settings.server.host) == "0.0.0.0"
    assert (said.get("port") or settings.server.port) == only["ports"][0]["containerPort"]


@pytest.mark.parametrize("layout", LAYOUTS)
def test_the_image_is_this_version_of_the_one_that_the_dockerfile_makes(layout: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert {container(w)["image"] for w in of_kind(layout, *WORKLOADS)} == {f"followthrough:{version}"}
    assert f"docker build --tag REGISTRY/followthrough:{version} ." in PAGE


# --- who reaches whom


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_service_has_pods_and_a_port_of_theirs(layout: str) -> None:
    found = {}
    for service in of_kind(layout, "Service"):
        (name,) = selected(layout, service["spec"]["selector"])
        (workload,) = [w for w in of_kind(layout, *WORKLOADS) if w["metadata"]["name"] == name]
        (port,) = service["spec"]["ports"]
        assert port["targetPort"] in {p["name"] for p in container(workload)["ports"]}
        found[service["metadata"]["name"]] = container(workload)["args"][0]
    assert found["followthrough"] == "serve", "an Ingress for one layout is right for the other"


@every_pod
def test_the_network_is_open_where_the_settings_point_and_nowhere_else(
    layout: str, workload: dict[str, Any], tmp_path: Path
) -> None:
    policy, settings = policy_of(layout, workload), load(configuration(layout, tmp_path))
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    takes_webhooks, works = (
        container(workload)["args"][0] == "serve",
        container(workload)["args"] != ["serve", "--no-work"],
    )
    assert lets_in(policy, "monitoring", "http")
    assert lets_in(policy, "traefik", "http") is takes_webhooks
    assert not lets_in(policy, "default", "http")
    assert lets_out(policy, "kube-dns.kube-system.svc", 53, "UDP")
    assert lets_out(policy, "postgres.dbaas.svc", 5432)
    outside = [*addresses(settings), ("hooks.slack.com", 443), ("uptime-kuma.uptime-kuma.svc", 3001)]
    assert len(outside) == 6
    assert {f"{host}:{port}": lets_out(policy, host, port) for host, port in outside} == {
        f"{host}:{port}": works for host, port in outside
    }
    nobodys = [("10.0.10.11", 22), ("10.0.10.10", 443), ("192.168.1.1", 443), ("169.254.169.254", 80)]
    assert [lets_out(policy, host, port) for host, port in nobodys] == [False] * len(nobodys)


def addresses(settings: Settings) -> Iterator[tuple[str, int]]:
    """What the configuration names: host and port."""
    (devvm,), (repository,) = settings.devvm, settings.repository
    yield devvm.host, devvm.port
    for url in (settings.vault.url, repository.clone_url, repository.verify.prometheus):
        parts = urlsplit(url)
        yield str(parts.hostname), parts.port or {"https": 443}[parts.scheme]


# --- secrets

SECRET = "from-the-secret-of-this-namespace"
# What stands in the ConfigMap of somebody who uses these secrets: a channel for the bot, an issuer to log in with.
BESIDE = {
    "FOLLOWTHROUGH_SLACK__CHANNEL": "C0123456789",
    "FOLLOWTHROUGH_OIDC__ISSUER": "https://id.example.org",
    "FOLLOWTHROUGH_OIDC__CLIENT_ID": "followthrough",
}


@every_pod
def test_the_configuration_loads_with_the_keys_of_the_secret(
    layout: str, workload: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The ConfigMap, and the Secret's variables over it, are one valid configuration for the pod as it is."""
    given = handed(workload)
    assert given <= DOCUMENTED
    for name in given:
        monkeypatch.setenv(name, f'["{SECRET}"]' if name.endswith(("_SECRETS", "_TOKENS")) else SECRET)
    for name, value in BESIDE.items():
        monkeypatch.setenv(name, value)
    settings = load(configuration(layout, tmp_path))
    assert settings.database.url == SECRET
    assert settings.secrets() == [SECRET] * (len(given) - 1)
    assert settings.repository[0].mode == "dry-run"


def handed(workload: dict[str, Any]) -> set[str]:
    """The keys of the Secret that a pod sees."""
    only = container(workload)
    whole = [source["secretRef"]["name"] for source in only.get("envFrom", [])]
    keys = {}
    for variable in only.get("env", []):
        keys[variable["name"]] = variable["valueFrom"]["secretKeyRef"]["key"]
        assert variable["valueFrom"]["secretKeyRef"]["name"] == "followthrough"
    assert list(keys) == list(keys.values()), "a variable has its key's name"
    assert whole in ([], ["followthrough"])
    return DOCUMENTED if whole else set(keys)


def test_the_page_lists_every_secret_setting() -> None:
    secret = {
        f"FOLLOWTHROUGH_{section}__{key}".upper()
        for section, table in Settings()
        if hasattr(type(table), "model_fields")
        for key, field in type(table).model_fields.items()
        if field.annotation in (SecretStr, list[SecretStr])
    }
    assert secret | {"FOLLOWTHROUGH_DATABASE__URL"} == DOCUMENTED


def test_each_part_is_handed_what_it_needs_and_no_more() -> None:
    web, worker = (named("workers", *found) for found in SPREAD)
    for part, workload in (("web", web), ("worker", worker)):
        assert handed(workload) == {key for key, parts in SEEN_BY.items() if part in parts.split(", ")}
    both = {"FOLLOWTHROUGH_DATABASE__URL", "FOLLOWTHROUGH_SERVER__METRICS_TOKENS"}
    assert handed(web) & handed(worker) == both
    assert {"FOLLOWTHROUGH_GITHUB__TOKEN", "FOLLOWTHROUGH_SLACK__WEBHOOK_URL"} <= handed(worker)
    for workload in (web, worker):
        (url,) = [v for v in container(workload)["env"] if v["name"] == "FOLLOWTHROUGH_DATABASE__URL"]
        assert "optional" not in url["valueFrom"]["secretKeyRef"], (
            "without it each pod would have a database of its own"
        )


@every_pod
def test_who_executes_has_a_token_for_vault_and_nobody_else(
    layout: str, workload: dict[str, Any], tmp_path: Path
) -> None:
    pod, script = workload["spec"]["template"]["spec"], (CLUSTER / "vault.sh").read_text()
    projected = [volume for volume in pod["volumes"] if "projected" in volume]
    bound = re.search(r"SERVICE_ACCOUNT:-([\w-]+)\}", script)
    assert bound
    if container(workload)["args"] == ["serve", "--no-work"]:
        assert projected == []
        assert pod["serviceAccountName"] != bound[1]
        return
    assert pod["serviceAccountName"] == bound[1]
    (volume,) = projected
    token = volume["projected"]["sources"][0]["serviceAccountToken"]
    (mount,) = [m for m in container(workload)["volumeMounts"] if m["name"] == volume["name"]]
    assert (token["audience"], token["expirationSeconds"]) == ("vault", 600)
    assert f"${{AUDIENCE:-{token['audience']}}}" in script
    assert load(configuration(layout, tmp_path)).vault.jwt_file == Path(mount["mountPath"], token["path"])


# --- one pod, or several


def test_with_sqlite_there_is_never_a_second_pod() -> None:
    (only,) = of_kind("single", *WORKLOADS)
    assert (only["spec"]["replicas"], only["spec"]["strategy"]["type"]) == (1, "Recreate")
    assert container(only)["args"] == ["serve"]


@pytest.mark.parametrize(("kind", "name"), SPREAD)
def test_two_of_each_and_never_none(kind: str, name: str) -> None:
    workload = named("workers", kind, name)
    budget = named("workers", "PodDisruptionBudget", name)["spec"]
    assert selected("workers", budget["selector"]["matchLabels"]) == [name]
    assert workload["spec"]["replicas"] - budget["maxUnavailable"] == 1
    (spread,) = workload["spec"]["template"]["spec"]["topologySpreadConstraints"]
    assert (spread["topologyKey"], spread["whenUnsatisfiable"]) == ("kubernetes.io/hostname", "ScheduleAnyway")


def test_a_web_pod_goes_when_another_is_ready_and_no_request_comes_any_more() -> None:
    web = named("workers", "Deployment", "followthrough-web")
    assert web["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert container(web)["lifecycle"]["preStop"]["exec"]["command"][0] == "sleep"


def test_a_worker_keeps_its_name_and_is_started_again_whatever_it_ends_with() -> None:
    worker = named("workers", "StatefulSet", "followthrough-worker")
    assert "--name" not in container(worker)["args"], "the pod's name is the worker's"
    assert worker["spec"]["podManagementPolicy"] == "Parallel"
    assert worker["spec"]["template"]["spec"].get("restartPolicy", "Always") == "Always"


# --- Prometheus


def pods(layout: str) -> Iterator[dict[str, str]]:
    """What Prometheus's discovery says of each pod's port."""
    meta = "__meta_kubernetes_pod_"
    for workload in of_kind(layout, *WORKLOADS):
        labels = {f"{meta}label_{re.sub(r'[^a-zA-Z0-9_]', '_', k)}": v for k, v in pod_labels(workload).items()}
        for number in range(workload["spec"]["replicas"]):
            labels[f"{meta}name"] = f"{workload['metadata']['name']}-{number}"
            yield {**labels, f"{meta}container_port_name": container(workload)["ports"][0]["name"]}


def scraped(found: list[dict[str, str]], file: Path) -> list[tuple[str, str]]:
    """(component, instance) of what Prometheus itself makes of these by the rules of the scrape job."""
    file.write_text(
        json.dumps(
            scrape_config([{"targets": [f"10.42.0.{n}:8080"], "labels": labels} for n, labels in enumerate(found)])
        )
    )
    argv = [PROMTOOL, "check", "service-discovery", "--timeout=1s", file, "followthrough"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    kept = [target["labels"] for target in json.loads(done.stdout) if target["labels"]]
    return sorted((labels.get("component", ""), labels["instance"]) for labels in kept)


def test_prometheus_finds_every_process_under_its_own_name(tmp_path: Path) -> None:
    (job,) = read("deploy/prometheus/scrape.yml")["scrape_configs"]
    (discovery,) = job["kubernetes_sd_configs"]
    assert discovery == {"role": "pod", "namespaces": {"names": ["followthrough"]}}
    (first, *_) = both = [*pods("single"), *pods("workers")]
    name, port = "__meta_kubernetes_pod_label_app_kubernetes_io_name", "__meta_kubernetes_pod_container_port_name"
    others = [{**first, name: "postgres"}, {**first, port: "debug"}]
    assert scraped([*both, *others], tmp_path / "prometheus.json") == [
        ("", "followthrough-0"),
        ("web", "followthrough-web-0"),
        ("web", "followthrough-web-1"),
        ("worker", "followthrough-worker-0"),
        ("worker", "followthrough-worker-1"),
    ]
