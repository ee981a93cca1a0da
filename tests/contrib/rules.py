"""The rules of ``contrib/prometheus/alerts.yaml``, and what comes of them."""

from __future__ import annotations

from functools import cache
from typing import Any

from tests.contrib.files import read_yaml
from tests.contrib.promql import NAME, Labels, Vector, evaluate


@cache
def rules() -> list[dict[str, Any]]:
    """All of them, in the order in which Prometheus evaluates them."""
    (group,) = read_yaml("prometheus/alerts.yaml")["groups"]
    assert set(group) == {"name", "rules"}
    found: list[dict[str, Any]] = group["rules"]
    return found


@cache
def alerts() -> dict[str, dict[str, Any]]:
    """The alerts by name."""
    found = [rule for rule in rules() if "alert" in rule]
    by_name = {rule["alert"]: rule for rule in found}
    assert len(by_name) == len(found)
    return by_name


def recorded() -> set[str]:
    """The metrics that the rules make themselves."""
    return {rule["record"] for rule in rules() if "record" in rule}


def fired(scraped: Vector, now: float) -> dict[str, list[dict[str, str]]]:
    """The alerts that go off, with the labels of each; ``for`` is taken to be over."""
    known = dict(scraped)
    found: dict[str, list[dict[str, str]]] = {}
    for rule in rules():
        value = evaluate(rule["expr"], known, now)
        assert isinstance(value, dict)
        plain = {_nameless(labels): number for labels, number in value.items()}
        assert len(plain) == len(value), "Prometheus refuses two results of the same labels"
        if "record" in rule:
            known |= {labels | {(NAME, rule["record"])}: number for labels, number in plain.items()}
        elif plain:
            found[rule["alert"]] = [dict(labels) for labels in plain]
    return found


def _nameless(labels: Labels) -> Labels:
    return frozenset(pair for pair in labels if pair[0] != NAME)
