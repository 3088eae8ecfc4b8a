"""Partitioned tables: which partitions must exist, and which have expired. Pure. Names hold the span: ``events_20260131``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Literal, NamedTuple

DAYS_AHEAD = 2
HOURS_AHEAD = 2

_ROLLUP_OPTIONS = "fillfactor = 60, toast_tuple_target = 4080, autovacuum_vacuum_scale_factor = 0.1"
"""Room for new versions of a row on its own page, and sketches kept in the row: these rows are rewritten all the time."""


Every = Literal["hour", "day", "month"]


class Table(NamedTuple):
    """A table with a partition for ``every`` hour, day or month. ``columns`` are those that rows are copied into, in order;
    ``options`` are storage parameters of its partitions."""

    name: str
    columns: tuple[str, ...] = ()
    every: Every = "day"
    options: str = ""


CELL_COLUMNS = (
    "writer", "metric", "window_start", "series", "count", "errors", "sum", "min", "max", "histogram", "uniques", "exemplar",
)  # fmt: skip

ROLLUPS = {
    "1s": Table("cells_1s", CELL_COLUMNS, options=_ROLLUP_OPTIONS),
    "1m": Table("cells_1m", CELL_COLUMNS, options=_ROLLUP_OPTIONS),
    "1h": Table("cells_1h", CELL_COLUMNS, every="month", options=_ROLLUP_OPTIONS),
}
"""By resolution."""


LOG_RECORDS = Table(
    "log_records",
    (
        "tenant", "time", "id", "service", "severity", "severity_text", "template", "trace_id", "span_id", "event_name",
        "scope", "resource", "body", "structured", "attributes",
    ),
)  # fmt: skip


class Partition(NamedTuple):
    """One partition, ``[starts, ends)``."""

    table: Table
    name: str
    starts: datetime
    ends: datetime


def partition_for(table: Table, at: datetime) -> Partition:
    """The partition of ``table`` that rows of ``at`` belong to."""
    hour = at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    if table.every == "hour":
        return Partition(table, f"{table.name}_{hour:%Y%m%d%H}", hour, hour + timedelta(hours=1))
    day = hour.replace(hour=0)
    if table.every == "month":
        starts = day.replace(day=1)
        return Partition(table, f"{table.name}_{starts:%Y%m}", starts, (starts + timedelta(days=32)).replace(day=1))
    return Partition(table, f"{table.name}_{day:%Y%m%d}", day, day + timedelta(days=1))


def ahead(tables: Iterable[Table], now: datetime) -> list[Partition]:
    """The partitions of ``tables`` that should exist at ``now``: that of now, and those of some days or hours more."""
    days = [now + timedelta(days=n) for n in range(DAYS_AHEAD + 1)]
    hours = [now + timedelta(hours=n) for n in range(HOURS_AHEAD + 1)]
    return list(
        dict.fromkeys(partition_for(table, at) for table in tables for at in (hours if table.every == "hour" else days))
    )


def partition_named(table: Table, name: str) -> Partition | None:
    """The partition of ``table`` that is called so; ``None`` where it is none of it."""
    if match := re.fullmatch(rf"{table.name}_(\d{{4}})(\d\d)(\d\d)?(\d\d)?", name):
        starts = datetime(int(match[1]), int(match[2]), int(match[3] or 1), int(match[4] or 0), tzinfo=UTC)
        return partition_for(table, starts)
    return None


def expired(table: Table, names: Iterable[str], before: datetime) -> list[str]:
    """Those of a table's partitions that hold nothing of ``before`` or later. Other names are left alone."""
    return sorted(name for name in names if (partition := partition_named(table, name)) and partition.ends <= before)
