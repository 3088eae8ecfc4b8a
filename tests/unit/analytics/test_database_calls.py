"""Calls of databases by system and class of statement."""

from __future__ import annotations

from typing import Any

import pytest

from analytics.rollup.observations import Observations
from analytics.spans import database_calls
from analytics.spans.span import Span, SpanKind, Status
from drishti.measures.built_in import METRICS
from rigs.spans import MS, SpanItem, span


def call(span_id: str = "a", parent: str | None = None, **attributes: Any) -> Span:
    names = {name.replace("__", "."): value for name, value in attributes.items()}
    return span(span_id=span_id.encode() * 8, parent_id=parent and parent.encode() * 8, kind=SpanKind.CLIENT, attributes=names)


def counted(*spans: Span) -> dict[tuple[str, ...], tuple[int, int, float]]:
    observations = Observations()
    database_calls.observe([SpanItem(one) for one in spans], observations)
    cells = observations.cells()
    assert {series.metric for series in cells} <= {"db_duration_ms"}
    return {series.labels: (cell.count, cell.errors, cell.sum) for series, cell in cells.items()}


@pytest.mark.parametrize(
    ("attributes", "system", "statement"),
    [
        ({"db__system": "postgresql", "db__statement": "select * from t where id = 5"}, "postgresql", "SELECT"),
        ({"db__system__name": "microsoft.sql_server", "db__operation__name": "insert"}, "mssql", "INSERT"),
        ({"db__system": "mssql", "db__query__summary": "UPDATE carts"}, "mssql", "UPDATE"),
        ({"db__system": "redis", "db__statement": "HGETALL user:17"}, "redis", "HGETALL"),
        ({"db__system": "mongodb", "db__operation": "find"}, "mongodb", "find"),
        ({"db__system": "postgresql"}, "postgresql", "unknown"),
    ],
)
def test_a_call_counts_under_its_system_and_class(attributes: dict[str, Any], system: str, statement: str) -> None:
    assert counted(call(**attributes)) == {("shop", system, statement): (1, 0, 5.0)}


def test_failed_calls_are_errors_and_others_are_no_calls() -> None:
    failed = call(db__system="redis", db__operation="GET")
    failed.status = Status.ERROR
    served = call("b", db__system="redis", db__operation="GET")
    served.kind = SpanKind.SERVER
    assert counted(failed, served, call("c", http__method="GET")) == {("shop", "redis", "GET"): (1, 1, 5.0)}
    assert counted() == {}


def test_of_mapper_and_driver_the_inner_span_counts() -> None:
    mapper, driver = (
        call("a", db__system="mysql", db__operation="SELECT"),
        call("b", "a", db__system="mysql", db__operation="SELECT"),
    )
    driver.duration_ns = 3 * MS
    assert counted(driver, mapper) == {("shop", "mysql", "SELECT"): (1, 0, 3.0)}


def test_only_systems_go_live() -> None:
    metric = METRICS[database_calls.DURATION]
    assert (metric.dimensions, metric.published) == (("service", "system", "statement"), ((), ("system",)))
    assert not metric.watched
