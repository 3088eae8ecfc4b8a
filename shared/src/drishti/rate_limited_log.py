"""How often something that goes on is said: at once, and then no more than every so often."""

from __future__ import annotations

import math
import time
from collections.abc import Callable


class RateLimitedLog:
    """``clock`` is monotonic, in seconds. ``skipped`` counts the times that :meth:`due` said no since it last said yes."""

    def __init__(self, every_s: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._every_s = every_s
        self._clock = clock
        self._last = -math.inf
        self._skipped = 0
        self.skipped = 0

    def due(self) -> bool:
        now = self._clock()
        if now < self._last + self._every_s:
            self._skipped += 1
            return False
        self._last = now
        self.skipped, self._skipped = self._skipped, 0
        return True
