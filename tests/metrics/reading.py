"""Figures as Prometheus has them after a scrape."""

from __future__ import annotations

from datetime import datetime

from tests.metrics.linting import parsed
from voicereg import Registry
from voicereg.metrics.exposition import expose
from voicereg.metrics.figures import read_figures


def text_of(registry: Registry) -> str:
    return expose(read_figures(registry)).decode()


class Scrape:
    """What a text says."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._samples = {
            (sample.name.removeprefix("voicereg_"), frozenset(sample.labels.items())): sample.value
            for metric in parsed(text)
            for sample in metric.samples
        }

    def __call__(self, metric: str, **labels: str) -> float:
        """A number."""
        return self._samples[metric, frozenset(labels.items())]

    def has(self, metric: str, **labels: str) -> bool:
        return (metric, frozenset(labels.items())) in self._samples

    def labels(self, metric: str) -> list[dict[str, str]]:
        return [dict(labels) for name, labels in self._samples if name == metric]

    def positive(self, metric: str) -> dict[tuple[str, ...], float]:
        """The numbers above 0 by the values of their labels, those in the order of their names."""
        return {
            tuple(value for _, value in sorted(labels)): number
            for (name, labels), number in self._samples.items()
            if name == metric and number > 0
        }


def scraped(registry: Registry) -> Scrape:
    return Scrape(text_of(registry))


def stamp(moment: datetime) -> float:
    return moment.timestamp()
