"""The room's numbers in Prometheus' format: the only place that knows its library."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chatroom import __version__
from chatroom.engine import Engine
from chatroom.tally import Histogram
from chatroom.web.measures import Family, families

if TYPE_CHECKING:
    from prometheus_client.core import Metric

REQUIREMENT = "prometheus_client>=0.20,<1"
"""Not a requirement of the program: only who asks for the numbers needs it."""

OPENMETRICS = "application/openmetrics-text"
"""Without its parameters: which version it is, and how names of other alphabets are written."""


def write(engine: Engine, accept: str) -> tuple[bytes, str]:
    """All numbers, in the format that the client accepts, and their content type.

    Raises:
        ImportError: there is no prometheus_client.
    """
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry()
    registry.register(RoomCollector(engine))
    encode, content_type = choose_encoder(OPENMETRICS if OPENMETRICS in accept else "")
    return encode(registry), content_type


class RoomCollector:
    """A ``Collector`` of prometheus_client, which calls ``collect`` once for each response."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def collect(self) -> Iterable[Metric]:
        """The families in the library's words."""
        from prometheus_client.core import InfoMetricFamily

        about = {
            "version": __version__,
            "history": self._engine.history.name.partition(":")[0],
            "python": platform.python_version(),
        }
        info = InfoMetricFamily("chatroom", "What is running here.", about)
        return [info, *map(_metric, families(self._engine))]


def _metric(family: Family) -> Metric:
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    name, help, value, label = family
    if isinstance(value, Histogram):
        counts, sum_of_all = value.read()
        bounds = [*(str(float(bound)) for bound in value.bounds), "+Inf"]
        return HistogramMetricFamily(name, help, list(zip(bounds, counts, strict=True)), sum_of_all)
    make = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    if not isinstance(value, Mapping):
        return make(name, help, value)
    metric = make(name, help, labels=[label])
    for word, number in value.items():
        metric.add_metric([word], number)
    return metric
