"""What events say about ids that belong to one person, as rows of ``person_edges``. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from analytics.ingest.items import Item
from drishti.events import AnalyticsEvent

IDENTIFY, ALIAS = "identify", "alias"
"""Types of events, and kinds of edges."""

ANONYMOUS_ID, PREVIOUS_ID = "anonymous_id", "previous_id"
"""Keys of data: another id of the event's user."""

MAX_ID = 256
"""Characters of a user's id: longer ones are no id of any event."""

NOBODY = frozenset(
    {
        *("", "0", "[object object]", "anonymous", "distinct_id", "distinctid", "email", "false", "guest", "id", "nan"),
        *("nil", "none", "not_authenticated", "null", "true", "undefined"),
    }
)
"""What applications send by mistake where an id is not known, in lower case: it would join all of their users."""

Key = tuple[str, str, str, str]


def rows(items: Iterable[Item]) -> list[tuple[Any, ...]]:
    """Rows for ``put_person_edges`` out of events: an edge has one for each event, since it may have been undone in between."""
    found: set[tuple[Key, datetime, str]] = set()
    for item in items:
        if item.body.event_type in (IDENTIFY, ALIAS):
            found |= {(key, item.time, item.body.event_id) for key in _edges(item.tenant, item.body)}
    return [(*key, at, event_id) for key, at, event_id in sorted(found)]


def named_users(item: Item) -> set[str]:
    """The ids that an event names: that of its user, and one that its sender knows the user by as well."""
    body = item.body
    values = (body.user_id, *(body.data.get(name) for name in (ANONYMOUS_ID, PREVIOUS_ID)))
    return {value for value in values if isinstance(value, str)}


def _edges(tenant: str, event: AnalyticsEvent) -> Iterator[Key]:
    user = _id(event.user_id)
    if not user:
        return
    if event.event_type == ALIAS:
        if (other := _id(event.data.get(PREVIOUS_ID))) and other != user:
            yield tenant, ALIAS, other, user
    else:
        yield tenant, IDENTIFY, user, user
        if (other := _id(event.data.get(ANONYMOUS_ID))) and other != user:
            yield tenant, IDENTIFY, other, user


def _id(value: Any) -> str:
    """``value`` where it is an id of somebody; empty where not."""
    return value if isinstance(value, str) and len(value) <= MAX_ID and value.strip().lower() not in NOBODY else ""
