"""Writes a writer's cells: new ones are copied into their tables, those that are there already are replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from itertools import repeat
from uuid import UUID

from analytics.computing import INLINE_CELLS, computed
from analytics.rollup.rollups import Row
from analytics.storage import rows as columns_of
from analytics.storage.database import Session
from analytics.storage.tables import ROLLUPS

ROWS_AT_ONCE = 4_000
"""Rows that are turned into columns and sent with one statement; cells of distributions take some kilobytes each on the way."""


async def put_cells(session: Session, writer: UUID, rows: Sequence[Row], metric_of: Callable[[str, str], int]) -> None:
    """Adds the new ones of ``rows``, none of which may be there, and replaces the others, all of which are there."""
    groups: dict[tuple[str, bool], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.window.resolution, row.new), []).append(row)
    for resolution, table in ROLLUPS.items():
        for new in (True, False):
            group = groups.get((resolution, new), [])
            for start in range(0, len(group), ROWS_AT_ONCE):
                some = group[start : start + ROWS_AT_ONCE]
                columns = await computed(partial(columns_of.cell_columns, some, metric_of), in_thread=len(some) > INLINE_CELLS)
                if new:
                    await session.copy(table.name, table.columns, zip(repeat(writer), *columns, strict=False))
                else:
                    await session.execute(f"replace_{table.name}", writer, *columns)
