"""Writes a writer's cells: new ones are copied into their tables, those that are there already are replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from uuid import UUID

from analytics.computing import INLINE_CELLS, computed
from analytics.rollup.rollups import Row
from analytics.storage.copy_format import cell_rows
from analytics.storage.database import Session
from analytics.storage.rows import cell_columns
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
                large = len(some) > INLINE_CELLS
                if new:
                    encoded = await computed(partial(cell_rows, some, writer, metric_of), in_thread=large)
                    await session.copy_encoded(table.name, table.columns, encoded)
                else:
                    columns = await computed(partial(cell_columns, some, metric_of), in_thread=large)
                    await session.execute(f"replace_{table.name}", writer, *columns)
