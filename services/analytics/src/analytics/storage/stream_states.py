"""States of streams: what is kept of each between two batches. Pure; the bytes are those of whoever keeps them."""

from __future__ import annotations

from collections.abc import Mapping

KEPT_DAYS = 30
"""Of a stream that says nothing for longer, the next point is a first one again."""


class StreamStates:
    """The states that one batch needs, as they were before it and as they become.

    ``known_from`` is since when (ns since 1970) every stream that began has a state. ``passed_over`` counts points that add
    nothing because of what is known already.
    """

    def __init__(self, stored: Mapping[bytes, bytes | None] | None = None, known_from: int = 0) -> None:
        self._stored = stored or {}
        self.known_from = known_from
        self.changed: dict[bytes, tuple[str, bytes]] = {}
        self.passed_over = 0

    def get(self, stream: bytes) -> bytes | None:
        """The state of ``stream`` before the batch; ``None`` where it has none yet."""
        return self._stored.get(stream)

    def put(self, stream: bytes, tenant: str, state: bytes) -> None:
        """The state after the batch."""
        self.changed[stream] = tenant, state
