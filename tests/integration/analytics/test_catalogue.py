"""What was seen of a tenant's metrics, of as many as one may have: by their ids and the series' labels, never by all rows."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg
import msgspec
import pytest

from analytics.query import catalogue_answers
from analytics.query.catalogue_answers import CatalogueAnswers
from analytics.query.sessions import Sessions
from analytics.storage.database import Database
from drishti.bus.entries import Entry
from drishti.events import CatalogueQuery
from drishti.measures.definitions import OTLP, Kind, MetricDefinition
from drishti.measures.registry import MetricRegistry
from drishti.settings import Secret

METRICS, SERIES = 2_000, 4
TENANT = "many"
HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)

IDS = "INSERT INTO metric_ids (tenant, metric) SELECT $1, 'm_' || n FROM generate_series(0, $2 - 1) AS n"
LABELS = """
INSERT INTO series (metric, labels)
SELECT m.id, jsonb_build_object('service', 'service-' || n % 2, 'host', 'host-' || n)
FROM metric_ids AS m, generate_series(0, $1 - 1) AS n
"""
CELLS = """
INSERT INTO {} (metric, window_start, series, writer, count, errors, sum)
SELECT s.metric, $1, s.id, $2, 1, 0, 1 FROM series AS s
"""


@pytest.fixture
async def connection(postgres_url: str) -> AsyncIterator[asyncpg.Connection]:
    await Database(Secret(postgres_url)).migrate()
    found = await asyncpg.connect(postgres_url)
    try:
        for table, starts, ends in (
            ("cells_1h", HOUR - timedelta(hours=1), HOUR + timedelta(hours=1)),
            ("cells_1s", HOUR, HOUR + timedelta(hours=1)),
        ):
            await found.execute("SELECT make_partition($1, $1 || '_now', $2, $3, '')", table, starts, ends)
        await found.execute(IDS, TENANT, METRICS)
        await found.execute(LABELS, SERIES)
        for table, start in (
            ("cells_1h", HOUR - timedelta(hours=1)),
            ("cells_1h", HOUR),
            ("cells_1s", HOUR + timedelta(seconds=7)),
        ):
            await found.execute(CELLS.format(table), start, uuid.uuid4())
            await found.execute(CELLS.format(table), start, uuid.uuid4())  # of another writer: the same series
        await found.execute("ANALYZE")
        yield found
    finally:
        await found.close()


def registry() -> MetricRegistry:
    """That of a tenant with :data:`METRICS` of its own."""
    known = MetricRegistry()
    for number in range(METRICS):
        definition = MetricDefinition(name=f"m_{number}", kind=Kind.COUNTER, dimensions=("service", "host"), origin=OTLP)
        known.take(Entry(f"{TENANT}.{definition.token}", number + 1, msgspec.json.encode(definition), 0.0))
    return known


class Counted(Sessions):
    """Sessions that count the statements."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.names: list[str] = []

    async def _take(self) -> Any:
        session = await super()._take()
        fetch = type(session).fetch

        async def counted(name: str, *parameters: Any) -> Any:
            self.names.append(name)
            return await fetch(session, name, *parameters)

        session.fetch = counted  # type: ignore[method-assign]
        return session


async def test_two_thousand_metrics_are_listed_with_what_was_seen(postgres_url: str, connection: asyncpg.Connection) -> None:
    sessions = Counted(Database(Secret(postgres_url)))
    answers = CatalogueAnswers(cast("Sessions", sessions), registry())
    try:
        first = await answers.answer(CatalogueQuery(tenant=TENANT))
        assert len(first.metrics) == METRICS
        last = int((HOUR + timedelta(seconds=7)).timestamp() * 1000)
        seen = {(one.series, one.last_seen, tuple(one.services)) for one in first.metrics}
        assert seen == {(SERIES, last, ("service-0", "service-1"))}
        sessions.names.clear()
        assert (await answers.answer(CatalogueQuery(tenant=TENANT))).metrics == first.metrics
        assert "services_seen" not in sessions.names, "the services of an hour are read once"

        metric = await connection.fetchval("SELECT id FROM metric_ids WHERE metric = 'm_5'")
        new = await connection.fetchval(
            'INSERT INTO series (metric, labels) VALUES ($1, \'{"service": "new"}\') RETURNING id', metric
        )
        await connection.execute(
            "INSERT INTO cells_1h (metric, window_start, series, writer, count, errors, sum) VALUES ($1, $2, $3, $4, 1, 0, 1)",
            metric, HOUR, new, uuid.uuid4(),
        )  # fmt: skip
        changed = (await answers.answer(CatalogueQuery(tenant=TENANT, metrics=["m_5", "m_6"]))).metrics
        assert [(one.metric, one.series, one.services) for one in sorted(changed, key=lambda one: one.metric)] == [
            ("m_5", SERIES + 1, ["new", "service-0", "service-1"]),
            ("m_6", SERIES, ["service-0", "service-1"]),
        ]
    finally:
        await sessions.close()


async def test_an_answer_about_many_metrics_names_as_many_services_as_fit(
    postgres_url: str, connection: asyncpg.Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalogue_answers, "MAX_SERVICES", METRICS)
    monkeypatch.setattr(catalogue_answers, "FEWEST_SERVICES", 1)
    await connection.execute("UPDATE series SET labels = '{\"service\": \"other\"}' WHERE labels ->> 'host' = 'host-3'")
    sessions = Sessions(Database(Secret(postgres_url)))
    try:
        answer = await CatalogueAnswers(sessions, registry()).answer(CatalogueQuery(tenant=TENANT))
        assert {tuple(one.services) for one in answer.metrics} == {("other",)}, "what is counted together is named first"
    finally:
        await sessions.close()
