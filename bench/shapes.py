"""Hostile documents of any size: what could take more than linear time, one shape each, made of `n` repetitions."""

from __future__ import annotations

from collections.abc import Callable

HEAD = "## Prevention Plan\n\n| Priority | Action | Type | Details | Status |\n|---|---|---|---|---|\n"

SHAPES: dict[str, Callable[[int], str]] = {
    "rows": lambda n: HEAD + "| P1 | x | Alert | d | TODO |\n" * n,
    "rows of different actions": lambda n: (
        HEAD + "".join(f"| P1 | Add {i} | Alert | #{i} | TODO |\n" for i in range(n))
    ),
    "rows with hidden text": lambda n: HEAD + "| P1 | x\u202e | Alert | <!-- | TODO |\n" * n,
    "rows outside their table": lambda n: HEAD + "\n" + "| x | y |\n" * n,
    "a wide table": lambda n: "## TODO\n|" + "a|" * n + "\n|" + "-|" * n + "\n|x|",
    "a row of blanks": lambda n: HEAD + "| P0 |" + " " * 20 * n,
    "small tables": lambda n: "| a | b |\n|---|---|\n" * n,
    "boxes": lambda n: "- [ ] x\n" * n,
    "bullets of fields": lambda n: "## TODO\n" + "- Action: x\n- Owner: y\n" * n,
    "typed bullets": lambda n: "## TODO\n" + "• x\n" * n,
    "markers in one paragraph": lambda n: "## TODO\n" + "Action: x\nOwner: y\n" * n,
    "brackets": lambda n: "[" * 20 * n,
    "links never closed": lambda n: "## TODO\n- " + "[x](" * 5 * n,
    "addresses": lambda n: "## TODO\n- " + "https://x.test/(" * n,
    "keys of trackers": lambda n: "## TODO\n- " + "OPS-1 a/b#2 " * n,
    "quotes in quotes": lambda n: ">" * 20 * n,
    "lists in lists": lambda n: "- " * 10 * n,
    "comments never closed": lambda n: "<!--\n" * n,
    "comments in keys": lambda n: "**Status:** " + "<!-- " * n,
    "tags never closed": lambda n: "<div " * 4 * n,
    "cells never closed": lambda n: "## TODO\n<table><tr><td>Action<td>Status\n" + "<tr><td>x<td>TODO\n" * n,
    "headings": lambda n: "# x\n" * n,
    "stars": lambda n: "## TODO\n- " + "*a " * 5 * n,
    "backticks": lambda n: "## TODO\n- " + "`a ``b " * 3 * n,
    "bold keys": lambda n: "**a:** " * 3 * n,
    "front matter": lambda n: "---\n" + "a: b\n- " * 20 + " " * 20 * n + "x\n---\n",
    "services": lambda n: "**Services:** " + "a, (b, " * 3 * n,
    "a timeline": lambda n: "## Timeline\n\n| Time | Event |\n|---|---|\n" + "| 10:05 | x |\n" * n,
    "names": lambda n: "**Authors:** Ann, Bob\n\n" + "Ann and Bob forgot Ann. " * n,
}
