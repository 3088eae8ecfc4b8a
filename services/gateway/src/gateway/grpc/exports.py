"""The ``Export`` calls of OTLP's three services: the same intake as OTLP/HTTP, whose answers are protobuf here too."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial

from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from drishti.bus.keys import Principal
from drishti.messages import attributes
from drishti.telemetry import spans, trace_context
from gateway.asgi import Headers
from gateway.errors import Refused
from gateway.grpc.calls import Call, Open
from gateway.ingest.bodies import inflated
from gateway.ingest.otlp_intake import OtlpIntake
from gateway.otlp import exports

Record = Callable[[str | None, str, int, float, str | None], None]
"""Takes note of a call: tenant, path, status in HTTP's numbers, seconds, ``traceparent``."""

_SERVICES: dict[exports.Signal, str] = {
    "traces": "opentelemetry.proto.collector.trace.v1.TraceService",
    "metrics": "opentelemetry.proto.collector.metrics.v1.MetricsService",
    "logs": "opentelemetry.proto.collector.logs.v1.LogsService",
}


def methods(intakes: Iterable[OtlpIntake], record: Record, *, traced: bool) -> dict[bytes, Open]:
    """Path → how a call of it begins. ``traced``: whether spans of this process go anywhere."""
    return {
        path.encode(): partial(_opened, intake, record, path, traced)
        for intake in intakes
        for path in (f"/{_SERVICES[intake.signal]}/Export",)
    }


def _opened(
    intake: OtlpIntake, record: Record, path: str, traced: bool, fields: Headers, headers: Iterable[tuple[bytes, bytes]]
) -> Call:
    began = time.perf_counter()
    tenant: str | None = None
    try:
        sender = intake.authenticate(fields)
        tenant = sender.tenant
        return _ExportCall(intake, sender, partial(record, tenant, path), began, fields, headers if traced else ())
    except Refused as refused:
        record(tenant, path, refused.status, time.perf_counter() - began, None)
        raise


class _ExportCall:
    """One call, from its admission to :meth:`end`."""

    def __init__(
        self,
        intake: OtlpIntake,
        sender: Principal,
        record: Callable[[int, float, str | None], None],
        began: float,
        fields: Headers,
        headers: Iterable[tuple[bytes, bytes]],
    ) -> None:
        self.most_bytes = intake.sizes.sent
        self._intake = intake
        self._sender = sender
        self._record = record
        self._began = began
        self._fields = fields
        self._headers = headers
        self._traceparent: str | None = None
        self._held = intake.enter()

    def hold(self, count: int) -> None:
        self._held.at_least(count)

    async def answer(self, message: bytes, coding: bytes) -> bytes:
        with self._span() as span:
            try:
                export = await self._store(message, coding)
            except Refused as refused:
                if span is not None and refused.status >= 500:
                    span.set_status(Status(StatusCode.ERROR))
                raise
        return exports.response(self._intake.signal, export, json=False)

    async def _store(self, message: bytes, coding: bytes) -> exports.Export:
        intake, held = self._intake, self._held
        if coding:
            message = await inflated(message, coding, intake.sizes, held, intake.inflater, self._sender.tenant)
        return await intake.store(self._sender, message, held, self._fields, json=False)

    @contextlib.contextmanager
    def _span(self) -> Iterator[Span | None]:
        """A span that goes on with the caller's trace; as with OTLP/HTTP none where the call is part of no trace."""
        if not any(name == b"traceparent" for name, _ in self._headers):
            yield None
            return
        about = {attributes.RPC_SYSTEM: "grpc", attributes.TENANT: self._sender.tenant}
        name = f"{_SERVICES[self._intake.signal]}/Export"
        parent = trace_context.context_of(self._headers)
        with spans.span(name, kind=SpanKind.SERVER, parent=parent, attributes=about) as span:
            self._traceparent = spans.traceparent_of(span)
            yield span

    def end(self, status: int) -> None:
        self._intake.leave(self._held)
        self._record(status, time.perf_counter() - self._began, self._traceparent)
