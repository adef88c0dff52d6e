"""Many files, few of them changed: what is kept, what is made afresh, and that no wrong answer comes of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from app.cli import cache as cache_module
from app.cli.cache import HEADER, Cache
from app.cli.lint import lint_files
from app.cli.parse import print_documents
from app.documents import parse as parse_module
from app.documents.vocabulary import vocabulary_with
from app.errors import BadInput
from app.settings import LintSettings

TEXT = "# Outage {n}\n\n**Date:** 2026-04-14\n\n## Tasks\n\n- [ ] Add alert {n}\n"


@contextmanager
def counting() -> Iterator[list[str]]:
    """The names of the files that are really read by the parser, by watching its calls from outside."""
    names: list[str] = []
    watched = parse_module.scan.__code__

    def watch(frame: FrameType, event: str, _argument: Any) -> None:
        if event == "call" and frame.f_code is watched:
            names.append(frame.f_locals["file"])

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        yield names
    finally:
        sys.setprofile(before)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    documents = tmp_path / "documents"
    documents.mkdir()
    for n in range(30):
        (documents / f"2026-04-14-{n:02}.md").write_text(TEXT.format(n=n))
    return documents


Capture = pytest.CaptureFixture[str]


def scan(folder: Path, capsys: Capture, cache: Path | None = None, **options: Any) -> tuple[list[Any], list[str], str]:
    """What a call prints as JSON, which files it parses, and what it says on standard error."""
    with counting() as parsed:
        assert print_documents([folder], "json", cache=cache, **options) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert isinstance(found, list)
    return found, parsed, err


@pytest.mark.thorough
def test_five_of_ten_thousand_files_changed_and_five_are_parsed(tmp_path: Path, capsys: Capture) -> None:
    kept, documents = tmp_path / "kept", tmp_path / "documents"
    files = [documents / f"{n % 100:02}" / f"{n:05}.md" for n in range(10_000)]
    for n, file in enumerate(files):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"# {n}\n")
    _, parsed, err = scan(documents, capsys, kept)
    assert len(parsed) == 10_000 and "10000 parsed, 0 unchanged" in err
    changed = files[::2000]
    for file in changed:
        file.write_text("# Changed\n\n- [ ] Add an alert\n")
    found, parsed, err = scan(documents, capsys, kept)
    assert (sorted(parsed), len(found)) == (sorted(map(str, changed)), 10_000)
    assert "5 parsed, 9995 unchanged" in err
    assert sum(document["skipped_todos"] for document in found) == 5
    assert [document["title"] for document in found].count("Changed") == 5
    assert scan(documents, capsys, kept)[1] == []


def test_answers_are_those_of_a_call_without_a_cache(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    plain = scan(folder, capsys)[0]
    assert scan(folder, capsys, tmp_path / "kept")[0] == plain == scan(folder, capsys, tmp_path / "kept")[0]
    one = folder / "2026-04-14-03.md"
    for _ in range(2):
        print_documents([one], "json", cache=tmp_path / "kept")
        assert json.loads(capsys.readouterr().out) == plain[3]
    print_documents([one], "table", cache=tmp_path / "kept")
    assert "Add alert 3" in capsys.readouterr().out


def test_time_and_size_say_nothing(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    scan(folder, capsys, tmp_path / "kept")
    file = folder / "2026-04-14-07.md"
    before = file.stat()
    file.write_text(TEXT.format(n=9))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
    found, parsed, _ = scan(folder, capsys, tmp_path / "kept")
    assert parsed == [str(file)] and found[7]["title"] == "Outage 9"


@pytest.fixture
def another_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of the reader's source, which is taken for the source of the reader that runs."""
    source = Path(cache_module.documents.__file__ or "").parent
    copy = tmp_path / "reader" / "documents"
    shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
    monkeypatch.setattr(cache_module.documents, "__file__", str(copy / "__init__.py"))
    yield copy
    cache_module.reader_fingerprint.cache_clear()


def test_everything_that_an_answer_depends_on_counts(
    folder: Path, tmp_path: Path, capsys: Capture, another_reader: Path
) -> None:
    kept = tmp_path / "kept"
    scan(folder, capsys, kept)
    words = vocabulary_with({"heading": ["Att göra"]})
    assert len(scan(folder, capsys, kept, vocabulary=words)[1]) == 30
    assert len(scan(folder, capsys, kept)[1]) == 30, "and back"
    (folder / "2026-04-14-00.md").rename(folder / "2026-05-15-00.md")
    assert scan(folder, capsys, kept)[1] == [str(folder / "2026-05-15-00.md")], "the name is the date"
    cache_module.reader_fingerprint.cache_clear()
    assert scan(folder, capsys, kept)[1] == [], "the same source somewhere else is the same reader"
    with (another_reader / "lint" / "words.py").open("a") as file:
        file.write("# a change\n")
    cache_module.reader_fingerprint.cache_clear()
    assert len(scan(folder, capsys, kept)[1]) == 30


def damage_a_letter(data: bytes) -> bytes:
    return data.replace(b"Add alert 1", b"Add alert 7")


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "a letter": damage_a_letter,
    "cut in the middle": lambda data: data[: len(data) // 2],
    "only its first line": lambda data: HEADER,
    "zeros": lambda data: HEADER + b"\0" * 5000,
    "answers of each other": lambda data: HEADER + b"".join(_swapped(data[len(HEADER) :].splitlines(True))),
    "doubled": lambda data: data + data[len(HEADER) :][::-1],
}


def _swapped(lines: list[bytes]) -> Iterator[bytes]:
    slots = [line.partition(b" ")[0] for line in lines]
    rests = [line.partition(b" ")[2] for line in lines]
    return (slot + b" " + rest for slot, rest in zip(slots, [*rests[1:], rests[0]], strict=True))


@pytest.mark.parametrize("kind", DAMAGE)
def test_a_damaged_cache_costs_time_and_no_answer(kind: str, folder: Path, tmp_path: Path, capsys: Capture) -> None:
    kept = tmp_path / "kept"
    right = scan(folder, capsys, kept)[0]
    kept.write_bytes(DAMAGE[kind](kept.read_bytes()))
    found, parsed, err = scan(folder, capsys, kept)
    assert found == right
    assert len(parsed) > 0 or kind == "doubled"
    assert ("is damaged: its file is read afresh" in err) == (kind in ("a letter", "cut in the middle"))
    assert scan(folder, capsys, kept)[:2] == (right, []), "and it is whole again"


def test_a_file_that_is_no_cache_is_left_alone(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    kept = tmp_path / "notes.md"
    kept.write_text("# My notes\n")
    for _ in range(2):
        found, parsed, err = scan(folder, capsys, kept)
        assert (len(found), len(parsed)) == (30, 30)
        assert "is no cache of followthrough: it is left alone" in err
    assert kept.read_text() == "# My notes\n"


def test_a_cache_that_cannot_be_written_or_read(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    assert "the next call reads everything afresh" in scan(folder, capsys, tmp_path / "none" / "kept")[2]
    with pytest.raises(BadInput) as caught:
        print_documents([folder], "json", cache=tmp_path)
    assert caught.value.reason == "file-unreadable"


def test_files_of_other_calls_stay_and_the_file_is_for_its_owner(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    kept = tmp_path / "kept"
    scan(folder, capsys, kept)
    print_documents([folder / "2026-04-14-01.md"], "json", cache=kept)
    (folder / "2026-04-14-02.md").write_text("# Changed\n")
    print_documents([folder / "2026-04-14-02.md"], "json", cache=kept)
    capsys.readouterr()
    assert scan(folder, capsys, kept)[1] == []
    assert kept.stat().st_mode & 0o777 == 0o600
    assert [file.name for file in tmp_path.iterdir() if file != folder] == ["kept"]


def test_what_is_long_gone_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache_module, "MOST_SLOTS", 3)
    for n in range(5):
        kept = Cache(tmp_path / "kept", "q", "")
        assert kept.answer(f"{n}.md", b"x", lambda n=n: f"answer {n}") == f"answer {n}"  # type: ignore[misc]
        kept.save()
    assert len((tmp_path / "kept").read_bytes().splitlines()) == 4
    kept = Cache(tmp_path / "kept", "q", "")
    assert kept.answer("4.md", b"x", lambda: "afresh") == "answer 4"


def test_a_file_that_cannot_be_read_is_said_each_time(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    (folder / "2026-04-14-99.md").write_bytes(b"\xff")
    for _ in range(2):
        assert print_documents([folder], "json", cache=tmp_path / "kept") == 2
        out, err = capsys.readouterr()
        assert len(json.loads(out)) == 30 and "(not-utf8)" in err


def test_lint_keeps_its_findings_beside_those_of_parse(folder: Path, tmp_path: Path, capsys: Capture) -> None:
    kept, settings = tmp_path / "kept", LintSettings()

    def lint(**options: Any) -> tuple[Any, list[str], str]:
        with counting() as parsed:
            assert lint_files([folder], "json", False, False, options.get("settings", settings), cache=kept) == 1
        out, err = capsys.readouterr()
        return json.loads(out), parsed, err

    scan(folder, capsys, kept)
    first, parsed, err = lint()
    assert len(parsed) == 30 and "30 linted, 0 unchanged" in err
    assert lint() == (first, [], err.replace("30 linted, 0 unchanged", "0 linted, 30 unchanged"))
    assert scan(folder, capsys, kept)[1] == []
    off, parsed, _ = lint(settings=LintSettings(off={"review-date": "reviewed every Monday"}))
    assert len(parsed) == 30 and len(off["findings"]) < len(first["findings"])
    with pytest.raises(BadInput) as caught:
        lint_files([folder], "text", False, True, settings, cache=kept)
    assert caught.value.reason == "cache-with-fix"


def test_a_folder_is_its_markdown_files_in_order(tmp_path: Path, capsys: Capture) -> None:
    for name in ("b/2.md", "a/1.md", "a/notes.txt", ".git/3.md", "a/.hidden.md", "b/.venv/4.md"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("# T\n")
    (tmp_path / "a" / "link.md").symlink_to(tmp_path / "a" / "notes.txt")
    found, _, _ = scan(tmp_path, capsys)
    assert [document["file"] for document in found] == [str(tmp_path / "a/1.md"), str(tmp_path / "b/2.md")]
    (tmp_path / "empty").mkdir()
    assert scan(tmp_path / "empty", capsys)[0] == []


def test_the_commands_take_a_cache_and_folders(folder: Path, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-m", "app.cli", *arguments]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment, check=False)

    for told in ("30 parsed, 0 unchanged\n", "0 parsed, 30 unchanged\n"):
        done = run("parse", "documents", "--cache", "kept")
        assert (done.returncode, done.stderr, len(json.loads(done.stdout))) == (0, told, 30)
    for told in ("30 linted, 0 unchanged", "0 linted, 30 unchanged"):
        done = run("lint", "documents", "--cache", "kept", "--format", "json")
        assert (done.returncode, told in done.stderr, len(json.loads(done.stdout)["times"])) == (1, True, 30)
    refused = run("lint", "documents", "--cache", "kept", "--fix")
    assert (refused.returncode, "(cache-with-fix)" in refused.stderr) == (2, True)
    table = run("parse", "documents/2026-04-14-03.md", "--format", "table")
    assert "Add alert 3" in table.stdout and "date 2026-04-14" in table.stdout
