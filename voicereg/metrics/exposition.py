"""The figures as Prometheus reads them. The only module that imports prometheus_client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from voicereg.domain.errors import ExtraMissing
from voicereg.metrics.figures import Figures
from voicereg.metrics.gauges import GAUGES

if TYPE_CHECKING:
    from prometheus_client.core import GaugeMetricFamily

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Of all that is written here: names are plain, and every version of Prometheus reads it."""


class FiguresCollector:
    """Hands figures to Prometheus' client, which makes no difference between it and others."""

    def __init__(self, figures: Figures) -> None:
        self._figures = figures

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Every metric, with its samples."""
        from prometheus_client.core import GaugeMetricFamily

        for gauge in GAUGES:
            family = GaugeMetricFamily(gauge.name, gauge.help, labels=gauge.labels)
            for values, number in gauge.samples(self._figures):
                family.add_metric(values, number)
            yield family


def ensure_available() -> None:
    """Make sure that figures can be exposed, before anything is read.

    Raises:
        ExtraMissing: the extra ``metrics`` is not installed.
    """
    try:
        import prometheus_client  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "prometheus_client":
            raise
        raise ExtraMissing("metrics", "writing figures for Prometheus") from None


def expose(figures: Figures) -> bytes:
    """The figures as text, in UTF-8.

    Raises:
        ExtraMissing: the extra ``metrics`` is not installed.
    """
    ensure_available()
    from prometheus_client import CollectorRegistry, generate_latest

    # Of its own: what the process otherwise measures is not ours to tell.
    registry = CollectorRegistry()
    registry.register(FiguresCollector(figures))
    return generate_latest(registry)
