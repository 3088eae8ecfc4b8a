"""From the bytes of a request to messages for the bus, and an answer for each item that is none. Pure.

How this works
--------------
The common request is an array of valid events: one pass of the decoder validates all of them. That pass leaves out the
patterns of tokens, which cost as much as all the rest; the few different tokens of an array are checked once each. Where all
are of one type and the array is small enough that none of them can be too large, the bytes are forwarded as they came.
Otherwise the body is cut into items without looking into them, and they are joined again by type, still as they came. Where
some are not valid, each item is decoded for itself. Nothing is encoded anew, so that fields which this version does not know
survive.

A message holds events of one type and at most :data:`MESSAGE_BYTES`.

Where the gateway's own work is part of a kept trace, an event without a ``traceparent`` gets one, put into its text before the
closing brace: in JSON as everybody reads it the last of two equal names counts, so a ``null`` that was there does no harm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec import Struct

from drishti.errors import InvalidPayload
from drishti.events import (
    EVENT_BYTES,
    TOKEN,
    UNDECODABLE,
    AnalyticsEvent,
    BatchDecoder,
    time_window,
)
from drishti.messages import jsontext
from gateway.errors import Refused
from gateway.ingest.array_decoder import ArrayDecoder

MESSAGE_BYTES = 256 * 1024
"""The largest message. NATS takes 1 MB; a quarter keeps consumers' batches small and leaves room for headers."""

ON_THE_WAY = timedelta(seconds=30)
"""So much narrower is the window of an item's own time here: analytics measures it from when the bus stored the item, by
another clock, and what was accepted must not be refused there."""

_COMMAS_PER_EVENT = 64
"""More commas than this for each allowed item, and the body is refused before it is cut."""


class _Glanced(AnalyticsEvent, gc=False, kw_only=True):
    """An event whose tokens are still to be checked."""

    event_type: str
    service: str | None = None


_is_token = re.compile(TOKEN).search
_events = BatchDecoder(AnalyticsEvent)
_many = ArrayDecoder(_Glanced)


class Rejection(Struct, frozen=True):
    """Why one item was not accepted. ``index`` counts items of an array, or lines of NDJSON, from 0."""

    index: int
    field: str
    error: str


class Message(NamedTuple):
    """One message for ``events.v1.<tenant>.<event_type>``; ``ids`` and ``traceparents`` are those of its events, in order."""

    event_type: str
    payload: bytes
    ids: Sequence[str]
    traceparents: Sequence[str | None] = ()


class ParsedEvents(NamedTuple):
    """What became of one request."""

    messages: list[Message]
    accepted: int
    rejected: list[Rejection]
    single: bool = False
    """Whether the body was one event, not an array: those are worth coalescing with others'."""


def parse(body: bytes, *, lines: bool, now: datetime, max_events: int, traceparent: str | None = None) -> ParsedEvents:
    """Messages and rejections of ``body``: one event, an array or, with ``lines``, NDJSON.

    Raises :class:`Refused` with 413 where there are more than ``max_events`` items.
    """
    body = jsontext.text_of(body)
    if not body or body.isspace():
        return _nothing("the body is empty")
    if lines:
        return _each(_lines(body, max_events), now, traceparent)
    if not jsontext.is_array(body):
        return _single(body, now, traceparent)
    return _array(body, now, max_events, traceparent)


def parse_translated(
    items: Sequence[bytes],
    translate: Callable[[int, bytes], bytes],
    *,
    now: datetime,
    max_events: int,
    max_bytes: int | None = None,
    traceparent: str | None = None,
    single: bool = False,
) -> ParsedEvents:
    """Messages and rejections of ``items`` in another format: ``translate`` gives the JSON of the event that the item at an
    index is, or raises :class:`InvalidPayload`. ``single``: there is one, which did not come in an array.

    Raises :class:`Refused` with 413 where there are more than ``max_events`` items, or they become more than ``max_bytes``.
    """
    if len(items) > max_events:
        raise too_many(max_events)
    texts: list[tuple[int, bytes]] = []
    rejected: list[Rejection] = []
    size = 0
    for index, item in enumerate(items):
        if len(item) > EVENT_BYTES:
            rejected.append(_too_long(index))
            continue
        try:
            text = translate(index, item)
        except InvalidPayload as error:
            rejected.append(Rejection(index, error.field, error.error))
            continue
        size += len(text)
        if max_bytes is not None and size > max_bytes:
            raise Refused(413, f"the events of the request become more than {max_bytes} bytes: send fewer at once")
        texts.append((index, text))
    if not texts:
        return ParsedEvents([], 0, rejected, single)
    parsed = _each(texts, now, traceparent)
    if rejected:
        rejected = sorted([*rejected, *parsed.rejected], key=lambda rejection: rejection.index)
    return ParsedEvents(parsed.messages, parsed.accepted, rejected or parsed.rejected, single)


def check_commas(text: bytes, max_events: int) -> None:
    """Raises :class:`Refused` with 413 where the array ``text`` has so many commas that it is not worth cutting."""
    if len(text) > EVENT_BYTES and text.count(b",") > max_events * _COMMAS_PER_EVENT:
        raise too_many(max_events)


def _single(body: bytes, now: datetime, traceparent: str | None) -> ParsedEvents:
    if len(body) > EVENT_BYTES:
        return ParsedEvents([], 0, [_too_long(0)], single=True)
    try:
        event = _events.decode_item(body)
        _check_time(event, now)
    except InvalidPayload as error:
        return ParsedEvents([], 0, [Rejection(0, error.field, error.error)], single=True)
    if traceparent is not None and event.traceparent is None:
        body = _with_traceparent(body, traceparent)
    own = event.traceparent or traceparent
    return ParsedEvents([Message(event.event_type, body, (event.event_id,), (own,))], 1, [], single=True)


def _array(body: bytes, now: datetime, max_events: int, traceparent: str | None) -> ParsedEvents:
    check_commas(body, max_events)
    events = _all_valid(body)
    if events and len(events) <= max_events and len(body) <= EVENT_BYTES and _may_stay(events, now, traceparent):
        ids = [event.event_id for event in events]
        traceparents = [] if traceparent is None else [event.traceparent for event in events]
        return ParsedEvents([Message(events[0].event_type, body, ids, traceparents)], len(events), [])
    try:
        items = jsontext.cut(body)
    except InvalidPayload as error:
        return _nothing(error.error)
    if len(items) > max_events:
        raise too_many(max_events)
    if not items:
        return _nothing("the array is empty")
    return _each(enumerate(items), now, traceparent, events)


def _all_valid(body: bytes) -> Sequence[AnalyticsEvent] | None:
    """The events of an array; ``None`` where some are not valid, their times apart, or must be looked at one by one."""
    if jsontext.is_dense(body):
        return None
    try:
        events, suspect = _many.decode(body)
    except UNDECODABLE:
        return None
    if suspect:
        return None
    tokens = {event.service for event in events} | {event.event_type for event in events}
    return events if all(token is None or _is_token(token) for token in tokens) else None


def _may_stay(events: Sequence[AnalyticsEvent], now: datetime, traceparent: str | None) -> bool:
    """Whether these are one message without a change: of one type, with good times, none in want of a context."""
    event_type = events[0].event_type
    earliest, latest = time_window(now, margin=ON_THE_WAY)
    for event in events:
        if event.event_type != event_type or (event.traceparent is None and traceparent is not None):
            return False
        if event.timestamp is not None and not earliest <= event.timestamp <= latest:
            return False
    return True


def _each(
    items: Iterable[tuple[int, bytes]],
    now: datetime,
    traceparent: str | None,
    events: Sequence[AnalyticsEvent] | None = None,
) -> ParsedEvents:
    """Item by item; ``events`` are those of all items, where they are known already."""
    by_type: dict[str, _Joined] = {}
    messages: list[Message] = []
    rejected: list[Rejection] = []
    accepted = 0
    for index, item in items:
        if len(item) > EVENT_BYTES:
            rejected.append(_too_long(index))
            continue
        try:
            event = _events.decode_item(item) if events is None else events[index]
            _check_time(event, now)
        except InvalidPayload as error:
            rejected.append(Rejection(index, error.field, error.error))
            continue
        accepted += 1
        text = item
        if traceparent is not None and event.traceparent is None:
            text = _with_traceparent(item, traceparent)
        joined = by_type.setdefault(event.event_type, _Joined())
        if joined.texts and joined.size + len(text) + 1 > MESSAGE_BYTES:
            messages.append(joined.message(event.event_type))
            joined = by_type[event.event_type] = _Joined()
        joined.add(event, text)
    messages += [joined.message(event_type) for event_type, joined in by_type.items()]
    if not accepted and not rejected:
        return _nothing("the body is empty")
    return ParsedEvents(messages, accepted, rejected)


class _Joined:
    """The events of one type that will be one message."""

    def __init__(self) -> None:
        self.texts: list[bytes] = []
        self.ids: list[str] = []
        self.traceparents: list[str | None] = []
        self.size = 1

    def add(self, event: AnalyticsEvent, text: bytes) -> None:
        self.texts.append(text)
        self.ids.append(event.event_id)
        self.traceparents.append(event.traceparent)
        self.size += len(text) + 1

    def message(self, event_type: str) -> Message:
        return Message(event_type, join(self.texts), self.ids, self.traceparents)


def join(texts: Sequence[bytes]) -> bytes:
    """The array of these JSON texts; a single one stays as it is."""
    return texts[0] if len(texts) == 1 else b"[" + b",".join(texts) + b"]"


def _lines(body: bytes, max_events: int) -> Iterator[tuple[int, bytes]]:
    """The lines that hold something, with their numbers. The last may end in a newline."""
    if body.count(b"\n") > max_events:
        raise too_many(max_events)
    return ((i, text) for i, line in enumerate(body.split(b"\n")) if (text := line.strip()))


def _with_traceparent(text: bytes, traceparent: str) -> bytes:
    return b'%b,"traceparent":"%b"}' % (text.rstrip()[:-1], traceparent.encode())


def _check_time(event: AnalyticsEvent, now: datetime) -> None:
    if event.timestamp is None:
        return
    if (wrong := time_window(now, margin=ON_THE_WAY).wrong(event.timestamp)) is not None:
        raise InvalidPayload(wrong, "timestamp")


def _nothing(error: str) -> ParsedEvents:
    return ParsedEvents([], 0, [Rejection(0, "", error)])


def _too_long(index: int) -> Rejection:
    return Rejection(index, "", f"an event may have at most {EVENT_BYTES} bytes")


def too_many(max_events: int) -> Refused:
    """The refusal of a request that brings more events than it may."""
    return Refused(413, f"more than {max_events} events in one request")
