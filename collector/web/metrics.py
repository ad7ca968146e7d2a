"""`/metrics`: what the register counts and how its parts fare, for Prometheus.

The numbers are read from the database when they are asked for, so that they hold whichever process counted. Where the
store does not answer, the state of the parts is still given, and says so. Format: Prometheus exposition, as
prometheus-client writes it; names: prometheus.io/docs/practices/naming.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from litestar import Response, get
from litestar.di import NamedDependency
from prometheus_client import CollectorRegistry, PlatformCollector, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector

from collector.errors import StoreError
from collector.store.counts import Counts, counts
from collector.store.database import reading
from collector.web.room import Room

_NAME: Final = "updateplicht_"
_GAUGES: Final = {
    "gateways": "Gateways that were enrolled",
    "devices": "Devices that were reported",
    "missing_reports": "Numbers below the highest of their gateway that did not come",
    "pending": "Messages that wait for their gateway's enrolment",
    "to_derive": "Reports from which what follows was not derived yet",
    "to_judge": "Devices that wait for the judge",
    "log_size": "Leaves of the transparency log",
}
_COUNTERS: Final = {"reports": "Reports that were accepted", "statements": "Statements on record"}


@get("/metrics", include_in_schema=False)
async def metrics(room: NamedDependency[Room]) -> Response[bytes]:
    """Counts of the register, state of the parts, use of the process."""
    try:
        async with reading(room.engine) as connection:
            counted = await counts(connection)
    except StoreError:
        counted = None
    registry = CollectorRegistry()
    registry.register(_Register(counted, room.health()))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_PLAIN_0_0_4)


class _Register(Collector):
    """The metrics of one moment."""

    def __init__(self, counted: Counts | None, health: Mapping[str, Any]) -> None:
        self._counted = counted
        self._health = health

    def collect(self) -> Iterator[Metric]:
        """Each metric with its values."""
        yield from _states(self._health)
        if self._counted is not None:
            yield from _counts(self._counted)


def _states(health: Mapping[str, Any]) -> Iterator[Metric]:
    yield GaugeMetricFamily(f"{_NAME}ok", "1 where every part is well", value=bool(health["ok"]))
    states = GaugeMetricFamily(f"{_NAME}part_state", "1 for the state that a part is in", labels=("part", "state"))
    well = GaugeMetricFamily(f"{_NAME}part_ok", "1 where the part is well", labels=("part",))
    for name, part in health.items():
        if isinstance(part, Mapping) and "state" in part:
            states.add_metric((name, part["state"]), 1)
            well.add_metric((name,), part["state"] == "ok")
    yield states
    yield well


def _counts(counted: Counts) -> Iterator[Metric]:
    for name, text in _GAUGES.items():
        yield GaugeMetricFamily(_NAME + name, text, value=getattr(counted, name))
    for name, text in _COUNTERS.items():
        yield CounterMetricFamily(_NAME + name, text, value=getattr(counted, name))
    rejections = CounterMetricFamily(f"{_NAME}rejections", "Messages that were not accepted", labels=("reason",))
    for reason, count in counted.rejected.items():
        rejections.add_metric((reason,), count)
    yield rejections
    if counted.last_report_at is not None:
        text = "When the newest report came"
        yield GaugeMetricFamily(f"{_NAME}last_report_timestamp_seconds", text, value=counted.last_report_at)
