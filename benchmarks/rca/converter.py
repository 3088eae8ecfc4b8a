"""Recorded rows as OTLP: ``ResourceSpans``, ``ResourceLogs`` and ``ResourceMetrics``, one message per pod.

Names are those of the semantic conventions.

The files do not tell the kind of a span: one without a parent, or with a parent in another pod, is a server's; one with a child
in another pod is a client's; every other is internal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord, ResourceLogs, SeverityNumber
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span, Status

from benchmarks.rca.nezha import GaugeRow, LogRow, SpanRow, service_of

GAUGES = {
    "CpuUsage(m)": ("k8s.pod.cpu.usage", "{cpu}", 1e-3),
    "CpuUsageRate(%)": ("k8s.pod.cpu_limit_utilization", "1", 1e-2),
    "MemoryUsage(Mi)": ("k8s.pod.memory.usage", "By", 2.0**20),
    "MemoryUsageRate(%)": ("k8s.pod.memory_limit_utilization", "1", 1e-2),
    "NetworkReceiveBytes": ("k8s.pod.network.receive", "By/s", 1.0),
    "NetworkTransmitBytes": ("k8s.pod.network.transmit", "By/s", 1.0),
    "NodeCpuUsageRate(%)": ("k8s.node.cpu.utilization", "1", 1e-2),
    "NodeMemoryUsageRate(%)": ("k8s.node.memory.utilization", "1", 1e-2),
}
"""By column: name, unit and factor. The other columns are drawn from the traces of the window itself."""

_SEVERITIES = {
    "TRACE": SeverityNumber.SEVERITY_NUMBER_TRACE,
    "DEBUG": SeverityNumber.SEVERITY_NUMBER_DEBUG,
    "INFO": SeverityNumber.SEVERITY_NUMBER_INFO,
    "WARN": SeverityNumber.SEVERITY_NUMBER_WARN,
    "WARNING": SeverityNumber.SEVERITY_NUMBER_WARN,
    "ERROR": SeverityNumber.SEVERITY_NUMBER_ERROR,
    "FATAL": SeverityNumber.SEVERITY_NUMBER_FATAL,
}
_LEVEL = re.compile(rf"\b({'|'.join(_SEVERITIES)})\b")


def spans(rows: Iterable[SpanRow], errors: dict[bytes, str] | None = None) -> list[ResourceSpans]:
    """``errors``: the type of the exception that ended a span, by its id."""
    rows = list(rows)
    pods = {row.span_id: row.pod for row in rows}
    callers = {row.parent_id for row in rows if row.parent_id and pods.get(row.parent_id, row.pod) != row.pod}
    messages: dict[str, ResourceSpans] = {}
    for row in rows:
        message = messages.get(row.pod)
        if message is None:
            message = messages[row.pod] = ResourceSpans(resource=_resource(row.pod))
            message.scope_spans.add()
        remote = not row.parent_id or pods.get(row.parent_id, row.pod) != row.pod
        kind = Span.SPAN_KIND_SERVER if remote else Span.SPAN_KIND_CLIENT if row.span_id in callers else Span.SPAN_KIND_INTERNAL
        span = message.scope_spans[0].spans.add(
            trace_id=row.trace_id,
            span_id=row.span_id,
            parent_span_id=row.parent_id,
            name=row.name,
            kind=kind,
            start_time_unix_nano=row.start_ns,
            end_time_unix_nano=row.end_ns,
        )
        if errors and (error := errors.get(row.span_id)):
            span.status.code = Status.STATUS_CODE_ERROR
            event = span.events.add(name="exception", time_unix_nano=row.end_ns)
            event.attributes.add(key="exception.type").value.string_value = error
    return list(messages.values())


def logs(rows: Iterable[LogRow]) -> list[ResourceLogs]:
    messages: dict[str, ResourceLogs] = {}
    for row in rows:
        message = messages.get(row.pod)
        if message is None:
            message = messages[row.pod] = ResourceLogs(resource=_resource(row.pod))
            message.scope_logs.add()
        level = _LEVEL.search(row.text[:200])
        record: LogRecord = message.scope_logs[0].log_records.add(
            time_unix_nano=row.time_ns,
            observed_time_unix_nano=row.time_ns,
            trace_id=row.trace_id,
            span_id=row.span_id,
        )
        if level:
            record.severity_text = level[1]
            record.severity_number = _SEVERITIES[level[1]]
        record.body.string_value = row.text.strip()
    return list(messages.values())


def gauges(rows: Iterable[GaugeRow]) -> list[ResourceMetrics]:
    messages: dict[str, ResourceMetrics] = {}
    for row in rows:
        message = messages.get(row.pod)
        if message is None:
            message = messages[row.pod] = ResourceMetrics(resource=_resource(row.pod))
            message.scope_metrics.add()
        metrics = {metric.name: metric for metric in message.scope_metrics[0].metrics}
        for column, value in row.values:
            if column not in GAUGES:
                continue
            name, unit, factor = GAUGES[column]
            metric = metrics.get(name)
            if metric is None:
                metric = message.scope_metrics[0].metrics.add(name=name, unit=unit)
            metric.gauge.data_points.add(time_unix_nano=row.time_ns, as_double=value * factor)
    return list(messages.values())


def _resource(pod: str) -> Resource:
    resource = Resource()
    resource.attributes.add(key="service.name").value.string_value = service_of(pod)
    resource.attributes.add(key="k8s.pod.name").value.string_value = pod
    return resource
