"""The planted fault: what happens between its beginning and its end, by a clock that a test may hold."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

SLOWER = 5.0
FAILING = 0.3
REMAINING = 0.1

_EFFECTS = {
    "latency": f"everything behind the application is {SLOWER:g} times slower",
    "errors": f"{FAILING:.0%} of the requests fail",
    "drop": f"{REMAINING:.0%} of the traffic is left",
}


class Faults:
    """``kind`` is one of :data:`wisdom.settings.FAULTS`, or empty for none. Times are seconds from the construction."""

    def __init__(
        self, kind: str, *, after_s: float, for_s: float, rng: random.Random, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._kind = kind
        self._rng = rng
        self._clock = clock
        self._start = clock() + after_s
        self._end = self._start + for_s
        self._stage = 0
        self._leaving = False
        if kind:
            log.info("fault planned: %s in %g s, for %g s", kind, after_s, for_s)

    @property
    def slowness(self) -> float:
        """What every simulated delay is multiplied by."""
        if self._leaving:
            return 0.0
        return SLOWER if self._active("latency") else 1.0

    def fails(self) -> bool:
        """Whether the request at hand meets the planted outage."""
        return self._active("errors") and self._rng.random() < FAILING

    def arrives(self) -> bool:
        """Whether the next request comes at all."""
        return not self._active("drop") or self._rng.random() < REMAINING

    def leave(self) -> None:
        """The process is ending: what is still open need not take its simulated time."""
        self._leaving = True

    def watch(self) -> None:
        """Logs the fault's beginning and end when they have passed; to be called now and then."""
        now = self._clock()
        if self._kind and self._stage == 0 and now >= self._start:
            self._stage = 1
            log.warning("FAULT BEGINS: %s: %s", self._kind, _EFFECTS[self._kind])
        if self._stage == 1 and now >= self._end:
            self._stage = 2
            log.warning("FAULT ENDS: %s", self._kind)

    def _active(self, kind: str) -> bool:
        return self._kind == kind and self._start <= self._clock() < self._end
