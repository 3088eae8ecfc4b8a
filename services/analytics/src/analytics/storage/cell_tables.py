"""Writes a writer's cells: new ones are copied into their tables, those that are there already are replaced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import repeat
from uuid import UUID

from analytics.computing import INLINE_CELLS, computed
from analytics.rollup.rollups import Row
from analytics.storage import rows as columns_of
from analytics.storage.database import Session
from analytics.storage.tables import ROLLUPS


async def put_cells(session: Session, writer: UUID, rows: Sequence[Row], metric_of: Callable[[str, str], int]) -> None:
    """Adds the new ones of ``rows``, none of which may be there, and replaces the others, all of which are there."""
    for resolution, table in ROLLUPS.items():
        for new in (True, False):
            some = [row for row in rows if row.new == new and row.window.resolution == resolution]
            if not some:
                continue
            columns = await computed(
                lambda some=some: columns_of.cell_columns(some, metric_of),  # type: ignore[misc]
                in_thread=len(some) > INLINE_CELLS,
            )
            if new:
                await session.copy(table.name, table.columns, zip(repeat(writer), *columns, strict=False))
            else:
                await session.execute(f"replace_{table.name}", writer, *columns)
