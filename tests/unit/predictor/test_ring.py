"""The ring of many series against the plainest thing that does the same: a dictionary."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from predictor.series.ring import GROW, Ring, grown

LENGTH = 7

Step = tuple[int, int, float]
"""A row, by how much its time moves on (or back), and a value."""

steps = st.lists(st.tuples(st.integers(0, 2), st.integers(-9, 12), st.floats(-9, 9, width=32)), max_size=40)


def seen(ring: Ring, row: int, end: int, size: int) -> list[float | None]:
    window = ring.window("value", np.array([row]), end, size)[0]
    return [None if math.isnan(value) else float(value) for value in window]


@given(steps)
def test_a_window_has_what_was_written_for_its_times_and_nothing_else(given_steps: list[Step]) -> None:
    ring = Ring(LENGTH, {"value": np.float32}, empty=math.nan)
    written: dict[tuple[int, int], float] = {}
    newest = dict.fromkeys(range(3), 100)
    ring.reserve(3)
    for row in newest:
        ring.clear(row, 100)
    for row, ahead, value in given_steps:
        at = newest[row] + ahead
        ring.write(np.array([row]), at, value=np.array([value]))
        newest[row] = max(newest[row], at)
        if at > newest[row] - LENGTH:
            written[row, at] = value
    for row, end in newest.items():
        for size in (1, LENGTH):
            assert seen(ring, row, end, size) == [written.get((row, at)) for at in range(end - size + 1, end + 1)]


def test_rows_that_come_later_leave_the_others_as_they_were() -> None:
    ring = Ring(LENGTH, {"value": np.float32}, empty=math.nan)
    count = 5 * GROW
    for row in range(count):
        ring.reserve(row + 1)
        ring.clear(row, row)
        ring.write(np.array([row]), row + 1, value=np.array([float(row)]))
    for row in range(count):
        assert seen(ring, row, row + 1, LENGTH) == [None] * (LENGTH - 1) + [row]


def test_room_is_made_along_either_axis_and_for_more_than_was_asked() -> None:
    array = np.arange(120).reshape(2, 60)
    wide = grown(array, 61, axis=1)
    assert wide.shape == (2, 90)
    assert np.array_equal(wide[:, :60], array)
    assert not wide[:, 60:].any()
    assert grown(wide, 90, axis=1) is wide
    assert grown(array, 3).shape == (GROW, 60)
