"""A range of time in slices, the newest first, for as long as a question has time: the rest is said to be left out.

Each slice is as long as it is likely to be read in a part of a second, by how long the one before took. So a search that
finds enough ends early, one over days that finds little reads all of them where that is possible in time, and no statement
runs into PostgreSQL's limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

FIRST = timedelta(seconds=30)

LONGER = 4.0
"""A slice is at most so many times as long as the one before."""

STEP_S = 0.4
"""A slice is to take about so long."""

SEARCH_S = 2.5
"""How long one question may read slices: the gateway waits 10 s, of which others may take some before it is this one's turn."""

LEAST_S = 0.25
"""Each slice has at least so long."""


class Slice(NamedTuple):
    """``[start, end)``."""

    start: datetime
    end: datetime


class Slices:
    """Iterate over it: each slice counts as read when the next one is asked for. Iteration ends with the range, or when the
    time is over, after one slice at least. ``first``: how long that one is."""

    def __init__(
        self,
        begin: datetime,
        end: datetime,
        *,
        within_s: float = SEARCH_S,
        first: timedelta = FIRST,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._begin = begin
        self._end = max(begin, end)
        self._clock = clock
        self._until = clock() + within_s
        self.width = first
        self.read_from = self._end
        """What is read is from here to the end of the range."""

    @property
    def whole(self) -> bool:
        """Whether all of the range is read."""
        return self.read_from <= self._begin

    @property
    def untouched(self) -> bool:
        """Whether nothing is read."""
        return self.read_from == self._end

    @property
    def left_s(self) -> float:
        """How long the next statement may take."""
        return max(LEAST_S, self._until - self._clock())

    @property
    def over(self) -> bool:
        """Whether no time is left."""
        return self._clock() >= self._until

    def __iter__(self) -> Iterator[Slice]:
        while not self.whole and (self.untouched or not self.over):
            began = self._clock()
            start = max(self._begin, self.read_from - self.width)
            yield Slice(start, self.read_from)
            taken_s = max(self._clock() - began, STEP_S / 100)
            self.read_from = start
            self.width *= min(LONGER, max(1 / LONGER, STEP_S / taken_s))
