"""The gateway's connection to the bus, which may not be there yet."""

from __future__ import annotations

from drishti.bus.connection import Bus
from drishti.errors import BusUnavailable


class Link:
    """The connection to the bus, or its absence: the gateway answers before NATS is there."""

    def __init__(self) -> None:
        self._bus: Bus | None = None

    def set(self, bus: Bus) -> None:
        self._bus = bus

    @property
    def bus(self) -> Bus:
        """Raises :class:`BusUnavailable` where NATS was not reached yet."""
        if self._bus is None:
            raise BusUnavailable("not connected to NATS yet")
        return self._bus

    async def ping(self) -> None:
        await self.bus.ping()
