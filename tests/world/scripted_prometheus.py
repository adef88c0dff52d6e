"""FAKE: Prometheus, where the real one cannot be made to say something. It answers what the service asks, by a script.

`tests/edges/test_prometheus.py` holds the form of its answers to a real server's.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.world.loopback import Answer, Loopback, Request, as_json

_NEWEST = re.compile(r'count\(last_over_time\(\{__name__=(".*")\}\[1d\]\)\)')
_COUNTED = re.compile(r"count\(\n.*\n\)", re.DOTALL)
_NOW = 1767225600.0


class Rejected(Exception):
    """Prometheus does not take an expression, with this sentence."""


class ScriptedPrometheus(Loopback):
    """Serves `url` within its `with`. `asked` are the expressions that it was to evaluate, but for counts of series.

    `gives` says what an expression gives, pairs of labels and value; it may raise Rejected. `metrics` are the names of
    which there are series, None for every name; each selector finds one. `loaded` are the rules, from `rule`.
    """

    def __init__(
        self,
        gives: Callable[[str], Sequence[tuple[dict[str, str], str]]] = lambda _: (),
        metrics: Collection[str] | None = None,
        loaded: Sequence[dict[str, Any]] = (),
    ) -> None:
        super().__init__(self._answer)
        self.asked: list[str] = []
        self._gives, self._metrics, self._loaded = gives, metrics, loaded

    def _answer(self, request: Request) -> Answer:
        where = urlsplit(request.path)
        if (request.method, where.path) == ("POST", "/api/v1/query"):
            return self._query(parse_qs(request.body.decode())["query"][0])
        if (request.method, where.path) == ("GET", "/api/v1/rules"):
            group = {"name": "g", "file": "/rules/g.yml", "rules": list(self._loaded), "interval": 60, "limit": 0}
            return _well({"groups": [group]})
        if (request.method, where.path) == ("GET", "/api/v1/metadata"):
            return _well({})
        return Answer(404, b"404 page not found\n", "text/plain; charset=utf-8")

    def _query(self, expr: str) -> Answer:
        if newest := _NEWEST.fullmatch(expr):
            known = self._metrics is None or json.loads(newest[1]) in self._metrics
            return _vector([({}, "1")] if known else [])
        if _COUNTED.fullmatch(expr):
            return _vector([({}, "1")])
        self.asked.append(expr)
        try:
            return _vector(self._gives(expr))
        except Rejected as rejected:
            return as_json(400, {"status": "error", "errorType": "bad_data", "error": str(rejected)})


def rule(
    name: str,
    query: str,
    wait: float = 300,
    error: str = "",
    labels: Mapping[str, str] = MappingProxyType({}),
    annotations: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """An alert as Prometheus tells of it. `wait` is in seconds, `error` what its evaluation met."""
    told = {"name": name, "query": query, "duration": wait, "labels": {**labels}, "annotations": {**annotations}}
    told |= {"alerts": [], "state": "inactive", "type": "alerting", "health": "err" if error else "ok"}
    return {**told, "lastError": error} if error else told


def _vector(samples: Sequence[tuple[dict[str, str], str]]) -> Answer:
    found = [{"metric": labels, "value": [_NOW, value]} for labels, value in samples]
    return _well({"resultType": "vector", "result": found})


def _well(data: Any) -> Answer:
    return as_json(200, {"status": "success", "data": data})
