"""Who is who depends on the set of edges alone, and is what the definition says, word by word."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.ingest import person_edges
from analytics.ingest.items import Item
from analytics.product.people.merging import Edge, persons
from drishti.events import AnalyticsEvent

IDS = "abcdef"
EDGES = st.lists(
    st.builds(
        Edge,
        st.sampled_from(["identify", "alias"]),
        st.sampled_from(IDS),
        st.sampled_from(IDS),
        st.integers(0, 3),
        st.sampled_from("xyz"),
        st.sampled_from([False, False, False, True]),
    ),
    max_size=12,
)


def slow(edges: Sequence[Edge]) -> dict[str, str]:
    """The definition, word by word."""
    ids = {one for edge in edges for one in (edge.from_id, edge.to_id)}
    users = {edge.to_id for edge in edges if edge.kind == "identify"}
    joins = [edge for edge in edges if edge.kind == "alias" and not edge.undone and edge.from_id != edge.to_id]
    anonymous = set()
    for one in ids - users:
        away = [edge for edge in edges if edge.kind == "identify" and edge.from_id == one and not edge.undone]
        if away:
            joins.append(min(away, key=lambda edge: (edge.at, edge.event_id, edge.to_id)))
            anonymous.add(one)

    def connected(start: str) -> set[str]:
        found = {start}
        while True:
            more = {one for e in joins for one in (e.from_id, e.to_id) if {e.from_id, e.to_id} & found} - found
            if not more:
                return found
            found |= more

    person = {}
    for one in ids:
        members = connected(one)
        ends = [member for member in members if all(edge.from_id != member for edge in joins)]
        person[one] = sorted(ends or [member for member in members if member not in anonymous])[0]
    return person


@given(EDGES, st.randoms())
@settings(max_examples=500, deadline=None)
def test_persons_are_those_of_the_definition_in_any_order_and_with_repetitions(
    edges: list[Edge], chance: random.Random
) -> None:
    wanted = slow(edges)
    assert persons(edges) == wanted
    shuffled = [*edges, *chance.sample(edges, len(edges) // 2)]
    chance.shuffle(shuffled)
    assert persons(shuffled) == wanted


def identify(anonymous: str, user: str, at: int = 0, *, undone: bool = False) -> list[Edge]:
    return [Edge("identify", user, user, at), Edge("identify", anonymous, user, at, undone=undone)]


def alias(other: str, user: str, *, undone: bool = False) -> Edge:
    return Edge("alias", other, user, undone=undone)


@pytest.mark.parametrize(
    ("edges", "same"),
    [
        (identify("x", "ada"), {"x": "ada"}),
        (identify("x", "ada") + identify("y", "ada"), {"x": "ada", "y": "ada"}),
        (identify("x", "ada", 1) + identify("x", "eve", 2), {"x": "ada"}),  # a device that two use is the first one's
        (identify("x", "ada", 2) + identify("x", "eve", 1), {"x": "eve"}),
        (identify("ada", "eve"), {"ada": "eve"}),
        (identify("x", "ada") + identify("ada", "eve"), {"x": "ada"}),  # a user is never merged away
        (identify("x", "ada", undone=True) + identify("ada", "eve"), {}),  # and an undone edge makes it no less a user
        (identify("x", "ada", 1, undone=True) + identify("x", "eve", 2), {"x": "eve"}),
        ([alias("old", "new"), alias("new", "newest")], {"old": "newest", "new": "newest"}),
        ([alias("a", "b"), alias("b", "a")], {"b": "a"}),
        ([alias("x", "b"), alias("x", "c")], {"x": "b", "c": "b"}),
        ([*identify("x", "ada"), alias("x", "eve")], {"x": "ada", "eve": "ada"}),
        ([alias("old", "new", undone=True)], {}),
    ],
)
def test_who_is_who(edges: list[Edge], same: dict[str, str]) -> None:
    for _ in range(10):
        random.Random(len(edges)).shuffle(edges)
        found = {one: person for one, person in persons(edges).items() if one != person}
        assert found == same


def test_a_hundred_thousand_ids_in_a_row_are_one_person() -> None:
    row = [alias(f"{n:06}", f"{n + 1:06}") for n in range(100_000)]
    random.Random(1).shuffle(row)
    assert set(persons(row).values()) == {"100000"}


def item(event_id: str, event_type: str, user_id: str | None, at: int = 0, **data: Any) -> Item:
    body = AnalyticsEvent(event_id=event_id, event_type=event_type, user_id=user_id, data=data)
    return Item(event_id.encode(), "acme", datetime.fromtimestamp(at, UTC), at, body, None)


def test_events_say_who_is_who() -> None:
    rows = person_edges.rows(
        [
            item("3", "identify", "ada", 5, anonymous_id="x"),
            item("2", "identify", "ada", 4, anonymous_id="x"),
            item("4", "alias", "eve", 1, previous_id="y"),
            item("5", "page_view", "eve", 1, anonymous_id="z", previous_id="z"),
            item("6", "identify", "bob", 2),
        ]
    )
    assert [(kind, from_id, to_id, event_id) for _, kind, from_id, to_id, _, event_id in rows] == [
        ("alias", "y", "eve", "4"),
        ("identify", "ada", "ada", "2"),
        ("identify", "ada", "ada", "3"),
        ("identify", "bob", "bob", "6"),
        ("identify", "x", "ada", "2"),
        ("identify", "x", "ada", "3"),
    ]


@pytest.mark.parametrize(
    "wrong", ["", " ", "null", "NULL", "undefined", "0", "anonymous", "[object Object]", "x" * 257, 7, None, ["a"]]
)
def test_what_is_no_id_joins_nobody(wrong: Any) -> None:
    assert person_edges.rows([item("1", "alias", "ada", previous_id=wrong)]) == []
    assert [row[2:4] for row in person_edges.rows([item("1", "identify", "ada", anonymous_id=wrong)])] == [("ada", "ada")]
    if isinstance(wrong, str):
        assert person_edges.rows([item("1", "identify", wrong, anonymous_id="x")]) == []
