"""Bytes of EVENTS and REQUESTS to items. Pure. The good ones of an array are kept beside the bad ones, which say why.

An array with more than :data:`~drishti.events.MAX_ITEMS` items is refused whole, before its items are looked at one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

import msgspec

from analytics import refusals
from analytics.items import Family, Item, Refusal, key_of, space_of, wrong_time
from drishti import telemetry
from drishti.errors import InvalidPayload
from drishti.events import MAX_ITEMS, UNDECODABLE, AnalyticsEvent, BatchDecoder, RequestEvent, invalid_payload

Decoded = tuple[list[Item], list[Refusal]]

Origin = tuple[int, bytes]
"""An item's place in its message, and the item as it came."""

_NUL = b"\\u0000"
_RAW = msgspec.json.Decoder(list[msgspec.Raw])

T = TypeVar("T", AnalyticsEvent, RequestEvent)

_events = BatchDecoder(AnalyticsEvent)
_requests = BatchDecoder(RequestEvent)


def decode_events(tenant: str, payload: bytes, arrived: datetime, traceparent: str | None) -> Decoded:
    """The events of one message. ``arrived`` is when the bus stored it, ``traceparent`` its header's."""
    return _decode(_events, Family.EVENTS, tenant, payload, arrived, traceparent)


def decode_requests(tenant: str, payload: bytes, arrived: datetime, traceparent: str | None) -> Decoded:
    """The requests of one message."""
    return _decode(_requests, Family.REQUESTS, tenant, payload, arrived, traceparent)


def _decode(
    decoder: BatchDecoder[T], family: Family, tenant: str, payload: bytes, arrived: datetime, traceparent: str | None
) -> Decoded:
    if _NUL not in payload:
        try:
            bodies = decoder.decode(payload)
            if len(bodies) > MAX_ITEMS:
                return [], [refusals.too_many(len(bodies), ())]
            items, untimely = _items(family, tenant, bodies, arrived, traceparent, lambda index: _again(bodies, index))
            return items, refusals.letters(untimely, len(bodies)) if untimely else untimely
        except InvalidPayload:
            pass  # somewhere: the slow way finds out where
    try:
        parts = _RAW.decode(payload) if payload.lstrip()[:1] == b"[" else [msgspec.Raw(payload)]
    except UNDECODABLE as error:
        return [], [Refusal(str(invalid_payload(error)), None)]
    if len(parts) > MAX_ITEMS:
        ignored: list[T] = []
        faults = ((index, _fault(decoder, bytes(part), ignored)) for index, part in enumerate(parts[: refusals.SHOWN]))
        return [], [refusals.too_many(len(parts), [f"item {index}: {fault}" for index, fault in faults if fault])]
    # An item of an array is told apart by its place; a message that is one event is refused whole.
    whole = len(parts) == 1
    good: list[T] = []
    places: list[int] = []
    refused: list[Refusal] = []
    for index, part in enumerate(parts):
        reason = _fault(decoder, bytes(part), good)
        if reason is None:
            places.append(index)
        else:
            refused.append(Refusal(reason if whole else f"item {index}: {reason}", None if whole else bytes(part)))

    def origin(index: int) -> Origin | None:
        return None if whole else (places[index], bytes(parts[places[index]]))

    items, untimely = _items(family, tenant, good, arrived, traceparent, origin)
    bad = refused + untimely
    return items, bad if whole else refusals.letters(bad, len(parts))


def _again(bodies: list[T], index: int) -> Origin | None:
    """Place and bytes of an item of a message in which every item is well-formed."""
    return (index, msgspec.json.encode(bodies[index])) if len(bodies) > 1 else None


def _fault(decoder: BatchDecoder[T], part: bytes, good: list[T]) -> str | None:
    """Decodes one item into ``good``; the reason where that cannot be."""
    if _NUL in part and _has_nul(part):
        return "text must not contain the character U+0000"
    try:
        good += decoder.decode(part)
    except InvalidPayload as error:
        return str(error)
    return None


def _has_nul(part: bytes) -> bool:
    """Whether an escaped NUL is really one: in JSON ``\\\\u0000`` is a backslash and ``u0000``."""
    try:
        return _holds_nul(msgspec.json.decode(part))
    except UNDECODABLE:
        return False  # no JSON: the decoder says it better


def _holds_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any("\0" in key or _holds_nul(item) for key, item in value.items())
    return isinstance(value, list) and any(map(_holds_nul, value))


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
    header = traceparent if telemetry.sampled(traceparent) else None
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
        trace = header if own is None else own if telemetry.sampled(own) else None
        items.append(Item(key_of(space, body.event_id), tenant, time, int(at), body, trace))
    return items, refused
