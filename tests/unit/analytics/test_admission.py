"""How many new series get rows of their own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analytics.rollup.admission import needs_room, other, room


def test_a_flood_of_series_leaves_room_for_those_that_come_a_few_at_a_time() -> None:
    assert room(100, 0, 500) == 80
    assert room(100, 80, 50) == 0
    admitted = 80
    for _ in range(30):
        admitted += room(100, admitted, 1)
    assert admitted == 100


def test_a_small_limit_has_no_part_that_is_kept() -> None:
    assert room(49, 0, 500) == 49


@given(st.integers(0, 2000), st.lists(st.integers(0, 300), max_size=30))
def test_never_more_than_the_limit_are_admitted_and_never_more_than_there_are(limit: int, batches: list[int]) -> None:
    admitted = 0
    for new in batches:
        added = room(limit, admitted, new)
        assert 0 <= added <= new
        admitted += added
        assert admitted <= limit


def test_what_is_counted_together_and_what_has_no_labels_needs_no_room() -> None:
    assert not needs_room(())
    assert not needs_room(other(("a", "b")))
    assert needs_room(("a", "other"))
