"""Print followthrough.example.toml from the settings: `python -m tests.deploy.example > followthrough.example.toml`."""

from __future__ import annotations

import json
from pathlib import Path
from textwrap import wrap
from typing import Any, get_args

from pydantic import BaseModel, SecretStr
from pydantic_core import PydanticUndefined

from app.settings import Settings

HEAD = """\
# Followthrough's configuration: copy to followthrough.toml, take the # from the lines that you change.
# Every key is here with its default. Each can be a variable too, which stands over the file:
# FOLLOWTHROUGH_SECTION__KEY, lists and tables as JSON (FOLLOWTHROUGH_GITHUB__WEBHOOK_SECRETS='["..."]').
# Secrets belong there, or in a file that others cannot read. A key that does not exist is an error.
"""
REQUIRED = {
    ("devvm", "host"): "10.0.10.10",
    ("devvm", "user"): "followthrough",
    ("devvm", "host_key"): "ssh-ed25519 AAAA...",
    ("repository", "name"): "ViktorBarzin/infra",
    ("repository", "clone_url"): "https://github.com/ViktorBarzin/infra.git",
}
BEFORE = {
    "devvm": "# One table for each DevVM, with a name of its own: a new run goes to one that works and has the fewest."
    " host, user and\n# host_key are required.",
    "policy": "# What one TODO may do without a person; what lies over it waits for approval. A file"
    " .followthrough.toml in the\n# infrastructure repository may take away from it: the same keys, and"
    " protected_stacks.",
    "repository": "# One table for each repository. name and clone_url are required.",
}


def sections() -> dict[str, tuple[type[BaseModel], bool]]:
    """Every table of the configuration in order, `repository.verify` for one within another: its model, and whether
    it may stand several times."""
    found: dict[str, tuple[type[BaseModel], bool]] = {}
    for name, field in Settings.model_fields.items():
        listed = get_args(field.annotation)
        model = listed[0] if listed else field.annotation
        assert isinstance(model, type) and issubclass(model, BaseModel)
        found[name] = model, bool(listed)
        for key, inner in model.model_fields.items():
            if isinstance(inner.annotation, type) and issubclass(inner.annotation, BaseModel):
                found[f"{name}.{key}"] = inner.annotation, bool(listed)
    return found


def plain(value: Any) -> Any:
    """A default as TOML holds it."""
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return str(value) if isinstance(value, Path) else value


def _toml(value: Any) -> str:
    """A TOML value; long lists within a table over several lines, each with the sign that takes it out."""
    if not isinstance(value, dict) or not value:
        return json.dumps(value)
    lists = [f"{name} = [\n{_wrapped(items)}\n#]" for name, items in value.items()]
    return "{ " + ", ".join(lists) + " }"


def _wrapped(items: list[str]) -> str:
    return "\n".join(f"#{line}" for line in wrap(", ".join(json.dumps(item) for item in items), 115))


def example() -> str:
    """The whole file."""
    lines = [HEAD]
    for name, (model, listed) in sections().items():
        if name in BEFORE:
            lines.append(BEFORE[name])
        lines.append(f"#[[{name}]]" if listed and "." not in name else f"#[{name}]" if listed else f"[{name}]")
        for key, field in model.model_fields.items():
            if f"{name}.{key}" in sections():
                continue
            value = REQUIRED[name, key] if field.default is PydanticUndefined else plain(field.default)
            lines += [f"# {field.description}", f"#{key} = {_toml(value)}"]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    print(example(), end="")
