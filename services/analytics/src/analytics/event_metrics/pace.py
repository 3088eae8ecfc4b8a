"""How long the filling of history rests after each piece of work: not at all while nothing is stored live. Pure."""

from __future__ import annotations

from collections.abc import Callable

MOST = 19.0
"""At most so many times as long as it worked: it always has a twentieth of one processor, and comes to an end."""

EVENTS_PER_S = 200.0
"""Live events in a second for which it rests as long as it works; for fewer, shorter in proportion."""

FADES = 0.25
"""What is left of the rate of live events with each piece of work in which fewer come: they are stored in batches."""


class Pace:
    """``stored`` items so far, and how many are ``waiting`` now."""

    def __init__(self, *, stored: Callable[[], int], waiting: Callable[[], int]) -> None:
        self._stored = stored
        self._waiting = waiting
        self._last = self._looked = stored()
        self._rate = 0.0

    def begin(self) -> None:
        """Work begins after a time without any: what was stored until now does not count."""
        self._last = self._stored()
        self._rate = 0.0

    def ended(self) -> bool:
        """Whether the rest may end: nothing waits, and nothing was stored since this was asked last or the rest began."""
        looked, self._looked = self._looked, self._stored()
        if self._looked != looked or self._waiting():
            return False
        self._last, self._rate = self._looked, 0.0
        return True

    def rest_s(self, worked_s: float, passed_s: float) -> float:
        """How long to rest after work of ``worked_s``, where ``passed_s`` have passed since the last call."""
        stored = self._stored()
        lately = (stored - self._last + self._waiting()) / max(passed_s, 1e-3)
        self._last = self._looked = stored
        self._rate = max(lately, self._rate * FADES)
        return worked_s * min(MOST, self._rate / EVENTS_PER_S)
