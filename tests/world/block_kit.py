"""What Slack says of blocks: the types that are used here, by the published reference, everything else refused.

`problem(blocks)` is a sentence about the first thing that is wrong, empty when Slack would take them. Slack itself
only says invalid_blocks. tests/unit/test_block_kit.py holds it to the model classes of Slack's own SDK.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

MOST_BLOCKS = 50
MOST_CHARACTERS = 13_200
_STYLES = ("primary", "danger")
_URL = re.compile(r"https?://[^\s<>|]+")


class _Wrong(Exception):
    """What is wrong."""


def problem(blocks: Any) -> str:
    """What is wrong with the blocks of a message, empty for nothing."""
    try:
        _blocks(blocks)
    except _Wrong as wrong:
        return str(wrong)
    return ""


def is_too_long(blocks: Any) -> bool:
    """Whether all texts together are more than Slack takes in one message."""
    return sum(map(len, texts(blocks))) > MOST_CHARACTERS


def texts(part: Any) -> list[str]:
    """Every text that people would see, in order."""
    if isinstance(part, Mapping):
        if part.get("type") in ("mrkdwn", "plain_text"):
            return [str(part.get("text", ""))]
        return [text for value in part.values() for text in texts(value)]
    if isinstance(part, list):
        return [text for one in part for text in texts(one)]
    return []


def _blocks(blocks: Any) -> None:
    _must(isinstance(blocks, list), "blocks is no list")
    _must(len(blocks) <= MOST_BLOCKS, f"{len(blocks)} blocks")
    for block in blocks:
        _must(isinstance(block, dict) and block.get("type") in _KINDS, f"no such block: {str(block)[:80]}")
        _string(block, "block_id", 255, needed=False)
        _KINDS[block["type"]](block)
    named = [block["block_id"] for block in blocks if "block_id" in block]
    _must(len(named) == len(set(named)), "two blocks of one block_id")


def _header(block: Mapping[str, Any]) -> None:
    _only(block, "text")
    _text(block.get("text"), 150, ("plain_text",))


def _section(block: Mapping[str, Any]) -> None:
    _only(block, "text", "fields", "accessory", "expand")
    _must("text" in block or "fields" in block, "a section without text and fields")
    if "text" in block:
        _text(block["text"], 3000)
    if "fields" in block:
        fields = _list(block["fields"], 1, 10)
        for field in fields:
            _text(field, 2000)
    if "accessory" in block:
        _button(block["accessory"])


def _context(block: Mapping[str, Any]) -> None:
    _only(block, "elements")
    for element in _list(block.get("elements"), 1, 10):
        _text(element, 3000)


def _actions(block: Mapping[str, Any]) -> None:
    _only(block, "elements")
    elements = _list(block.get("elements"), 1, 25)
    for element in elements:
        _button(element)
    named = [element["action_id"] for element in elements if "action_id" in element]
    _must(len(named) == len(set(named)), "two elements of one action_id in a block")


def _divider(block: Mapping[str, Any]) -> None:
    _only(block)


_KINDS: dict[str, Callable[[Mapping[str, Any]], None]] = {
    "header": _header, "section": _section, "context": _context, "actions": _actions, "divider": _divider,
}  # fmt: skip


def _button(element: Any) -> None:
    _must(isinstance(element, dict) and element.get("type") == "button", "an element that is no button")
    _only(element, "text", "action_id", "url", "value", "style", "confirm", "accessibility_label")
    _text(element.get("text"), 75, ("plain_text",))
    _string(element, "action_id", 255, needed=False)
    _string(element, "value", 2000, needed=False)
    _string(element, "url", 3000, needed=False)
    _must("url" not in element or _URL.fullmatch(element["url"]) is not None, "a button's url is none")
    _must(element.get("style", "primary") in _STYLES, "no such style")
    if "confirm" in element:
        confirm = element["confirm"]
        _must(isinstance(confirm, dict), "confirm is no object")
        _only(confirm, "title", "text", "confirm", "deny", "style")
        _text(confirm.get("title"), 100, ("plain_text",))
        _text(confirm.get("text"), 300)
        _text(confirm.get("confirm"), 30, ("plain_text",))
        _text(confirm.get("deny"), 30, ("plain_text",))


def _text(text: Any, most: int, kinds: tuple[str, ...] = ("mrkdwn", "plain_text")) -> None:
    _must(isinstance(text, dict) and text.get("type") in kinds, f"no text: {str(text)[:80]}")
    allowed = ("emoji",) if text["type"] == "plain_text" else ("verbatim",)
    _only(text, "text", *allowed)
    for name in allowed:
        _must(isinstance(text.get(name, True), bool), f"{name} is no boolean")
    _string(text, "text", most)


def _string(holder: Mapping[str, Any], name: str, most: int, needed: bool = True) -> None:
    if name not in holder and not needed:
        return
    value = holder.get(name)
    _must(isinstance(value, str) and 0 < len(value) <= most, f"{name} must be a text of 1 to {most} characters")


def _list(value: Any, least: int, most: int) -> list[Any]:
    _must(isinstance(value, list) and least <= len(value) <= most, f"must be a list of {least} to {most}")
    return list(value)


def _only(holder: Mapping[str, Any], *names: str) -> None:
    more = holder.keys() - {"type", "block_id", *names}
    _must(not more, f"no such field: {', '.join(sorted(more))}")


def _must(is_so: bool, wrong: str) -> None:
    if not is_so:
        raise _Wrong(wrong)
