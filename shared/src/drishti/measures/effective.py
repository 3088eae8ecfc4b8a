"""The metrics of one tenant: what is built in, its packs and its own definitions, put together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

import msgspec
from msgspec import Struct

from drishti.measures.built_in import FED, METRICS, PACKS, PACKS_ON
from drishti.measures.definitions import Fault, MetricDefinition, check, check_against, token_of

MAX_DEFINITIONS = 2_000
"""Metrics of its own that a tenant may have."""

NEAREST = 3
_LEAST_ALIKE = 0.3
_COMPARED = 64
"""Characters of a name that are compared: with every metric of a tenant, while somebody waits."""


class TenantMetrics(Struct, frozen=True, kw_only=True):
    """Every metric of one tenant by token, those that are off too (``enabled``), and what of :data:`FED` is not counted."""

    definitions: Mapping[str, MetricDefinition]
    uncounted: frozenset[str]
    packs: frozenset[str]

    def find(self, name: str) -> MetricDefinition | None:
        """The metric of that name or token."""
        found = self.definitions.get(name)
        if found is not None:
            return found
        by_name = self.definitions.get(token_of(name))
        return by_name if by_name is not None and by_name.name == name else None

    def nearest(self, name: str) -> list[str]:
        """Names of metrics that ``name`` may be meant to be, the most alike first."""
        wanted = _pairs(name)
        alike = []
        for token, definition in self.definitions.items():
            score = max(_alike(wanted, _pairs(definition.name)), _alike(wanted, _pairs(token)))
            if score >= _LEAST_ALIKE:
                alike.append((-score, definition.name))
        return [found for _, found in sorted(alike)[:NEAREST]]


def merged(own: Iterable[MetricDefinition], packs: frozenset[str]) -> TenantMetrics:
    """What a tenant with these definitions of its own, and these packs switched on, measures.

    A definition of its own that has the name of a metric that Drishti feeds changes that one, where it may
    (:func:`faults_of`). The name of a metric of a pack that is off is free.
    """
    definitions = dict(METRICS)
    for name, metrics in PACKS.items():
        on = name in packs
        definitions |= {metric.token: metric if on else msgspec.structs.replace(metric, enabled=False) for metric in metrics}
    for definition in own:
        base = FED.get(definition.token)
        if base is not None and definition.origin == base.origin:
            enabled = definition.enabled and definitions[definition.token].enabled
            definition = msgspec.structs.replace(definition, enabled=enabled)
        definitions[definition.token] = definition
    uncounted = frozenset(
        token for token, base in FED.items() if not definitions[token].enabled or definitions[token].origin != base.origin
    )
    return TenantMetrics(definitions=MappingProxyType(definitions), uncounted=uncounted, packs=packs)


def packs_of(tenant: str, switched: Mapping[str, bool]) -> frozenset[str]:
    """The packs that are on: as the tenant switched them, else as they are from the start."""
    start = PACKS_ON.get(tenant, frozenset())
    return frozenset(name for name in PACKS if switched.get(name, name in start))


def faults_of(definition: MetricDefinition, packs: frozenset[str]) -> list[Fault]:
    """What is wrong with a tenant's definition, by itself and beside what is built in and the packs that are on."""
    faults = check(definition)
    base = base_of(definition.token, packs)
    if base is not None:
        faults += check_against(definition, base)
    return faults


def base_of(token: str, packs: frozenset[str]) -> MetricDefinition | None:
    """The metric that Drishti feeds under this token, for a tenant with these packs on."""
    found = METRICS.get(token)
    if found is not None:
        return found
    return next((metric for name in sorted(packs) for metric in PACKS[name] if metric.token == token), None)


def _pairs(name: str) -> frozenset[str]:
    text = name[:_COMPARED].lower()
    return frozenset(text[place : place + 2] for place in range(max(1, len(text) - 1)))


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
