"""A very small evaluator of PromQL: what the rules and the dashboard of ``contrib`` use of it.

Numbers, ``time()``, instant selectors, ``+ - * /``, comparisons that filter, ``and``/``or``/
``unless``, ``on``, ``ignoring`` and ``group_left``, ``sum/min/max/count [by|without]``, ``topk``,
``abs``, ``absent`` and ``sort``. Anything else is an error, never a guess.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

Labels = frozenset[tuple[str, str]]
Vector = dict[Labels, float]
Value = float | Vector

NAME = "__name__"
_TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<word>[a-zA-Z_:][a-zA-Z0-9_:]*)"
    r'|(?P<text>"(?:[^"\\]|\\.)*")|(?P<sign>==|!=|>=|<=|=~|!~|[-+*/(){},=<>]))'
)
_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
}
_COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
_LEVELS = (("or",), ("and", "unless"), tuple(_COMPARISONS), ("+", "-"), ("*", "/"))
_AGGREGATIONS: dict[str, Callable[[list[float]], float]] = {
    "sum": sum,
    "min": min,
    "max": max,
    "count": lambda values: float(len(values)),
}


def samples(exposition: str, **target: str) -> Vector:
    """The samples of a text exposition, with the labels that a scrape would add.

    A label without a value is no label.
    """
    found: Vector = {}
    for family in text_string_to_metric_families(exposition):
        for sample in family.samples:
            given = {NAME: sample.name, **target, **sample.labels}
            labels = frozenset((name, value) for name, value in given.items() if value)
            assert labels not in found, f"there twice: {sorted(labels)}"
            found[labels] = sample.value
    return found


def asked(expression: str) -> dict[str, set[str]]:
    """The metrics that an expression asks for, and the labels that it asks them for."""
    asked: dict[str, set[str]] = {}
    _Evaluation(expression, {}, 0.0, asked).run()
    return asked


def grouped(expression: str) -> set[str]:
    """The labels by which an expression joins and aggregates."""
    evaluation = _Evaluation(expression, {}, 0.0, {})
    evaluation.run()
    return evaluation.grouped


def names(expression: str) -> set[str]:
    """The metrics that an expression asks for."""
    return set(asked(expression))


def evaluate(expression: str, found: Vector, now: float) -> Value:
    """What an expression comes to."""
    return _Evaluation(expression, found, now, {}).run()


@dataclass(frozen=True)
class _Matching:
    on: frozenset[str] | None = None
    ignoring: frozenset[str] = frozenset()
    group_left: frozenset[str] | None = None
    """The labels that come from the right, where many match one; None: one matches one."""

    def key(self, labels: Labels) -> Labels:
        if self.on is not None:
            return frozenset(pair for pair in labels if pair[0] in self.on)
        return frozenset(pair for pair in labels if pair[0] not in (self.ignoring | {NAME}))

    def result(self, left: Labels, right: Labels) -> Labels:
        """The labels of what two samples come to."""
        if self.group_left is not None:
            taken = frozenset(pair for pair in right if pair[0] in self.group_left)
            return frozenset(pair for pair in left if pair[0] not in self.group_left) | taken
        if self.on is not None:
            return self.key(left)
        return frozenset(pair for pair in left if pair[0] not in self.ignoring)


class _Evaluation:
    def __init__(
        self, expression: str, found: Vector, now: float, asked: dict[str, set[str]]
    ) -> None:
        self._tokens = list(_tokens(expression))
        self._found = found
        self._now = now
        self._asked = asked
        self.grouped: set[str] = set()

    def run(self) -> Value:
        value = self._binary(0)
        assert not self._tokens, f"left over: {self._tokens}"
        return value

    def _peek(self) -> str:
        return self._tokens[0] if self._tokens else ""

    def _take(self, *expected: str) -> str:
        token = self._tokens.pop(0)
        assert not expected or token in expected, f"{token!r} where {expected} should be"
        return token

    def _binary(self, level: int) -> Value:
        if level == len(_LEVELS):
            return self._unary()
        left = self._binary(level + 1)
        while self._peek() in _LEVELS[level]:
            sign = self._take()
            assert self._peek() != "bool"
            matching = self._matching()
            left = _combine(sign, left, self._binary(level + 1), matching)
        return left

    def _matching(self) -> _Matching:
        if self._peek() not in ("on", "ignoring"):
            return _Matching()
        how = self._take()
        labels = frozenset(self._labels())
        group: frozenset[str] | None = None
        if self._peek() == "group_left":
            self._take()
            group = frozenset(self._labels()) if self._peek() == "(" else frozenset()
        if how == "on":
            return _Matching(on=labels, group_left=group)
        return _Matching(ignoring=labels, group_left=group)

    def _labels(self) -> list[str]:
        labels = self._list()
        self.grouped.update(labels)
        return labels

    def _list(self) -> list[str]:
        self._take("(")
        listed: list[str] = []
        while self._peek() != ")":
            listed.append(self._take())
            if self._peek() == ",":
                self._take()
        self._take(")")
        return listed

    def _unary(self) -> Value:
        token = self._take()
        if token == "(":
            value = self._binary(0)
            self._take(")")
            return value
        if token[0].isdigit():
            return float(token)
        if token == "time":
            assert self._list() == []
            return self._now
        if token in _AGGREGATIONS:
            return self._aggregation(token)
        if token in ("abs", "absent", "sort", "sort_desc"):
            self._take("(")
            argument = _vector(self._binary(0))
            self._take(")")
            if token == "abs":
                return {_nameless(labels): abs(value) for labels, value in argument.items()}
            if token == "absent":
                return {} if argument else {frozenset(): 1.0}
            return argument
        if token == "topk":
            self._take("(")
            limit = int(self._take())
            self._take(",")
            argument = _vector(self._binary(0))
            self._take(")")
            return dict(sorted(argument.items(), key=lambda item: -item[1])[:limit])
        assert self._peek() != "(", f"{token} is not known here"
        return self._selector(token)

    def _aggregation(self, name: str) -> Vector:
        how, listed = "by", list[str]()
        if self._peek() in ("by", "without"):
            how, listed = self._take(), self._labels()
            listed += [NAME] if how == "without" else []
        self._take("(")
        argument = _vector(self._binary(0))
        self._take(")")
        groups: dict[Labels, list[float]] = {}
        for labels, value in argument.items():
            kept = frozenset(pair for pair in labels if (pair[0] in listed) == (how == "by"))
            groups.setdefault(kept, []).append(value)
        return {labels: _AGGREGATIONS[name](values) for labels, values in groups.items()}

    def _selector(self, metric: str) -> Vector:
        assert re.fullmatch(r"[a-z_:][a-z0-9_:]*", metric), metric
        labels_asked = self._asked.setdefault(metric, set())
        tests: list[Callable[[Mapping[str, str]], bool]] = []
        if self._peek() == "{":
            self._take()
            while self._peek() != "}":
                label, sign, text = self._take(), self._take("=", "!=", "=~", "!~"), self._take()
                labels_asked.add(label)
                tests.append(_label_test(label, sign, text[1:-1]))
                if self._peek() == ",":
                    self._take()
            self._take("}")
        return {
            labels: value
            for labels, value in self._found.items()
            if (NAME, metric) in labels and all(test(dict(labels)) for test in tests)
        }


def _tokens(expression: str) -> Iterable[str]:
    expression = expression.strip()
    at = 0
    while at < len(expression):
        match = _TOKEN.match(expression, at)
        assert match is not None, f"not understood: {expression[at:]!r}"
        at = match.end()
        yield match[0].strip()


def _label_test(label: str, sign: str, text: str) -> Callable[[Mapping[str, str]], bool]:
    if sign in ("=", "!="):
        return lambda labels: (labels.get(label, "") == text) == (sign == "=")
    pattern = re.compile(text)
    return lambda labels: (pattern.fullmatch(labels.get(label, "")) is not None) == (sign == "=~")


def _vector(value: Value) -> Vector:
    assert isinstance(value, dict), "a number where a vector should be"
    return value


def _nameless(labels: Labels) -> Labels:
    return frozenset(pair for pair in labels if pair[0] != NAME)


def _combine(sign: str, left: Value, right: Value, matching: _Matching) -> Value:
    if sign in ("and", "or", "unless"):
        return _sets(sign, _vector(left), _vector(right), matching)
    if isinstance(left, float) and isinstance(right, float):
        assert sign in _ARITHMETIC, "Prometheus compares two numbers with bool alone"
        return _ARITHMETIC[sign](left, right)
    pairs: list[tuple[Labels, float, float]]
    if isinstance(right, float):
        pairs = [(labels, value, right) for labels, value in _vector(left).items()]
    elif isinstance(left, float):
        assert sign in _ARITHMETIC, "write the number to the right"
        pairs = [(labels, left, value) for labels, value in right.items()]
    else:
        pairs = _matched(left, right, matching)
    found: Vector = {}
    for labels, first, second in pairs:
        if sign in _ARITHMETIC:
            assert sign != "/" or second, "Prometheus says NaN or Inf"
            labels, value = _nameless(labels), _ARITHMETIC[sign](first, second)
        elif _COMPARISONS[sign](first, second):
            value = first
        else:
            continue
        assert labels not in found, f"two results of the labels {sorted(labels)}"
        found[labels] = value
    return found


def _matched(left: Vector, right: Vector, matching: _Matching) -> list[tuple[Labels, float, float]]:
    others: dict[Labels, tuple[Labels, float]] = {}
    for labels, value in right.items():
        key = matching.key(labels)
        assert key not in others, f"many to the right match {sorted(key)}"
        others[key] = (labels, value)
    found, keys = [], set()
    for labels, value in left.items():
        key = matching.key(labels)
        if key in others:
            assert matching.group_left is not None or key not in keys, "many match one"
            keys.add(key)
            other, second = others[key]
            found.append((matching.result(labels, other), value, second))
    return found


def _sets(sign: str, left: Vector, right: Vector, matching: _Matching) -> Vector:
    if sign == "or":
        known = {matching.key(labels) for labels in left}
        return left | {
            labels: value for labels, value in right.items() if matching.key(labels) not in known
        }
    others = {matching.key(labels) for labels in right}
    return {
        labels: value
        for labels, value in left.items()
        if (matching.key(labels) in others) == (sign == "and")
    }
