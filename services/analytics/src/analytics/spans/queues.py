"""How long messages wait before somebody works on them, and how long the work takes, as sums of a minute that merge. Pure.

A span of the kind CONSUMER works on one message or on several; so does a CLIENT that fetches them and links to who sent them. A
message has waited from the end of the span that sent it to the start of that work; where the worker only receives (and no other
consumer works below it), to the end of receiving. Who sent it is known from the parent or from links, also to another trace;
else a broker may have noted when it took the message (:data:`TAKEN_S` and others). Where clocks differ so that the wait would
be below zero it is none.

What is worked on counts in the minute in which the work began.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec
from msgspec import Struct

from analytics.spans import conventions
from analytics.spans.conventions import Names, text, whole
from analytics.spans.durations import Durations
from analytics.spans.operations import destination
from analytics.spans.peers import MESSAGE_COUNT
from analytics.spans.span import Span, SpanKind
from analytics.spans.trace import NOBODY, Origin, Trace

MINUTE_NS = 60_000_000_000

OTHER = "(other)"
UNNAMED = "(unnamed)"

MAX_MESSAGES = 1_000_000
"""That one span works on; more are not believed."""

_RECEIVES = frozenset({"receive", "poll"})
_NO_WORK = frozenset({"settle", "ack", "create", "commit"})

TAKEN_S: Names = ("messaging.servicebus.message.enqueued_time", "messaging.eventhubs.message.enqueued_time")
"""When a broker took the message, in seconds since 1970."""

TAKEN_MS: Names = ("messaging.kafka.message.timestamp", "messaging.message.timestamp_ms")
QUEUED_MS: Names = ("kafka.record.queue_time_ms",)
"""How long it has waited already, in milliseconds."""


class Queue(NamedTuple):
    """Where messages wait, and the service that works on them."""

    system: str
    destination: str
    service: str


class QueueSums(Struct, array_like=True):
    """``messages`` that were worked on, how long those waited of which that is known, and the spans that did the work."""

    messages: int = 0
    waited: Durations = msgspec.field(default_factory=Durations)
    worked: Durations = msgspec.field(default_factory=Durations)

    def merge(self, other: QueueSums) -> None:
        self.messages += other.messages
        self.waited.merge(other.waited)
        self.worked.merge(other.worked)

    def scaled(self, times: int) -> QueueSums:
        return QueueSums(self.messages * times, self.waited.scaled(times), self.worked.scaled(times))


class Queues(Struct):
    """All queues."""

    queues: dict[Queue, QueueSums] = {}

    def merge(self, other: Queues) -> None:
        """Takes in everything that ``other`` has counted, which stays as it is."""
        for queue, sums in other.queues.items():
            self.queues.setdefault(queue, QueueSums()).merge(sums)

    def scaled(self, times: int) -> Queues:
        """What these stand for, where they are of one trace in so many."""
        return self if times == 1 else Queues({queue: sums.scaled(times) for queue, sums in self.queues.items()})

    def bounded(self, most: int) -> Queues:
        """The ``most`` queues with the most messages, and one for all others."""
        if len(self.queues) <= most:
            return self
        ranked = sorted(self.queues.items(), key=lambda item: (-item[1].messages, item[0]))
        found = Queues(dict(ranked[:most]))
        rest = found.queues.setdefault(Queue(OTHER, OTHER, OTHER), QueueSums())
        for _, sums in ranked[most:]:
            rest.merge(sums)
        return found

    def encode(self) -> bytes:
        """MessagePack."""
        return msgspec.msgpack.encode(list(self.queues.items()))

    @classmethod
    def decode(cls, data: bytes) -> Queues:
        """The inverse of :meth:`encode`; raises :class:`ValueError` for anything else."""
        return cls(dict(_decoder.decode(data)))


_decoder = msgspec.msgpack.Decoder(list[tuple[Queue, QueueSums]])


def queues(traces: Iterable[Trace], linked: Iterable[Span] = (), minute: int | None = None) -> Queues:
    """Work that began in ``minute`` (whole minutes since 1970; at any time by default). ``linked`` are spans to which links
    lead, where they are of other traces, and parents that are not among the spans of ``traces``."""
    elsewhere = {(span.trace_id, span.span_id): span for span in linked}
    found = Queues()
    for trace in traces:
        senders: dict[bytes, Span] | None = None
        for position, span in enumerate(trace.spans):
            if not _takes(span) or (minute is not None and span.start_ns // MINUTE_NS != minute):
                continue
            operation = (text(span.attributes, conventions.MESSAGING_OPERATION) or "").lower()
            receives = operation in _RECEIVES
            if operation in _NO_WORK or (receives and _is_worked_on_below(trace, position)):
                continue
            if senders is None and span.links:
                senders = {one.span_id: one for one in trace.spans}
            began = span.end_ns if receives else span.start_ns
            waits = list(_waits(trace, position, began, senders or {}, elsewhere))
            sums = found.queues.setdefault(_queue(span), QueueSums())
            sums.messages += max(len(waits), _messages(span), len({(link.trace_id, link.span_id) for link in span.links}))
            sums.worked.add(span.duration_ns, span.is_error)
            for wait in waits:
                sums.waited.add(wait)
    return found


def _waits(
    trace: Trace,
    position: int,
    began: int,
    senders: Mapping[bytes, Span],
    elsewhere: Mapping[tuple[bytes, bytes], Span],
) -> Iterator[int]:
    """How long each message of which that is known has waited until ``began``."""
    span = trace.spans[position]
    sent: dict[tuple[bytes, bytes], Span] = {}
    parent = trace.parents[position]
    if parent != NOBODY and _sends(trace.spans[parent]):
        sent[trace.trace_id, trace.spans[parent].span_id] = trace.spans[parent]
    elif span.parent_id is not None and trace.origins.get(position) is Origin.PARENT_MISSING:
        place = trace.trace_id, span.parent_id
        if (sender := elsewhere.get(place)) is not None and _sends(sender):
            sent[place] = sender
    for link in span.links:
        place = link.trace_id, link.span_id
        sender = senders.get(link.span_id) if link.trace_id == trace.trace_id else elsewhere.get(place)
        if sender is not None and _sends(sender):
            sent[place] = sender
    if sent:
        yield from (max(0, began - sender.end_ns) for sender in sent.values())
        return
    queued = whole(span.attributes, QUEUED_MS)
    if queued is not None and 0 <= queued < 2**40:
        yield queued * 1_000_000
        return
    for names, unit in ((TAKEN_S, 1_000_000_000), (TAKEN_MS, 1_000_000)):
        taken = whole(span.attributes, names)
        if taken is not None and 0 < taken * unit <= began:
            yield began - taken * unit
            return


def _takes(span: Span) -> bool:
    """Whether a span takes messages: a consumer, or a client that says which ones it fetched."""
    if span.kind is SpanKind.CONSUMER:
        return True
    if span.kind is not SpanKind.CLIENT or not span.links:
        return False
    return (text(span.attributes, conventions.MESSAGING_OPERATION) or "").lower() in _RECEIVES


def _sends(span: Span) -> bool:
    """Whether a span sends messages: a producer, or a client of a broker."""
    return span.kind is SpanKind.PRODUCER or (
        span.kind is SpanKind.CLIENT and conventions.messaging_system(span.attributes) is not None
    )


def _is_worked_on_below(trace: Trace, position: int) -> bool:
    return any(trace.spans[child].kind is SpanKind.CONSUMER for child in trace.children[position])


def _messages(span: Span) -> int:
    count = whole(span.attributes, MESSAGE_COUNT)
    return count if count is not None and 1 <= count <= MAX_MESSAGES else 1


def _queue(span: Span) -> Queue:
    system = conventions.messaging_system(span.attributes) or UNNAMED
    return Queue(system[:64], destination(span.attributes) or UNNAMED, span.service)
