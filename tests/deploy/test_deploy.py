"""Containers, cluster, pipelines and the DevVM's script: valid, closed, pinned, without a secret."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli.doctor import TESTED_CLAUDE
from tests.deploy.files import ROOT, read

COMPOSE = read("docker-compose.yml")
SERVICES = COMPOSE["services"]
PIPELINES = sorted(ROOT.glob(".woodpecker/*.yml"))
OURS = [ROOT / "Dockerfile", ROOT / ".dockerignore", ROOT / "docker-compose.yml", ROOT / "followthrough.example.toml"]
OURS += [f for pattern in ("deploy/**/*", ".woodpecker/*", "scripts/*.sh", ".claude/**/*") for f in ROOT.glob(pattern)]
OURS = [f for f in OURS if f.is_file() and "__pycache__" not in f.parts]

SECRET_SHAPES = re.compile(
    r"hv[sb]\.[\w-]{8}|-----BEGIN|AKIA[0-9A-Z]{12}|xox[a-z]-\w|gh[pousr]_\w{8}|eyJ[\w-]{8}|sk-ant-\w"
    r"|hooks\.slack\.com/\S"
)


@pytest.mark.parametrize(
    ("schema", "files"),
    [("vendor.compose-spec", [ROOT / "docker-compose.yml"]), ("vendor.woodpecker-ci", PIPELINES)],
    ids=["compose", "woodpecker"],
)
def test_the_schema_is_kept(schema: str, files: list[Path]) -> None:
    argv = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("service", SERVICES)
def test_containers_are_closed(service: str) -> None:
    spec = SERVICES[service]
    assert spec["read_only"] is True
    assert spec["cap_drop"] == ["ALL"]
    assert spec["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in spec
    assert not any("docker.sock" in volume for volume in spec["volumes"])
    if spec["user"].startswith("0:"):
        assert spec["network_mode"] == "none"
    else:
        assert "cap_add" not in spec


def test_only_the_service_is_published_and_only_here() -> None:
    published = {name: spec["ports"] for name, spec in SERVICES.items() if "ports" in spec}
    assert published == {"followthrough": ["127.0.0.1:8080:8080"]}
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert SERVICES["devvm"]["networks"] == ["outside"], "the DevVM reaches neither Vault nor the database"


def test_whoever_serves_has_a_health_check() -> None:
    checked = {name for name, spec in SERVICES.items() if "test" in spec.get("healthcheck", {})}
    assert checked | {"followthrough"} == set(SERVICES) - {"setup", "provision"}
    assert "HEALTHCHECK" in (ROOT / "Dockerfile").read_text()


def test_images_are_pinned_by_version() -> None:
    images = [spec["image"] for spec in SERVICES.values()]
    for dockerfile in (ROOT / "Dockerfile", ROOT / "deploy/devvm/Dockerfile"):
        images += re.findall(r"^(?:FROM|ARG [A-Z_]*IMAGE=?) *(\S+:[^\s$]+)", dockerfile.read_text(), re.M)
    images += [step["image"] for file in PIPELINES for step in read(file)["steps"]]
    assert len(images) > 12
    assert [image for image in images if not re.search(r":\d+\.\d+(\.\d+)?(-[a-z-]+)?$", image)] == []
    assert re.search(r"^ARG PYTHON=\d+\.\d+\.\d+-", (ROOT / "Dockerfile").read_text(), re.M)


@pytest.mark.parametrize("file", ["Dockerfile", "deploy/devvm/Dockerfile"])
def test_no_image_runs_as_root(file: str) -> None:
    *_, last = re.findall(r"^USER (\d+):", (ROOT / file).read_text(), re.M)
    assert int(last) >= 1000


@pytest.mark.parametrize("file", ["Dockerfile", "deploy/devvm/Dockerfile"])
def test_the_linter_of_dockerfiles_finds_nothing(file: str) -> None:
    hadolint = Path(sys.executable).with_name("hadolint")
    done = subprocess.run([hadolint, "--no-color", ROOT / file], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_the_image_is_built_of_what_is_there() -> None:
    """Each file that is copied exists and is let in by .dockerignore, which lets nothing else in."""
    copied = re.findall(r"^COPY (?!--from)(.*) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    files = {file for line in copied for file in line.split()}
    assert {"pyproject.toml", "app", "pipelines"} <= files
    assert [file for file in files if not (ROOT / file).exists()] == []
    assert set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(), re.M)) == files


@pytest.mark.parametrize("file", OURS, ids=lambda file: str(file.relative_to(ROOT)))
def test_no_file_holds_a_secret(file: Path) -> None:
    text = file.read_text()
    assert SECRET_SHAPES.findall(text) == []
    assert re.findall(r"""(?i)\b(?:password|secret|token)\b["']?\s*[:=]\s*["']?[A-Za-z0-9+/_-]{20,}""", text) == []


# --- Woodpecker


def test_the_pipeline_runs_on_a_pushed_post_mortem() -> None:
    push, manual = read(".woodpecker/postmortem-todos.yml")["when"]
    assert push == {"event": "push", "branch": "master", "path": {"include": ["docs/post-mortems/*.md"]}}
    assert manual["event"] == "manual"


def test_the_pipeline_tells_success_and_failure() -> None:
    work, *notices = read(".woodpecker/postmortem-todos.yml")["steps"]
    assert work["commands"] == ["sh scripts/postmortem-pipeline.sh"]
    assert [notice["when"] for notice in notices] == [[{"status": "success"}], [{"status": "failure"}]]


@pytest.mark.parametrize("file", PIPELINES, ids=lambda file: file.name)
def test_steps_keep_data_out_of_the_shell(file: Path) -> None:
    for step in read(file)["steps"]:
        assert "secrets" not in step, "removed in Woodpecker 3"
        for command in step["commands"]:
            assert "${" not in command, "Woodpecker would write the value into the script"
            assert "CI_COMMIT_MESSAGE" not in command and "eval" not in command


# --- the DevVM's script


def test_everybody_means_the_same_agent() -> None:
    by_script = re.search(r"^claude_version=(\S+)$", (ROOT / "deploy/devvm/setup.sh").read_text(), re.M)
    by_image = re.search(r"^ARG CLAUDE_CODE_VERSION=(\S+)$", (ROOT / "deploy/devvm/Dockerfile").read_text(), re.M)
    assert by_script and by_image
    assert by_script[1] == by_image[1] == TESTED_CLAUDE


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A public key."""
    argv = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "someone", "-f", str(tmp_path / "key")]
    subprocess.run(argv, check=True)
    return tmp_path / "key.pub"


def set_up(*words: str) -> subprocess.CompletedProcess[str]:
    shell = shutil.which("dash") or "sh"
    argv = [shell, str(ROOT / "deploy/devvm/setup.sh"), "--user", "ft-of-the-tests", *words, "--dry-run"]
    return subprocess.run(argv, capture_output=True, text=True, env={"PATH": os.environ["PATH"] + ":/usr/sbin"})


def test_a_dry_run_says_what_it_would_do_and_does_nothing(key: Path) -> None:
    done = set_up("--key", str(key), "--from", "10.42.0.0/16", "--workspace", "/var/tmp/ft-of-the-tests")
    assert done.returncode == 0, done.stderr
    for step in (
        "useradd",
        "mkdir -m 0700 /var/tmp/ft-of-the-tests",
        "authorized_keys.d/ft-of-the-tests",
        "npm install",
    ):
        assert step in done.stdout
    assert not Path("/var/tmp/ft-of-the-tests").exists()
    assert not Path("/etc/ssh/authorized_keys.d/ft-of-the-tests").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--from", "10.0.0.1"], "--key and --from are needed"),
        (["--key", "KEY", "--from", '1.1.1.1",command="id'], "addresses and networks only"),
        (["--key", "KEY", "--from", "10.0.0.1", "--workspace", "/home/x/ws"], "the agent may read nothing"),
        (["--key", "KEY", "--from", "10.0.0.1", "--workspace", "/var/../home"], "no plain absolute path"),
        (["--key", "KEY", "--from", "10.0.0.1", "--user", "root"], "somebody's"),
        (["--key", "KEY", "--from", "10.0.0.1", "--user", "a;id"], "no plain account name"),
        (["--key", "PRIVATE", "--from", "10.0.0.1"], "belongs in Vault"),
        (["--key", "KEY", "--from", "10.0.0.1", "--claude-version", "1;id"], "numbers and dots"),
        (["--sudo"], "no option --sudo"),
    ],
)
def test_what_the_setup_refuses(key: Path, words: list[str], why: str) -> None:
    given = {"KEY": str(key), "PRIVATE": str(key.with_suffix(""))}
    done = set_up(*(given.get(word, word) for word in words))
    assert done.returncode == 1
    assert why in done.stderr
    assert "+ " not in done.stdout
