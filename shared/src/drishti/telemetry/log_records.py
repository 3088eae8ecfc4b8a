"""Log records of an application, sent where its spans are sent, as soon as they.

Who makes OpenTelemetry's records out of Python's is OpenTelemetry's instrumentation of ``logging``; without it nothing is sent.
An application that has a provider or a handler of its own is left alone: its records would be sent twice.

Not sent: what sending itself logs (the exporter's failures, and its HTTP client's), which would be sent again and fail again;
what OpenTelemetry logs, and the events that its instrumentations of language models make out of prompts and answers, which
nobody has logged; and records below ``INFO`` where no level is set, since clients of models and of HTTP log bodies there.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from importlib.metadata import entry_points
from typing import Any

from opentelemetry import _logs
from opentelemetry.context import _SUPPRESS_INSTRUMENTATION_KEY, get_value
from opentelemetry.sdk._logs import LoggerProvider, ReadableLogRecord, ReadWriteLogRecord
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor, LogRecordExporter, LogRecordExportResult
from opentelemetry.sdk.resources import Resource

from drishti.telemetry import log_handlers
from drishti.telemetry.exporters import PerProcess

INSTRUMENTATION = "logging"
"""The name by which OpenTelemetry's instrumentation of Python's logging registers itself."""

OPENTELEMETRY = "opentelemetry"
"""Loggers of this name and below it are OpenTelemetry's own, and those of its instrumentations."""

DELAY_MS = 1000.0
"""How long records wait for others where ``OTEL_BLRP_SCHEDULE_DELAY`` does not say it: as long as spans."""


def wanted() -> bool:
    """Whether records are made, and nobody else sends them."""
    disabled = {name.strip() for name in os.environ.get("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "").split(",")}
    if disabled & {INSTRUMENTATION, "*"} or not entry_points(group="opentelemetry_instrumentor", name=INSTRUMENTATION):
        return False
    return not log_handlers.ours() and not hasattr(
        _logs.get_logger_provider(), "force_flush"
    )  # the SDK's; those of the API send nothing


def configure(resource: Resource, make: Callable[[], LogRecordExporter], withheld: Callable[[], bool]) -> LoggerProvider:
    """Sends what is logged from now on by an exporter that ``make`` makes, but for what is logged while ``withheld()``."""
    delay: dict[str, Any] = (
        {} if os.environ.get("OTEL_BLRP_SCHEDULE_DELAY", "").strip() else {"schedule_delay_millis": DELAY_MS}
    )
    provider = LoggerProvider(resource, shutdown_on_exit=False)
    provider.add_log_record_processor(_Processor(OwnLogExporter(make), withheld, **delay))
    _logs.set_logger_provider(provider)
    return provider


class OwnLogExporter(LogRecordExporter):
    """One of each process's own: parent and child must not write to one connection."""

    def __init__(self, make: Callable[[], LogRecordExporter]) -> None:
        self._own = PerProcess(make)

    def export(self, batch: Sequence[ReadableLogRecord]) -> LogRecordExportResult:
        return self._own().export(batch)

    def shutdown(self) -> None:
        self._own().shutdown()  # type: ignore[no-untyped-call]  # the SDK's own, without types

    def force_flush(self, timeout_millis: int = 10_000) -> bool:
        return True  # as of the SDK's exporters: they keep nothing


class _Processor(BatchLogRecordProcessor):
    def __init__(self, exporter: LogRecordExporter, withheld: Callable[[], bool], **options: Any) -> None:
        super().__init__(exporter, **options)
        self._withheld = withheld

    def on_emit(self, log_record: ReadWriteLogRecord) -> None:
        if not (self._withheld() or _is_of_telemetry(log_record)):
            super().on_emit(log_record)


def _is_of_telemetry(log_record: ReadWriteLogRecord) -> bool:
    """Whether it was logged by or within the sending of telemetry, or by an instrumentation."""
    scope = log_record.instrumentation_scope
    by_opentelemetry = scope is not None and f"{scope.name}.".startswith(f"{OPENTELEMETRY}.")
    return by_opentelemetry or bool(get_value(_SUPPRESS_INSTRUMENTATION_KEY))
