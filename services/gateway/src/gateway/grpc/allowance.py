"""What a client may make this process do for nothing: time and answers refill it, and without any left the connection ends."""

from __future__ import annotations

from gateway.grpc.frames import Code, Http2Error

ALLOWANCE = 1000.0
ALLOWANCE_PER_S = 50.0
ALLOWANCE_OF_ANSWER = 5.0
"""What a client may cost for nothing, in frames; a request that is answered brings some back."""

RESET_COSTS = 5.0
SETTING_COSTS = 0.1
HEADER_COSTS = 1 / 256
"""A byte of a header block."""

SMALL_FRAME = 1024
"""DATA of fewer bytes that does not end its request costs as much as any frame."""


class Allowance:
    """That of one connection, full at the time ``now`` in seconds."""

    __slots__ = ("_left", "_refilled_at")

    def __init__(self, now: float) -> None:
        self._left, self._refilled_at = ALLOWANCE, now

    def spend(self, count: float) -> None:
        """Raises :class:`Http2Error` where there is not so much left."""
        self._left -= count
        if self._left < 0:
            raise Http2Error(Code.ENHANCE_YOUR_CALM, "too many frames that ask for nothing, or requests that are refused")

    def refill(self, now: float) -> None:
        self._left = min(ALLOWANCE, self._left + (now - self._refilled_at) * ALLOWANCE_PER_S)
        self._refilled_at = now

    def earn(self) -> None:
        """A request was answered."""
        self._left = min(ALLOWANCE, self._left + ALLOWANCE_OF_ANSWER)
