"""PostgreSQL counts rows of events as Python counts events: any definition over any events comes to the same cells."""

from __future__ import annotations

import asyncio
import itertools
import math
import random
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from analytics.event_metrics.extractors import Counted, EventMetrics
from analytics.event_metrics.row_counts import Cells, cells_of, labels_in
from analytics.event_metrics.statements import is_number, statement
from analytics.ingest.items import Item
from analytics.ingest.signals.events import SIGNAL, TABLE
from analytics.rollup.cells import Cell, merge
from analytics.rollup.observations import Observations
from analytics.rollup.windows import RESOLUTIONS
from analytics.storage.database import Database, Session
from analytics.storage.partitions import Partitions
from analytics.storage.rows import Record, epoch_ms
from drishti.events import RESOLUTION_MS, AnalyticsEvent, encode
from drishti.measures.definitions import MetricDefinition
from drishti.settings import Secret
from rigs import event_definitions

HOUR = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=3)
EXAMPLES = 150


async def test_rows_are_counted_as_events_are(postgres_url: str) -> None:
    database = Database(Secret(postgres_url))
    await database.migrate()
    loop = asyncio.get_running_loop()
    tenants = itertools.count()
    connection = await asyncpg.connect(postgres_url)
    async with await database.connect(name="test") as session:
        partitions = Partitions()
        await partitions.make(session, partitions.missing([(TABLE, HOUR)]))
        await session.execute("make_counted_groups")

        @settings(max_examples=EXAMPLES, phases=[Phase.generate])  # to shrink a failure takes minutes
        @given(st.randoms(use_true_random=False), st.integers(1, 25), st.integers(0, 2))
        def check(chance: random.Random, events: int, dimensions: int) -> None:
            tenant = f"t{next(tenants)}"
            names = tuple(chance.sample(event_definitions.NAMES, dimensions))
            metrics = [event_definitions.definition(chance, f"m{n}", "order", names) for n in range(4)]
            happened = [
                event_definitions.event(
                    chance, f"e{n}", "order", timestamp=HOUR + timedelta(seconds=chance.randrange(3), milliseconds=n)
                )
                for n in range(events)
            ]
            asyncio.run_coroutine_threadsafe(_check(session, connection, tenant, metrics, happened), loop).result(60)

        await asyncio.to_thread(check)
    await connection.close()


async def _check(
    session: Session,
    connection: asyncpg.Connection,
    tenant: str,
    metrics: Sequence[MetricDefinition],
    happened: Sequence[AnalyticsEvent],
) -> None:
    counted = [(Counted(tenant, metric.token, metric), metric.source) for metric in metrics if metric.source is not None]
    items, refused = SIGNAL.decode(tenant, encode(list(happened)), datetime.now(UTC), None)
    assert not refused
    await session.copy(TABLE.name, TABLE.columns, SIGNAL.tables[TABLE](items))
    cut = await connection.fetchval("SELECT pg_current_xact_id()::text")
    live = live_cells([one for one, _ in counted], items)
    for resolution in RESOLUTIONS:
        text, values = statement(counted, resolution=resolution, starts=HOUR, ends=HOUR + timedelta(hours=1), cut=cut)
        records = await session.fetch_composed(text, *values)
        assert sum(record["rows"] for record in records) == len(items)
        groups = await session.fetch_composed("SELECT * FROM counted_groups")
        await session.execute("empty_counted_groups")
        for place, ((one, _), made_here) in enumerate(zip(counted, cells_of(counted, records), strict=True)):
            found = numbers_of(one, place, groups) if is_number(one) else made_here
            wanted = _wider(live[one.stored], RESOLUTION_MS[resolution] // 1000)
            assert found.keys() == wanted.keys(), (resolution, one.definition)
            for where, cell in wanted.items():
                _assert_same(found[where], cell, one.definition)


def live_cells(counted: Sequence[Counted], items: Sequence[Item]) -> dict[str, Cells]:
    """What a writer counts, by the name of the rollups."""
    metrics = EventMetrics()
    assert metrics.replace(1, counted) == []
    observations = Observations()
    metrics.observe(items, {}, observations)
    cells: dict[str, Cells] = {one.stored: {} for one in counted}
    for series, cell in observations.cells().items():
        cells[series.metric][series.second, series.labels] = cell
    return cells


def numbers_of(counted: Counted, place: int, groups: Sequence[Record]) -> Cells:
    """The cells that PostgreSQL will make of a metric."""
    cells: Cells = {}
    for group in groups:
        if count := group["counts"][place]:
            cell = Cell(count=count, sum=group["sums"][place], min=group["least"][place], max=group["most"][place])
            where = epoch_ms(group["at"]) // 1000, labels_in(counted, group["labels"])
            cells[where] = merge(cells[where], cell) if where in cells else cell
    return cells


def _wider(cells: Cells, seconds: int) -> Cells:
    found: Cells = {}
    for (second, labels), cell in cells.items():
        place = second // seconds * seconds, labels
        found[place] = merge(found[place], cell) if place in found else cell
    return found


def _assert_same(one: Cell, other: Cell, definition: MetricDefinition) -> None:
    assert (one.count, one.min, one.max, one.histogram) == (other.count, other.min, other.max, other.histogram), definition
    assert math.isclose(one.sum, other.sum, rel_tol=1e-9, abs_tol=1e140), definition  # terms of 1e150 may cancel out
    assert one.distinct() == other.distinct(), definition
