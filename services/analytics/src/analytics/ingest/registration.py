"""Registers the metrics that arrive by OTLP, and gives each of their points its labels.

A metric that nobody defined is put into the registry under its own name, with unit, description and kind as the message says
and its first attributes as dimensions; an attribute that is seen later is added while there is room. Its total is published
live; the tenant may publish more: a series for each service and second would cost more than the counting. Replicas agree
through the registry: whichever writes second takes what is there. What a tenant defined itself is used as it is.

Points are passed over, and counted, where the tenant has as many metrics as it may (``metrics``), or where the name or its
token belongs to a metric of another kind (``metric_conflicts``); points of a metric that is switched off are not counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

from analytics.ingest.items import Item
from analytics.ingest.signals.otlp import dimensions
from analytics.ingest.signals.otlp.points import Point, Stream
from analytics.ingest.signals.otlp.standard_names import STANDARD
from analytics.overflow import Overflows
from analytics.recent import Recent
from analytics.rollup.observations import Labels
from drishti.bus.documents import Conflict, TooMany
from drishti.errors import BusUnavailable
from drishti.measures.built_in import FED
from drishti.measures.definition_checks import InvalidDefinition, check
from drishti.measures.definitions import MAX_DESCRIPTION, OTLP, TENANT, Kind, MetricDefinition, WatchPolicy
from drishti.measures.registry import MetricRegistry

log = logging.getLogger(__name__)

MAX_METRICS = 2_000
"""Metrics of one tenant that register themselves."""

MAX_STREAMS = 50_000
"""Streams whose labels are remembered; beyond, those not seen for longest are made again."""

AT_ONCE = 16
"""Registrations on their way."""

TRIES = 20
"""Others may change a definition at the same time, each once for each dimension at most."""


class _Known(NamedTuple):
    definition: MetricDefinition
    labels: Labels


_Metric = tuple[str, str, Kind]
"""Token, name and kind of a metric: only one name and one kind of a token are counted."""


class _Refused(Exception):  # an outcome, not an error
    """Points of a metric are not counted; says by which bound."""


class Registration:
    """What one replica knows of the metrics that arrive."""

    def __init__(self, registry: MetricRegistry, overflows: Overflows) -> None:
        self._registry = registry
        self._overflows = overflows
        self._known: Recent[bytes, _Known] = Recent(MAX_STREAMS)

    def forget_quiet(self) -> None:
        """Forgets the streams that were not seen since the last call."""
        self._known.age()

    async def admit(self, tenant: str, items: Sequence[Item]) -> list[Item]:
        """Those of ``items`` that are counted, with their labels. Raises :class:`BusUnavailable` where the registry must be
        asked and is away."""
        unknown = self._label(tenant, items)
        refused: dict[_Metric, str] = {}
        if unknown:
            metrics: dict[_Metric, dict[bytes, Stream]] = {}
            for stream in unknown:
                metrics.setdefault(_metric(stream), {})[stream.key] = stream
            places = asyncio.Semaphore(AT_ONCE)
            outcomes = await asyncio.gather(
                *(self._register(tenant, list(streams.values()), places) for streams in metrics.values())
            )
            refused = {metric: bound for metric, bound in zip(metrics, outcomes, strict=True) if bound}
            self._label(tenant, items)
        admitted: list[Item] = []
        for item in items:
            point: Point = item.body
            if point.stream.built_in is not None:
                admitted.append(item)
            elif refused and (bound := refused.get(_metric(point.stream))) is not None:
                self._overflows.note(bound, 1, tenant=tenant)
            elif (known := self._known.get(point.stream.key)) is None:
                raise BusUnavailable("registering took so long that streams were forgotten meanwhile")
            elif known.definition.enabled:
                admitted.append(item)
        return admitted

    def _label(self, tenant: str, items: Sequence[Item]) -> list[Stream]:
        """Gives labels to the points of ``items`` whose metrics are known as they are; returns the streams of the others."""
        definitions = self._registry.of(tenant)
        unknown: list[Stream] = []
        for item in items:
            point: Point = item.body
            stream = point.stream
            if stream.built_in is not None:
                continue
            known = self._known.get(stream.key)
            if known is None or known.definition is not definitions.get(stream.token):
                unknown.append(stream)
            if known is not None:
                point.labels = known.labels
        return unknown

    async def _register(self, tenant: str, streams: Sequence[Stream], places: asyncio.Semaphore) -> str:
        """Makes the one metric of ``streams`` known, with their attributes as dimensions; returns the bound that forbids it, or
        nothing."""
        try:
            async with places:
                definition = await self._defined(tenant, streams)
        except _Refused as refused:
            return str(refused)
        for stream in streams:
            labels = dimensions.labels(stream.service, stream.attributes, definition.dimensions)
            self._known.put(stream.key, _Known(definition, labels))
        return ""

    async def _defined(self, tenant: str, streams: Sequence[Stream]) -> MetricDefinition:
        first = streams[0]
        current = self._registry.get(tenant, first.token)
        revision = self._registry.revision(tenant, first.token)
        for _ in range(TRIES):
            wanted = self._wanted(tenant, current, streams)
            if wanted == current:
                return wanted
            try:
                await self._registry.put(tenant, wanted, revision)
            except Conflict as conflict:
                current = conflict.current if isinstance(conflict.current, MetricDefinition) else None
                revision = conflict.revision
            except TooMany:
                raise _Refused("metrics") from None
            except InvalidDefinition as error:
                log.info("a metric cannot be registered", extra={"metric": first.name[:200], "reason": str(error)[:500]})
                raise _Refused("metric_conflicts") from None
            else:
                # The registry's own object, by which the labels are known to be of this version.
                return self._registry.get(tenant, first.token) or wanted
        raise _Refused("metric_conflicts")

    def _wanted(self, tenant: str, current: MetricDefinition | None, streams: Sequence[Stream]) -> MetricDefinition:
        """The definition that has room for ``streams``, which is ``current`` where nothing has to change."""
        first = streams[0]
        if current is None:
            if sum(1 for one in self._registry.own(tenant).values() if one.origin == OTLP) >= MAX_METRICS:
                raise _Refused("metrics")
            current = _definition(first)
        elif first.token in FED or current.origin not in (OTLP, TENANT) or current.name != first.name:
            raise _Refused("metric_conflicts")
        if first.kind is not current.kind:
            raise _Refused("metric_conflicts")
        if current.origin != OTLP:
            return current
        extended = current.dimensions
        for stream in streams:
            extended = dimensions.extended(extended, stream.attributes)
        return current if extended == current.dimensions else msgspec.structs.replace(current, dimensions=extended)


def _metric(stream: Stream) -> _Metric:
    return stream.token, stream.name, stream.kind


def _definition(stream: Stream) -> MetricDefinition:
    """A metric as its first message says it is; what of that nobody could read is left out. One of the semantic conventions
    that is what they say has their meaning besides."""
    standard = STANDARD.get(stream.name)
    if standard is not None and standard.kind is not stream.kind:
        standard = None
    known = MetricDefinition(
        name=stream.name,
        kind=stream.kind,
        dimensions=(dimensions.SERVICE,),
        origin=OTLP,
        unit="1" if standard is None else standard.unit,
        description="" if standard is None else standard.description,
    )
    if standard is not None and standard.less_is_better:
        known = msgspec.structs.replace(known, direction="down", watch_policy=WatchPolicy(side="up"))
    description = " ".join(stream.description.split())[:MAX_DESCRIPTION].strip()
    for field, value in (("unit", stream.unit), ("description", description)):
        described = msgspec.structs.replace(known, **{field: value})
        if value and not any(fault.field == field for fault in check(described)):
            known = described
    return known
