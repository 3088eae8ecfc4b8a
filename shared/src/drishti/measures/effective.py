"""The metrics of one tenant: what is built in, its packs and its own definitions, put together. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType

import msgspec
from msgspec import Struct

from drishti.measures import kpis
from drishti.measures.built_in import FED, PACKS, PACKS_ON
from drishti.measures.definition_checks import Fault, check, check_against
from drishti.measures.definitions import OTLP, TENANT, Kind, MetricDefinition, token_of
from drishti.measures.kpis import Resolution, Resolved

MetricsOf = Callable[[str], Mapping[str, MetricDefinition]]
"""Every metric of a tenant by its token: :meth:`~drishti.measures.registry.MetricRegistry.of`."""

MAX_DEFINITIONS = 2_000
"""Metrics of its own that a tenant may have."""

MAX_EXPRESSIONS = 128 * 1024
"""Characters of all expressions of a tenant's KPIs, each with those of the KPIs within it: all of them may have to be resolved
at once, and are evaluated in every window."""

MAX_FROM_EVENTS = 2_000
"""Metrics of a tenant that are drawn from events, those that KPIs are computed from among them: an event is held against all of
its type."""

NEAREST = 3
_LEAST_ALIKE = 0.3
_COMPARED = 64
"""Characters of a name that are compared: with every metric of a tenant, while somebody waits."""


class TenantMetrics(Struct, frozen=True, kw_only=True):
    """Every metric of one tenant by token, those that are off too (``enabled``), and what of :data:`FED` is not counted."""

    definitions: Mapping[str, MetricDefinition]
    uncounted: frozenset[str]
    packs: frozenset[str]
    kpis: Mapping[str, Resolved] = MappingProxyType({})
    """What the KPIs that can be computed are computed from, by token."""

    hidden: Mapping[str, MetricDefinition] = MappingProxyType({})
    """The metrics that only KPIs are computed from."""

    resolutions: Mapping[str, Resolution] = MappingProxyType({})
    """How every KPI that is on was resolved, by token."""

    earlier: Mapping[str, Mapping[int, MetricDefinition]] = MappingProxyType({})
    """The earlier versions of the tenant's own metrics that are known, by token and number."""

    def find(self, name: str) -> MetricDefinition | None:
        """The metric of that name or token."""
        by_token = self.definitions.get(name)
        if by_token is not None:
            return by_token
        by_name = self.definitions.get(token_of(name))
        return by_name if by_name is not None and by_name.name == name else self.hidden.get(name)

    def nearest(self, name: str) -> list[str]:
        """Names of metrics that ``name`` may be meant to be, the most alike first."""
        wanted = _pairs(name)
        alike = []
        for token, definition in self.definitions.items():
            score = max(_alike(wanted, _pairs(definition.name)), _alike(wanted, _pairs(token)))
            if score >= _LEAST_ALIKE:
                alike.append((-score, definition.name))
        return [name for _, name in sorted(alike)[:NEAREST]]


def merged(
    own: Iterable[MetricDefinition],
    packs: frozenset[str],
    before: Mapping[str, Resolution] = MappingProxyType({}),
    earlier: Mapping[str, Mapping[int, MetricDefinition]] = MappingProxyType({}),
) -> TenantMetrics:
    """What a tenant with these definitions of its own, and these packs switched on, measures.

    A definition of its own under the name of a metric that Drishti feeds changes that one (:func:`faults_of` says how far).
    What a pack brings is there while the pack is off, too: it is not counted, and what was counted can be asked.
    ``before``: resolutions of KPIs, of which those that still hold are not made again. ``earlier``: versions of before.
    """
    definitions = dict(FED)
    for definition in own:
        definitions[definition.token] = definition
    for name, metrics in PACKS.items():
        if name not in packs:
            for metric in metrics:
                definitions[metric.token] = msgspec.structs.replace(definitions[metric.token], enabled=False)
    resolutions = _resolutions(definitions, before)
    computed = {token: one.resolved for token, one in resolutions.items() if one.resolved is not None}
    return TenantMetrics(
        kpis=MappingProxyType(computed),
        hidden=MappingProxyType({metric.token: metric for kpi in computed.values() for metric in kpi.hidden}),
        resolutions=MappingProxyType(resolutions),
        definitions=MappingProxyType(definitions),
        uncounted=frozenset(token for token in FED if not definitions[token].enabled),
        packs=packs,
        earlier=MappingProxyType(dict(earlier)),
    )


def _resolutions(definitions: Mapping[str, MetricDefinition], before: Mapping[str, Resolution]) -> dict[str, Resolution]:
    """Of every KPI that is on."""
    find = _alone(definitions).find
    result: dict[str, Resolution] = {}
    for token, definition in definitions.items():
        if definition.kind is Kind.DERIVED and definition.enabled:
            known = before.get(token)
            if known is None or known.definition != definition or not known.holds(find):
                known = kpis.resolution(definition, find)
            result[token] = known
    return result


def _alone(definitions: Mapping[str, MetricDefinition]) -> TenantMetrics:
    return TenantMetrics(definitions=definitions, uncounted=frozenset(), packs=frozenset())


def kpi_faults(definition: MetricDefinition, beside: TenantMetrics) -> list[Fault]:
    """What is wrong with a KPI beside the other metrics of its tenant; nothing of any other metric."""
    if definition.kind is not Kind.DERIVED:
        return []
    return kpis.faults(definition, _alone({**beside.definitions, definition.token: definition}).find)


def excess(definition: MetricDefinition, beside: TenantMetrics) -> list[Fault]:
    """Why all metrics of a tenant together would be more than may be, with ``definition`` among them or in place of one."""
    if definition.kind is not Kind.DERIVED and definition.source is None:
        return []
    definitions = {**beside.definitions, definition.token: definition}
    resolutions = _resolutions(definitions, beside.resolutions)
    faults: list[Fault] = []
    field = "expression" if definition.kind is Kind.DERIVED else "source"
    length = _length(resolutions)
    if length > MAX_EXPRESSIONS and length > _length(beside.resolutions):
        error = (
            f"the expressions of all KPIs, each with those of the KPIs within it, would have {length} characters, and "
            f"{MAX_EXPRESSIONS} is the most: shorten, delete or switch off some"
        )
        faults.append(Fault(field, error))
    count = _from_events(definitions, resolutions)
    if count > MAX_FROM_EVENTS and count > _from_events(beside.definitions, beside.resolutions):
        error = (
            f"{count} metrics would be drawn from events, those that KPIs are computed from among them, and {MAX_FROM_EVENTS} "
            "is the most: delete some, or let KPIs have terms in common"
        )
        faults.append(Fault(field, error))
    return faults


def _length(resolutions: Mapping[str, Resolution]) -> int:
    return sum(one.length for one in resolutions.values())


def _from_events(definitions: Mapping[str, MetricDefinition], resolutions: Mapping[str, Resolution]) -> int:
    hidden = {metric.token for one in resolutions.values() if one.resolved is not None for metric in one.resolved.hidden}
    return len(hidden) + sum(1 for metric in definitions.values() if metric.source is not None and metric.enabled)


def packs_of(tenant: str, switched: Mapping[str, bool]) -> frozenset[str]:
    """The packs that are on: as the tenant switched them, else as they are from the start."""
    start = PACKS_ON.get(tenant, frozenset())
    return frozenset(name for name in PACKS if switched.get(name, name in start))


def faults_of(definition: MetricDefinition) -> list[Fault]:
    """What is wrong with a tenant's definition, by itself and beside the metrics that Drishti feeds.

    Their names are theirs at every tenant, whether or not the pack is on: how their rows are labelled follows from the name.
    """
    faults = check(definition)
    if kpis.is_hidden(definition.token):
        faults.append(Fault("name", "is what a term of a KPI is called: choose another name"))
    fed = FED.get(definition.token)
    return faults if fed is None else faults + check_against(definition, fed)


def with_origin(definition: MetricDefinition) -> MetricDefinition:
    """``definition`` with the origin that it has, whatever it says itself."""
    fed = FED.get(definition.token)
    origin = fed.origin if fed is not None else OTLP if definition.origin == OTLP else TENANT
    return definition if definition.origin == origin else msgspec.structs.replace(definition, origin=origin)


def with_version(definition: MetricDefinition, before: MetricDefinition | None) -> MetricDefinition:
    """``definition`` with its version: that of the one ``before``, or the next where something else is counted now."""
    version = 1 if before is None else before.version
    if before is not None and _counted(definition) != _counted(before):
        version += 1
    return definition if definition.version == version else msgspec.structs.replace(definition, version=version)


def _counted(definition: MetricDefinition) -> object:
    """What decides the numbers of a metric that is drawn from events."""
    return definition.expression or (definition.source and (definition.source, definition.kind, definition.dimensions))


def _pairs(name: str) -> frozenset[str]:
    text = name[:_COMPARED].lower()
    return frozenset(text[place : place + 2] for place in range(max(1, len(text) - 1)))


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / len(one | other)
