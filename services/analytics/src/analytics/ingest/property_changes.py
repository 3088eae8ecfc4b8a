"""What events say about properties of users and accounts, as rows of ``property_changes``. Pure.

``set``, ``set_once`` (objects) and ``unset`` (a list of names) of an event's data are about its user; those of a `group` event
about the account ``group_id``, to which its user belongs from then on.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from analytics.ingest.items import Item
from analytics.ingest.person_edges import MAX_ID
from analytics.product.people.properties import ACCOUNT_OF_USER, SET, SET_ONCE, UNSET
from analytics.product.segments.event_rows import MAX_NAME, MAX_TEXT
from drishti.events import AnalyticsEvent

GROUP = "group"
"""The type of events about accounts."""

ACCOUNT_TYPES = frozenset({"", "account", "company", "group", "organisation", "organization"})
"""Types of groups that are accounts; none is given where there is one only."""

MOST_NAMES = 100
"""Properties that one event can change in one way; of more, the first by name."""

MOST = 1e300
"""Larger numbers are this one, so that every number is a float."""

Change = tuple[str, int, str | None, float | None]


def rows(items: Iterable[Item]) -> list[tuple[Any, ...]]:
    """Rows for ``put_property_changes``: tenant, kind, id of the owner, of the user or None, time, event, name, op, text,
    number."""
    found = []
    for item in items:
        body: AnalyticsEvent = item.body
        if not body.data:
            continue
        for kind, owner, changes in _about(body):
            said = (item.tenant, kind, owner, body.user_id, item.time, body.event_id)
            found += [(*said, *change) for change in changes]
    return found


def _about(event: AnalyticsEvent) -> Iterator[tuple[str, str, list[Change]]]:
    if event.event_type != GROUP:
        if event.user_id and (changes := _changes(event.data)):
            yield "user", event.user_id, changes
        return
    group = event.data.get("group_id")
    if not isinstance(group, str) or not 0 < len(group) <= MAX_ID or event.data.get("group_type", "") not in ACCOUNT_TYPES:
        return
    if event.user_id:
        yield "user", event.user_id, [(ACCOUNT_OF_USER, SET, group, None)]
    if changes := _changes(event.data):
        yield "account", group, changes


def _changes(data: Mapping[str, Any]) -> list[Change]:
    found: list[Change] = []
    for field, op in (("set_once", SET_ONCE), ("set", SET)):
        values = data.get(field)
        if isinstance(values, Mapping):
            changes = (_change(name, op, values[name]) for name in sorted(filter(_is_name, values))[:MOST_NAMES])
            found += filter(None, changes)
    unset = data.get("unset")
    if isinstance(unset, list):
        names = sorted({name for name in unset if isinstance(name, str) and _is_name(name)})
        found += [(name, UNSET, None, None) for name in names[:MOST_NAMES]]
    return found


def _is_name(name: str) -> bool:
    return 0 < len(name) <= MAX_NAME


def _change(name: str, op: int, value: object) -> Change | None:
    """``None`` for lists and objects, which are no properties; null is nothing."""
    if isinstance(value, bool):
        return name, op, "true" if value else "false", None
    if isinstance(value, str):
        return name, op, value[:MAX_TEXT], None
    if isinstance(value, int | float):
        return name, op, None, float(max(-MOST, min(MOST, value)))
    return (name, UNSET, None, None) if value is None and op == SET else None
