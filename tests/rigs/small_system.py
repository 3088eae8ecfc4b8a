"""Requests of a small system of services as traces and log records, for tests of what is drawn from them.

An :class:`Endpoint` says what one service does on a call: lines that it logs and calls that it makes, in order, and how long it
works itself. A call has a client span at the caller and a server span at the callee, with the network between them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from analytics.spans.root_cause.records import LogRecord
from analytics.spans.root_cause.sums import Sums
from analytics.spans.span import Span, SpanEvent, SpanKind
from analytics.spans.trace import assemble
from rigs.span_trees import BEGIN_NS, span, span_id

MS = 1_000_000


@dataclass(frozen=True)
class Endpoint:
    """``does`` are log lines (texts) and calls (endpoints), in order. ``error`` is the type of the exception that ends it."""

    service: str
    operation: str
    does: tuple[str | Endpoint, ...] = ()
    own_ms: float = 10.0
    network_ms: float = 2.0
    error: str = ""

    def at(self, service: str, **changed: object) -> Endpoint:
        """The same with ``changed`` wherever ``service`` is called."""
        does = tuple(part if isinstance(part, str) else part.at(service, **changed) for part in self.does)
        same = replace(self, does=does)
        return replace(same, **changed) if self.service == service else same  # type: ignore[arg-type]


def request(number: int, entry: Endpoint, seed: random.Random) -> tuple[list[Span], list[LogRecord]]:
    """One request through ``entry``, the ``number``-th; durations vary by a tenth or so."""
    spans: list[Span] = []
    logs: list[LogRecord] = []
    ids = iter(range(1, 10_000))

    def serve(endpoint: Endpoint, parent: int | None, start: int, kind: SpanKind = SpanKind.SERVER) -> int:
        here, now = next(ids), start
        pause = endpoint.own_ms * seed.lognormvariate(0, 0.1) * MS / (len(endpoint.does) + 1)
        for part in endpoint.does:
            now += int(pause)
            if isinstance(part, str):
                severity = 17 if part.startswith("ERROR") else 9
                logs.append(
                    LogRecord(BEGIN_NS + now, endpoint.service, number.to_bytes(16, "big"), span_id(here), severity, part)
                )
                continue
            client, wait = next(ids), int(part.network_ms * seed.lognormvariate(0, 0.1) * MS / 2)
            end = serve(part, client, now + wait) + wait
            spans.append(
                span(client, here, now, end, service=endpoint.service, name="HTTP GET", kind=SpanKind.CLIENT, trace=number)
            )
            now = end
        now += int(pause)
        events = (SpanEvent(now, "exception", {"exception.type": endpoint.error}),) if endpoint.error else ()
        spans.append(
            span(
                here,
                parent,
                start,
                now,
                service=endpoint.service,
                name=endpoint.operation,
                kind=kind,
                trace=number,
                error=bool(endpoint.error),
                events=events,
            )
        )
        return now

    serve(entry, None, 0)
    return spans, logs


def sums(entries: Sequence[Endpoint], *, requests: int = 50, first: int = 1, seed: int = 1) -> Sums:
    """Sums of ``requests`` requests, which enter by turns; numbers of traces begin with ``first``."""
    drawn = random.Random(seed)
    found = Sums()
    for number in range(first, first + requests):
        spans, logs = request(number, entries[number % len(entries)], drawn)
        found.add_trace(assemble(spans), logs)
    return found
