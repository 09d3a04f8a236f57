"""The room's numbers in Prometheus' format: the only place that knows its library."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from chatroom import __version__
from chatroom.engine import Engine
from chatroom.tally import Histogram
from chatroom.web.measures import HISTORY_UP, Family, families, shared
from chatroom.web.siblings import Siblings

if TYPE_CHECKING:
    from prometheus_client.core import Metric

REQUIREMENT = "prometheus_client>=0.20,<1"
"""Not a requirement of the program: only who asks for the numbers needs it."""

OPENMETRICS = "application/openmetrics-text"
"""Without its parameters: which version it is, and how names of other alphabets are written."""


WORKER = "worker"
"""A label, where one answers for all of them."""


def write(engine: Engine, siblings: Siblings, accept: str) -> tuple[bytes, str]:
    """All numbers, in the format that the client accepts, and their content type.

    Raises:
        ImportError: there is no prometheus_client.
    """
    from prometheus_client import CollectorRegistry
    from prometheus_client.exposition import choose_encoder

    registry = CollectorRegistry()
    registry.register(RoomCollector(engine, siblings))
    encode, content_type = choose_encoder(OPENMETRICS if OPENMETRICS in accept else "")
    return encode(registry), content_type


class RoomCollector:
    """A ``Collector`` of prometheus_client, which calls ``collect`` once for each response."""

    def __init__(self, engine: Engine, siblings: Siblings) -> None:
        self._engine = engine
        self._siblings = siblings

    def collect(self) -> Iterable[Metric]:
        """The families in the library's words."""
        from prometheus_client.core import InfoMetricFamily

        about = {
            "version": __version__,
            "history": self._engine.history.name.partition(":")[0],
            "python": platform.python_version(),
        }
        info = InfoMetricFamily("chatroom", "What is running here.", about)
        if not self._siblings.number:
            own = list(families(self._engine))
            metrics = [_metric([("", family)]) for family in own]
        else:
            known = self._siblings.numbers()
            own = known[self._siblings.number]
            metrics = [_metric(each) for each in _by_name(known).values()]
        if (HISTORY_UP, 1) in [(family.name, family.value) for family in own]:
            metrics += [_metric([("", family)]) for family in shared(self._engine)]
        return [info, *metrics]


def _by_name(known: Mapping[int, Iterable[Family]]) -> dict[str, list[tuple[str, Family]]]:
    """What each worker has of each family."""
    each: dict[str, list[tuple[str, Family]]] = {}
    for number, its in known.items():
        for family in its:
            each.setdefault(family.name, []).append((str(number), family))
    return each


def _metric(each: list[tuple[str, Family]]) -> Metric:
    """One family, with what each worker has of it; by ``""`` if there is no other."""
    from prometheus_client.core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    name, help, first, label = each[0][1]
    workers = [WORKER] if each[0][0] else []
    if isinstance(first, Histogram):
        histogram = HistogramMetricFamily(name, help, labels=workers)
        for worker, family in each:
            assert isinstance(family.value, Histogram)
            counts, sum_of_all = family.value.read()
            bounds = [*(str(float(bound)) for bound in family.value.bounds), "+Inf"]
            buckets = list(zip(bounds, counts, strict=True))
            histogram.add_metric([worker] if worker else [], buckets, sum_of_all)
        return histogram
    make = CounterMetricFamily if name.endswith("_total") else GaugeMetricFamily
    metric = make(name, help, labels=[*workers, *([label] if label else [])])
    for worker, family in each:
        by_word = family.value if isinstance(family.value, Mapping) else {"": family.value}
        for word, number in by_word.items():
            assert not isinstance(number, Histogram)
            metric.add_metric([part for part in (worker, word) if part], number)
    return metric
