"""The pages of docs/ that are made from the code: `python -m tests.deploy.pages` writes them, a test holds them so.

They are committed, as docs/guardrails.md is: a change of a setting, a code or a command shows in the same diff as its
words, and the forge shows the pages without a build.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

import typer
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from app.cli import app, exits
from app.documents.lint import RULES
from app.reasons import TABLES
from tests.deploy.api_page import api_page
from tests.deploy.example import plain, sections
from tests.deploy.files import ROOT

_MADE = "Made from the code by `python -m tests.deploy.pages`; a test holds this page to it."
SETTINGS = f"""# Settings

Every key of `followthrough.toml`, with its type, its default and the variable that stands over the file. {_MADE}

- A key that does not exist is an error, and so is a value that cannot be right. `followthrough doctor` tries what is
  set.
- Lists and tables are written as JSON in a variable: `FOLLOWTHROUGH_GITHUB__WEBHOOK_SECRETS='["..."]'`. A table that
  may stand several times (`[[devvm]]`, `[[repository]]`) is one variable, a list of objects.
- Secrets belong into variables, or into a file that others cannot read.
- `followthrough.example.toml` at the repository's root has the same keys, to copy.
"""
REASONS = f"""# Reason codes

Every outcome that is not plainly good carries a code: in the dashboard, in `/api/runs`, in the labels of `/metrics`, at
the end of an error on the command line. This is what each means and what you can do. {_MADE}

What a rule of the guards stopped (`change-refused`, `plan-refused`) comes with findings, and each finding names its
rule: [the guardrails](guardrails.md).
"""
COMMANDS = f"""# Commands

Every command with its arguments and options, as `--help` says them. {_MADE}

Exit codes that are the same everywhere: 0 it went well, 1 it did not, 2 what was given cannot be used (an argument, a
file, the configuration). [All of them](exit-codes.md) in one table.
"""
EXITS = f"""# Exit codes

What every command says by its exit code. A command that is not in the second table has the codes of the first. {_MADE}

The line on standard error says what was being done, what was found and what you can do, and ends with
[a reason code](reasons.md).

"""
SCRIPTS = """
| script | code | means |
|---|---|---|
| `scripts/postmortem-pipeline.sh` | `0` | done, nothing to do, or the rest is for people |
| `scripts/postmortem-pipeline.sh` | `1` | anything else |
| `scripts/parse-postmortem-todos.sh` | `0` | read |
| `scripts/parse-postmortem-todos.sh` | `1` | there is no such file |
| `scripts/parse-postmortem-todos.sh` | `2` | no file was named, or it cannot be read |
| `scripts/parse-postmortem-todos.sh` | `127` | there is no followthrough to call |

```sh
terraform show -json plan | followthrough guard plan -
case $? in
0) echo "a machine may apply it" ;;
3) echo "a person looks at it first" ;;
*) echo "no" ;;
esac
```
"""
LINT = f"""# What lint says

The rules of `followthrough lint`, as `followthrough lint --rules` prints them. {_MADE}

An error makes the exit code 1, a warning does so with `--strict` only. `--fix` mends what has one right spelling and
nothing else; the last column says what. A rule is turned off in the configuration, with a reason:

```toml
[lint]
off = {{ review-date = "we review every Monday" }}
```
"""


def settings_page() -> str:
    """docs/settings.md."""
    return SETTINGS + "".join(_section(name, *found) for name, found in sections().items())


def _section(name: str, model: type[BaseModel], listed: bool) -> str:
    head = f"[[{name}]]" if listed and "." not in name else f"[{name}]"
    about = " ".join((model.__doc__ or "").split())
    lines = [f"\n## {name}\n\n`{head}`. {about}\n", "| Key and variable | Type | Default | |\n|---|---|---|---|"]
    lines += [_setting(name, key, model, listed) for key in model.model_fields if f"{name}.{key}" not in sections()]
    if listed:
        lines += ["", f"Variable: `FOLLOWTHROUGH_{name.partition('.')[0].upper()}`, a list of objects as JSON."]
    return "\n".join([*lines, ""])


def _setting(name: str, key: str, model: type[BaseModel], listed: bool) -> str:
    field = model.model_fields[key]
    schema = model.model_json_schema(by_alias=False)
    kind = _kind(schema["properties"][key], schema.get("$defs", {}))
    if field.default is PydanticUndefined:
        default = "**required**"
    else:
        value = json.dumps(plain(field.default), ensure_ascii=False)
        default = f"`{value}`" if len(value) <= 80 else "see followthrough.example.toml"
    named = f"`{key}`" if listed else f"`{key}`<br>`FOLLOWTHROUGH_{name.replace('.', '__').upper()}__{key.upper()}`"
    return f"| {named} | {_cell(kind)} | {_cell(default)} | {_cell(field.description or '')} |"


def _kind(found: dict[str, Any], known: dict[str, Any]) -> str:
    if "$ref" in found:
        return _kind(known[found["$ref"].rpartition("/")[2]], known)
    choices = found.get("enum") or ([found["const"]] if "const" in found else [])
    if choices:
        return " or ".join(f"`{choice}`" for choice in choices)
    if found.get("type") == "array":
        return f"list: {_kind(found['items'], known)}"
    if found.get("type") == "string":
        return {"password": "secret text", "path": "path"}.get(found.get("format", ""), "text")
    names = {"integer": "whole number", "number": "number", "boolean": "true or false", "object": "table"}
    return names[found["type"]] + "".join(_bounds(found))


def _bounds(found: dict[str, Any]) -> Iterator[str]:
    for key, words in (
        ("minimum", "from"),
        ("exclusiveMinimum", "over"),
        ("maximum", "to"),
        ("exclusiveMaximum", "under"),
    ):
        if key in found:
            yield f" {words} {found[key]:g}"


def reasons_page() -> str:
    """docs/reasons.md."""
    lines = [REASONS]
    for title, table in TABLES.items():
        lines.append(f"\n## {title}\n\n| Code | Means | What you can do |\n|---|---|---|")
        lines += [f"| `{code}` | {_cell(means)} | {_cell(do)} |" for code, (means, do) in sorted(table.items())]
    return "\n".join(lines).replace("\n\n\n", "\n\n") + "\n"


def commands_page() -> str:
    """docs/commands.md."""
    return COMMANDS + "".join(_commands(typer.main.get_command(app), ("followthrough",)))


def _commands(found: Any, path: tuple[str, ...]) -> Iterator[str]:
    inner = getattr(found, "commands", None)
    if inner is None:
        yield _command(found, path)
        return
    if len(path) > 1:
        yield _command(found, path)
    for name in sorted(inner):
        if not inner[name].hidden:
            yield from _commands(inner[name], (*path, name))


def _command(found: Any, path: tuple[str, ...]) -> str:
    shown = [param for param in found.params if not getattr(param, "hidden", False)]
    arguments = [param for param in shown if param.param_type_name == "argument"]
    options = [param for param in shown if param.param_type_name == "option"]
    further = ["COMMAND"] if getattr(found, "commands", None) else []
    usage = " ".join([*path, *(["[OPTIONS]"] if options else []), *map(_argument, arguments), *further])
    lines = [f"\n{'#' * min(len(path), 3)} {' '.join(path)}\n\n```\n{usage}\n```\n\n{_prose(found.help or '')}\n"]
    if shown:
        lines.append("| | | Default |\n|---|---|---|")
        lines += [f"| `{_argument(param)}` | {_cell(param.help or '')} | |" for param in arguments]
        lines += [
            f"| {_option(param)} | {_cell(param.help or '')} | {_default(param)} |".replace("|  |", "| |")
            for param in options
        ]
        lines.append("")
    return "\n".join(lines)


def _argument(param: Any) -> str:
    name = (param.metavar or param.name.upper()).removesuffix("...") + ("..." if param.nargs == -1 else "")
    return str(name if param.required else f"[{name}]")


def _option(param: Any) -> str:
    names = ", ".join(f"`{name}`" for name in [*param.opts, *param.secondary_opts])
    choices = getattr(param.type_descriptor.annotation, "__args__", ())
    words = [choice for choice in choices if isinstance(choice, str)]
    if not param.is_flag and words:
        return f"{names} {_cell(' | '.join(words))}"
    return f"{names} {param.metavar}" if param.metavar else str(names)


def _default(param: Any) -> str:
    value = param.default
    if value is None or value == "" or value == [] or (param.is_flag and not param.secondary_opts):
        return ""
    return f"`{param.opts[0] if value is True else param.secondary_opts[0] if value is False else value}`"


def _prose(text: str) -> str:
    return re.sub(r"(?<!`)(--[a-z][a-z-]+)", r"`\1`", re.sub(r"[<*_]", r"\\\g<0>", " ".join(text.split())))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")


def exits_page() -> str:
    """docs/exit-codes.md."""
    return EXITS + exits.markdown() + SCRIPTS


def lint_page() -> str:
    """docs/lint.md."""
    lines = [LINT, "| Rule | Level | Reads | Why | `--fix` mends |\n|---|---|---|---|---|"]
    cells = ((f"`{rule.id}`", rule.level, rule.reads, rule.why, rule.certain) for rule in RULES)
    return (
        "\n".join([*lines, *("| " + " | ".join(map(_cell, row)) + " |" for row in cells)]).replace("|  |", "| |") + "\n"
    )


PAGES: dict[str, Callable[[], str]] = {
    "docs/settings.md": settings_page,
    "docs/reasons.md": reasons_page,
    "docs/commands.md": commands_page,
    "docs/exit-codes.md": exits_page,
    "docs/lint.md": lint_page,
    "docs/api.md": lambda: api_page(_MADE),
}

if __name__ == "__main__":
    for place, page in PAGES.items():
        (ROOT / place).write_text(page())
