"""OpenTelemetry as the standard ``OTEL_*`` variables say; with nowhere to send to there is no provider and no cost.

:func:`configure` is called once per process. ``OTEL_EXPORTER_OTLP_ENDPOINT`` turns on traces, metrics and logs, the
``…_TRACES_…``, ``…_METRICS_…`` and ``…_LOGS_…`` variants one of them; ``OTEL_EXPORTER_OTLP_PROTOCOL`` is
``http/protobuf`` (default here) or ``grpc``, which needs the extra of that name (``drishti[grpc]``).
``OTEL_SDK_DISABLED=true`` turns everything off.
An application that knows Drishti's gateway sends there what no variable names an endpoint for
(:mod:`drishti.telemetry.destinations`).
"""

from __future__ import annotations

import atexit
import importlib
import logging
import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote

from opentelemetry import metrics, trace

from drishti.errors import SettingsError
from drishti.messages import attributes
from drishti.telemetry import spans
from drishti.telemetry.destinations import Destination, Gateway, Signal, destination

if TYPE_CHECKING:
    from opentelemetry.sdk._logs.export import LogRecordExporter
    from opentelemetry.sdk.metrics.export import MetricExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.sdk.trace.sampling import Sampler

    from drishti.telemetry.exporters import OwnSpanExporter

log = logging.getLogger(__name__)

WITHOUT_GRPC = (
    "OTEL_EXPORTER_OTLP_PROTOCOL is grpc, which needs more packages: pip install 'drishti[grpc]', or set http/protobuf"
)

BATCHES = {
    "max_queue_size": ("OTEL_BSP_MAX_QUEUE_SIZE", 8192),
    "max_export_batch_size": ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", 512),
    "schedule_delay_millis": ("OTEL_BSP_SCHEDULE_DELAY", 1000),
}
"""How spans are batched where the environment says nothing: sooner than the standard's 5 s, since they are looked at live."""

EXIT_S = 3.0
"""How long the end of the interpreter waits for what is left to be sent."""

LAST_SIGNALS_S = 2
"""How long a process that ends waits for its last metrics to be taken."""

LAST_SPANS_S = 5.0
"""The same for spans, once all else has ended."""

MAX_TRACES_PER_S = 1e6


class Traces(NamedTuple):
    """What makes spans, and what sends them."""

    provider: TracerProvider
    exporter: OwnSpanExporter


class Telemetry:
    """The providers of this process; :meth:`shutdown` sends what is left and may block for some seconds."""

    def __init__(self, traces: Traces | None = None, metrics: Any = None, logs: Any = None) -> None:
        self._traces = traces
        self._metrics = metrics
        self._logs = logs

    def end_metrics(self) -> None:
        """Sends the last metrics, for :data:`LAST_SIGNALS_S` at most, and collects no more."""
        if self._metrics is not None:
            self._metrics.shutdown(timeout_millis=LAST_SIGNALS_S * 1000)
            self._metrics = None

    def flush_spans(self) -> None:
        """Sends the spans that are over, for :data:`LAST_SIGNALS_S` at most."""
        if self._traces is not None:
            flushing = threading.Thread(target=self._traces.provider.force_flush, name="drishti-flush", daemon=True)
            flushing.start()
            flushing.join(LAST_SIGNALS_S)

    def shutdown(self) -> None:
        traces, self._traces = self._traces, None
        if traces is not None:
            # The SDK would try for 30 s to reach somebody who is not there.
            ending = threading.Timer(LAST_SPANS_S, traces.exporter.end)
            ending.daemon = True
            ending.start()
            traces.provider.shutdown()
            ending.cancel()
        self.end_metrics()
        logs, self._logs = self._logs, None
        if logs is not None:
            logs.shutdown()

    def shutdown_within(self, timeout_s: float) -> None:
        """:meth:`shutdown`, but no longer than that: exporters try for longer, each, to reach somebody who is not there."""
        thread = threading.Thread(target=self.shutdown, name="drishti-shutdown", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is too far in its end for threads
            self.shutdown()
            return
        thread.join(timeout_s)


def configure(
    name: str,
    gateway: Gateway | None = None,
    *,
    namespace: str = "",
    exemplars: bool = True,
    logs_withheld: Callable[[], bool] | None = None,
) -> Telemetry:
    """Sets up what the environment asks for, for the application that :func:`service_name` of ``name`` names; what it says
    nothing of goes to ``gateway``. ``namespace`` is its ``service.namespace``. Providers that the application has set up itself
    are left alone. Safe to call twice.

    Without ``exemplars`` metrics name no traces, where the environment does not say otherwise. With ``logs_withheld``, log
    records are sent, too (:mod:`drishti.telemetry.log_records`), but for those that are made while it is true."""
    resource = partial(_resource, name, namespace)
    traces = destination(Signal.TRACES, gateway)
    points = destination(Signal.METRICS, gateway)
    telemetry = Telemetry(
        traces=_configure_traces(resource(), traces) if traces is not None and not spans.enabled() else None,
        metrics=_configure_metrics(resource(), points, exemplars) if points is not None and not _has_meter_provider() else None,
        logs=_configure_logs(resource, destination(Signal.LOGS, gateway), logs_withheld) if logs_withheld is not None else None,
    )
    atexit.register(telemetry.shutdown_within, EXIT_S)
    return telemetry


def gateway_of(environ: Mapping[str, str]) -> Gateway | None:
    """Where a service sends its spans that no variable of OpenTelemetry names an endpoint for."""
    url = environ.get("DRISHTI_URL", "").strip().rstrip("/")
    return Gateway(url, environ.get("DRISHTI_API_KEY", "").strip()) if url else None


def service_name(argument: str | None = None, environ: Mapping[str, str] | None = None) -> str:
    """The name of this application as people gave it, "" where nobody did: ``OTEL_SERVICE_NAME``, else ``service.name`` in
    ``OTEL_RESOURCE_ATTRIBUTES``, else ``argument``. Every metric names it by
    :func:`drishti.messages.subjects.token` of that."""
    environ = os.environ if environ is None else environ
    given = environ.get("OTEL_SERVICE_NAME", "").strip()
    for pair in () if given else environ.get("OTEL_RESOURCE_ATTRIBUTES", "").split(","):
        key, _, value = pair.partition("=")
        if unquote(key.strip()) == attributes.SERVICE_NAME:
            given = unquote(value.strip())
    return given or argument or ""


def name_of_provider() -> str:
    """The name in the resource of a provider that the application has set up itself; "" where there is none."""
    resource = getattr(trace.get_tracer_provider(), "resource", None)
    name = str(resource.attributes.get(attributes.SERVICE_NAME, "")) if resource is not None else ""
    return "" if name.startswith("unknown_service") else name


def _has_meter_provider() -> bool:
    return hasattr(metrics.get_meter_provider(), "force_flush")  # the SDK's; those of the API send nothing


def _resource(argument: str, namespace: str) -> Resource:
    from opentelemetry.sdk.resources import Resource

    # The SDK adds a service.instance.id, unless OTEL_RESOURCE_ATTRIBUTES gives one, and a new one in each forked child.
    named = {attributes.SERVICE_NAME: service_name(argument) or "unknown"}
    return Resource.create({**named, attributes.SERVICE_NAMESPACE: namespace} if namespace else named)


def _configure_traces(resource: Resource, to: Destination) -> Traces:
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    from drishti.telemetry.exporters import OwnSpanExporter

    provider = TracerProvider(sampler=_sampler(), resource=resource, shutdown_on_exit=False)
    exporter = OwnSpanExporter(lambda: span_exporter(to))
    unsaid: dict[str, Any] = {
        option: value for option, (variable, value) in BATCHES.items() if not os.environ.get(variable, "").strip()
    }
    provider.add_span_processor(BatchSpanProcessor(exporter, **unsaid))
    trace.set_tracer_provider(provider)
    return Traces(provider, exporter)


def _sampler() -> Sampler | None:
    """Our own where ``OTEL_TRACES_SAMPLER`` names it; ``None``: the SDK reads it, and keeps every trace without it."""
    from drishti.telemetry import rate_limited_sampler

    if os.environ.get("OTEL_TRACES_SAMPLER", "").strip().lower() != rate_limited_sampler.NAME:
        return None
    text = os.environ.get("OTEL_TRACES_SAMPLER_ARG", "").strip()
    try:
        per_s = float(text) if text else rate_limited_sampler.PER_S
    except ValueError:
        per_s = -1.0
    if not 0 <= per_s <= MAX_TRACES_PER_S:
        raise SettingsError([f"OTEL_TRACES_SAMPLER_ARG: {text!r} is no number of traces per second"])
    return rate_limited_sampler.RateLimitedSampler(per_s)


def span_exporter(to: Destination) -> SpanExporter:
    """Raises :class:`SettingsError` where gRPC is asked for and not installed."""
    exporter: SpanExporter = _exporter(to, "trace_exporter", "OTLPSpanExporter")
    return exporter


def _configure_metrics(resource: Resource, to: Destination, exemplars: bool) -> Any:
    from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider

    from drishti.telemetry.exporters import ForkingMetricReader, OwnMetricExporter, fork_between_collections

    reader = ForkingMetricReader(OwnMetricExporter(lambda: metric_exporter(to)))
    none = None if exemplars or os.environ.get("OTEL_METRICS_EXEMPLAR_FILTER") else AlwaysOffExemplarFilter()
    provider = MeterProvider(metric_readers=[reader], resource=resource, exemplar_filter=none, shutdown_on_exit=False)
    fork_between_collections(provider)
    metrics.set_meter_provider(provider)
    _observe_process(provider)
    return provider


def metric_exporter(to: Destination) -> MetricExporter:
    """As :func:`span_exporter`."""
    exporter: MetricExporter = _exporter(to, "metric_exporter", "OTLPMetricExporter")
    return exporter


def _configure_logs(resource: Callable[[], Resource], to: Destination | None, withheld: Callable[[], bool]) -> Any:
    from drishti.telemetry import log_records

    if to is None or not log_records.wanted():
        return None
    return log_records.configure(resource(), lambda: log_exporter(to), withheld)


def log_exporter(to: Destination) -> LogRecordExporter:
    """As :func:`span_exporter`."""
    exporter: LogRecordExporter = _exporter(to, "_log_exporter", "OTLPLogExporter")
    return exporter


def _exporter(to: Destination, module: str, name: str) -> Any:
    """The exporter ``name`` of a package of OpenTelemetry: both packages have the same modules."""
    package = "opentelemetry.exporter.otlp.proto"
    if to.grpc:
        try:
            return getattr(importlib.import_module(f"{package}.grpc.{module}"), name)()
        except ImportError as missing:
            raise SettingsError([WITHOUT_GRPC]) from missing
    exporter = getattr(importlib.import_module(f"{package}.http.{module}"), name)
    _spare(exporter)
    return exporter(endpoint=to.endpoint, headers=to.headers)


def _spare(exporter: type) -> None:
    """Has the exporter say once a minute that nobody is reached: the program goes on, and so does its log."""
    from drishti.telemetry.exporters import OncePerMinute

    logger = logging.getLogger(exporter.__module__)
    if not any(isinstance(each, OncePerMinute) for each in logger.filters):
        logger.addFilter(OncePerMinute())


def _observe_process(provider: Any) -> None:
    from drishti.telemetry.process_usage import ProcessUsage

    usage = ProcessUsage()
    meter = provider.get_meter("drishti")
    meter.create_observable_gauge(attributes.PROCESS_CPU_UTILIZATION, [usage.cpu], "1", "share of one core")
    meter.create_observable_gauge(attributes.PROCESS_MEMORY_USAGE, [usage.memory], "By", "resident memory")
