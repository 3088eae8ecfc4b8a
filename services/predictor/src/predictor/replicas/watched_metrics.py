"""Which metrics are read from the bus: those that some tenant's definitions have watched or forecast."""

from __future__ import annotations

import asyncio
import contextlib

from drishti.measures.registry import DEFAULTS, MetricRegistry
from drishti.messages.subjects import DEFAULT_TENANT
from predictor.series.policies import Policies

MOST_FILTERS = 100
"""Of more metrics all aggregates are read: a consumer that filters by thousands of subjects costs the bus more."""

KNOWN_S = 10.0
"""So long the definitions are waited for at the start. Without them the built-in metrics are watched as they are built in."""


class WatchedMetrics:
    """``names`` are the tokens; they follow the registry."""

    def __init__(self, registry: MetricRegistry, policies: Policies) -> None:
        self._registry = registry
        self._policies = policies
        self._of: dict[str, set[str]] = {}
        self._changed = asyncio.Event()
        self.names = frozenset(policies.metrics(DEFAULTS.definitions) | policies.metrics(registry.of(DEFAULT_TENANT)))
        registry.on_change(self._take)

    async def wait_known(self) -> None:
        """Until the definitions are read, or are not there for :data:`KNOWN_S`."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(KNOWN_S):
                await self._registry.loaded.wait()

    async def wait_changed(self) -> frozenset[str]:
        """The names after the next change of any definition."""
        await self._changed.wait()
        self._changed.clear()
        return self.names

    @staticmethod
    def filters(names: frozenset[str]) -> list[str]:
        """What of AGGREGATES is read: tokens, or a wildcard."""
        return sorted(names) if len(names) <= MOST_FILTERS else ["*"]

    def _take(self, tenant: str) -> None:
        self._of[tenant] = self._policies.metrics(self._registry.of(tenant))
        self.names = frozenset(self._policies.metrics(DEFAULTS.definitions).union(*self._of.values()))
        self._changed.set()
