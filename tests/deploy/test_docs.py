"""The documentation: it builds without a warning, loads nothing from elsewhere, and says what the code does."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any, get_args
from urllib.parse import unquote, urlsplit

import pytest
import typer
from pydantic import BaseModel

from app.cli import app
from app.reasons import REASONS, TABLES, in_words
from app.settings import Settings
from tests.deploy import codes
from tests.deploy.docs_hook import BROUGHT, on_page_markdown
from tests.deploy.example import sections
from tests.deploy.files import ROOT
from tests.deploy.pages import PAGES

DOCS = ROOT / "docs"
WRITTEN = [page for page in sorted(DOCS.glob("*.md")) if f"docs/{page.name}" not in PAGES]
CODE = re.compile(r"^```\w*\n(.*?)^```$|`([^`\n]+)`", re.M | re.S)
# The program where it is called: first of a line, after variables, a pipe, a folder or the container that it is in.
CALL = re.compile(r"(?:^(?:[A-Z_]+=\S+ )*|bin/|\| |exec followthrough |-- )followthrough ([a-z-].*)")
PICTURE = re.compile(r"<!-- picture ([a-z0-9-]+\.png): ")
# What a browser fetches by itself when it shows a page.
LOADING = {"script": "src", "img": "src", "source": "src", "iframe": "src", "video": "src", "object": "data"}


class Page(HTMLParser):
    """A page that was built: what it loads, where it leads, and the places in it that can be led to."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.links: list[str] = []
        self.ids: set[str] = {""}
        self.feed(file.read_text())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        self.ids |= {named[name] for name in ("id", "name") if name in named}
        if tag == "a" and "href" in named:
            self.links.append(named["href"])
        if tag == "link" and named.get("rel") not in ("prev", "next", "canonical"):
            self.loads.append(named.get("href", ""))
        self.loads += [named[name] for name in (LOADING.get(tag, ""), "srcset") if name in named]
        self.loads += re.findall(r"url\(([^)]*)\)", named.get("style", ""))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [str(ROOT / "scripts/docs"), "build", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, Page]:
    return {file: Page(file) for file in site.rglob("*.html") if file.name != "404.html"}


def test_every_link_leads_somewhere(pages: dict[Path, Page], site: Path) -> None:
    internal = 0
    for file, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                assert parts.scheme in ("https", "http", "mailto"), link
                continue
            internal += 1
            target = (file.parent / unquote(parts.path)).resolve() if parts.path else file
            target = target / "index.html" if target.is_dir() else target
            assert target.is_relative_to(site.resolve()), f"{file}: {link}"
            assert target.is_file(), f"{file}: {link}"
            if target in pages:
                assert unquote(parts.fragment) in pages[target].ids, f"{file}: {link}"
    assert internal > 1000


def test_nothing_is_loaded_from_elsewhere(pages: dict[Path, Page], site: Path) -> None:
    for file, page in pages.items():
        assert page.loads
        for loaded in page.loads:
            parts = urlsplit(loaded)
            assert not parts.netloc, f"{file}: {loaded}"
            assert parts.scheme == "data" or (file.parent / parts.path).is_file(), f"{file}: {loaded}"
    for sheet in [*site.rglob("*.css"), *site.rglob("*.svg")]:
        text = sheet.read_text()
        assert re.findall(r"@import|url\(\s*['\"]?(?:https?:)?//|(?:href|src)=['\"](?:https?:)?//", text) == [], sheet


def test_every_page_is_in_the_navigation(pages: dict[Path, Page], site: Path) -> None:
    reached = {(site / link).resolve() for link in pages[site / "index.html"].links if not urlsplit(link).scheme}
    assert {file.resolve() for file in pages} <= reached
    sources = [*DOCS.rglob("*.md"), *(DOCS / page for page in BROUGHT)]
    assert len(pages) == len(sources)


def test_the_search_knows_a_code(site: Path) -> None:
    assert "approval-void" in (site / "search/search_index.json").read_text()


def test_a_warning_ends_the_build(tmp_path: Path) -> None:
    shutil.copytree(DOCS, tmp_path / "docs")
    config = (
        (ROOT / "mkdocs.yml").read_text().replace("tests/deploy/docs_hook.py", str(ROOT / "tests/deploy/docs_hook.py"))
    )
    (tmp_path / "mkdocs.yml").write_text(config)
    (tmp_path / "docs/stray.md").write_text("# Stray\n\n[a](gone.md) [b](index.md#gone) [c](../pyproject.toml)\n")
    command = [str(ROOT / ".venv/bin/mkdocs"), "build", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    for told in ("not included in the", "'gone.md'", "'index.md#gone'", "'pyproject.toml'"):
        assert told in done.stderr, told


@pytest.mark.parametrize("words", [("build",), ("build", "a", "b"), ("publish",)], ids=" ".join)
def test_the_script_says_how_it_is_called(words: tuple[str, ...]) -> None:
    done = subprocess.run([ROOT / "scripts/docs", *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (2, "", "usage: scripts/docs [build FOLDER]\n")


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "a letter").write_text("dear")
    done = subprocess.run(
        [ROOT / "scripts/docs", "build", "."], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "holds something else than these pages" in done.stderr
    assert [file.name for file in tmp_path.iterdir()] == ["a letter"]


def test_a_picture_is_shown_when_it_is_there(site: Path) -> None:
    named = [name for page in WRITTEN for name in PICTURE.findall(page.read_text())]
    assert sorted(named) == ["now.png", "review.png", "run.png"]
    for name in named:
        assert (site / "img" / name).is_file() == (DOCS / "img" / name).is_file()
    page = SimpleNamespace(file=SimpleNamespace(src_uri="project/x.md"))
    assert on_page_markdown("<!-- picture gone.png: What is gone -->", page) == ""


@pytest.mark.parametrize("page", PAGES)
def test_a_page_is_made_from_the_code(page: str) -> None:
    assert (ROOT / page).read_text() == PAGES[page](), "run: .venv/bin/python -m tests.deploy.pages"


def test_every_code_is_said_in_words_and_no_other() -> None:
    given = codes.codes()
    assert {code: path for code, path in given.items() if code not in REASONS} == {}, "write it into app/reasons"
    assert [code for code in REASONS if code not in given] == [], "nothing gives it any more: take it out"
    assert len(given) > 200


def test_every_reason_is_spelt_where_it_is_raised() -> None:
    assert list(codes.unspelt()) == []
    for path in codes.WHOLE:
        assert (ROOT / path).is_file(), path


def test_words_are_a_sentence_and_what_to_do() -> None:
    assert sum(map(len, TABLES.values())) == len(REASONS), "a code in two tables"
    for code, words in REASONS.items():
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", code)
        assert in_words(code) == words
        for said in words:
            assert re.fullmatch(r"[A-Za-z`].{5,180}\.", said), (code, said)
    assert in_words("nobody-says-this") is None


def leaves(found: Any, path: tuple[str, ...] = ()) -> dict[tuple[str, ...], set[str]]:
    """The commands with the names of their options; a group is there too."""
    names = {name for param in found.params for name in (*param.opts, *param.secondary_opts)}
    known = {path: names}
    for name, inner in getattr(found, "commands", {}).items():
        known |= leaves(inner, (*path, name))
    return known


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)
def test_a_page_names_commands_that_exist(page: Path) -> None:
    known = leaves(typer.main.get_command(app))
    for block in ("".join(found) for found in CODE.findall(page.read_text())):
        for line in block.replace("\\\n", " ").splitlines():
            found = CALL.search(line.split(" #")[0].split(" > ")[0])
            if found is None:
                continue
            words = found[1].split()
            path = max((tuple(words[:n]) for n in (1, 2) if tuple(words[:n]) in known), key=len, default=None)
            assert path is not None, line
            for option in (word.partition("=")[0] for word in words if word.startswith("--")):
                assert option in known[path] or option == "--help", line


def keys() -> set[str]:
    """Every key with its table, `server.port`, and the tables."""
    made = sections()
    return {*made, *(f"{name}.{key}" for name, (model, _) in made.items() for key in model.model_fields)}


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)
def test_a_page_names_settings_that_exist(page: Path) -> None:
    text, known = page.read_text(), keys()
    tables = "|".join(sorted(Settings.model_fields))
    for inline in re.findall(rf"`((?:{tables})\.(?!sh`)[a-z_.]+)`", text):
        assert inline in known, inline
    for table in re.findall(r"`\[\[?([a-z.]+)\]\]?`", text):
        assert table in known, table
    for variable in re.findall(r"FOLLOWTHROUGH_([A-Z]+__[A-Z_]+)", text):
        assert variable.lower().replace("__", ".") in known, variable
    for block in re.findall(r"^```toml\n(.*?)^```$", text, re.M | re.S):
        for name, value in tomllib.loads(block).items():
            inner = value[0] if isinstance(value, list) and value and isinstance(value[0], dict) else value
            if isinstance(inner, dict):
                assert {f"{name}.{key}" for key in inner} <= known, block
            else:
                assert f"repository.{name}" in known, block


@pytest.mark.parametrize("page", WRITTEN, ids=lambda page: page.stem)
def test_a_page_names_files_and_codes_that_exist(page: Path) -> None:
    text = page.read_text()
    for file in re.findall(r"(?<![\w./-])((?:deploy|scripts|tests|app|pipelines|\.woodpecker)/[\w./-]*\w)", text):
        assert (ROOT / file).exists() or file in ("scripts/tg", "scripts/check"), file
    if page.name in ("approvals.md", "connect.md", "index.md"):
        for code in re.findall(r"\(`([a-z]+(?:-[a-z]+)+)`\)", text):
            assert code in REASONS, code


def test_a_model_of_the_settings_is_a_section() -> None:
    """What the reference is made from is all there is: every table of the configuration is in it."""
    models = {
        get_args(field.annotation)[0] if get_args(field.annotation) else field.annotation
        for field in Settings.model_fields.values()
    }
    assert all(isinstance(model, type) and issubclass(model, BaseModel) for model in models)
    page = (DOCS / "settings.md").read_text()
    for name, (model, listed) in sections().items():
        for key in model.model_fields:
            if f"{name}.{key}" not in sections():
                assert f"| `{key}`" in page
                variable = f"FOLLOWTHROUGH_{name.upper()}__{key.upper()}"
                assert listed or "." in name or f"`{variable}`" in page
