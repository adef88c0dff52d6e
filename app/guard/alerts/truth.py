"""What an expression says whatever is measured: a walk over the parser's tree that keeps what is known of each part."""

from __future__ import annotations

import math
from dataclasses import replace

import promql_parser as ast

from app.guard.alerts.calls import called
from app.guard.alerts.joins import COMPARISONS, Matching, joined
from app.guard.alerts.ranges import ALL, FINITE, INF, POSITIVE, Ranges, between, negated, points
from app.guard.alerts.selectors import Selector, impossible, selector_of
from app.guard.alerts.values import There, Value, fresh, nothing, short

# Prometheus and its prober write these themselves, with no other values.
_KNOWN = {"up": points(0, 1), "probe_success": points(0, 1)}
_EVERY_TARGET = "up is there for every target, whether it is up or down"
_KEEPERS = frozenset({"topk", "bottomk", "limitk"})


class Reader:
    """One walk. `selectors` collects what the expression looks at, `doubts` why it may hardly ever fire."""

    def __init__(self) -> None:
        self.selectors: list[Selector] = []
        self.doubts: list[str] = []

    def value(self, node: object) -> Value:
        """What is known of a part of the expression."""
        while isinstance(node, ast.ParenExpr):
            node = node.expr
        if isinstance(node, ast.BinaryExpr):
            return self._binary(node)
        if isinstance(node, ast.AggregateExpr):
            return self._aggregate(node)
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.VectorSelector):
            return self._selector(node, str(node).replace("{}", "", 1))
        if isinstance(node, ast.MatrixSelector):
            return replace(self._selector(node.vector_selector, str(node).replace("{}", "", 1)), shape="matrix")
        if isinstance(node, ast.SubqueryExpr):
            inner = self.value(node.expr)
            return replace(inner, text=f"{inner.text}[{node.range}:{node.step}]", shape="matrix")
        if isinstance(node, ast.UnaryExpr):
            return _minus(self.value(node.expr))
        if isinstance(node, ast.NumberLiteral):
            numbers = points(node.val)
            return Value(str(node), There.ALWAYS, numbers, numbers, not_a_number=math.isnan(node.val), shape="scalar")
        return Value(str(node), There.ALWAYS, shape="string")

    def _selector(self, node: ast.VectorSelector, text: str) -> Value:
        selector = selector_of(node)
        self.selectors.append(selector)
        if label := impossible(selector):
            return nothing(text, f"no series can be {short(str(selector))}: its {label} would be two things at once")
        why = _EVERY_TARGET if selector.name == "up" else ""
        found = fresh(text, There.GIVEN, _KNOWN.get(selector.name, ALL), why)
        # Series of several names match each other, since sets leave the name out.
        return found if selector.name else replace(found, of="", bounds={}, whole=False)

    def _call(self, node: ast.Call) -> Value:
        args = [self.value(arg) for arg in node.args]
        name = node.func.name
        if name == "absent" and args[0].text == "up":
            self.doubts.append("absent(up) holds only where nothing at all is watched; say which job")
        return called(name, args)

    def _binary(self, node: ast.BinaryExpr) -> Value:
        left, right = self.value(node.lhs), self.value(node.rhs)
        op, how = str(node.op), _matching(node.modifier)
        result = joined(op, left, right, how)
        if not result.there or how.returns_bool:
            return result
        if op == "unless" and how.one_for_all and right.there:
            self.doubts.append(f"a single series of {short(right.text)} silences all of it")
        if op in COMPARISONS and result.numbers and not result.numbers & FINITE:
            self.doubts.append(f"nothing but infinity passes {short(result.text)}")
        return result

    def _aggregate(self, node: ast.AggregateExpr) -> Value:
        inner = self.value(node.expr)
        param = None if node.param is None else self.value(node.param)
        op, grouping = str(node.op), ""
        if node.modifier is not None:
            grouping = f" {node.modifier.type} ({','.join(sorted(node.modifier.labels))})"
        text = f"{op}{grouping}({f'{param.text}, ' if param else ''}{inner.text})"
        if not inner.there:
            return nothing(text, inner.why)
        few = param.constant if param else None
        if op in _KEEPERS and few is not None and few < 1:
            return nothing(text, f"{op} of {short(param.text if param else '')} keeps nothing")
        certain = op != "limit_ratio" and (op not in _KEEPERS or few is not None)
        numbers, loose = _aggregated(op, few, inner.numbers), _aggregated(op, few, inner.loose)
        there = inner.there if certain else There.MAYBE
        one = op in _KEEPERS or (not grouping and op != "count_values")
        bare = one and (inner.bare or op not in _KEEPERS)
        loose = loose | points(0) if op in ("count", "group", "count_values") else loose
        return fresh(text, there, numbers, inner.why if certain else "", loose=loose, bare=bare)


def _matching(modifier: ast.BinModifier | None) -> Matching:
    if modifier is None:
        return Matching()
    labels = modifier.matching
    grouped = str(modifier.card) in ("VectorMatchCardinality.ManyToOne", "VectorMatchCardinality.OneToMany")
    none = labels is not None and str(labels.type).endswith("Include") and not labels.labels
    plain = labels is None or (str(labels.type).endswith("Exclude") and not labels.labels)
    return Matching(f" {modifier}".rstrip(), plain and not grouped, none, modifier.return_bool, grouped)


def _minus(value: Value) -> Value:
    numbers, loose, text = negated(value.numbers), negated(value.loose), f"-{value.text}"
    if value.shape == "scalar" or not value.there:
        return replace(value, text=text, numbers=numbers, loose=loose)
    return fresh(text, value.there, numbers, value.why, loose=loose, bare=value.bare)


def _aggregated(op: str, param: float | None, numbers: Ranges) -> Ranges:
    low, high = numbers.ends
    if op in ("count", "count_values"):
        return between(1, INF)
    if op == "group":
        return points(1)
    if op in ("stddev", "stdvar"):
        return POSITIVE
    if op == "sum":
        return between(low if low >= 0 else -INF, high if high <= 0 else INF)
    if op == "avg" or (op == "quantile" and param is not None and 0 <= param <= 1):
        return between(low, high)
    return numbers if op in ("min", "max", *_KEEPERS, "limit_ratio") else ALL
