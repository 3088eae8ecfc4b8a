"""The newest results of every tenant's saved funnels, as the bucket ``funnel_results`` has them now."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping

import msgspec

from drishti.bus.connection import Bus
from drishti.bus.documents import TenantDocuments
from drishti.messages.catalogue import FUNNEL_RESULTS_BUCKET
from drishti.messages.product.saved_funnels import FunnelResult

_decoder = msgspec.json.Decoder(FunnelResult)


class FollowedFunnels:
    """:meth:`follow` keeps them current; ``changed`` is told of the tenant and the name of each that is new."""

    def __init__(self, changed: Callable[[str, str], None]) -> None:
        self._results: TenantDocuments[FunnelResult] = TenantDocuments(
            FUNNEL_RESULTS_BUCKET, _decode, what="results of funnels", changed=self._tell, replaced=self._note
        )
        self._changed = changed
        self._new: set[tuple[str, str]] = set()

    async def follow(self, bus: Bus, stop: asyncio.Event) -> None:
        """Reads the bucket, then every change of it, until ``stop``; lost connections and a missing bucket are waited out."""
        await self._results.follow(bus, stop)

    def of(self, tenant: str) -> Mapping[str, FunnelResult]:
        """By their names."""
        return self._results.values(tenant)

    def _note(self, tenant: str, name: str, _before: FunnelResult | None, _now: FunnelResult | None) -> None:
        self._new.add((tenant, name))

    def _tell(self, _tenant: str) -> None:
        new, self._new = self._new, set()
        for tenant, name in new:
            self._changed(tenant, name)


def _decode(_tenant: str, _key: str, value: bytes) -> FunnelResult:
    return _decoder.decode(value)
