"""Admission of tenants: which ones are counted. Pure; instants are epoch seconds of the bus.

A producer on NATS names the tenant in the subject, and each costs windows of its own, published every second while it is
active: series that are folded into ``other`` do not help against tenants without end. So there are at most ``most``, policy
*refuse new*; who has a place keeps it until it was quiet for :data:`QUIET_S` and another one needs it. What is refused is a
dead letter, and can be replayed.
"""

from __future__ import annotations

from collections.abc import Iterable

QUIET_S = 300.0
"""As long as the silence of a series is published: a tenant that is quiet for longer costs nothing more."""


class Tenants:
    """The admitted tenants, the one seen last at the end."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._seen: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._seen)

    def restore(self, known: Iterable[tuple[str, float]]) -> None:
        """Gives their places to tenants that are stored already, each with the time of its last item."""
        self._seen = dict(sorted(known, key=lambda tenant: tenant[1])[-self.most :])

    def admits(self, tenant: str, at: float) -> bool:
        """Whether ``tenant`` has a place, perhaps from now on; ``at`` is when its message arrived on the bus."""
        last = self._seen.pop(tenant, None)
        if last is None and len(self._seen) >= self.most:
            quietest = next(iter(self._seen))  # the first one: a tenant that is seen goes to the end
            if self._seen[quietest] > at - QUIET_S:
                return False
            del self._seen[quietest]
        self._seen[tenant] = at if last is None else max(last, at)
        return True

    def refusal(self, tenant: str) -> str:
        """Why a message of ``tenant`` is refused, and what to do."""
        return (
            f"tenant {tenant!r} is one more than the {self.most:,} that are counted at once (ANALYTICS_MAX_TENANTS): "
            f"replay this once another one was quiet for {QUIET_S / 60:.0f} minutes, or set it higher"
        )
