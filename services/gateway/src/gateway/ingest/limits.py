"""What is enough: bounds on what is held in memory at once and, if wanted, on what one key may send in a second.

The overflow policy of both is *refuse*: 429 with ``Retry-After``, and the sender keeps its events.
"""

from __future__ import annotations

from gateway.errors import RETRY_AFTER_S, Refused


class Budget:
    """Bytes and requests that are being served. What :meth:`take` gave, :meth:`give` returns."""

    def __init__(self, max_bytes: int, max_requests: int) -> None:
        self._max_bytes = max_bytes
        self._max_requests = max_requests
        self.bytes = 0
        self.requests = 0
        self.refused = 0

    def enter(self) -> None:
        """Begins a request; raises :class:`Refused` where as many run as may."""
        if self.requests >= self._max_requests:
            self.refused += 1
            raise Refused(429, "too many requests at once", retry_after_s=RETRY_AFTER_S)
        self.requests += 1

    def take(self, count: int) -> None:
        """Room for ``count`` bytes more, or :class:`Refused`."""
        if self.bytes + count > self._max_bytes:
            self.refused += 1
            raise Refused(429, "too much is on its way to the bus", retry_after_s=RETRY_AFTER_S)
        self.bytes += count

    def leave(self, count: int) -> None:
        """Ends a request that had taken ``count`` bytes."""
        self.requests -= 1
        self.bytes -= count


class Rates:
    """A token bucket per key: ``per_second`` on average, one second's worth at once. 0 turns it off.

    A request is let in as long as the bucket is not empty, and its events are taken off afterwards, down to a debt: so a
    batch larger than the bucket is possible, and is paid for by waiting. Holds one entry per key that was ever seen.
    """

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._buckets: dict[str, tuple[float, float]] = {}

    def check(self, key_id: str, now: float) -> None:
        """Raises :class:`Refused` while the key is in debt. ``now`` in seconds of a clock that never goes back."""
        if self._per_second and (level := self._level(key_id, now)) <= 0:
            wait_s = (1 - level) / self._per_second
            raise Refused(429, f"more than {self._per_second:g} events per second", retry_after_s=wait_s)

    def spend(self, key_id: str, events: int, now: float) -> None:
        if self._per_second:
            self._buckets[key_id] = (self._level(key_id, now) - events, now)

    def _level(self, key_id: str, now: float) -> float:
        level, at = self._buckets.get(key_id, (self._per_second, now))
        return min(self._per_second, level + (now - at) * self._per_second)
