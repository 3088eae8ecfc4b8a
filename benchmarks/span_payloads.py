"""Spans as services instrumented by OpenTelemetry send them: traces over several services, exported by each in batches."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, Span

SERVICES = 20
ROUTES = ("/cart", "/products/{id}", "/orders/{id}", "/login", "/search", "/checkout")
SPANS_EACH = 10
"""Of one trace: a request, two calls of other services with what they do, and queries."""

EXPORTED = 512
"""Spans in one export: the SDK's default."""

TEMPLATES = 20
"""Different export requests; others differ from them by the id of one trace."""

MS = 1_000_000
_FAILED = 0.02


class Sent(NamedTuple):
    """One message of SPANS."""

    service: str
    payload: bytes


def messages(count: int, *, seconds: float, until_ns: int, seed: int = 1, exported: int = EXPORTED) -> list[Sent]:
    """Whole traces of ``count`` spans in all that begin in the ``seconds`` before ``until_ns``, ``exported`` at once."""
    chance = random.Random(seed)
    waiting: dict[int, ResourceSpans] = {}
    sent: list[Sent] = []
    traces = count // SPANS_EACH
    for number in range(traces):
        begun = until_ns - int(seconds * 1e9 * (traces - number) / traces)
        for service, span in _trace(chance, begun):
            message = waiting.get(service)
            if message is None:
                message = waiting[service] = _message(service)
            message.scope_spans[0].spans.append(span)
            if len(message.scope_spans[0].spans) == exported:
                sent.append(Sent(_name(service), waiting.pop(service).SerializeToString()))
    sent += [Sent(_name(service), message.SerializeToString()) for service, message in waiting.items()]
    return sent


def exports(count: int, spans: int) -> list[bytes]:
    """``count`` export requests with the spans of one service each, ``spans`` of them; no two are the same."""
    made = messages(40 * spans * SERVICES // SPANS_EACH, seconds=60, until_ns=time.time_ns())
    templates: list[list[bytes]] = []
    for sent in (one for one in made if len(templates) < TEMPLATES):
        resource = ResourceSpans.FromString(sent.payload)
        listed = resource.scope_spans[0].spans
        if len(listed) < spans:
            continue
        del listed[spans:]
        payload = ExportTraceServiceRequest(resource_spans=[resource]).SerializeToString()
        templates.append(payload.split(listed[0].trace_id, 1))
    chance = random.Random()
    return [chance.randbytes(16).join(templates[number % len(templates)]) for number in range(count)]


def _trace(chance: random.Random, begun: int) -> Iterator[tuple[int, Span]]:
    trace_id = chance.randbytes(16)
    front, *others = chance.sample(range(SERVICES), 3)
    route = chance.choice(ROUTES)
    failed = chance.random() < _FAILED
    ms = chance.lognormvariate(4, 0.7)
    root = _span(
        chance, trace_id, b"", f"GET {route}", Span.SPAN_KIND_SERVER, begun, ms,
        {
            "http.request.method": "GET", "http.route": route, "url.path": route.replace("{id}", str(chance.randrange(10**6))),
            "http.response.status_code": 500 if failed else 200, "server.address": _name(front), "url.scheme": "http",
            "user.id": f"user-{chance.randrange(10_000)}",
        },
    )  # fmt: skip
    if failed:
        root.status.code = 2  # type: ignore[assignment]  # its number
        event = root.events.add(name="exception", time_unix_nano=begun + int(ms * MS))
        event.attributes.extend(_pairs({"exception.type": "TimeoutError", "exception.message": "upstream did not answer"}))
    yield front, root
    part = ms / 3
    for place, service in enumerate(others):
        at = begun + int(place * part * MS)
        call = _span(
            chance, trace_id, root.span_id, "GET", Span.SPAN_KIND_CLIENT, at, part,
            {"http.request.method": "GET", "server.address": _name(service), "http.response.status_code": 200},
        )  # fmt: skip
        yield front, call
        served = _span(
            chance, trace_id, call.span_id, f"GET /internal{route}", Span.SPAN_KIND_SERVER, at + MS // 10, part * 0.9,
            {"http.request.method": "GET", "http.route": f"/internal{route}", "http.response.status_code": 200},
        )  # fmt: skip
        yield service, served
        for query in range(2):
            yield service, _span(
                chance, trace_id, served.span_id, "SELECT items", Span.SPAN_KIND_CLIENT, at + MS * (1 + query), part * 0.3,
                {
                    "db.system.name": "postgresql", "db.operation.name": "SELECT", "db.collection.name": "items",
                    "db.query.text": "SELECT id, name, price FROM items WHERE id = $1", "server.address": "db",
                },
            )  # fmt: skip
    yield (
        front,
        _span(chance, trace_id, root.span_id, "render", Span.SPAN_KIND_INTERNAL, begun + int(2 * part * MS), part * 0.9, {}),
    )


def _span(
    chance: random.Random,
    trace_id: bytes,
    parent: bytes,
    name: str,
    kind: int,
    start_ns: int,
    ms: float,
    attributes: dict[str, Any],
) -> Span:
    return Span(
        trace_id=trace_id,
        span_id=chance.randbytes(7) + b"\1",
        parent_span_id=parent,
        name=name,
        kind=kind,  # type: ignore[arg-type]  # its number
        start_time_unix_nano=start_ns,
        end_time_unix_nano=start_ns + int(ms * MS),
        attributes=_pairs(attributes),
        flags=0x101,
    )


def _message(service: int) -> ResourceSpans:
    message = ResourceSpans()
    message.resource.attributes.extend(
        _pairs(
            {
                "service.name": _name(service), "service.version": "1.4.2", "service.instance.id": f"{_name(service)}-7d9f",
                "telemetry.sdk.language": "python", "telemetry.sdk.name": "opentelemetry", "telemetry.sdk.version": "1.39.0",
                "host.name": f"node-{service % 4}", "os.type": "linux", "process.pid": 4242,
            }
        )
    )  # fmt: skip
    scope = message.scope_spans.add().scope
    scope.name, scope.version = "opentelemetry.instrumentation.asgi", "0.60b0"
    return message


def _name(service: int) -> str:
    return f"service-{service}"


def _pairs(attributes: dict[str, Any]) -> list[KeyValue]:
    return [
        KeyValue(key=key, value=AnyValue(int_value=of) if isinstance(of, int) else AnyValue(string_value=of))
        for key, of in attributes.items()
    ]
