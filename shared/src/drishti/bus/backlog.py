"""Whether a consumer makes progress, from what the bus says of it from time to time. Pure.

A consumer may have a backlog: after an outage it has. Progress is that messages are settled (acknowledged or terminated), so
the measure is how far it was delivered, less what was delivered and waits for its acknowledgement. Redelivered messages do not
move it, neither does a consumer that hands out everything and is notified of nothing.

A consumer is stalled when it has a backlog and this measure did not move for :data:`STALLED_S`. Where nothing is left to be
delivered and nothing was since, the time until the bus delivers again (``ack_wait``) is allowed for on top: what a killed
process had taken comes then, and nothing else has to be done.
"""

from __future__ import annotations

from typing import NamedTuple

STALLED_S = 20.0
CATCHING_UP = 2_000
"""Messages of a backlog from which on a consumer that makes progress is said to be catching up."""


class Sample(NamedTuple):
    """What the bus says of a consumer. ``waiting``: messages to be delivered; ``unacknowledged``: delivered, not settled;
    ``delivered``: the last delivered sequence of the stream; ``requests``: fetch requests that wait for messages."""

    waiting: int
    unacknowledged: int
    delivered: int
    requests: int


class Backlog:
    """Of one consumer. Times are seconds of one monotonic clock."""

    def __init__(self, name: str, *, reader: str, ack_wait_s: float = 0.0) -> None:
        self._name = name
        self._reader = reader
        self._ack_wait_s = ack_wait_s
        self._settled: int | None = None
        self._moved_at = 0.0
        self._delivered = 0
        self._last = Sample(0, 0, 0, 0)

    def sample(self, now: float, sample: Sample) -> None:
        settled = sample.delivered - sample.unacknowledged
        # A consumer that was made again begins anew: any other number is a move.
        if settled != self._settled or not (sample.waiting or sample.unacknowledged):
            self._settled, self._moved_at, self._delivered = settled, now, sample.delivered
        self._last = sample

    def problem(self, now: float) -> str:
        """Why the consumer does not do its work, with numbers; empty while it does."""
        waiting, unacknowledged, delivered, requests = self._last
        if not waiting and not unacknowledged:
            return ""
        still = now - self._moved_at
        redelivery_s = 0.0 if waiting or delivered != self._delivered else self._ack_wait_s
        if still < STALLED_S + redelivery_s:
            return ""
        if unacknowledged:
            why = f"{unacknowledged:,} of them delivered and not acknowledged: see the log of {self._reader}"
        elif requests:
            why = "none of them delivered though it is asked for them"
        else:
            why = f"nobody asks for them: is {self._reader} running?"
        return f"{waiting + unacknowledged:,} messages wait and none was finished for {still:.0f} s ({why})"

    def note(self) -> str:
        """That it is catching up, where it has much to do; else empty."""
        behind = self._last.waiting + self._last.unacknowledged
        return f"{self._reader} is catching up: {behind:,} messages wait in {self._name}" if behind >= CATCHING_UP else ""
