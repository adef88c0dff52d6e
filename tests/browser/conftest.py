"""One browser, and one service over a ledger that has something of everything, for all tests that only look."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from pydantic import SecretStr

from app.acts import Doing
from app.ledger import Ledger, open_ledger
from app.settings import Settings
from app.web.application import application
from tests.browser.browsing import chromium
from tests.browser.shown import fill_documents
from tests.web.desks import answering
from tests.web.pages_scene import fill
from tests.web.run_scene import fill_run, settings_with


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the pictures of the documentation go."""
    parser.addoption("--pictures", type=Path, default=None, metavar="DIR", help="take the documentation's pictures")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, once a module: as long as it is driven, no test of another kind can run a loop of its own."""
    with chromium() as made:
        yield made


@dataclass(frozen=True)
class Seen:
    """A service's address, its ledger, and a token that may do everything."""

    url: str
    ledger: Ledger
    token: str


@contextmanager
def serving(folder: Path) -> Iterator[Seen]:
    """A service over an empty ledger in the folder; nothing executes."""
    token = secrets.token_hex(16)
    settings, ledger = settings_of_token(folder, token), open_ledger(f"sqlite:///{folder}/ledger.db")
    acts = Doing(settings, ledger, lambda *_: None, has_git=False)
    with answering(application(settings, ledger, lambda *_: None, lambda: True, acts=acts)) as url:
        yield Seen(url, ledger, token)
    ledger.engine.dispose()


@pytest.fixture(scope="session")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seen]:
    """Runs in every state, deliveries, documents; nothing executes."""
    with serving(tmp_path_factory.mktemp("seen")) as made:
        fill(made.ledger)
        fill_run(made.ledger)
        fill_documents(made.ledger)
        yield made


def settings_of_token(folder: Path, token: str) -> Settings:
    """The scene's settings with one token, and nobody else who may do anything."""
    known = settings_with(folder)
    server = known.server.model_copy(
        update={"api_tokens": [SecretStr(token)], "trusted_proxies": [], "proxy_user_header": ""}
    )
    return known.model_copy(update={"server": server})
