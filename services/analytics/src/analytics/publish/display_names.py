"""The display names of services in memory, as aggregates carry them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from analytics.storage import rows
from analytics.storage.database import Session
from drishti.events import AggregateSeries

READ_EVERY_S = 2.0
READ_AGAIN_MS = 60_000
"""How far back names are read again: a name that was given in a slow transaction is not missed."""

MAX_NAMES = 20_000
"""Names of services in memory, of all tenants; further services are published without theirs."""


class DisplayNames:
    """``refresh`` now and then; ``of`` at any time."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._names: dict[str, dict[str, str]] = {}
        self._read_at = float("-inf")

    async def refresh(self, now: int) -> None:
        """Reads what was given lately, every :data:`READ_EVERY_S` at most. ``now``: PostgreSQL's clock, epoch ms."""
        if asyncio.get_running_loop().time() - self._read_at > READ_EVERY_S:
            await self.read(now - READ_AGAIN_MS)

    async def read(self, since: int) -> None:
        """Reads the names that were given, or are given still, ``since`` an instant (epoch ms)."""
        self._read_at = asyncio.get_running_loop().time()
        records = await self._session.fetch("service_names_since", rows.instant(since), MAX_NAMES)
        known = sum(len(names) for names in self._names.values())
        for record in records:
            names = self._names.setdefault(record["tenant"], {})
            if record["service"] not in names:
                if known >= MAX_NAMES:
                    continue
                known += 1
            names[record["service"]] = record["name"]

    def of(self, tenant: str, series: Sequence[AggregateSeries]) -> dict[str, str]:
        """The names of the services of ``series``, of those that were given one."""
        names = self._names.get(tenant)
        if not names:
            return {}
        tokens = {one.labels["service"] for one in series if "service" in one.labels}
        return {service: names[service] for service in sorted(tokens) if service in names}
