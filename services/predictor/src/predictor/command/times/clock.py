"""Time that only goes forward, whatever the rows say. Pure.

A row that is not later than the newest one is a repetition, or late, and has no place: its moment was judged. But a clock may
have been set back (an hour each autumn, where local times are written), or one row may have come from far in the future; so
:data:`AGREE` such rows in order are believed, and from then on whole weeks are added, which keeps hours and weekdays.
"""

from __future__ import annotations

import math

WEEK_S = 604_800.0

AGREE = 100
"""Rows in order that outvote the clock so far: more than an hour repeated by the minute, which passes by itself."""


class Clock:
    """``place`` every row's time; what comes back increases strictly."""

    def __init__(self) -> None:
        self._newest = -math.inf
        self._added = 0.0
        self._doubted = -math.inf
        self._agreeing = 0

    @property
    def added(self) -> float:
        """Seconds that are added to the rows' times since clocks were set back."""
        return self._added

    def place(self, at: float) -> float | None:
        """The time that counts for a row of time ``at`` (seconds), or ``None`` where the row has no place."""
        placed = at + self._added
        if placed > self._newest:
            self._newest = placed
            self._agreeing = 0
            return placed
        self._agreeing = self._agreeing + 1 if at > self._doubted else 1
        self._doubted = at
        if self._agreeing <= AGREE:
            return None
        self._added += (math.floor((self._newest - placed) / WEEK_S) + 1) * WEEK_S
        return self.place(at)
