"""docs/guardrails.md is what the code says."""

from __future__ import annotations

from app.guard.table import rows
from tests.guard import mutate
from tests.guard.document import HELD, page
from tests.world.processes import ROOT


def test_the_page_is_made_from_the_code() -> None:
    assert (ROOT / "docs" / "guardrails.md").read_text() == page(), "run: python -m tests.guard.document"


def test_every_rule_has_an_example_and_can_be_broken() -> None:
    ids = [row.id for row in rows()]
    assert len(set(ids)) == len(ids)
    assert all(f"## {rule}\n" in page() for rule in ids)
    assert "|  |" not in page(), "a rule without an example"
    judged = {rule.id for module in (mutate.change, mutate.plan) for rule in module.RULES}
    assert set(ids) - judged == set(HELD) == set(mutate.BREAKS)
    for rule, how in mutate.BREAKS.items():
        assert (ROOT / how.file).read_text().count(how.old) == 1, rule
