"""New post-mortems: the values of an incident into the text of one of four formats. Each `.md.j2` here is a format."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from dataclasses import dataclass
from typing import Literal, get_args

from jinja2 import Environment, PackageLoader, StrictUndefined

from app.documents.text import visible
from app.errors import BadInput

Template = Literal["post-mortem", "postmortem-agent", "blameless", "incident-report"]
TEMPLATES: tuple[Template, ...] = get_args(Template)

TITLE_LIMIT = 200
SLUG_LIMIT = 60

# Marks that readers of Markdown take out of a label even where they are escaped.
_EMPHASIS = re.compile(r"[*`]+|~~+|(?<![^\W_])_+|_+(?![^\W_])")
_SPECIAL = re.compile(r"[\\\[\]<>|]|&(?=[#\w])|#+$|(?<=\])\(")


@dataclass(frozen=True)
class Incident:
    """What is known when the writing begins. `title` and `services` may be anybody's text; the rest is checked.

    `date` is YYYY-MM-DD; `severity` is SEV1 to SEV3, or empty where nobody has decided yet.
    """

    title: str
    date: str
    severity: str = ""
    services: tuple[str, ...] = ()


def render(template: Template, incident: Incident) -> str:
    """The text of a new post-mortem: front matter, then every section of the format, with no action item in it.

    Raises BadInput `title-unusable` for a title without visible text, on more than 200 characters, or all markup.
    """
    title = one_line(incident.title)
    if not 0 < len(title) <= TITLE_LIMIT or not (heading := as_markdown(title)):
        said = f"a title has 1 to {TITLE_LIMIT} visible characters, not all of them markup; this one has {len(title)}"
        raise BadInput("title-unusable", said)
    services = [name for name in map(one_line, incident.services) if name]
    source = _environment().get_template(f"{template}.md.j2")
    return source.render(
        front={"title": title, "services": services},
        title=heading,
        date=incident.date,
        severity=incident.severity,
        services=", ".join(filter(None, map(as_markdown, services))),
    )


def file_name(incident: Incident) -> str:
    """`YYYY-MM-DD-<slug>.md`: lower-case ASCII letters, digits and hyphens, whatever the title holds."""
    spelt = unicodedata.normalize("NFKD", one_line(incident.title)).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "-", spelt.lower()).strip("-")
    if len(slug) > SLUG_LIMIT:
        slug = slug[: SLUG_LIMIT + 1].rpartition("-")[0] or slug[:SLUG_LIMIT]
    # Titles in other scripts leave nothing: two of one day must still be two files.
    slug = slug or "incident-" + hashlib.sha256(incident.title.encode("utf-8", "replace")).hexdigest()[:8]
    return f"{incident.date}-{slug}.md"


def one_line(text: str) -> str:
    """Text without line breaks and without characters that a reader cannot see."""
    return " ".join(visible(" ".join(text.split())).split())


def as_markdown(text: str) -> str:
    """One line as it stands in a heading or a table cell: no emphasis, no markup, no cell's end, no HTML."""
    while (bare := _EMPHASIS.sub("", text)) != text:
        text = bare
    return _SPECIAL.sub(r"\\\g<0>", " ".join(text.split()))


def _environment() -> Environment:
    # Markdown is not HTML: what is put in comes from `as_markdown` or, in the front matter, as JSON, which is YAML.
    environment = Environment(  # noqa: S701
        loader=PackageLoader(__name__, ""), undefined=StrictUndefined, trim_blocks=True, keep_trailing_newline=True
    )
    environment.filters["json"] = lambda value: json.dumps(value, ensure_ascii=False)
    return environment
