"""OpenTelemetry's exporters and metric reader, such that a process that forks and its children do not disturb each other.

The SDK starts its threads anew in a forked child and empties the queue of spans. What it leaves is mended here: connections
that parent and child would both write to, a lock that was held while the parent's thread exported, and metrics that were
being collected at that very moment.
"""

from __future__ import annotations

import encodings.idna  # noqa: F401 - as in drishti.sdk.transports
import logging
import os
import threading
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from opentelemetry import metrics
from opentelemetry.sdk.metrics.export import MetricExporter, MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult

from drishti.messages import attributes
from drishti.rate_limited_log import RateLimitedLog

log = logging.getLogger(__name__)

E = TypeVar("E")

EVERY_S = 60.0

COLLECTED_S = 1.0
"""How long a fork waits for metrics that are being collected; that takes about a millisecond."""


class OncePerMinute(logging.Filter):
    """Passes each kind of line (level, and text before its arguments are filled in) once in :data:`EVERY_S` seconds."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[int, str], RateLimitedLog] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        kind = (record.levelno, str(record.msg))
        return self._kinds.setdefault(kind, RateLimitedLog(EVERY_S)).due()


class PerProcess(Generic[E]):
    """An exporter of each process's own, made when it is first wanted there."""

    def __init__(self, make: Callable[[], E]) -> None:
        self._make = make
        self._pid = os.getpid()
        self._exporter = make()
        self._inherited: list[E] = []

    def __call__(self) -> E:
        if self._pid != os.getpid():
            # Kept but never touched: to finalise it would disturb the connection that is the parent's.
            self._inherited.append(self._exporter)
            self._exporter = self._make()
            self._pid = os.getpid()
        return self._exporter


class OwnSpanExporter(SpanExporter):
    """``dropped``: spans that were not sent, in this process; they are counted by ``drishti.telemetry.dropped_spans`` too."""

    def __init__(self, make: Callable[[], SpanExporter]) -> None:
        self._own = PerProcess(make)
        self._ended = False
        self.dropped = 0

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = SpanExportResult.FAILURE if self._ended else self._own().export(spans)
        if result is not SpanExportResult.SUCCESS:
            self.dropped += len(spans)
            counter = metrics.get_meter("drishti").create_counter(
                attributes.DROPPED_SPANS, "{span}", "spans of this process that could not be sent"
            )
            counter.add(len(spans))
        return result

    def end(self) -> None:
        """Sends nothing from now on, and ends what is being tried."""
        if not self._ended:
            self._ended = True
            self._own().shutdown()

    def shutdown(self) -> None:
        self.end()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        return self._own().force_flush(timeout_millis)


class OwnMetricExporter(MetricExporter):
    def __init__(self, make: Callable[[], MetricExporter]) -> None:
        self._own = PerProcess(make)
        first = self._own()
        super().__init__(first._preferred_temporality, first._preferred_aggregation)

    def export(self, metrics_data: MetricsData, timeout_millis: float = 10_000, **options: Any) -> MetricExportResult:
        return self._own().export(metrics_data, timeout_millis, **options)

    def shutdown(self, timeout_millis: float = 30_000, **options: Any) -> None:
        self._own().shutdown(timeout_millis, **options)

    def force_flush(self, timeout_millis: float = 10_000) -> bool:
        return self._own().force_flush(timeout_millis)


class ForkingMetricReader(PeriodicExportingMetricReader):
    """Begins anew in a forked child also where the parent was exporting at the time."""

    def _at_fork_reinit(self) -> None:
        self._export_lock = threading.Lock()
        super()._at_fork_reinit()  # type: ignore[no-untyped-call]  # the SDK's own, without types


def fork_between_collections(provider: Any) -> None:
    """Lets the process fork only while no metrics are being collected: a child would inherit locks that nobody releases."""
    consumer: Any = getattr(provider, "_measurement_consumer", None)
    if not hasattr(consumer, "_lock") or not hasattr(os, "register_at_fork"):
        log.debug("this OpenTelemetry SDK keeps its lock elsewhere")
        return
    forker = threading.local()

    def before() -> None:
        forker.holds = consumer._lock.acquire(timeout=COLLECTED_S)

    def after_in_parent() -> None:
        if forker.holds:
            consumer._lock.release()

    def after_in_child() -> None:
        consumer._lock = threading.Lock()

    os.register_at_fork(before=before, after_in_parent=after_in_parent, after_in_child=after_in_child)
