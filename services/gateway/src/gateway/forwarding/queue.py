"""What waits to be forwarded: bounded by bytes, fair between tenants. Pure.

Overflow policy *drop oldest of the largest tenant*: after an outage the newest arrive, and a flood by one tenant pushes out
its own.
"""

from __future__ import annotations

from collections import deque


class ForwardQueue:
    """``len`` is how many payloads wait; ``dropped`` counts those that gave way, since the start."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._waiting: dict[str, deque[bytes]] = {}  # the tenant whose turn it is comes first
        self._sizes: dict[str, int] = {}
        self._count = 0
        self.bytes = 0
        self.dropped = 0

    def __len__(self) -> int:
        return self._count

    def add(self, tenant: str, payload: bytes) -> int:
        """Says how many gave way to it, which may be itself."""
        self._waiting.setdefault(tenant, deque()).append(payload)
        self._sizes[tenant] = self._sizes.get(tenant, 0) + len(payload)
        self.bytes += len(payload)
        self._count += 1
        dropped = 0
        while self.bytes > self._max_bytes:
            self._oldest(max(self._sizes, key=self._sizes.__getitem__))
            dropped += 1
        self.dropped += dropped
        return dropped

    def take(self, max_bytes: int) -> list[bytes]:
        """The oldest payloads of one tenant after the other, ``max_bytes`` together; but one where any waits."""
        taken: list[bytes] = []
        size = 0
        while self._waiting:
            tenant = next(iter(self._waiting))
            first = self._waiting[tenant][0]
            if taken and size + len(first) > max_bytes:
                break
            size += len(first)
            taken.append(self._oldest(tenant))
            if tenant in self._waiting:
                self._waiting[tenant] = self._waiting.pop(tenant)  # back at the end
        return taken

    def clear(self) -> int:
        """Forgets what waits; says how many."""
        count, self._count, self.bytes = self._count, 0, 0
        self._waiting.clear()
        self._sizes.clear()
        return count

    def _oldest(self, tenant: str) -> bytes:
        payloads = self._waiting[tenant]
        payload = payloads.popleft()
        self._sizes[tenant] -= len(payload)
        if not payloads:
            del self._waiting[tenant], self._sizes[tenant]
        self.bytes -= len(payload)
        self._count -= 1
        return payload
