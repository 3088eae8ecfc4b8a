"""What a message holds, item by item: an event, a request or a measured point, with the key that makes it count once. Pure.

An item's **key** is a 128-bit hash of stream family, tenant and id; it does not depend on the item's time or content, so an id
that comes again with another timestamp is the same item.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from msgspec import Struct

from drishti.events import NEWEST, OLDEST, TOO_NEW, TOO_OLD, AnalyticsEvent, RequestEvent

EARLIEST_S = OLDEST.total_seconds()
LATEST_S = NEWEST.total_seconds()
"""An item may tell of that long before and after its arrival; anything else is a wrong clock."""


class Family(Enum):
    """What the items of a message are; the value is the first token of the subject."""

    EVENTS = "events"
    REQUESTS = "requests"
    METRICS = "metrics"


class Point(Struct, frozen=True, gc=False):
    """One measured value out of OTLP metrics, already under its metric's name."""

    metric: str
    service: str
    value: float
    service_name: str | None = None


class Item(Struct, frozen=True, gc=False):
    """One thing that counts once. There are many: a struct costs a third of a named tuple and the collector passes it by.

    ``time`` is the producer's, or the bus's where the producer gave none; ``second`` is the same in whole epoch seconds.
    ``traceparent`` is set where the item's trace is kept."""

    key: bytes
    tenant: str
    time: datetime
    second: int
    body: AnalyticsEvent | RequestEvent | Point
    traceparent: str | None


class Refusal(NamedTuple):
    """Why an item is none, and the item as it came (``None``: the whole message). ``items``: that a message holds which may not
    hold so many."""

    reason: str
    payload: bytes | None
    items: int = 0


def space_of(family: Family, tenant: str) -> bytes:
    """What all ids of one tenant in one family share: the first half of what :func:`key_of` takes."""
    return f"{family.value}\0{tenant}\0".encode()


def key_of(space: bytes, item_id: str) -> bytes:
    return hashlib.blake2b(space + item_id.encode(), digest_size=16).digest()


def wrong_time(at_s: float, arrived_s: float) -> str | None:
    """Why an item of ``at_s`` that arrived at ``arrived_s`` cannot be right; ``None`` where it can."""
    if at_s < arrived_s - EARLIEST_S:
        return f"timestamp: {TOO_OLD}"
    if at_s > arrived_s + LATEST_S:
        return f"timestamp: {TOO_NEW}"
    return None
