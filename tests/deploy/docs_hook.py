"""A hook of mkdocs: what the site shows besides docs/, and links that are right both at the forge and in the site.

Pages of the root and of deploy/ stay where people look for them. Links are written for the repository,
since a forge shows the files too; here they are made into links between pages. A picture is shown when it is there:

    <!-- picture run.png: The page of a run -->
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[2]
# The page of the site -> the file of the repository that it shows.
BROUGHT = {
    "project/architecture.md": "ARCHITECTURE.md",
    "project/contributing.md": "CONTRIBUTING.md",
    "project/security.md": "SECURITY.md",
    "project/changelog.md": "CHANGELOG.md",
    "deploy/compose.md": "deploy/compose/README.md",
    "deploy/kubernetes.md": "deploy/kubernetes/README.md",
    "deploy/devvm.md": "deploy/devvm/README.md",
}
_LINK = re.compile(r"(?<=\]\()(?![a-z]+:|#|/)([^)\s#]+)(?=[)#])")
_PICTURE = re.compile(r"<!-- picture ([a-z0-9-]+\.png): ([^>]+?) -->")


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add the pages that are brought."""
    for page, source in BROUGHT.items():
        files.append(File.generated(config, page, content=(ROOT / source).read_text()))
    return files


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """The page with links of the site and with the pictures that there are."""
    here = page.file.src_uri
    source = BROUGHT.get(here, f"docs/{here}")

    def link(found: re.Match[str]) -> str:
        target = posixpath.normpath(posixpath.join(posixpath.dirname(source), found[1]))
        return posixpath.relpath(_place(target), posixpath.dirname(here) or ".")

    def picture(found: re.Match[str]) -> str:
        name, words = found.groups()
        there = (ROOT / "docs/img" / name).is_file()
        return f"![{words}]({posixpath.relpath(f'img/{name}', posixpath.dirname(here) or '.')})" if there else ""

    return _PICTURE.sub(picture, _LINK.sub(link, markdown))


def _place(target: str) -> str:
    """Where the site has a file of the repository; a file that it lacks stays a broken link, which ends the build."""
    pages = {source: page for page, source in BROUGHT.items()}
    return pages.get(target) or target.removeprefix("docs/")
