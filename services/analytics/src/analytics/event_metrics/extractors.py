"""Metrics that tenants draw from events: their definitions, compiled, and what events say about them. Pure.

Of each tenant and type of event there is a list of extractors, which is looked up once for each batch. A condition is compiled
to closures; nothing that a definition says is ever executed as code.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from analytics.rollup.observations import LABEL_LENGTH, UNKNOWN, Labels, Observations, Series, number
from drishti.events import AnalyticsEvent
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.matching import Matcher, Properties, compiled, names_in
from drishti.measures.expressions.parser import parse_condition

OWN = ("user_id", "session_id", "service", "version")
"""What an event says of itself, beside its data: properties, too, where the data has none of the name."""

_encode = msgspec.json.Encoder(order="sorted").encode

_Found = dict[tuple[int, Labels, str | None], list[Any]]
"""What was taken from events, by second, labels and exemplar."""


class Counted(NamedTuple):
    """One metric that is counted. ``stored`` is the name of its rollups, which no other metric and no other version has."""

    tenant: str
    stored: str
    definition: MetricDefinition


class Item(Protocol):
    """One event, as it is decoded."""

    @property
    def key(self) -> bytes: ...
    @property
    def tenant(self) -> str: ...
    @property
    def second(self) -> int: ...
    @property
    def body(self) -> Any: ...
    @property
    def traceparent(self) -> str | None: ...


class EventMetrics:
    """The metrics that are drawn from events now; :meth:`replace` takes others."""

    def __init__(self) -> None:
        self.epoch = 0
        """By which a transaction of the writer knows that these are the ones to be counted."""
        self._plans: dict[str, dict[str, _Plan]] = {}
        self._stored: dict[tuple[str, str], Counted] = {}
        self._by_tenant: dict[str, dict[str, MetricDefinition]] = {}

    def replace(self, epoch: int, counted: Sequence[Counted]) -> list[tuple[Counted, str]]:
        """``counted`` are all that are counted from ``epoch`` on. Returns those that cannot be, with the reason: a definition
        that this version cannot read must not keep it from storing events."""
        wrong: list[tuple[Counted, str]] = []
        extractors: defaultdict[str, defaultdict[str, list[_Extractor]]] = defaultdict(lambda: defaultdict(list))
        by_tenant: defaultdict[str, dict[str, MetricDefinition]] = defaultdict(dict)
        for one in counted:
            source = one.definition.source
            if source is not None:
                try:
                    extractors[one.tenant][source.event].append(_Extractor(one.stored, one.definition, source))
                except ExpressionError as error:
                    wrong.append((one, str(error)))
            by_tenant[one.tenant][one.stored] = one.definition
        self._plans = {
            tenant: {event: _Plan(extractors) for event, extractors in types.items()} for tenant, types in extractors.items()
        }
        self._stored = {(one.tenant, one.definition.token): one for one in counted}
        self._by_tenant = dict(by_tenant)
        self.epoch = epoch
        return wrong

    def stored(self, tenant: str, definition: MetricDefinition) -> str:
        """The name under which rollups of ``definition`` are kept: its token, but for metrics that are drawn from events."""
        if definition.source is None:
            return definition.token
        counted = self._stored.get((tenant, definition.token))
        return definition.token if counted is None else counted.stored

    def of(self, tenant: str) -> Mapping[str, MetricDefinition]:
        """The metrics of a tenant by the name of their rollups."""
        return self._by_tenant.get(tenant, {})

    def observe(self, items: Sequence[Item], exemplars: Mapping[bytes, str], observations: Observations) -> None:
        """What ``items``, events, say about the metrics that are drawn from them."""
        if not self._plans:
            return
        plans = self._plans
        groups: defaultdict[tuple[str, str], list[Item]] = defaultdict(list)
        for item in items:
            if item.tenant in plans:
                groups[item.tenant, item.body.event_type].append(item)
        for (tenant, event_type), some in groups.items():
            plan = plans[tenant].get(event_type)
            if plan is not None:
                plan.observe(tenant, some, exemplars, observations)


class _Plan:
    """The extractors of one type of event."""

    def __init__(self, extractors: Sequence[_Extractor]) -> None:
        self._extractors = extractors
        self._own = any(name in extractor.names for name in OWN for extractor in extractors)

    def observe(self, tenant: str, items: Sequence[Item], exemplars: Mapping[bytes, str], observations: Observations) -> None:
        facts = []
        for item in items:
            body: AnalyticsEvent = item.body
            exemplar = None if item.traceparent is None else exemplars.get(item.key, item.traceparent)
            properties = properties_of(body) if self._own else body.data
            facts.append((item.second, exemplar, properties))
        for extractor in self._extractors:
            found: _Found = {}
            for second, exemplar, properties in facts:
                extractor.take(second, exemplar, properties, found)
            extractor.put(tenant, found, observations)


def properties_of(body: AnalyticsEvent) -> Properties:
    """The data of an event and, beside it, what it says of itself."""
    return {
        "user_id": body.user_id,
        "session_id": body.session_id,
        "service": body.service,
        "version": body.version,
        **body.data,
    }


class _Extractor:
    """What one metric takes from events of its type."""

    __slots__ = ("_dimensions", "_kind", "_matches", "_stored", "_taken", "names")

    def __init__(self, stored: str, definition: MetricDefinition, source: EventSource) -> None:
        condition = parse_condition(source.where) if source.where else None
        self._stored = stored
        self._kind = definition.kind
        self._matches: Matcher | None = None if condition is None else compiled(condition)
        self._dimensions = tuple((name, source.dimensions.get(name, name)) for name in definition.dimensions)
        self._taken: Callable[[Properties], object] | None = _taker(source)
        self.names = names_of(definition, source)

    def take(self, second: int, exemplar: str | None, properties: Properties, found: _Found) -> None:
        """Adds what one event says to ``found``."""
        if self._matches is not None and not self._matches(properties):
            return
        taken = None
        if self._taken is not None and (taken := self._taken(properties)) is None:
            return
        labels = tuple([label_of(properties.get(name)) for _, name in self._dimensions]) if self._dimensions else ()
        key = (second, labels, exemplar)
        values = found.get(key)
        if values is None:
            found[key] = [taken]
        else:
            values.append(taken)

    def put(self, tenant: str, found: _Found, observations: Observations) -> None:
        """Adds what was found to ``observations``."""
        if not found:
            return
        observations.declare(self._stored, self._kind)
        texts: dict[Labels, Labels] = {}
        for (second, labels, exemplar), values in found.items():
            text = texts.get(labels)
            if text is None:
                text = texts[labels] = labels_of([name for name, _ in self._dimensions], labels)
            series = Series(tenant, self._stored, text, second)
            if self._kind is Kind.UNIQUE:
                observations.seen(series, values, exemplar=exemplar)
            elif self._taken is None:
                observations.count(series, len(values), exemplar=exemplar)
            else:
                observations.values(series, values, exemplar=exemplar)


def names_of(definition: MetricDefinition, source: EventSource) -> frozenset[str]:
    """The properties that a metric is drawn from."""
    condition = parse_condition(source.where) if source.where else None
    dimensions = (source.dimensions.get(name, name) for name in definition.dimensions)
    return frozenset({source.value, source.unique, *names_in(condition), *dimensions} - {""})


def _taker(source: EventSource) -> Callable[[Properties], object] | None:
    """What is taken from an event's properties; ``None`` where it is only counted."""
    name = source.value or source.unique
    if not name:
        return None
    if source.value:
        return lambda properties: number(properties.get(name))
    return lambda properties: text_of(properties.get(name)) or None


def labels_of(dimensions: Sequence[str], values: Sequence[str]) -> Labels:
    """The labels of a series, as one text."""
    return (_encode(dict(zip(dimensions, values, strict=True))).decode(),)


def label_of(value: object) -> str:
    """A property as a label's value."""
    return text_of(value)[:LABEL_LENGTH] or UNKNOWN


def text_of(value: object) -> str:
    """A text, a truth value or a number as text; nothing of anything else.

    A number is the same text however JSON wrote it, 5 and 5.0, since the rows of events may write it otherwise than the event.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() < _EXACT_BITS:
            return str(value)
        try:
            value = float(value)
        except OverflowError:
            return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2.0 ** (_EXACT_BITS - 1) else repr(value)
    return ""


_EXACT_BITS = 64
"""Integers with more bits are told apart as floats, since the rows of events may write either as the other."""
