"""Words that a configuration adds: what they do, what they may not be, and that nothing becomes safe by them alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from app.documents.edit import mark_done
from app.documents.lint import lint
from app.documents.parse import parse
from app.documents.vocabulary import BUILT_IN, KINDS, vocabulary, vocabulary_with
from app.errors import BadInput, Refused

SYNONYMS = {
    "heading": ["Att göra"],
    "action": ["Uppgift"],
    "status": ["Läge"],
    "priority": ["Vikt"],
    "owner": ["Ansvarig"],
    "due": ["Klart"],
    "details": ["Anmärkning"],
    "issue": ["Ärende"],
    "type": ["Slag"],
    "open": ["Öppen", "ej påbörjad"],
    "done": ["Klar", "åtgärdad"],
}
TEXT = """\
# Driftstopp

## Att göra

| Vikt | Uppgift | Slag | Anmärkning | Ansvarig | Klart | Ärende | Läge |
|---|---|---|---|---|---|---|---|
| P1 | Larm för disken | Alert | x | Eva | 2026-05-01 | OPS-1 | Öppen |
| P2 | Byt disken | Alert | x | Bo | 2026-05-02 | | Klar |
| P2 | Flytta loggarna | Alert | x | Bo | 2026-05-02 | | åtgärdad 2026-05-01 |
"""
WITH_TYPE = TEXT.replace("| Slag |", "| Type |")
SWEDISH = vocabulary_with(SYNONYMS)


def read(text: str) -> list[tuple[str, str | None, str | None, str]]:
    return [(i.status, i.owner, i.due, i.reason) for i in parse(text.encode(), "x.md", SWEDISH).items]


def test_without_them_the_document_says_little() -> None:
    assert parse(TEXT.encode(), "x.md").items == ()


def test_with_them_it_is_read() -> None:
    assert read(TEXT) == [
        ("open", "Eva", "2026-05-01", "type-not-declared"),
        ("done", "Bo", "2026-05-02", ""),
        ("done", "Bo", "2026-05-02", ""),
    ]
    (item, *_) = parse(TEXT.encode(), "x.md", SWEDISH).items
    assert (item.priority, item.details, item.declared.type, item.links) == ("P1", "x", "Alert", ("OPS-1",))


def test_a_declared_type_and_a_configured_open_status_are_safe_and_can_be_marked() -> None:
    (item,) = parse(WITH_TYPE.encode(), "x.md", SWEDISH).todos
    marked = mark_done(WITH_TYPE.encode(), item.id, SWEDISH).decode()
    assert marked == WITH_TYPE.replace("Öppen", "Done")
    with pytest.raises(Refused):
        mark_done(WITH_TYPE.encode(), item.id)


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("öppen", ""),
        ("EJ PÅBÖRJAD", ""),
        ("Oppen", "status-unclear"),
        ("Öppen?", "status-unclear"),
        ("Öppеn", "lookalike-characters"),
        ("Öp\u200bpen", "hidden-characters"),
    ],
)
def test_only_the_very_word_is_plainly_open(cell: str, reason: str) -> None:
    item = parse(WITH_TYPE.replace("Öppen", cell).encode(), "x.md", SWEDISH).items[0]
    assert (item.safe, item.reason) == (not reason, reason)


@pytest.mark.parametrize("word", ["Larm", "alert", "Аlert"])
def test_no_word_becomes_a_type(word: str) -> None:
    assert not any(kind in KINDS for kind in ("Alert", "Config", "Monitor", "alert", "safe"))
    item = parse(WITH_TYPE.replace("| Alert |", f"| {word} |").encode(), "x.md", SWEDISH).items[0]
    assert not item.safe and item.reason in ("type-unknown", "lookalike-characters")


def test_lint_reads_with_them_too() -> None:
    def told(chosen: object) -> set[str]:
        return {finding.text for finding in lint(TEXT.encode(), "x.md", vocabulary=chosen)}  # type: ignore[arg-type]

    missing = "there is no section for the action items"
    assert missing in told(BUILT_IN) and missing not in told(SWEDISH)


def test_the_vocabulary_is_the_built_in_one_after_reading() -> None:
    parse(TEXT.encode(), "x.md", SWEDISH)
    with pytest.raises(BadInput):
        parse(b"\xff", "x.md", SWEDISH)
    assert vocabulary() is BUILT_IN
    assert vocabulary_with({}) is BUILT_IN and vocabulary_with({"open": []}) is BUILT_IN


@pytest.mark.parametrize(
    ("synonyms", "says"),
    [
        ({"colour": ["x"]}, "colour is nothing that has synonyms"),
        ({"colour": []}, "colour is nothing that has synonyms"),
        ({"open": [""]}, "open: '' is no word"),
        ({"open": [" ", "x"]}, "open: ' ' is no word"),
        ({"open": ["—"]}, "is no word"),
        ({"open": ["a, b"]}, "is no word"),
        ({"action": ["x" * 61]}, "is no word"),
        ({"open": ["Done"]}, "open: 'done' means done already"),
        ({"done": ["In  Progress"]}, "done: 'in progress' means open already"),
        ({"done": ["Not done"]}, "means not done already"),
        ({"done": ["partially"]}, "means partly done already"),
        ({"action": ["Statut"]}, "action: 'statut' means status already"),
        ({"due": ["Timestamp"]}, "means a log already"),
        ({"status": ["Done?"]}, "means ticked already"),
        ({"heading": ["Timeline"]}, "means a record already"),
        ({"heading": ["Lessons learned"]}, "means no work already"),
        ({"action": ["uppgift"], "owner": ["Uppgift"]}, "means owner already"),
        ({"open": ["kvar"], "done": ["Kvar"]}, "means open already"),
    ],
)
def test_what_cannot_be_a_synonym_is_an_error_that_names_it(synonyms: dict[str, list[str]], says: str) -> None:
    with pytest.raises(ValueError, match=re.escape(says)):
        vocabulary_with(synonyms)


def test_a_word_may_stand_in_two_kinds_that_are_never_mistaken() -> None:
    # "Title" is an action already where a table has no better column; "Klart" is a date's header here, no status.
    assert vocabulary_with({"action": ["Title"], "due": ["klart"], "done": ["klart"]}).fingerprint


def test_commands_read_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "x.md").write_text(WITH_TYPE)
    config = tmp_path / "own.toml"
    lines = [f"{kind} = {json.dumps(chosen, ensure_ascii=False)}" for kind, chosen in SYNONYMS.items()]
    config.write_text("[documents.synonyms]\n" + "\n".join(lines) + "\n")

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", *arguments, "x.md"]
        return subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=environment(), check=False)

    assert json.loads(run("parse").stdout)["safe_todos"] == 0
    assert json.loads(run("parse", "--config", "own.toml").stdout)["safe_todos"] == 1
    assert "section for the action items" in run("lint").stdout
    assert "section for the action items" not in run("lint", "--config", "own.toml").stdout
    config.write_text('[documents]\nsynonyms = {open = ["done"]}\n')
    refused = run("parse", "--config", "own.toml")
    assert refused.returncode == 2 and "open: 'done' means done already (config-invalid)" in refused.stderr


def environment() -> dict[str, str]:
    return {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(Path(__file__).parents[2])}
