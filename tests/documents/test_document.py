"""The document as a whole: its head, the JSON, the ids, the limits."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.documents.parse import FILE_LIMIT, LINE_LIMIT, parse
from app.documents.present import to_json
from app.errors import BadInput
from tests.documents.fuzz import fuzzed
from tests.documents.marked import read
from tests.hang import ends

HEAD = "## Prevention Plan\n\n| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"
ITEM_KEYS = [
    "priority",
    "action",
    "type",
    "details",
    "status",
    "safe",
    "reason",
    "line",
    "end_line",
    "owner",
    "due",
    "declared",
]
ITEM_KEYS += ["shape", "section", "id", "links"]


@pytest.mark.parametrize(
    ("text", "title", "date", "severity"),
    [
        (
            "# Post-Mortem: NFS\n\n| Field | Value |\n|---|---|\n| **Date** | 2026-03-16 |\n| **Severity** | SEV1 |\n",
            "Post-Mortem: NFS",
            "2026-03-16",
            "SEV1",
        ),
        ("# **A** `b`\n\n**Date:** 2026-05-17\n**Severity:** SEV-3 (1 of 5 pods)\n", "A b", "2026-05-17", "SEV3"),
        ("# A\n\n**Date:** 2026-07-11 | **Duration:** 4 min | **Severity:** sev2  \n", "A", "2026-07-11", "SEV2"),
        (
            "# A\n\n**Date de l'incident :** 2026-03-07  \n**Sévérité :** P1 — plusieurs applis\n",
            "A",
            "2026-03-07",
            "P1",
        ),
        ("# A\n\n- **Date**: October 23rd, 2025\n- **Severity**: 🔴 Critical\n", "A", "2025-10-23", "Critical"),
        ("# A\n\nDate: 5 mars 2024\n", "A", "2024-03-05", None),
        (
            "# 障害\n\n| 項目 | 内容 |\n|---|---|\n| 重大度 | SEV-3（一部劣化） |\n| 発生日時 | 2026年4月3日 14:37 |\n",
            "障害",
            "2026-04-03",
            "SEV3",
        ),
        ("---\ntitle: From above\ndate: 2026-01-02\nseverity: high\n---\ntext\n", "From above", "2026-01-02", "high"),
        ("# 2018-01-11, a warning\n", "2018-01-11, a warning", "2018-01-11", None),
        ("# February 5th, 2019 outage\n", "February 5th, 2019 outage", "2019-02-05", None),
        ("Title\n=====\n", "Title", "2026-04-14", None),
        ("text only\n", None, "2026-04-14", None),
        ("| **Date** | 2026-13-45 |\n", None, "2026-04-14", None),
    ],
)
def test_title_date_and_severity(text: str, title: str | None, date: str | None, severity: str | None) -> None:
    document = read(text)
    assert (document.title, document.date, document.severity) == (title, date, severity)


def test_no_date_anywhere() -> None:
    assert read("# T\n", "notes.md").date is None


def test_json_has_exactly_the_contract_s_keys() -> None:
    text = (
        HEAD + "| P2 | Add alert | Alert | d | TODO |\n| P1 | Move it | Migration | d | TODO |\n"
        "| P0 | Gone | Config | d | Done |\n"
    )
    out = json.loads(json.dumps(to_json(read(text))))
    assert list(out) == [
        *("file", "title", "date", "severity", "todos", "skipped", "done"),
        *("total_todos_in_doc", "safe_todos", "skipped_todos"),
        *("duration", "services", "status", "published"),
    ]
    assert (out["total_todos_in_doc"], out["safe_todos"], out["skipped_todos"], len(out["done"])) == (2, 1, 1, 1)
    assert [list(item) for item in (*out["todos"], *out["skipped"], *out["done"])] == [ITEM_KEYS] * 3
    assert out["todos"][0] == {
        "priority": "P2",
        "action": "Add alert",
        "type": "Alert",
        "details": "d",
        "status": "open",
        "safe": True,
        "reason": "",
        "line": 5,
        "end_line": 5,
        "owner": None,
        "due": None,
        "declared": {"type": "Alert", "priority": "P2", "status": "TODO"},
        "shape": "table",
        "section": "Prevention Plan",
        "id": out["todos"][0]["id"],
        "links": [],
    }


def test_the_seed_s_sample() -> None:
    text = (
        "# Post-Mortem: Example\n\n| Field | Value |\n|---|---|\n| **Date** | 2026-04-14 |\n| **Severity** | SEV3 |\n\n"
        + HEAD
        + "| P2 | Add NFS alert | Alert | ... | TODO |\n| P1 | Migrate Vault | Migration | ... | TODO |\n"
        "\n## Lessons Learned\n\n1. Pipelines help.\n\n## Follow-up Implementation\n\n_Filled by the agent._\n\n"
        "| Date | Action | Priority | Type | Commit | Implemented By |\n|---|---|---|---|---|---|\n\n# 12:00\n"
    )
    out = to_json(read(text))
    assert (out["safe_todos"], out["skipped_todos"]) == (1, 1)
    assert out["skipped"][0]["reason"] == "type-needs-human"


def test_the_legacy_table_infers_a_type_and_marks_it_so() -> None:
    document = read(
        "## Action Items\n\n| Action | Status | Details |\n|---|---|---|\n| Add Prometheus alert for lag | TODO | x |\n"
    )
    (item,) = document.skipped
    assert (item.type, item.declared.type, item.reason, item.details) == ("Alert", None, "type-not-declared", "x")


@pytest.mark.parametrize(
    ("written", "priority"),
    [
        ("P0", "P0"),
        ("p-2", "P2"),
        ("P4", "P3"),
        ("High", "P1"),
        ("🔴 Critical", "P0"),
        ("Moyenne", "P2"),
        ("低", "P3"),
        ("P1 (user scope)", "P1"),
        ("soon", None),
    ],
)
def test_priorities(written: str, priority: str | None) -> None:
    (item,) = read(f"{HEAD}| {written} | Do it | Alert | d | TODO |\n").items
    assert (item.priority, item.declared.priority) == (priority, written)


def test_owner_and_due_from_columns_text_and_headings() -> None:
    document = read(
        "## Actions\n\n| Task | Assigned to | Target date |\n|---|---|---|\n"
        "| Add it | @ann | 2026-05-01 |\n| Move it | — | |\n\n- Write it. Owner: Bob. Due: 2026-06-01\n"
        "- [ ] 手順書（担当: 田中、期限: 2026-04-30）\n\n### P1\n- Prove it @carl\n"
        "### Short-term (next 2 weeks)\n- Test it\n### Long-term fix (deferred)\n- Buy it\n"
    )
    assert [(i.owner, i.due, i.priority) for i in document.items] == [
        ("@ann", "2026-05-01", None),
        (None, None, None),
        ("Bob", "2026-06-01", None),
        ("田中", "2026-04-30", None),
        ("carl", None, "P1"),
        (None, "next 2 weeks", None),
        (None, None, None),
    ]


def test_ids_stay_when_lines_move_and_other_cells_change() -> None:
    one = read(HEAD + "| P1 | Add  `alert` | Alert | d | TODO |\n").items[0]
    two = read("# T\n\ntext\n\n## Tasks\n\n- [x] **add alert**\n").items[0]
    assert one.id == two.id
    assert len(one.id) == 12 and set(one.id) <= set("0123456789abcdef")
    assert one.id != read(HEAD + "| P1 | Add alerts | Alert | d | TODO |\n").items[0].id


def test_lines_are_the_file_s_whatever_ends_them() -> None:
    text = (
        "\ufeff---\na: b\n---\n\n" + HEAD + "| P1 | Add | Alert | \x0b | TODO |\n\n## Tasks\n\n- one\n  two\n- three\n"
    )
    for eol in ("\n", "\r\n", "\r"):
        items = parse(text.replace("\n", eol).encode(), "x").items
        assert [(i.line, i.end_line) for i in items] == [(9, 9), (13, 14), (15, 15)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\xff\xfe# T", "not-utf8"),
        (b"# T\xc3", "not-utf8"),
        (b"\xed\xa0\x80", "not-utf8"),
        (b"x" * (FILE_LIMIT + 1), "too-large"),
        (b"\n" * (LINE_LIMIT + 1), "too-large"),
    ],
)
def test_what_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(BadInput) as bad:
        parse(data, "a\x1bb.md")
    assert bad.value.reason == reason
    assert str(bad.value).startswith("ab.md: ")


def test_the_largest_file_is_read() -> None:
    assert parse(b"x" * FILE_LIMIT, "x").items == ()
    assert parse(b"\r\n" * LINE_LIMIT, "x").items == ()


@fuzzed(150)
@given(st.binary(max_size=300))
def test_any_bytes_give_a_document_or_a_clear_error(data: bytes) -> None:
    try:
        document = parse(data, "x.md")
    except BadInput:
        return
    assert not document.todos
    json.dumps(to_json(document))


PIECES = [
    "| a ",
    "|\n",
    "|---|---|\n",
    "\n\n",
    "- [ ] ",
    "## TODO\n",
    "> ",
    "    ",
    "<!-- ",
    "-->",
    "```\n",
    "<details>\n",
    "</details>\n\n",
]
PIECES += [
    "**Action:** ",
    "TODO",
    "1. ",
    "Alert",
    HEAD,
    "| P1 | x | Alert | y | TODO |\n",
    "\\|",
    "\u200b",
    "日本",
    "(done)",
    ": ",
    "~~",
    "\r",
]


@fuzzed(300)
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_any_markdown_keeps_the_promises_of_an_item(pieces: list[str]) -> None:
    text = "".join(pieces)
    document = read(text)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").count("\n") + 1
    assert len({item.id for item in document.items}) == len(document.items)
    for item in document.items:
        assert 1 <= item.line <= item.end_line <= lines
        assert item.action.strip()
        if item.safe:
            assert (item.status, item.reason, item.shape) == ("open", "", "table")
            assert item.type == item.declared.type and item.type in ("Alert", "Config", "Monitor")
        else:
            assert item.status == "done" or item.reason


N = FILE_LIMIT - 400
HOSTILE = {
    "one cell of blanks": HEAD + "| P0 |" + " " * N,
    "a heading of blanks": "# a" + " " * N + "b",
    "brackets": "[" * N,
    "links never closed": "[x](" * (N // 4),
    "definitions with titles never closed": "[a]: b (x\n" * (LINE_LIMIT - 1),
    "deep lists": "\n".join("  " * i + "- x" for i in range(480)),
    "a list in a list in a list": "- " * (N // 2),
    "quotes in quotes": ">" * N,
    "lists in quotes in lists": "> - > - > - x\n" * (LINE_LIMIT - 1),
    "comments never closed": "<!--\n" * (LINE_LIMIT - 1),
    "tags never closed": "<div " * (N // 5),
    "tags of attributes": "<a " + "b=c " * (N // 4),
    "fences": "``` a`b\n" * (LINE_LIMIT - 1),
    "small tables": "| a | b |\n|---|---|\n" * (LINE_LIMIT // 2 - 1),
    "a wide table": "## TODO\n|" + "a|" * 60_000 + "\n|" + "-|" * 60_000 + "\n|x|",
    "boxes": "- [ ] x\n" * (LINE_LIMIT - 1),
    "stars": "## TODO\n- " + "*a " * (N // 3),
    "backticks": "## TODO\n- " + "`a ``b " * (N // 7),
    "headings": "# x\n" * (LINE_LIMIT - 1),
    "emphasis in a heading": "# " + "*a_" * (N // 3),
    "rows": HEAD + "| P1 | x | Alert | d | TODO |\n" * (LINE_LIMIT - 10),
    "rows with hidden text": HEAD + "| P1 | x\u202e | Alert | <!-- | TODO |\n" * (LINE_LIMIT - 10),
    "rows outside their table": HEAD + "\n" + "| x | y |\n" * (LINE_LIMIT - 10),
    "setext": "a\n-\n" * (LINE_LIMIT // 2 - 1),
    "wiki links": "## TODO\n- " + "[[a" * (N // 3),
    "colons": "todo: " * (N // 6),
    "bold": "**" * (N // 2),
    "a row of brackets": HEAD + "| P1 | " + "![a](" * 800 + " | Alert | d | TODO |\n",
}


@pytest.mark.parametrize("attack", HOSTILE)
def test_the_worst_files_are_read_to_their_end(attack: str) -> None:
    data = HOSTILE[attack].encode()[:FILE_LIMIT].decode(errors="ignore").encode()
    with ends():
        parse(data, "x.md")


@pytest.mark.parametrize("title", ["Backups (deferred)", "Post-Mortem: TODO", "Next steps"])
def test_a_document_s_own_title_makes_no_items_of_its_lists(title: str) -> None:
    found = parse(f"# {title}\n\n## Summary\n\n- The disk was full.\n- Nobody saw it.\n".encode(), "x.md")
    assert found.items == ()
