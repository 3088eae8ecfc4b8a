"""Bytes of EVENTS and REQUESTS to items. Pure. The good ones of an array are kept beside the bad ones, which say why.

An array with more than :data:`~drishti.events.MAX_ITEMS` items is refused whole, before its items are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

import msgspec
from msgspec import Struct

from analytics.ingest import refusals
from analytics.ingest.items import Family, Item, Point, Refusal, key_of, space_of, wrong_time
from drishti.errors import InvalidPayload
from drishti.events import MAX_ITEMS, UNDECODABLE, AnalyticsEvent, BatchDecoder, RequestEvent
from drishti.telemetry import spans

Decoded = tuple[list[Item], list[Refusal]]

Origin = tuple[int, bytes]
"""An item's place in its message, and the item as it came."""

T = TypeVar("T", AnalyticsEvent, RequestEvent)


class _Id(Struct):
    event_id: str


_id = msgspec.json.Decoder(_Id)
_events = BatchDecoder(AnalyticsEvent)
_requests = BatchDecoder(RequestEvent)


def decode_events(tenant: str, payload: bytes, arrived: datetime, traceparent: str | None) -> Decoded:
    """The events of one message. ``arrived`` is when the bus stored it, ``traceparent`` its header's."""
    return _decode(_events, Family.EVENTS, tenant, payload, arrived, traceparent)


def decode_requests(tenant: str, payload: bytes, arrived: datetime, traceparent: str | None) -> Decoded:
    """The requests of one message."""
    return _decode(_requests, Family.REQUESTS, tenant, payload, arrived, traceparent)


def refusals_of(payload: bytes, bad: Sequence[tuple[Item, str]]) -> list[Refusal]:
    """Refusals of items that were taken out of ``payload`` and could not be stored, with the reason of each."""
    named = [(item.body.event_id, reason) for item, reason in bad if not isinstance(item.body, Point)]
    # Of measured points the letter holds all: those that are stored count once, also when they are sent again.
    parts = _events.cut(payload) if named else []
    if len(parts) < 2:
        return [Refusal(bad[0][1], None)]
    places: dict[str, int] = {}
    for index, part in enumerate(parts):
        try:
            places.setdefault(_id.decode(part).event_id, index)
        except UNDECODABLE:
            continue  # it was refused when the message was decoded
    found = [Refusal(f"item {places[name]}: {reason}", parts[places[name]]) for name, reason in named]
    return refusals.letters(found, len(parts))


def _decode(
    decoder: BatchDecoder[T], family: Family, tenant: str, payload: bytes, arrived: datetime, traceparent: str | None
) -> Decoded:
    try:
        bodies = decoder.decode(payload)
    except InvalidPayload:
        pass  # somewhere: the slow way finds out where
    else:
        if len(bodies) > MAX_ITEMS:
            return [], [refusals.too_many(len(bodies), ())]
        items, untimely = _items(family, tenant, bodies, arrived, traceparent, lambda index: _again(bodies, index))
        return items, refusals.letters(untimely, len(bodies)) if untimely else untimely
    try:
        parts = decoder.cut(payload)
    except InvalidPayload as wrong:
        return [], [Refusal(str(wrong), None)]
    if len(parts) > MAX_ITEMS:
        return [], [refusals.too_many(len(parts), list(_faults(decoder, parts[: refusals.SHOWN])))]
    # An item of an array is told apart by its place; a message that is one event is refused whole.
    whole = len(parts) == 1
    good: list[T] = []
    places: list[int] = []
    refused: list[Refusal] = []
    for index, part in enumerate(parts):
        try:
            good.append(decoder.decode_item(part))
        except InvalidPayload as wrong:
            refused.append(Refusal(str(wrong) if whole else f"item {index}: {wrong}", None if whole else part))
        else:
            places.append(index)

    def origin(index: int) -> Origin | None:
        return None if whole else (places[index], parts[places[index]])

    items, untimely = _items(family, tenant, good, arrived, traceparent, origin)
    bad = refused + untimely
    return items, bad if whole else refusals.letters(bad, len(parts))


def _again(bodies: list[T], index: int) -> Origin | None:
    """Place and bytes of an item of a message in which every item is well-formed."""
    return (index, msgspec.json.encode(bodies[index])) if len(bodies) > 1 else None


def _faults(decoder: BatchDecoder[T], parts: Iterable[bytes]) -> Iterator[str]:
    for index, part in enumerate(parts):
        try:
            decoder.decode_item(part)
        except InvalidPayload as wrong:
            yield f"item {index}: {wrong}"


def _items(
    family: Family,
    tenant: str,
    bodies: list[T],
    arrived: datetime,
    traceparent: str | None,
    origin: Callable[[int], Origin | None],
) -> Decoded:
    arrived_s = arrived.timestamp()
    space = space_of(family, tenant)
    header = traceparent if spans.sampled(traceparent) else None
    items: list[Item] = []
    refused: list[Refusal] = []
    for index, body in enumerate(bodies):
        time, at = body.timestamp, arrived_s
        if time is None:
            time = arrived
        else:
            at = time.timestamp()
            if (reason := wrong_time(at, arrived_s)) is not None:
                found = origin(index)
                refused.append(Refusal(reason, None) if found is None else Refusal(f"item {found[0]}: {reason}", found[1]))
                continue
        own = body.traceparent
        trace = header if own is None else own if spans.sampled(own) else None
        items.append(Item(key_of(space, body.event_id), tenant, time, int(at), body, trace))
    return items, refused
