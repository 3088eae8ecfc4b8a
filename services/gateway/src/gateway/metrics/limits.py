"""How a tenant's metrics stand against their limits: what the registry knows, and what analytics says of series now and then.

The answer to an export says what is known then. So who goes beyond a limit learns it from the answers to later requests.
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from drishti.errors import BusRefused, BusUnavailable
from drishti.events import CatalogueAnswer, CatalogueQuery
from drishti.measures.definitions import OTHER, OTLP, MetricDefinition
from drishti.measures.effective import MAX_DEFINITIONS
from drishti.measures.registry import MetricRegistry
from drishti.waiting import until
from gateway.asking import ask
from gateway.errors import Refused
from gateway.link import Link
from gateway.otlp.limits import Limits

log = logging.getLogger(__name__)

ASKED_EVERY_S = 60.0
"""How old the answer about a tenant's series may be; it is asked for tenants that send metrics."""

TENANTS = 1_000
"""Tenants that are remembered; beyond, the one asked about longest ago is forgotten."""

_decode = msgspec.json.Decoder(CatalogueAnswer).decode


class _Tenant(NamedTuple):
    """``asked_at``: when its series were last asked about. ``definitions``: the registry's object that ``full`` is about."""

    asked_at: float
    crowded: Mapping[str, int]
    definitions: Mapping[str, MetricDefinition]
    full: bool


class MetricLimits:
    """``of`` a tenant, at once; ``run`` keeps that current."""

    def __init__(self, registry: MetricRegistry, link: Link, timeout_s: float) -> None:
        self._registry = registry
        self._link = link
        self._timeout_s = timeout_s
        self._tenants: dict[str, _Tenant] = {}
        self._wanted: set[str] = set()
        self._wake = asyncio.Event()

    def of(self, tenant: str) -> Limits:
        """The limits that ``tenant`` has reached, as far as is known."""
        definitions = self._registry.of(tenant)
        known = self._tenants.get(tenant)
        if known is None or known.definitions is not definitions:
            asked_at, crowded = (-math.inf, {}) if known is None else (known.asked_at, known.crowded)
            full = len(self._registry.own(tenant)) >= MAX_DEFINITIONS
            known = self._tenants[tenant] = _Tenant(asked_at, crowded, definitions, full)
        if known.asked_at < time.monotonic() - ASKED_EVERY_S and tenant not in self._wanted:
            self._wanted.add(tenant)
            self._wake.set()
        return Limits(definitions if known.full else None, MAX_DEFINITIONS, known.crowded)

    async def run(self, stop: asyncio.Event) -> None:
        """Asks analytics about the series of the tenants that send metrics, one after the other."""
        while not stop.is_set():
            if await until(stop, self._wake.wait()) is None:
                return
            self._wake.clear()
            for tenant in sorted(self._wanted):
                crowded = await until(stop, self._crowded(tenant))
                if crowded is None:
                    return
                self._tenants[tenant] = self._tenants.pop(tenant)._replace(asked_at=time.monotonic(), crowded=crowded)
                self._wanted.discard(tenant)
            while len(self._tenants) > TENANTS:
                del self._tenants[next(iter(self._tenants))]

    async def _crowded(self, tenant: str) -> Mapping[str, int]:
        """The metrics with series that are counted as ``other``, and how many series they have besides; as before where
        analytics does not answer."""
        definitions = self._registry.of(tenant)
        tokens = [token for token, metric in definitions.items() if metric.origin == OTLP]
        if not tokens:
            return {}
        try:
            answer = await ask(self._link, "catalogue", CatalogueQuery(tenant=tenant, metrics=tokens), self._timeout_s)
        except (Refused, BusUnavailable, BusRefused) as error:
            log.info("the series of metrics are asked about another time", extra={"tenant": tenant, "reason": str(error)})
            return self._tenants[tenant].crowded
        return {
            one.metric: one.series - 1
            for one in _decode(answer).metrics
            # A service may be called `other`: but few metrics have as many series as they may.
            if OTHER in one.services and one.metric in definitions and one.series > definitions[one.metric].max_series // 2
        }
