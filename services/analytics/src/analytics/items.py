"""What a message holds, item by item: an event, a request or a measured point, with the key that makes it count once. Pure.

An item's **key** is a 128-bit hash of stream family, tenant and id; it does not depend on the item's time or content, so an id
that comes again with another timestamp is the same item.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from enum import Enum
from typing import NamedTuple

from drishti.events import AnalyticsEvent, RequestEvent

EARLIEST_MS = 30 * 86_400_000
LATEST_MS = 10 * 60_000
"""An item may tell of up to 30 days before and 10 minutes after its arrival; anything else is a wrong clock."""


class Family(Enum):
    """What the items of a message are; the value is the first token of the subject."""

    EVENTS = "events"
    REQUESTS = "requests"
    METRICS = "metrics"


class Point(NamedTuple):
    """One measured value out of OTLP metrics, already under its metric's name."""

    metric: str
    service: str
    value: float


class Item(NamedTuple):
    """``time`` is the producer's, or the bus's where the producer gave none; ``second`` is the same in whole epoch seconds.
    ``traceparent`` is set where the item's trace is kept."""

    key: bytes
    tenant: str
    time: datetime
    second: int
    body: AnalyticsEvent | RequestEvent | Point
    traceparent: str | None


class Refusal(NamedTuple):
    """Why an item is none, and the item as it came (``None``: the whole message)."""

    reason: str
    payload: bytes | None


def key_of(family: Family, tenant: str, item_id: str) -> bytes:
    return hashlib.blake2b(f"{family.value}\0{tenant}\0{item_id}".encode(), digest_size=16).digest()


def wrong_time(at_ms: float, arrived_ms: float) -> str | None:
    """Why an item of ``at_ms`` that arrived at ``arrived_ms`` cannot be right; ``None`` where it can."""
    if at_ms < arrived_ms - EARLIEST_MS:
        return "timestamp: more than 30 days before its arrival"
    if at_ms > arrived_ms + LATEST_MS:
        return "timestamp: more than 10 minutes after its arrival"
    return None
