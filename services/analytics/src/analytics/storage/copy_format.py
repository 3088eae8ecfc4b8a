"""Rows of cells as PostgreSQL's binary COPY takes them. Pure.

There is a row for every point that is measured: packing the columns of a fixed size at once takes a fifth of the time that the
driver needs, which encodes each value by itself. The columns are those of :data:`~analytics.storage.tables.CELL_COLUMNS`.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from uuid import UUID

from analytics.rollup.rollups import Row
from analytics.rollup.windows import Window
from analytics.storage.tables import CELL_COLUMNS

_HEADER = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER = struct.pack(">h", -1)
_NULL = struct.pack(">i", -1)
_EPOCH_MS = int(datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1000)
"""PostgreSQL's instants are microseconds since then."""

_window = struct.Struct(">h i16s ii iq").pack
_numbers = struct.Struct(">iq iq iq id").pack
_float = struct.Struct(">id").pack
_length = struct.Struct(">i").pack


def cell_rows(rows: Iterable[Row], writer: UUID, metric_of: Callable[[str, str], int]) -> bytes:
    """``rows`` with all that surrounds them; ``metric_of`` a tenant and a metric: its id."""
    parts = [_HEADER]
    windows: dict[Window, bytes] = {}
    for row in rows:
        window = row.window
        begin = windows.get(window)
        if begin is None:
            metric, start_us = metric_of(window.tenant, window.metric), (window.start - _EPOCH_MS) * 1000
            begin = windows[window] = _window(len(CELL_COLUMNS), 16, writer.bytes, 4, metric, 8, start_us)
        cell = row.cell
        parts += (
            begin,
            _numbers(8, row.series, 8, cell.count, 8, cell.errors, 8, cell.sum),
            _NULL if cell.min is None else _float(8, cell.min),
            _NULL if cell.max is None else _float(8, cell.max),
            _NULL if cell.histogram is None else _bytes(cell.histogram.to_bytes()),
            _NULL if cell.sketch is None else _bytes(cell.sketch),
            _NULL if cell.exemplar is None else _bytes(cell.exemplar.encode()),
        )
    parts.append(_TRAILER)
    return b"".join(parts)


def _bytes(value: bytes) -> bytes:
    return _length(len(value)) + value
