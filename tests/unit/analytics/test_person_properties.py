"""Properties of users and accounts have the values of the time of each event, in whatever order changes come."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.ingest import property_changes
from analytics.ingest.items import Item
from analytics.product.counting.breakdowns import labels_of
from analytics.product.people.properties import SET, SET_ONCE, UNSET, Change, Properties, Timeline, Value, current
from analytics.product.segments.segment import Column
from drishti.events import AnalyticsEvent
from rigs.product_days import Happened, buckets

OWNERS = [0, 1, 1 << 60, -1, -(1 << 63)]
VALUES: list[Value] = ["free", "pro", 3.0, 0.5]
BEGIN_MS = 1_700_000_000_000
CHANGES = st.lists(
    st.builds(
        lambda owner, at, event_id, op, value: Change(owner, at, event_id, op, None if op == UNSET else value),
        st.sampled_from(OWNERS),
        st.integers(0, 6).map(lambda place: BEGIN_MS + place * 40_000_000),
        st.sampled_from("xyz"),
        st.sampled_from([SET, SET_ONCE, UNSET]),
        st.sampled_from(VALUES),
    ),
    max_size=20,
    unique_by=lambda change: change[:4],
)
EVENTS = st.lists(
    st.builds(
        lambda user, at, extra: Happened(user, BEGIN_MS + at * 40_000_000 + extra, "view"),
        st.sampled_from(OWNERS[:4]),
        st.integers(-1, 7),
        st.sampled_from([-1, 0, 1]),
    ),
    max_size=12,
)


def value_at(changes: list[Change], owner: int, at: int) -> Value:
    """The definition, word by word."""
    value: Value = None
    mine = [change for change in changes if change.owner == owner and change.at <= at]
    for change in sorted(mine, key=lambda change: (change.at, change.event_id, change.op)):
        if change.op == SET or (change.op == SET_ONCE and value is None):
            value = change.value
        elif change.op == UNSET:
            value = None
    return value


def cell(column: Column, row: int) -> Value:
    if column.codes[row]:
        return column.values[int(column.codes[row]) - 1]
    return None if column.numbers is None or np.isnan(column.numbers[row]) else float(column.numbers[row])


@given(CHANGES, CHANGES, CHANGES, EVENTS, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_the_value_is_that_of_the_time_of_the_event(
    of_users: list[Change], memberships: list[Change], of_accounts: list[Change], events: list[Happened], chance: random.Random
) -> None:
    belongs = [change._replace(value=str(OWNERS[VALUES.index(change.value)])) for change in memberships if change.op != UNSET]
    timelines = []
    for changes in (of_users, belongs, of_accounts):
        shuffled = list(changes)
        chance.shuffle(shuffled)
        timelines.append(Timeline.of(shuffled))
    properties = Properties({"user.plan": timelines[0], "account.plan": timelines[2]}, timelines[1])
    seen = 0
    for stored in buckets(events):
        for day in properties.told(stored):
            for row, user in enumerate(day.segment.of_rows().tolist()):
                at = day.start_ms + int(day.segment.t[row])
                assert cell(day.segment.columns["user.plan"], row) == value_at(of_users, user, at)
                account = value_at(belongs, user, at)
                wanted = value_at(of_accounts, int(account), at) if account is not None else None
                assert cell(day.segment.columns["account.plan"], row) == wanted
                seen += 1
            labels: dict[str | None, int] = {}
            labels_of("user.plan", day.segment, np.arange(day.segment.rows), labels)
            assert {*labels} <= {None, "free", "pro", "3", "0.5"}
    assert seen == len(events)
    for owner in OWNERS:
        mine = [change for change in of_users if change.owner == owner]
        assert current(mine) == value_at(of_users, owner, 1 << 60)


def item(event_type: str, user_id: str | None, **data: Any) -> Item:
    body = AnalyticsEvent(event_id="e", event_type=event_type, user_id=user_id, data=data)
    return Item(b"e", "acme", datetime.fromtimestamp(1, UTC), 1, body, None)


def changes_of(one: Item) -> list[tuple[Any, ...]]:
    """Kind, owner, name, op, text and number of each change."""
    return [(*row[1:3], *row[6:]) for row in property_changes.rows([one])]


def test_events_say_what_changes() -> None:
    given = {
        "set": {"plan": "pro", "age": 7, "beta": True, "tags": ["a"], "old": None, "long": "x" * 300},
        "set_once": {"first": "ad", "none": None},
        "unset": ["trial", 7, ""],
    }
    assert changes_of(item("page_view", "ada", **given)) == [
        ("user", "ada", "first", SET_ONCE, "ad", None),
        ("user", "ada", "age", SET, None, 7.0),
        ("user", "ada", "beta", SET, "true", None),
        ("user", "ada", "long", SET, "x" * 200, None),
        ("user", "ada", "old", UNSET, None, None),
        ("user", "ada", "plan", SET, "pro", None),
        ("user", "ada", "trial", UNSET, None, None),
    ]
    group = {"group_type": "company", "group_id": "c1", "set": {"seats": 4}}
    assert changes_of(item("group", "ada", **group)) == [
        ("user", "ada", "", SET, "c1", None),
        ("account", "c1", "seats", SET, None, 4.0),
    ]
    assert changes_of(item("group", None, **group)) == [("account", "c1", "seats", SET, None, 4.0)]


@pytest.mark.parametrize(
    "one",
    [
        item("page_view", None, set={"plan": "pro"}),
        item("page_view", "ada", set=3, set_once=["plan"], unset="plan"),
        item("page_view", "ada", set={"": 1, "x" * 201: 1}),
        item("group", "ada", group_type="project", group_id="p1", set={"seats": 4}),
        item("group", "ada", group_id=7, set={"seats": 4}),
        item("group", "ada", group_id="x" * 257),
        item("group", "ada", set={"seats": 4}),
    ],
)
def test_what_is_no_property_changes_none(one: Item) -> None:
    assert changes_of(one) == []


def test_of_too_many_properties_the_first_by_name_are_changed() -> None:
    many = {f"p{n:03}": n for n in range(300)}
    assert [row[2] for row in changes_of(item("identify", "ada", set=many))] == sorted(many)[: property_changes.MOST_NAMES]
    huge = changes_of(item("identify", "ada", set={"n": 10**400}))
    assert huge[0][5] == 1e300
