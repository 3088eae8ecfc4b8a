"""What every mapping ends with: one event of ours, encoded. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from drishti.errors import InvalidPayload
from drishti.events import AnalyticsEvent, encode
from drishti.messages.cloudevents import ID_LENGTH
from drishti.messages.named_events import data_of, event_type
from gateway.sources.batches import Batch
from gateway.sources.clocks import corrected

TYPES = {
    "$pageview": "page_view",
    "page": "page_view",
    "$screen": "screen_view",
    "screen": "screen_view",
    "$identify": "identify",
    "$create_alias": "alias",
    "$groupidentify": "group",
    "$set": "set_properties",
}
"""Names that these SDKs give events of their own, and the one type that each is here, whoever sent it."""


def type_of(name: str) -> str:
    """The type of the event that an SDK calls ``name``."""
    return TYPES.get(name) or event_type(name)


def encoded(
    batch: Batch,
    index: int,
    item: bytes,
    *,
    event_type: str,
    event_id: str | None,
    user_id: str | None,
    session_id: str | None,
    at: datetime | None,
    sent_at: datetime | None,
    given: Mapping[str, Any],
    own: dict[str, Any],
) -> bytes:
    """The JSON of one event; raises :class:`InvalidPayload` where it cannot be written."""
    received_at = batch.received_at
    moved = at
    if at is not None and received_at is not None and not batch.historical:
        moved = corrected(at, sent_at, received_at)
        if moved != at:
            own["original_timestamp"] = at
    event = AnalyticsEvent(
        event_id=event_id if event_id is not None and len(event_id) <= ID_LENGTH else _id(batch, index, item, event_id, at),
        event_type=event_type,
        user_id=user_id,
        session_id=session_id,
        timestamp=moved,
        data=data_of(given, own),
    )
    try:
        return encode(event)
    except (UnicodeEncodeError, RecursionError):
        raise InvalidPayload("cannot be written as JSON") from None


def _id(batch: Batch, index: int, item: bytes, event_id: str | None, at: datetime | None) -> str:
    """An id for an event without one, or with one that is too long: what has a time of its own is the same when it comes again,
    what has none is not known from another of its kind."""
    if event_id is not None:
        what = event_id.encode("utf-8", "surrogatepass")
    elif at is not None:
        what = item
    else:
        what = f"{batch.request}/{index}".encode()
    return hashlib.blake2b(what, digest_size=16).hexdigest()
