"""Metrics out of many events at once are those of the events one by one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from analytics.event_metrics.columns import text_of
from analytics.event_metrics.extractors import Counted, EventMetrics
from analytics.ingest.items import Item
from analytics.rollup.cells import Cell
from analytics.rollup.observations import Observations, Series, number
from drishti.events import AnalyticsEvent
from drishti.measures.definitions import EventSource, Kind, MetricDefinition
from drishti.measures.expressions.parser import parse_condition
from drishti.measures.expressions.tree import matches

SOURCES = [
    (Kind.COUNTER, (), EventSource(event="order")),
    (Kind.COUNTER, (), EventSource(event="order", where="price > 1 and plan exists")),
    (Kind.COUNTER, ("plan", "who"), EventSource(event="order", where="not (price < 2)", dimensions={"who": "user_id"})),
    (Kind.COUNTER, ("service",), EventSource(event="order", value="price")),
    (Kind.DISTRIBUTION, (), EventSource(event="order", value="price", where='plan != "pro"')),
    (Kind.DISTRIBUTION, ("plan",), EventSource(event="order", value="price")),
    (Kind.GAUGE, ("plan",), EventSource(event="order", value="price", where="price exists")),
    (Kind.UNIQUE, (), EventSource(event="order", unique="user_id")),
    (Kind.UNIQUE, ("version",), EventSource(event="order", unique="plan", where="user_id exists")),
]
COUNTED = [
    Counted("default", f"m{n}@{n}", MetricDefinition(name=f"m{n}", kind=kind, dimensions=dimensions, source=source))
    for n, (kind, dimensions, source) in enumerate(SOURCES)
]
ANY = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(-4, 4).map(lambda x: round(x * 4) / 4),
    st.sampled_from(["pro", "free", "", "ü", "x" * 200, [1], {"a": 1}, 10**400, 1e200, 7.0]),
)  # fmt: skip
DATA = st.dictionaries(st.sampled_from(["price", "plan", "user_id", "version"]), ANY)
EVENTS = st.builds(
    lambda kind, user, service, data: {"event_type": kind, "user_id": user, "service": service, "data": data},
    st.sampled_from(["order", "order", "other"]),
    st.sampled_from([None, "u1", "u2"]),
    st.sampled_from([None, "shop"]),
    DATA,
)
FACTS = st.tuples(st.sampled_from(["default", "default", "nobody"]), st.integers(100, 102), st.booleans(), EVENTS)


def item(place: int, tenant: str, second: int, traced: bool, event: dict[str, Any]) -> Item:
    body = AnalyticsEvent(event_id=str(place), timestamp=datetime.fromtimestamp(second, UTC), **event)
    return Item(str(place).encode(), tenant, body.timestamp, second, body, f"trace-{place}" if traced else None)


def one_by_one(items: list[Item]) -> dict[Series, tuple[list[Any], set[str]]]:
    """What is taken from each event, and the traces of those that it is taken from."""
    found: dict[Series, tuple[list[Any], set[str]]] = {}
    for counted in COUNTED:
        source, definition = counted.definition.source, counted.definition
        assert source is not None
        for event in items:
            body = event.body
            own = {"user_id": body.user_id, "session_id": body.session_id, "service": body.service, "version": body.version}
            properties = own | body.data
            if event.tenant != "default" or body.event_type != "order":
                continue
            if source.where and not matches(parse_condition(source.where), properties):
                continue
            taken: object = 1
            if source.value:
                taken = number(properties.get(source.value))
            elif source.unique:
                taken = text_of(properties.get(source.unique)) or None
            if taken is None:
                continue
            names = {name: source.dimensions.get(name, name) for name in definition.dimensions}
            labels = {name: text_of(properties.get(of))[:128] or "unknown" for name, of in names.items()}
            text = msgspec.json.encode(labels, order="sorted").decode()
            values, traces = found.setdefault(Series(event.tenant, counted.stored, (text,), event.second), ([], set()))
            values.append(taken)
            if event.traceparent is not None:
                traces.add(event.traceparent)
    return found


def check(kind: Kind, cell: Cell, values: list[Any], traces: set[str]) -> None:
    assert cell.count == len(values)
    assert (cell.exemplar in traces) if traces else cell.exemplar is None
    if kind is Kind.UNIQUE:
        assert round(cell.distinct() or 0) == len(set(values))
        return
    assert cell.sum == sum(values)
    if kind is not Kind.COUNTER:
        assert (cell.min, cell.max) == (min(values), max(values))
    assert (cell.histogram is not None) is (kind is Kind.DISTRIBUTION)
    if cell.histogram is not None:
        assert cell.histogram.count == len(values)


@given(st.lists(FACTS, max_size=30))
def test_metrics_of_many_events_are_those_of_the_events_one_by_one(facts: list[Any]) -> None:
    items = [item(place, *fact) for place, fact in enumerate(facts)]
    metrics = EventMetrics()
    assert metrics.replace(1, COUNTED) == []
    observations = Observations()
    metrics.observe(items, {}, observations)
    cells, expected = observations.cells(), one_by_one(items)
    assert cells.keys() == expected.keys()
    kinds = {counted.stored: counted.definition.kind for counted in COUNTED}
    for series, cell in cells.items():
        check(kinds[series.metric], cell, *expected[series])
