"""docs/api.md, made from the OpenAPI description that the service itself answers at /openapi.json."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from typing import Any, cast

from app.ledger import open_ledger
from app.settings import Settings
from app.web.acts import Acts
from app.web.application import application

HEAD = """# HTTP API

What programs can ask and do. {made} A running service answers the same description, for programs, at `/openapi.json`.

- **Who asks**: a bearer token, `Authorization: Bearer ...`. Reading needs the scope `read`, approve and decline need
  `approve`, everything else that changes something needs `operate`; whoever has one of them may read. Without a token
  and without another login in the configuration, programs on the same machine may read, and nobody may change anything.
- **What goes wrong** is answered as `{{"error": CODE, "message": SENTENCE}}`: [each code in words](reasons.md).
  400 what was sent cannot be used, 401 nobody is logged in, 403 you may not, 404 there is no such thing, 409 it cannot
  be done now, 413 too large, 429 too often, 503 something that is needed does not answer.
- **Lists** are newest first, `limit` at a time. What comes after is asked for with `before`.
- **Who did what** is written down: `/api/actions`, `followthrough export`.

```sh
curl --fail --header "Authorization: Bearer $FOLLOWTHROUGH_TOKEN" https://followthrough.example.org/api/runs?limit=5
```

Beside it there are `POST /webhooks/github` for the forge, `/healthz` and `/readyz` for everybody, and `/metrics` for
Prometheus: [operating](operating.md#metrics).
"""
TITLES = (("get", "Reading"), ("post", "Acting"))
# What the framework adds to every route and the service never answers: it says 400 instead.
_NEVER = "422"


def described() -> dict[str, Any]:
    """The OpenAPI description of the service with all of its routes. Nothing is asked and nothing done."""
    with tempfile.TemporaryDirectory() as folder:
        ledger = open_ledger(f"sqlite:///{folder}/ledger.db")
        try:
            app = application(Settings(), ledger, lambda *_: None, lambda: True, acts=cast(Acts, object()))
            return app.openapi()
        finally:
            ledger.engine.dispose()


def api_page(made: str) -> str:
    """The whole page; `made` says by what it is made."""
    told = described()
    lines = [HEAD.format(made=made)]
    for method, title in TITLES:
        lines.append(f"\n## {title}\n")
        for path, operations in sorted(told["paths"].items()):
            if method in operations and path.startswith("/api/"):
                lines += _operation(method, path, operations[method], told["components"]["schemas"])
    lines.append("\n## Shapes\n")
    for name, schema in sorted(told["components"]["schemas"].items()):
        if "ValidationError" not in name:
            lines += [f"### {name}\n", _plain(schema.get("description", "")), "", *_fields(schema), ""]
    return re.sub(r"\|  (?=\|)", "| ", "\n".join(lines).replace("\n\n\n", "\n\n")).rstrip("\n") + "\n"


def _operation(method: str, path: str, operation: dict[str, Any], shapes: dict[str, Any]) -> Iterator[str]:
    good = next(status for status in operation["responses"] if status.startswith("2"))
    shape = operation["responses"][good].get("content", {}).get("application/json", {}).get("schema", {})
    body = operation.get("requestBody")
    asked = [parameter for parameter in operation.get("parameters", ()) if parameter["in"] != "path"]
    answered = shapes.get(shape.get("$ref", "").rpartition("/")[2], {})
    yield f"### {method.upper()} {path}\n"
    if said := _plain(operation.get("description") or answered.get("description", "")):
        yield f"{said}\n"
    if asked:
        yield "| Parameter | Type | Default | |\n|---|---|---|---|"
        for found in asked:
            where = " (header)" if found["in"] == "header" else ""
            yield f"| `{found['name']}`{where} | {_schema(found['schema'])} | {_plain(_told(found))} |"
        yield ""
    if body is not None:
        yield f"Takes {_kind(body['content']['application/json']['schema'])} as JSON.\n"
    others = ", ".join(sorted(status for status in operation["responses"] if status not in (good, _NEVER)))
    yield f"Answers {good}{f' with {_kind(shape)}' if shape else ''}; else {others}.\n"


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    yield "| Field | Type | Default | |\n|---|---|---|---|"
    needed = schema.get("required", ())
    for name, found in schema.get("properties", {}).items():
        default = "" if name in needed or "default" not in found else f"`{found['default']!r}`"
        yield f"| `{name}` | {_kind(found)} | {default} | {_plain(found.get('description', ''))} |"


def _schema(schema: dict[str, Any]) -> str:
    default = schema.get("default")
    return f"{_kind(schema)} | {'' if default in (None, '') else f'`{default}`'}"


def _told(parameter: dict[str, Any]) -> str:
    return str(parameter.get("description") or parameter["schema"].get("description") or "")


def _kind(schema: dict[str, Any]) -> str:
    """A type in words; a shape of the page as a link to it."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return " or ".join(f"`{word}`" for word in schema.get("enum", [schema.get("const")]) if word)
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"object of {_kind(schema['additionalProperties'])}"
    names = {"integer": "whole number", "boolean": "true or false", "string": "text", "null": "null"}
    return names.get(str(schema.get("type", "")), str(schema.get("type", "anything")))


def _plain(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
