"""What is packed here for COPY is what the table has: read back by the format's own rules, field by field."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from uuid import UUID

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from analytics.rollup.cells import Cell
from analytics.rollup.histogram import Histogram
from analytics.rollup.rollups import Row
from analytics.rollup.windows import Window
from analytics.storage.copy_format import cell_rows
from analytics.storage.tables import CELL_COLUMNS

WRITER = UUID(int=7)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
CELLS = st.builds(
    Cell,
    count=st.integers(0, 2**53),
    errors=st.integers(0, 2**53),
    sum=FLOATS,
    min=st.none() | FLOATS,
    max=st.none() | FLOATS,
    histogram=st.none() | st.lists(st.floats(-1e6, 1e6), max_size=5).map(Histogram.of),
    sketch=st.none() | st.binary(max_size=9),
    exemplar=st.none() | st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
)
WINDOWS = st.builds(Window, st.just("1s"), st.just("acme"), st.sampled_from("abc"), st.integers(0, 4_000_000_000_000))
ROWS = st.lists(st.builds(Row, WINDOWS, st.integers(1, 2**62), CELLS, st.just(True)), max_size=6)


def fields(data: bytes) -> Iterator[list[bytes | None]]:
    """The rows of binary COPY, each as its fields; ``None`` for NULL."""
    assert data[:11] == b"PGCOPY\n\xff\r\n\0"
    flags, extension = struct.unpack_from(">ii", data, 11)
    assert (flags, extension) == (0, 0)
    at = 19
    while (count := struct.unpack_from(">h", data, at)[0]) != -1:
        at += 2
        row: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", data, at)
            at += 4
            row.append(None if length < 0 else data[at : at + length])
            at += max(0, length)
        yield row
    assert at + 2 == len(data)


def number(kind: str, data: bytes | None) -> float | None:
    found: tuple[float, ...] = () if data is None else struct.unpack(f">{kind}", data)
    return found[0] if found else None


@given(ROWS)
def test_rows_are_packed_column_by_column(given_rows: list[Row]) -> None:
    packed = list(fields(cell_rows(given_rows, WRITER, lambda tenant, metric: ord(metric))))
    assert len(packed) == len(given_rows)
    for row, found in zip(given_rows, packed, strict=True):
        named = dict(zip(CELL_COLUMNS, found, strict=True))
        assert named["writer"] == WRITER.bytes
        assert number("i", named["metric"]) == ord(row.window.metric)
        since_2000_us = number("q", named["window_start"])
        assert since_2000_us is not None
        begins = datetime(2000, 1, 1, tzinfo=UTC).timestamp() * 1_000_000
        assert since_2000_us + begins == row.window.start * 1000
        cell = row.cell
        assert [number("q", named[name]) for name in ("series", "count", "errors")] == [row.series, cell.count, cell.errors]
        assert [number("d", named[name]) for name in ("sum", "min", "max")] == [cell.sum, cell.min, cell.max]
        assert named["histogram"] == (None if cell.histogram is None else cell.histogram.to_bytes())
        assert named["uniques"] == cell.sketch
        assert named["exemplar"] == (None if cell.exemplar is None else cell.exemplar.encode())


@given(st.lists(st.sampled_from((1, 255, 256, 65_535, 65_536, 2**32)), min_size=1, max_size=4))
def test_counts_are_stored_as_wide_as_they_need_to_be(counts: list[int]) -> None:
    keys = np.arange(len(counts), dtype=np.int16)
    texts = set()
    for dtype in (np.int64, np.uint64):
        texts.add(Histogram(keys, np.array(counts, dtype)).to_bytes())
    (text,) = texts
    assert text[1] == max(0 if n < 2**8 else 1 if n < 2**16 else 2 if n < 2**32 else 3 for n in counts)
    assert Histogram.from_bytes(text).to_bytes() == text
