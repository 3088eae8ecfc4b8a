"""When an event happened, by a clock that may be wrong: what senders say they sent at is compared with when it came. Pure."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from drishti.errors import InvalidPayload
from drishti.events import time_window
from gateway.ingest.parsing import ON_THE_WAY

NETWORK_TIME = timedelta(seconds=10)
"""A request may take that long to arrive: a smaller difference says nothing about the sender's clock."""

_MS_FROM = 1e11
"""Numbers from here on are milliseconds since 1970: as seconds they would be beyond the year 5000."""


def instant(value: Any, name: str) -> datetime | None:
    """The instant that the field ``name`` is: ISO 8601, in UTC where it has no offset, or seconds or milliseconds since 1970.

    Raises :class:`InvalidPayload`.
    """
    if value is None or value == "":
        return None
    try:
        if isinstance(value, str):
            at = datetime.fromisoformat(value.strip())
            return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).astimezone(UTC)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return datetime.fromtimestamp(value / 1000 if abs(value) >= _MS_FROM else value, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    raise InvalidPayload("must be an instant in ISO 8601", name)


def instant_or_none(value: Any) -> datetime | None:
    """The same of a field that the events can do without."""
    try:
        return instant(value, "")
    except InvalidPayload:
        return None


def corrected(at: datetime, sent_at: datetime | None, received_at: datetime) -> datetime:
    """``at`` by the clock of the receiver: later by how much later than ``sent_at`` it was received.

    Unchanged where that is no more than the network's time, and where it would leave the time that events may have.
    """
    if sent_at is None or abs(skew := received_at - sent_at) <= NETWORK_TIME:
        return at
    try:
        moved = at + skew
    except OverflowError:
        return at
    return at if time_window(received_at, margin=ON_THE_WAY).wrong(moved) else moved
