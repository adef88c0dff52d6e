"""What a document says of itself beside its items, and what its items refer to."""

from __future__ import annotations

import pytest

from app.documents.edit import mark_done
from app.documents.present import to_json
from tests.documents.checks import HEAD
from tests.documents.marked import read

FULL = ("1h 35m", ("nextcloud", "vault (EU, US)"), "Resolved", "2026-04-16")


@pytest.mark.parametrize(
    "head",
    [
        "# A\n\n| Field | Value |\n|---|---|\n| **Duration** | 1h 35m |\n"
        "| **Affected Services** | nextcloud, vault (EU, US) |\n"
        "| **Status** | ✅ Resolved (2026-04-15) |\n| **Published** | 2026-04-16 |\n",
        "# A\n\n**Duration:** 1h 35m | **Status:** Resolved, see below\n"
        "**Services affected:** nextcloud, `vault` (EU, US)\n"
        "**Published on**: April 16, 2026\n",
        "# A\n\n**Duration:** 1h 35m **Status:** *Resolved*\n\n- Affected systems: nextcloud; vault (EU, US)\n"
        "- Report date: 16 April 2026\n",
        "---\nduration: 1h 35m\nservices:\n  - nextcloud\n  - 'vault (EU, US)'\n"
        "status: Resolved\npublished: 2026-04-16\n---\n# A\n",
        '---\nduration: 1h 35m\nservices: ["nextcloud", "vault (EU, US)"]\n'
        'status: "Resolved"\npublished: 2026-04-16\n---\n# A\n',
        "# A\n\n| Duration | Status | Services | Published |\n|---|---|---|---|\n"
        "| 1h 35m | Resolved | nextcloud<br>vault (EU, US) | 2026-04-16 |\n",
        "# A\n\nDuration: 1h 35m\nStatus: Resolved\nPublished: 2026-04-16\n\n**Affected services:**\n\n- nextcloud\n"
        "- **vault** (EU, US)\n",
        "# A\n\nDuration: 1h 35m\nStatus: Resolved\nPublished: 2026-04-16\n\n## Affected services\n\n- nextcloud\n"
        "- vault (EU, US)\n",
        "# 障害\n\n| 項目 | 内容 |\n|---|---|\n| 継続時間 | 1h 35m |\n| 影響サービス | nextcloud、vault (EU, US) |\n"
        "| ステータス | Resolved |\n| 公開日 | 2026年4月16日 |\n",
        "# A\n\n**Durée :** 1h 35m\n**Services touchés :** nextcloud, vault (EU, US)\n**Statut :** Resolved\n"
        "**Publié le :** 2026-04-16\n",
    ],
)
def test_duration_services_status_and_publication(head: str) -> None:
    document = read(head)
    assert (document.duration, document.services, document.status, document.published) == FULL


@pytest.mark.parametrize(
    ("text", "file", "status"),
    [
        ("# A\n", "2026-04-14-nfs-draft.md", "Draft"),
        ("# A\n", "docs/draft/2026-04-14-nfs.md", None),
        ("# A\n", "2026-04-14-redrafting.md", None),
        ("# A\n\n**Status**: Published\n", "2026-04-14-nfs-DRAFT.md", "Published"),
        ("# A\n\n**Status**: <!-- draft or final -->\n", "x.md", None),
        ("# A\n\n**Status**:\n", "x.md", None),
        ("# A\n\nStatus: resolved. More to come.\n", "x.md", "resolved"),
    ],
)
def test_the_status_is_stated_or_in_the_file_s_name(text: str, file: str, status: str | None) -> None:
    assert read(text, file).status == status


def test_what_stands_below_the_actions_is_theirs() -> None:
    text = "# A\n\n## Action items\n\n- Add an alert\n  - **Status**: Done\n  - **Services**: all\n\n**Status**: Open\n"
    document = read(text, "x.md")
    assert (document.status, document.services) == (None, ())


def test_nothing_is_made_up() -> None:
    document = read("# A\n\n| **Duration** | |\n|---|---|\n| **Affected Services** | TBD |\n| **Status** | |\n", "x.md")
    assert (document.duration, document.services, document.status, document.published) == (None, (), None, None)


def test_the_json_has_the_facts_after_the_keys_of_before() -> None:
    out = to_json(read("# A\n\n**Duration:** 5 min\n**Services:** a, b, a\n"))
    assert list(out)[-4:] == ["duration", "services", "status", "published"]
    assert (out["duration"], out["services"], out["status"], out["published"]) == ("5 min", ["a", "b"], None, None)


@pytest.mark.parametrize(
    ("cell", "links"),
    [
        ("see #12", ["#12"]),
        (
            "OPS-7, then [the change](https://git.test/a/b/pull/3), then #4.",
            ["OPS-7", "https://git.test/a/b/pull/3", "#4"],
        ),
        ("owner/repo#5 and OPS-7 and OPS-7 again", ["owner/repo#5", "OPS-7"]),
        ("<https://x.test/a_(b)>, https://x.test/c.", ["https://x.test/a_(b)", "https://x.test/c"]),
        ("[OPS-9](https://jira.test/browse/OPS-9)", ["OPS-9", "https://jira.test/browse/OPS-9"]),
        ("`UTF-8`, SEV-1, SHA-256, AI-001, CVE-2024-12, PM-2026-04-14, &#39; a#1 x-OPS-1 #0", []),
        ("a \\| b https://x.test/d\\|e", ["https://x.test/d"]),
    ],
)
def test_links_of_a_row_in_document_order(cell: str, links: list[str]) -> None:
    (item,) = read(f"{HEAD}| P1 | Add it | Alert | {cell} | TODO |\n").items
    assert list(item.links) == links


def test_links_of_lists_and_of_lines_of_their_own() -> None:
    document = read(
        "## Tasks\n\n- [ ] Add it, see\n  https://x.test/1\n- Move it (OPS-2)\n\n**Action (open):** Test #3\n"
    )
    assert [item.links for item in document.items] == [("https://x.test/1",), ("OPS-2",), ("#3",)]


def test_a_link_is_shown_without_what_cannot_be_seen_and_there_are_not_too_many() -> None:
    (item,) = read("## Tasks\n\n- Do https://x.test/\u200ba " + " ".join(f"#{n}" for n in range(1, 90)) + "\n").items
    assert item.links[0] == "https://x.test/a"
    assert len(item.links) == 50


def test_marking_keeps_the_head_and_the_links() -> None:
    text = (
        "# A\n\n**Status**: Draft\n**Services**: a, b\n\n" + HEAD + "| P1 | Add #1 | Alert | https://x.test | TODO |\n"
    )
    before = read(text)
    after = read(mark_done(text.encode(), before.items[0].id).decode())
    assert (after.head, after.items[0].links) == (before.head, before.items[0].links)
    assert after.items[0].status == "done"
