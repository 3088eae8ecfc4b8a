"""A consumer with a backlog makes progress, catches up, or is stalled, and says so with numbers."""

from __future__ import annotations

from drishti.bus.backlog import CATCHING_UP, STALLED_S, Backlog, Sample


def backlog() -> Backlog:
    return Backlog("EVENTS", reader="analytics", ack_wait_s=30)


def test_a_consumer_without_a_backlog_is_well_however_long_nothing_comes() -> None:
    result = backlog()
    for now in (0.0, 1000.0):
        result.sample(now, Sample(0, 0, 7, 1))
    assert result.problem(1000.0 + 2 * STALLED_S) == ""


def test_messages_that_nobody_asks_for_are_a_problem_with_numbers() -> None:
    result = backlog()
    for now in range(30):
        result.sample(now, Sample(1200 + now, 0, 7, 0))
    assert result.problem(STALLED_S - 1) == ""
    reported = result.problem(29)
    assert "1,229 messages wait and none was finished for 29 s" in reported
    assert "is analytics running?" in reported


def test_a_growing_backlog_that_makes_progress_is_catching_up_and_no_problem() -> None:
    result = backlog()
    for now in range(100):
        result.sample(now, Sample(CATCHING_UP + 50 * now, 10, 7 + now, 1))
    assert result.problem(99) == ""
    assert result.note() == "analytics is catching up: 6,960 messages wait in EVENTS"


def test_redelivery_is_no_progress() -> None:
    """The same messages again and again: delivered stays where it was, and so does what waits for its acknowledgement."""
    result = backlog()
    for now in range(100):
        result.sample(now, Sample(5, 2000, 2000, 1))
    assert result.problem(STALLED_S - 1) == ""
    assert "2,000 of them delivered and not acknowledged: see the log of analytics" in result.problem(99)


def test_what_a_killed_process_had_taken_may_wait_until_it_is_delivered_again() -> None:
    result = backlog()
    result.sample(0, Sample(0, 20, 20, 1))
    assert result.problem(30 + STALLED_S - 1) == ""
    assert result.problem(30 + STALLED_S + 1) != ""


def test_a_frozen_process_that_goes_on_being_given_messages_is_found_at_once() -> None:
    """Its fetch requests live on, so nothing waits for delivery; but all of it waits for an acknowledgement."""
    result = backlog()
    for now in range(25):
        result.sample(now, Sample(0, 3 + now, 20 + now, 2))
    assert result.problem(STALLED_S - 1) == ""
    assert "27 messages wait and none was finished" in result.problem(24)


def test_one_message_that_stays_behind_while_others_are_settled_is_no_stall() -> None:
    result = backlog()
    for now in range(100):
        result.sample(now, Sample(0, 1, 20 + now, 1))
    assert result.problem(99) == ""


def test_a_consumer_that_was_made_again_begins_anew() -> None:
    result = backlog()
    for now in range(30):
        result.sample(now, Sample(9, 0, 500, 1))
    assert result.problem(29) != ""
    result.sample(30, Sample(509, 0, 0, 1))
    assert result.problem(30) == ""
