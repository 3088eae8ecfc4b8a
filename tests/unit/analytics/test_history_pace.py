"""The filling of history gives way to live events, and stops for nobody."""

from __future__ import annotations

from datetime import timedelta

from analytics.event_metrics import history
from analytics.event_metrics.pace import EVENTS_PER_S, MOST, Pace


class Live:
    def __init__(self) -> None:
        self.stored = 0
        self.waiting = 0

    def pace(self) -> Pace:
        return Pace(stored=lambda: self.stored, waiting=lambda: self.waiting)


def test_it_does_not_rest_while_nothing_is_stored() -> None:
    live = Live()
    live.stored = 1_000_000  # before
    pace = live.pace()
    assert [pace.rest_s(0.25, 0.25) for _ in range(3)] == [0, 0, 0]


def test_it_rests_the_longer_the_more_is_stored_live_and_never_longer_than_that() -> None:
    live = Live()
    pace = live.pace()
    live.stored = int(EVENTS_PER_S)
    assert pace.rest_s(0.25, 1.0) == 0.25
    live.stored += 1_000_000
    assert pace.rest_s(0.25, 1.0) == 0.25 * MOST


def test_what_waits_counts_though_its_transaction_has_not_ended() -> None:
    live = Live()
    pace = live.pace()
    live.waiting = 20_000
    assert pace.rest_s(0.1, 1.0) == 0.1 * MOST


def test_a_burst_is_remembered_for_a_few_pieces_of_work() -> None:
    live = Live()
    pace = live.pace()
    live.stored = int(4 * EVENTS_PER_S)
    rests = [pace.rest_s(1.0, 1.0) for _ in range(4)]
    assert rests == [4.0, 1.0, 0.25, 0.0625]
    live.stored += 1_000_000
    pace.begin()
    assert pace.rest_s(1.0, 1.0) == 0


def test_a_rest_ends_when_nothing_is_stored_any_more() -> None:
    live = Live()
    pace = live.pace()
    live.stored = 100_000
    assert pace.rest_s(1.0, 1.0) == MOST
    live.waiting = 1
    assert not pace.ended()
    live.waiting = 0
    assert pace.ended()
    assert pace.rest_s(1.0, 1.0) == 0
    live.stored += 1
    assert not pace.ended()
    assert pace.ended()


def test_portions_grow_with_sparse_rows_and_never_beyond_a_step() -> None:
    portion = history.FIRST_PORTION_S
    for _ in range(100):
        portion = history.next_portion(portion, 0.0)
    assert timedelta(seconds=portion) == history.STEP_HOURS * history.HOUR
    for _ in range(100):
        portion = history.next_portion(portion, 1_000.0)
    assert portion == 1.0
