"""The watermark: the instant before which everything that reached the bus is stored. Pure.

A window may only be called final when nothing of it waits in a stream: after an outage the backlog is full of events of
windows whose grace is over by the clock. At times the newest sequence of a stream is noted; once all messages up to it are
acked, everything that had arrived by then is stored.
"""

from __future__ import annotations

from collections import deque

HOLD_MS = 120_000
"""A message that cannot be stored for so long does not hold up the others: finals go out and may be corrected later."""

SAMPLES = 4_096


class Watermark:
    """Of one consumer. Instants are epoch ms."""

    def __init__(self) -> None:
        self._samples: deque[tuple[int, int]] = deque(maxlen=SAMPLES)
        self._until = 0

    def sample(self, now: int, *, newest: int, acked: int, idle: bool) -> None:
        """At ``now`` the stream ended at ``newest`` and all up to ``acked`` was stored. ``idle``: nothing waits."""
        if idle:
            self._samples.clear()
            self._until = now
            return
        self._samples.append((now, newest))
        while self._samples and self._samples[0][1] <= acked:
            self._until = self._samples.popleft()[0]

    def until(self, now: int) -> int:
        """Everything that had arrived by this instant is stored, or has waited too long."""
        return max(self._until, now - HOLD_MS)
