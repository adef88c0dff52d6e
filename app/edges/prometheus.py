"""Prometheus: what an expression gives now, and which rules it has loaded. Its answers are read strictly."""

from __future__ import annotations

import base64
import json
import math
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import quote

import httpx

from app.errors import Failed, Refused, Transient
from app.redact import redact

_BODY_LIMIT = 32 * 1024 * 1024
_SAID_LIMIT = 500


@dataclass(frozen=True)
class Sample:
    """One series and its value now, as Prometheus writes it (`1`, `+Inf`, `NaN`). A scalar has no labels."""

    labels: Mapping[str, str]
    value: str


@dataclass(frozen=True)
class LoadedRule:
    """One rule that Prometheus runs.

    `type` is alerting or recording; `health` ok, err or unknown (not evaluated yet); `state` inactive, pending or
    firing, empty for a recording rule; `query` is the expression as Prometheus prints it. `wait` is its `for` in
    seconds, None where the server does not tell.
    """

    name: str
    group: str
    query: str
    health: str
    last_error: str
    state: str
    type: str
    wait: float | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)


class Prometheus:
    """One server; close it, or use it in a `with`. With a `user` basic authentication, else `secret` is a bearer token.

    `timeout` is that of one request, in seconds. Each method raises Transient when the server cannot be reached, is
    slow or busy, and Failed when it does not let us in or what answers is no Prometheus. The secret is in no message.
    """

    def __init__(self, url: str, user: str = "", secret: str = "", timeout: float = 10.0) -> None:
        self._url, self._timeout = url.rstrip("/"), timeout
        user, secret = user.strip(), secret.strip()
        token = base64.b64encode(f"{user}:{secret}".encode()).decode() if user else secret
        self._hidden = [value for value in (secret, token) if value]
        # Unpacking what a stranger packed may take any amount of memory.
        headers = {b"Accept-Encoding": b"identity", b"Accept": b"application/json"}
        if token:
            headers[b"Authorization"] = (f"Basic {token}" if user else f"Bearer {token}").encode()
        self._client = httpx.Client(headers=headers, timeout=timeout, follow_redirects=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def query(self, expr: str) -> list[Sample]:
        """What an expression gives now: a sample for each series, one for a scalar.

        Raises Refused with Prometheus's own sentence for an expression that it does not take.
        """
        doing = "asking what an expression gives now"
        form = {"query": expr, "timeout": f"{max(1, math.ceil(self._timeout))}s"}
        data = self._data("POST", "/api/v1/query", form, doing)
        try:
            return _samples(data)
        except _Unreadable:
            raise self._unreadable(doing) from None

    def counts(self, selector: str) -> int:
        """How many series a selector has now."""
        # On lines of their own, so that a comment at the end of the selector does not hide the bracket.
        found = self.query(f"count(\n{selector}\n)")
        if not found:
            return 0
        try:
            return int(float(found[0].value))
        except (ValueError, OverflowError):
            raise self._unreadable("counting series") from None

    def knows(self, metric: str) -> bool:
        """Whether there was a series of this name within a day, or a target describes one that has no series yet."""
        name = json.dumps(metric)
        if self.query(f"count(last_over_time({{__name__={name}}}[1d]))"):
            return True
        try:
            described = self._data(
                "GET", f"/api/v1/metadata?metric={quote(metric, safe='')}", None, "asking for a metric"
            )
        except Transient:
            raise
        except Failed:
            # Servers that speak PromQL and are not Prometheus may not have this part of its API.
            return False
        return isinstance(described, dict) and bool(described.get(metric))

    def rules(self) -> list[LoadedRule]:
        """Every rule that is loaded, in the order of groups."""
        doing = "reading the rules that are loaded"
        data = self._data("GET", "/api/v1/rules", None, doing)
        try:
            groups = _list(_dict(data).get("groups"))
            return [_rule(_dict(rule), group) for group in map(_dict, groups) for rule in _list(group.get("rules"))]
        except _Unreadable:
            raise self._unreadable(doing) from None

    def _data(self, method: str, path: str, form: Mapping[str, str] | None, doing: str) -> Any:
        status, body = self._answer(method, path, form, doing)
        where = self._where(doing)
        if status in (401, 403):
            message = (
                f"{where}: it answered {status}; check repository.verify.prometheus_user and the field of the Vault "
                "secret that vault.prometheus_field names"
            )
            raise Failed("prometheus-refused", message)
        if status == 429 or status >= 500:
            raise Transient("prometheus-busy", f"{where}: it answered {status}{self._said(body)}")
        if 300 <= status < 400:
            message = f"{where}: it answers with a redirect; set repository.verify.prometheus to where that leads"
            raise Failed("prometheus-unreadable", message)
        answer = _parsed(body)
        if status in (400, 422) and form is not None and answer.get("status") == "error":
            raise Refused("expression-refused", f"{where}: Prometheus does not take it{self._said(body)}")
        if status != 200 or answer.get("status") != "success" or "data" not in answer:
            raise self._unreadable(doing, f" (status {status})")
        return answer["data"]

    def _answer(self, method: str, path: str, form: Mapping[str, str] | None, doing: str) -> tuple[int, bytes]:
        """Status and body, read up to a limit of bytes and of time: a timeout alone starts again with each byte."""
        where = self._where(doing)
        deadline = time.monotonic() + 2 * self._timeout
        body = bytearray()
        try:
            with self._client.stream(method, self._url + path, data=form) as answer:
                for piece in answer.iter_raw():
                    body += piece
                    if len(body) > _BODY_LIMIT:
                        message = f"{where}: the answer is over {_BODY_LIMIT >> 20} MiB, which is not read"
                        raise Failed("prometheus-unreadable", message)
                    if time.monotonic() > deadline:
                        raise Transient(
                            "prometheus-slow", f"{where}: the answer did not end in {2 * self._timeout:g} s"
                        )
                return answer.status_code, bytes(body)
        except httpx.ConnectTimeout:
            raise Transient("prometheus-unreachable", f"{where}: no connection in {self._timeout:g} s") from None
        except httpx.TimeoutException:
            raise Transient("prometheus-slow", f"{where}: no answer in {self._timeout:g} s") from None
        except httpx.LocalProtocolError:
            message = f"{where}: its password or token holds what cannot be sent; write the Vault field anew"
            raise Failed("prometheus-refused", message) from None
        except httpx.ConnectError as error:
            if isinstance(_root(error), ssl.SSLError):
                message = f"{where}: the TLS certificate is not trusted; check repository.verify.prometheus and its CA"
                raise Failed("prometheus-tls", message) from None
            raise Transient("prometheus-unreachable", f"{where}: no connection") from None
        except httpx.RemoteProtocolError:
            raise self._unreadable(doing) from None
        except httpx.HTTPError as error:
            message = f"{where}: the connection was lost ({type(error).__name__})"
            raise Transient("prometheus-unreachable", message) from None
        except (httpx.InvalidURL, OverflowError):
            raise Failed("prometheus-unreadable", f"{where}: that is no address; correct it") from None

    def _where(self, doing: str) -> str:
        return f"{doing}, from Prometheus at {self._url} (repository.verify.prometheus)"

    def _unreadable(self, doing: str, more: str = "") -> Failed:
        message = f"{self._where(doing)}: what is there does not answer as Prometheus does{more}; correct the address"
        return Failed("prometheus-unreadable", message)

    def _said(self, body: bytes) -> str:
        """What an error says of itself, when it is Prometheus's own."""
        said = _parsed(body).get("error")
        if not isinstance(said, str) or not said.strip():
            return ""
        for hidden in self._hidden:
            said = said.replace(hidden, "[redacted]")
        return f": {' '.join(redact(said).split())[:_SAID_LIMIT]}"


class _Unreadable(Exception):
    """A value is not what the API says that it is."""


def _root(error: BaseException) -> BaseException:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return error


def _parsed(body: bytes) -> dict[str, Any]:
    """The body as a JSON object, empty for everything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _samples(data: Any) -> list[Sample]:
    kind, result = _dict(data).get("resultType"), _dict(data).get("result")
    if kind == "vector":
        return [Sample(_labels(_dict(one).get("metric")), _value(_dict(one))) for one in _list(result)]
    if kind in ("scalar", "string"):
        return [Sample({}, _text(_pair(result)))]
    if kind == "matrix":
        raise Refused(
            "expression-refused", "the expression gives ranges of values, where an alert needs one value each"
        )
    raise _Unreadable


def _value(sample: dict[str, Any]) -> str:
    if "value" in sample:
        return _text(_pair(sample["value"]))
    return _text(_dict(_pair(sample.get("histogram"))).get("count"))


def _labels(value: Any) -> dict[str, str]:
    return {name: _text(text) for name, text in _dict(value).items()}


def _rule(rule: dict[str, Any], group: dict[str, Any]) -> LoadedRule:
    return LoadedRule(
        name=_text(rule.get("name")),
        group=_text(group.get("name")),
        query=_text(rule.get("query")),
        health=_text(rule.get("health")),
        last_error=_text(rule.get("lastError", "")),
        state=_text(rule.get("state", "")),
        type=_text(rule.get("type")),
        wait=wait if isinstance(wait := rule.get("duration"), int | float) else None,
        labels=_labels(rule.get("labels") or {}),
        annotations=_labels(rule.get("annotations") or {}),
    )


def _pair(value: Any) -> Any:
    """The second of a time and a value."""
    if len(_list(value)) != 2:
        raise _Unreadable
    return value[1]


def _dict(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _Unreadable
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _Unreadable
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise _Unreadable
    return value
