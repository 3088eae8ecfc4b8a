"""Slices of a range: they cover it without a gap, grow with what they cost, and end when the time is over."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

from analytics.traces.slices import FIRST, LONGER, STEP_S, Slice, Slices

END = datetime(2026, 5, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def read(slices: Slices, clock: Clock, seconds_each: float) -> list[Slice]:
    pieces = []
    for piece in slices:
        pieces.append(piece)
        clock.now += seconds_each
    return pieces


def test_slices_cover_the_range_and_get_longer_while_they_cost_little() -> None:
    clock = Clock()
    slices = Slices(END - WEEK, END, clock=clock)
    assert slices.untouched
    pieces = read(slices, clock, STEP_S / 100)
    assert slices.whole
    assert not slices.untouched
    assert (pieces[0].end, pieces[-1].start) == (END, END - WEEK)
    assert all(later.start == earlier.end for later, earlier in itertools.pairwise(pieces))
    assert pieces[0].end - pieces[0].start == FIRST
    assert pieces[1].end - pieces[1].start == FIRST * LONGER


def test_slices_that_cost_much_get_shorter_and_end_with_the_time() -> None:
    clock = Clock()
    slices = Slices(END - WEEK, END, within_s=3 * STEP_S, clock=clock)
    pieces = read(slices, clock, 2 * STEP_S)
    assert len(pieces) == 2
    assert pieces[1].end - pieces[1].start == FIRST / 2
    assert not slices.whole
    assert slices.read_from == pieces[-1].start


def test_a_slice_that_was_given_up_does_not_count_as_read() -> None:
    slices = Slices(END - WEEK, END, clock=Clock())
    for _piece in slices:
        break
    assert slices.untouched
    assert slices.read_from == END


def test_of_an_empty_range_all_is_read() -> None:
    slices = Slices(END, END, clock=Clock())
    assert list(slices) == []
    assert slices.whole
