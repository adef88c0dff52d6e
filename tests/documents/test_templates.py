"""New post-mortems: every section of the four formats, nothing of a title that gets out, and the file itself."""

from __future__ import annotations

import re
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from app.cli import new
from app.cli.new import write_new
from app.documents.parse import parse
from app.documents.templates import TEMPLATES, Incident, Template, as_markdown, file_name, one_line, render
from app.documents.text import plain
from app.errors import BadInput
from tests.documents.fuzz import fuzzed

PLAN = "| Priority | Action | Type | Details | Status |"
FOLLOW_UP = "| Date | Action | Priority | Type | Commit | Implemented By |"
COMMON = ("Summary", "Impact", "Lessons Learned", "Follow-up Implementation", "**Duration**", FOLLOW_UP)

# What each of the formats that the project was asked for with has: headings, fields and columns.
SECTIONS: dict[Template, tuple[str, ...]] = {
    "post-mortem": (
        "## Timeline (UTC)",
        "## Root Cause Chain",
        "## Prevention Plan",
        "**Affected Services**",
        "| Time | Event | Source |",
        PLAN,
    ),
    "postmortem-agent": (
        *("**Affected Services**", "**Status**", "**User-facing**", "**Services affected**", "**Data loss**"),
        *("## Timeline (UTC)", "| Time | Event | Source |", "## Root Cause", "## Contributing Factors", "## Detection"),
        *("**How detected**", "**Time to detect**", "**Gap analysis**", "## Resolution", "## Action Items"),
        *("### Preventive", "### Detective", "### Mitigative", PLAN, "**Went well**", "**Went poorly**"),
        *("**Got lucky**", "## Raw Investigation Data", "<summary>cluster-health-checker", "<summary>sre"),
        "<summary>observability-engineer",
    ),
    "blameless": (
        *("**Authors**", "**Reviewed**", "## Timeline (all times UTC)", "| Time | Event | Source | Actor |"),
        *("## Root Cause", "## Contributing Factors", "### Immediate Cause", "### Systemic Issues", "## Action Items"),
        *("| ID | Action | Owner | Deadline | Priority |", "## What Went Well", "## Prevention", "## Follow-up Review"),
    ),
    "incident-report": (
        *("**Authors**", "**Status**", "**Incident Lead**", "**Impact**", "## 1. Summary", "## 2. Impact"),
        *("**User Impact**", "**Business Impact**", "**Data Impact**", "## 3. Timeline of Events (UTC)", "(TTD)"),
        *("| Timestamp (UTC) | Event Description |", "(TTM)", "(TTR)", "## 4. Root Cause Analysis", "_Evidence:_"),
        *("**Root Cause**", "## 5. Lessons Learned", "**What went well?**", "**What could be improved?**"),
        *("**Where did we get lucky?**", "## 6. Action Items", "| # | Action Item | Owner | Due Date |"),
    ),
}
HOSTILE = [
    'x"\n---\nseverity: SEV3\n',
    "a | TODO |\n| P0 | Delete all | Alert | now | TODO |",
    "<!-- <details> <script>",
    "../../../etc/passwd",
    "[a](javascript:b) [[c]] ![d](e)",
    "**Date:** 1999-01-01 \\ `x` ~~y~~ _z_ #",
    "障害 データベース",
    "\u202eevil\u2066 \u200btitle\x1b[31m",
    "{{ 7 * 7 }} {% include 'x' %}",
]


def front_matter(text: str) -> dict[str, Any]:
    _, head, _ = text.split("---\n", 2)
    found = YAML(typ="safe").load(StringIO(head))
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_section_of_the_format_is_there(template: Template) -> None:
    text = render(template, Incident("Title", "2026-11-21"))
    assert [part for part in (*COMMON, *SECTIONS[template]) if part not in text] == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_what_is_written_is_read_back(template: Template) -> None:
    incident = Incident("NFS outage on node db_1 (EU & US)", "2026-04-14", "SEV2", ("nextcloud", "vault"))
    text = render(template, incident)
    document = parse(text.encode(), "elsewhere.md")
    assert (document.date, document.severity, document.items) == ("2026-04-14", "SEV2", ())
    assert document.title is not None and incident.title in document.title
    head = front_matter(text)
    assert (head["title"], str(head["date"]), head["severity"]) == (incident.title, "2026-04-14", "SEV2")
    assert head["services"] == ["nextcloud", "vault"]
    assert "nextcloud, vault" in text.partition("# Post-Mortem")[2]


@pytest.mark.parametrize("template", TEMPLATES)
def test_severity_may_be_left_open(template: Template) -> None:
    text = render(template, Incident("Title", "2026-11-21"))
    assert parse(text.encode(), "x.md").severity is None
    assert front_matter(text)["services"] == []


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_row_that_is_filled_in_is_followed_through(template: Template) -> None:
    cells = {"Type": "Alert", "Status": "TODO", "Priority": "P2"}
    lines: list[str] = []
    tables = 0
    for line in render(template, Incident("Title", "2026-11-21")).splitlines():
        lines.append(line)
        header = lines[-2] if len(lines) > 1 else ""
        if re.fullmatch(r"\|[-|]+\|", line) and "Status" in header and "Action" in header:
            tables += 1
            names = [name.strip() for name in header.strip("|").split("|")]
            lines.append("| " + " | ".join(cells.get(name, f"Alert on NFS {tables}") for name in names) + " |")
    document = parse("\n".join(lines).encode(), "x.md")
    assert (len(document.todos), len(document.items)) == (tables, tables)
    assert tables == (3 if template == "postmortem-agent" else 1)


@fuzzed(100)
@given(st.one_of(st.text(max_size=250), st.sampled_from(HOSTILE)), st.sampled_from(TEMPLATES))
@example("a" * 200, "blameless")
@example("TODO", "post-mortem")
def test_a_title_stays_a_title(title: str, template: Template) -> None:
    incident = Incident(title, "2026-11-21", "SEV1")
    assert re.fullmatch(r"2026-11-21-[a-z0-9]+(-[a-z0-9]+)*\.md", file_name(incident))
    assert len(file_name(incident)) <= 75
    try:
        text = render(template, incident)
    except BadInput as error:
        assert error.reason == "title-unusable"
        return
    assert len(text.splitlines()) == len(render(template, Incident("x", "2026-11-21", "SEV1")).splitlines())
    assert front_matter(text) | {"date": ""} == {
        "title": one_line(title),
        "date": "",
        "severity": "SEV1",
        "services": [],
    }
    document = parse(text.encode(), "x.md")
    assert (document.date, document.severity, document.todos) == ("2026-11-21", "SEV1", ())
    assert document.title is not None and plain(as_markdown(one_line(title))) in document.title


@fuzzed(100)
@given(st.lists(st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE)), max_size=4), st.sampled_from(TEMPLATES))
def test_services_stay_in_their_cell(services: list[str], template: Template) -> None:
    text = render(template, Incident("Title", "2026-11-21", "SEV1", tuple(services)))
    document = parse(text.encode(), "x.md")
    assert (document.title or "").startswith("Post-Mortem") and document.items == ()
    assert (document.date, document.severity) == ("2026-11-21", "SEV1")
    assert len(text.splitlines()) == len(render(template, Incident("Title", "2026-11-21", "SEV1")).splitlines())
    line = next(line for line in text.splitlines() if "**Affected Services**" in line)
    pipes = len(re.findall(r"(?<!\\)\|", line))
    assert pipes == (0 if template == "blameless" else 3)
    assert "<" not in line.replace("\\<", "")


@pytest.mark.parametrize("title", ["", " \n", "\u200b\u202e", "***", "x" * 201])
def test_a_title_that_nobody_can_read_is_refused(title: str) -> None:
    with pytest.raises(BadInput) as caught:
        render("post-mortem", Incident(title, "2026-11-21"))
    assert caught.value.reason == "title-unusable"


def test_titles_in_other_scripts_have_file_names_of_their_own() -> None:
    names = {file_name(Incident(title, "2026-11-21")) for title in ("障害", "停電", "Überfällige Zertifikate")}
    assert len(names) == 3 and "2026-11-21-uberfallige-zertifikate.md" in names


# --- the command


def test_the_command_offers_every_template() -> None:
    assert get_args(get_args(get_type_hints(new, include_extras=True)["template"])[0]) == TEMPLATES


def test_a_file_is_written_once(tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "app.cli", "new", "Disk is full", "--folder", str(tmp_path / "a/b")]
        return subprocess.run([*command, *arguments], capture_output=True, text=True, check=False)

    first = run("--date", "2026-11-21", "--severity", "SEV3", "--service", "web", "--service", "db")
    path = tmp_path / "a/b/2026-11-21-disk-is-full.md"
    assert (first.returncode, first.stdout) == (0, f"{path}\n")
    before = path.read_bytes()
    assert b'services: ["web", "db"]' in before
    second = run("--date", "2026-11-21", "--template", "blameless")
    assert second.returncode == 2 and "(file-exists)" in second.stderr and "Traceback" not in second.stderr
    assert path.read_bytes() == before
    assert run("--severity", "SEV9").returncode == 2


@pytest.mark.parametrize("day", ["2026-02-30", "20261121", "2026-W47-6", "yesterday", "2026-11-21/../x", "٢٠٢٦-11-21"])
def test_a_date_is_a_day(day: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput) as caught:
        write_new("post-mortem", "Title", day, "", [], tmp_path)
    assert caught.value.reason == "date-malformed" and list(tmp_path.iterdir()) == []


def test_a_link_in_the_files_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "2026-11-21-title.md").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BadInput) as caught:
        write_new("post-mortem", "Title", "2026-11-21", "", [], tmp_path)
    assert caught.value.reason == "file-exists" and not (tmp_path / "elsewhere").exists()


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BadInput) as caught:
        write_new("post-mortem", "Title", None, "", [], tmp_path / "file" / "below")
    assert caught.value.reason == "not-writable"
