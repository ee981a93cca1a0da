"""The rules of ``promtool check metrics``, as far as a text of gauges can break them."""

from __future__ import annotations

import re

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

_OTHER_UNITS = {
    **dict.fromkeys(("minutes", "hours", "days", "weeks"), "seconds"),
    "kelvins": "kelvin",
    **dict.fromkeys(("fahrenheit", "rankine"), "celsius"),
    **dict.fromkeys(("inches", "yards", "miles"), "meters"),
    "bits": "bytes",
    "calories": "joules",
    **dict.fromkeys(("pounds", "ounces"), "grams"),
}
_BASE_UNITS = {
    *("amperes", "bytes", "celsius", "grams", "joules"),
    *("kelvin", "meters", "metres", "seconds", "volts"),
}
_PREFIXES = (
    *("pico", "nano", "micro", "milli", "centi", "deci", "deca", "hecto", "kilo", "kibi"),
    *("mega", "mibi", "giga", "gibi", "tera", "tebi", "peta", "pebi"),
)
_ABBREVIATIONS = {
    *("s", "ms", "us", "ns", "sec", "m", "h", "d"),
    *("b", "kb", "mb", "gb", "tb", "pb"),
}
_TYPES = {"counter", "gauge", "histogram", "summary", "untyped"}
_RESERVED = ("_bucket", "_count", "_sum")
_CAMEL = re.compile("[a-z][A-Z]")
_SNAKE = re.compile("[a-z][a-z0-9]*(_[a-z0-9]+)*")


def parsed(text: str) -> list[Metric]:
    """The metrics of a text, read by Prometheus' own client."""
    return list(text_string_to_metric_families(text))


def problems(text: str) -> list[str]:
    """What ``promtool`` would say of a text."""
    found = [] if text.endswith("\n") else ["the last line has no end"]
    seen: set[str] = set()
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, _ = line.split(" ")
            found += [f"{name}: it is there twice"] if name in seen else []
            seen.add(name)
    for metric in parsed(text):
        found += [f"{metric.name}: {problem}" for problem in _of(metric)]
        labels = [(one.name, tuple(sorted(one.labels.items()))) for one in metric.samples]
        if len(labels) != len(set(labels)):
            found.append(f"{metric.name}: samples with the same labels")
    return found


def _of(metric: Metric) -> list[str]:
    name, words = metric.name, metric.name.split("_")
    found = []
    if not metric.documentation.strip():
        found.append("no help")
    if metric.type == "unknown":
        found.append("no type")
    for word in words:
        for unit, base in [*_OTHER_UNITS.items(), *((unit, unit) for unit in _BASE_UNITS)]:
            if (word == unit and unit != base) or word in {f"{p}{unit}" for p in _PREFIXES}:
                found.append(f"not the base unit {base}")
    if set(words[1:]) & _ABBREVIATIONS:
        found.append("an abbreviated unit")
    if set(words[1:]) & _TYPES:
        found.append("its type in its name")
    if ":" in name:
        found.append("a colon")
    if _CAMEL.search(name) or not _SNAKE.fullmatch(name):
        found.append("not in snake case")
    # The parser takes a counter's ending off its name.
    if metric.type != "counter" and name.endswith("_total"):
        found.append("ends as a counter does")
    if metric.type not in ("histogram", "summary") and name.endswith(_RESERVED):
        found.append("ends as a part of a histogram does")
    for sample in metric.samples:
        for label in sample.labels:
            if label in ("le", "quantile") or not _SNAKE.fullmatch(label):
                found.append(f"label {label}")
    return found
