"""What a long command reports of its progress, in a log and on a terminal."""

from __future__ import annotations

import io

import pytest

from predictor.command.results import progress
from predictor.command.results.progress import FILE_S, PATIENCE_S, TERMINAL_S, Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress, "time", clock)
    return clock


def test_a_log_gets_nothing_in_the_first_two_seconds_and_a_line_at_a_time_then(clock: Clock) -> None:
    log = io.StringIO()
    reported = Progress("rows scored", log)
    reported.step(10, 0)
    assert log.getvalue() == ""
    clock.now += PATIENCE_S
    reported.step(1234, 4000)
    reported.step(1300, 4000)
    clock.now += FILE_S
    reported.step(2000, 0)
    reported.close()
    assert log.getvalue() == "rows scored: 1,234 of 4,000 (31%)\nrows scored: 2,000\n"


def test_a_terminal_gets_one_line_that_is_removed_at_the_end(clock: Clock) -> None:
    terminal = Terminal()
    reported = Progress("training", terminal)
    clock.now += PATIENCE_S
    reported.step(1, 2)
    clock.now += TERMINAL_S
    reported.step(2, 2)
    reported.close()
    assert terminal.getvalue() == "\rtraining: 1 of 2 (50%)\rtraining: 2 of 2 (100%)\r" + " " * 23 + "\r"
