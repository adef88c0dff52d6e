"""Edits as they are kept for people: a diff that can be applied by eye, and nothing secret in it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.guard.model import Change, Edits
from app.guard.shown import shown_edits
from app.web.pages.diffs import rows

TOKEN = "hvs." + "A" * 30
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0c2VjcmV0\nc2VjcmV0c2VjcmV0\n-----END OPENSSH PRIVATE KEY-----\n"


def edit(before: bytes | None, after: bytes | None, path: str = "stacks/web/main.tf", **modes: str) -> Change:
    status = "A" if before is None else "D" if after is None else "M"
    given_modes = {"base_mode": "100644", "head_mode": "100644", **modes}
    return Change(path, status, **given_modes, base=before, head=after)


def shown(before: bytes | None, after: bytes | None, **more: str) -> dict[str, object]:
    (one,) = shown_edits(Edits((edit(before, after, **more),)))
    return one


def test_a_diff_is_what_diff_u_prints() -> None:
    before = "".join(f"line {n}\n" for n in range(1, 31))
    after = before.replace("line 5\n", "line five\n").replace("line 28\n", "")
    one = shown(before.encode(), after.encode())
    assert one["diff"] == (
        "--- a/stacks/web/main.tf\n+++ b/stacks/web/main.tf\n"
        "@@ -2,7 +2,7 @@\n line 2\n line 3\n line 4\n-line 5\n+line five\n line 6\n line 7\n line 8\n"
        "@@ -25,6 +25,5 @@\n line 25\n line 26\n line 27\n-line 28\n line 29\n line 30"
    )
    assert (one["status"], one["added"], one["removed"], one["cut"]) == ("modified", 1, 2, "")
    added = shown(None, b"a\n\tb\n")
    assert added["diff"] == "--- /dev/null\n+++ b/stacks/web/main.tf\n@@ -0,0 +1,2 @@\n+a\n+\tb"
    assert shown(b"a\n", None)["diff"] == "--- a/stacks/web/main.tf\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-a"


texts = st.lists(st.sampled_from(["a", "b", "c", "}", "", "--- x", "+++ y", "@@ z"]), max_size=30)


@given(texts, texts)
def test_the_rows_of_a_diff_rebuild_what_they_come_from(before: list[str], after: list[str]) -> None:
    one = shown("".join(f"{line}\n" for line in before).encode(), "".join(f"{line}\n" for line in after).encode())
    found = list(rows(str(one["diff"])))
    old, new = dict(enumerate(before, 1)), dict(enumerate(after, 1))
    for row in found:
        if row.old is not None:
            assert old[row.old] == row.text
        if row.new is not None:
            assert new[row.new] == row.text
    for number in {row.old for row in found if row.kind == "removed"}:
        del old[number or 0]
    for number in {row.new for row in found if row.kind == "added"}:
        del new[number or 0]
    assert list(old.values()) == list(new.values()), "what is neither added nor removed is the same"


def test_secrets_are_taken_out_of_each_side_before_the_two_are_compared() -> None:
    """Else a key whose lines bear signs, or of which only an end is near the change, would not be known for one."""
    kept = shown_edits(Edits((edit(f"a\n{KEY}b\n".encode(), f"a\n{KEY}c\ntoken = {TOKEN}\n".encode()),)))
    assert "c2VjcmV0" not in str(kept)
    assert TOKEN not in str(kept)
    assert "-b\n+c\n+token = [redacted]" in kept[0]["diff"]
    only = shown(f"x = {TOKEN}\n".encode(), f"x = {TOKEN}B\n".encode())
    assert only["diff"] == ""
    assert "not shown" in str(only["note"])


def test_what_the_step_knows_is_hidden_however_long_its_line_is() -> None:
    """A secret that is cut in two is still one: it is taken out before anything is cut."""
    line = "x" * 395 + "hunter2hunter2"
    (one,) = shown_edits(Edits((edit(b"", f"{line}\n".encode()),)), lambda t: t.replace("hunter2hunter2", "[redacted]"))
    assert "hunter" not in one["diff"]


@pytest.mark.parametrize(
    ("change", "note"),
    [
        (edit(b"\0\1", b"\0\1\2"), "binary: 2 bytes before, 3 after"),
        (edit(b"\xff", b"a\n"), "binary: 1 bytes before, 2 after"),
        (edit(b"a", b"a\n" * 600_000), "too large to compare: 1 characters before, 1200000 after"),
        (edit(b"a\n", b"a\n", head_mode="100755"), "an ordinary file becomes executable"),
        (edit(None, b"/etc/passwd", base_mode="000000", head_mode="120000"), "a symbolic link"),
        (edit(b"a\n", b"b"), "no newline at the end of the file"),
    ],
)
def test_what_a_diff_cannot_say_is_said_beside_it(change: Change, note: str) -> None:
    (one,) = shown_edits(Edits((change,)))
    assert note in one["note"]


def test_hostile_names_and_texts_are_written_out() -> None:
    path = "stacks/\u202efdp.exe\n--- a/other\x1b[31m\udcff.tf"
    one = shown(b"a\n", "b\x1b[2J\u202e\u2066\u00ad\n".encode(), path=path)
    assert str(one["path"]).isprintable()
    assert "\n+b\\u001b[2J\\u202e\\u2066\\u00ad" in str(one["diff"])
    assert len(re.findall("^--- a/", str(one["diff"]), re.MULTILINE)) == 1


def test_what_is_too_much_is_cut_and_said() -> None:
    files = tuple(edit(None, b"x" * 500 + b"\n" + b"line\n" * 9000, f"stacks/web/{n}.tf") for n in range(60))
    kept = shown_edits(Edits(files))
    assert sum(len(one["diff"]) for one in kept) <= 60_000
    assert kept[0]["added"] == 9001, "what is cut counts"
    assert kept[0]["diff"].split("\n")[3].endswith("... (100 more characters)")
    assert kept[5]["cut"] == "9004 more lines are not shown"
    assert kept[-1]["path"] == "10 more files"
    assert len(kept) == 51
