"""Nothing that a repository, an agent, a person or a webhook wrote is anything but text on any page."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from playwright.sync_api import Browser

from app.ledger.schema import metadata
from tests.browser.browsing import visit
from tests.browser.conftest import serving
from tests.browser.poison import CORPUS, OURS, poison
from tests.browser.shown import fill_documents
from tests.browser.test_looks import PAGES
from tests.web.pages_scene import fill
from tests.web.run_scene import RUN, fill_run


def test_every_text_column_is_ours_or_hostile() -> None:
    for table in metadata.sorted_tables:
        named = set(OURS[table.name].split())
        assert named <= {c.name for c in table.c if isinstance(c.type, sa.String)}, f"{table.name} lacks some of them"


@pytest.mark.parametrize("number", range(0, len(CORPUS), 4))
def test_no_hostile_text_runs_leaves_or_disappears(browser: Browser, tmp_path: Path, number: int) -> None:
    said = " ".join(CORPUS[number : number + 4])
    with serving(tmp_path) as made, visit(browser, made.url) as reader:
        fill(made.ledger)
        fill_run(made.ledger)
        fill_documents(made.ledger, said)
        assert poison(made.ledger, said) > 100
        reader.log_in(made.token)
        for name, path in PAGES.items():
            page = reader.go(path)
            page.wait_for_load_state("networkidle") if name == "now" else None
            assert page.evaluate("typeof window.pwned") == "undefined", name
            assert page.locator("main script, main iframe, main img, main base, main meta, main link").count() == 0, (
                name
            )
            for attribute in ("onerror", "onload", "onclick", "hx-trigger", "srcdoc", "style"):
                assert page.locator(f"main [{attribute}]:not([data-ours])").count() == 0 or attribute == "hx-trigger", (
                    name
                )
        assert "pwned=1" in reader.go(f"/runs/{RUN}").locator("main").inner_text(), "it is shown, as text"
        reader.must_be_clean()
