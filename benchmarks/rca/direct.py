"""From OTLP messages to sums in this process: the way of the product without its bus and database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

from opentelemetry.proto.logs.v1.logs_pb2 import ResourceLogs
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans

from analytics.logs import otlp as logs_otlp
from analytics.spans import otlp
from analytics.spans.root_cause.records import LogRecord
from analytics.spans.root_cause.sums import Sums
from analytics.spans.span import Span
from analytics.spans.trace import assemble
from drishti.messages import subjects

BUCKET_S = 10
"""The finest stretch of time for which sums are kept. Recorded faults begin at any second, with little before them."""

Logs = Mapping[bytes, Sequence[LogRecord]]
"""By trace id."""


class Buckets(defaultdict[int, Sums]):
    """Sums by the time at which they begin, in seconds since 1970. ``refused`` counts spans that cannot be right, by what is
    wrong with them."""

    def __init__(self) -> None:
        super().__init__(Sums)
        self.spans = 0
        self.refused: Counter[str] = Counter()

    def add_spans(self, messages: Iterable[ResourceSpans], logs: Logs) -> None:
        """The spans of whole traces."""
        traces: dict[bytes, list[Span]] = {}
        for sent in messages:
            for span in otlp.read(ResourceSpans.FromString(sent.SerializeToString())):
                if isinstance(span, otlp.BadSpan):
                    self.refused[span.reason.split(":")[0]] += 1
                    continue
                traces.setdefault(span.trace_id, []).append(span)
                self.spans += 1
        for trace_id, spans in traces.items():
            trace = assemble(spans)
            began = min(span.start_ns for span in spans)
            self[_bucket(began)].add_trace(trace, logs.get(trace_id, ()))

    def add_gauges(self, messages: Iterable[ResourceMetrics]) -> None:
        for sent in messages:
            message = ResourceMetrics.FromString(sent.SerializeToString())
            service = subjects.service_of(message.resource.attributes)
            for scope in message.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.gauge.data_points:
                        self[_bucket(point.time_unix_nano)].add_gauge(service, metric.name, point.as_double)

    def between(self, start_s: int, end_s: int) -> list[Sums]:
        return [sums for at, sums in self.items() if start_s <= at < end_s]


def read_logs(messages: Iterable[ResourceLogs]) -> dict[bytes, list[LogRecord]]:
    """The log records of messages by trace id; those of no span, and those that cannot be right, are left out."""
    found: dict[bytes, list[LogRecord]] = {}
    templates: dict[str, str] = {}
    for sent in messages:
        for read in logs_otlp.read(ResourceLogs.FromString(sent.SerializeToString())):
            if isinstance(read, logs_otlp.BadRecord):
                continue
            record = read.record
            if record.trace_id and record.span_id:
                template = templates.setdefault(record.template.text, record.template.text)
                line = LogRecord(record.time_ns, record.service, record.trace_id, record.span_id, record.severity, template)
                found.setdefault(record.trace_id, []).append(line)
    return found


def _bucket(time_ns: int) -> int:
    return time_ns // 10**9 // BUCKET_S * BUCKET_S
