"""JSON messages, one item or an array of them, to items. Pure. The good items of an array are kept beside the bad ones.

An array with more than :data:`~drishti.events.MAX_ITEMS` items is refused whole, before its items are decoded one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Generic, TypeVar

import msgspec
from msgspec import Struct

from analytics.ingest import refusals
from analytics.ingest.items import Decoded, Item, Refusal, key_of, key_space
from drishti.errors import InvalidPayload
from drishti.events import MAX_ITEMS, UNDECODABLE, AnalyticsEvent, BatchDecoder, RequestEvent, wrong_time
from drishti.telemetry import spans

Origin = tuple[int, bytes]
"""An item's position in its message, and the item as it came."""

T = TypeVar("T", AnalyticsEvent, RequestEvent)


class _Id(Struct):
    event_id: str


_id = msgspec.json.Decoder(_Id)


class JsonDecoder(Generic[T]):
    """Decodes the messages of ``signal``, whose items are of the type ``body``."""

    def __init__(self, signal: str, body: type[T]) -> None:
        self._signal = signal
        self._bodies: BatchDecoder[T] = BatchDecoder(body)

    def decode(self, tenant: str, payload: bytes, arrived: datetime, traceparent: str | None) -> Decoded:
        """The items of one message. ``arrived`` is when the bus stored it, ``traceparent`` its header's."""
        decoder = self._bodies
        try:
            bodies = decoder.decode(payload)
        except InvalidPayload:
            pass  # somewhere: the slow way finds out where
        else:
            if len(bodies) > MAX_ITEMS:
                return [], [refusals.too_many(len(bodies), ())]
            items, untimely = self._items(tenant, bodies, arrived, traceparent, lambda index: _encoded(bodies, index))
            return items, refusals.letters(untimely, len(bodies)) if untimely else untimely
        try:
            parts = decoder.cut(payload)
        except InvalidPayload as wrong:
            return [], [Refusal(str(wrong), None)]
        if len(parts) > MAX_ITEMS:
            return [], [refusals.too_many(len(parts), list(_faults(decoder, parts[: refusals.SHOWN])))]
        # An item of an array is identified by its position; a message that is one event is refused whole.
        whole = len(parts) == 1
        good: list[T] = []
        positions: list[int] = []
        refused: list[Refusal] = []
        for index, part in enumerate(parts):
            try:
                good.append(decoder.decode_item(part))
            except InvalidPayload as wrong:
                refused.append(Refusal(str(wrong) if whole else f"item {index}: {wrong}", None if whole else part))
            else:
                positions.append(index)

        def origin(index: int) -> Origin | None:
            return None if whole else (positions[index], parts[positions[index]])

        items, untimely = self._items(tenant, good, arrived, traceparent, origin)
        bad = refused + untimely
        return items, bad if whole else refusals.letters(bad, len(parts))

    def dead_letters(self, payload: bytes, bad: Sequence[tuple[Item, str]]) -> list[Refusal]:
        """Refusals of items that were decoded from ``payload`` and could not be stored, with the reason of each."""
        parts = self._bodies.cut(payload)
        if len(parts) < 2:
            return [Refusal(bad[0][1], None)]
        positions: dict[str, int] = {}
        for index, part in enumerate(parts):
            try:
                positions.setdefault(_id.decode(part).event_id, index)
            except UNDECODABLE:
                continue  # it was refused when the message was decoded
        refused = []
        for item, reason in bad:
            position = positions[item.body.event_id]
            refused.append(Refusal(f"item {position}: {reason}", parts[position]))
        return refusals.letters(refused, len(parts))

    def _items(
        self,
        tenant: str,
        bodies: list[T],
        arrived: datetime,
        traceparent: str | None,
        origin: Callable[[int], Origin | None],
    ) -> Decoded:
        arrived_s = arrived.timestamp()
        space = key_space(self._signal, tenant)
        header = traceparent if spans.sampled(traceparent) else None
        items: list[Item] = []
        refused: list[Refusal] = []
        for index, body in enumerate(bodies):
            time, at = body.timestamp, arrived_s
            if time is None:
                time = arrived
            else:
                at = time.timestamp()
                if (wrong := wrong_time(at, arrived_s)) is not None:
                    reason, part = f"timestamp: {wrong}", origin(index)
                    refused.append(Refusal(reason, None) if part is None else Refusal(f"item {part[0]}: {reason}", part[1]))
                    continue
            own = body.traceparent
            trace = header if own is None else own if spans.sampled(own) else None
            items.append(Item(key_of(space, body.event_id), tenant, time, int(at), body, trace))
        return items, refused


def _encoded(bodies: list[T], index: int) -> Origin | None:
    """Position and bytes of an item of a message in which every item is well-formed."""
    return (index, msgspec.json.encode(bodies[index])) if len(bodies) > 1 else None


def _faults(decoder: BatchDecoder[T], parts: Iterable[bytes]) -> Iterator[str]:
    for index, part in enumerate(parts):
        try:
            decoder.decode_item(part)
        except InvalidPayload as wrong:
            yield f"item {index}: {wrong}"
