"""Rows of an export as a Parquet file. Needs the extra ``parquet``, which nothing else imports."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import IO, Any, NamedTuple

import msgspec
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

from drishti.messages.export import ExportedEvent, ExportedRequest

ROW_GROUP = 65_536
"""Rows that are compressed together, and held in memory until then."""

_TEXT, _TIME = DataType.utf8(), DataType.timestamp("us", tz="UTC")

_TYPES: dict[str, DataType] = {"timestamp": _TIME, "status": DataType.int16(), "duration_ms": DataType.float64()}
"""Of columns that are no texts. ``data`` is the text of its JSON."""

_encode = msgspec.json.Encoder().encode


class _Column(NamedTuple):
    name: str
    type: DataType
    required: bool


def write(file: IO[bytes], rows: str, batches: Iterable[list[msgspec.Raw]]) -> None:
    """Writes all rows of ``batches``. Whatever these raise comes out as it is; the file then lacks its end, without which
    nobody reads it."""
    model: Any = ExportedEvent if rows == "events" else ExportedRequest
    columns = [_Column(one.name, _TYPES.get(one.name, _TEXT), one.required) for one in msgspec.structs.fields(model)]
    schema = Schema([Field(one.name, one.type, nullable=not one.required) for one in columns])
    raised: list[BaseException] = []

    def arrays() -> Iterator[RecordBatch]:
        try:
            for batch in batches:
                yield _batch(schema, columns, batch, msgspec.json.Decoder(model).decode)
        except BaseException as error:
            raised.append(error)  # arro3 tells its text alone
            raise

    try:
        write_parquet(
            RecordBatchReader.from_batches(schema, arrays()), file, compression="zstd(3)", max_row_group_size=ROW_GROUP
        )
    except Exception:
        if raised:
            raise raised[0] from None
        raise


def _batch(
    schema: Schema, columns: list[_Column], batch: list[msgspec.Raw], decode: Callable[[msgspec.Raw], Any]
) -> RecordBatch:
    rows = [decode(raw) for raw in batch]
    return RecordBatch.from_arrays([_array(column, rows) for column in columns], schema=schema)


def _array(column: _Column, rows: list[Any]) -> Array:
    values = [getattr(row, column.name) for row in rows]
    if column.name == "timestamp":
        micros = [round(value.timestamp() * 1_000_000) for value in values]
        return Array(micros, DataType.int64()).cast(column.type)
    if column.name == "data":
        values = [None if value is None else _encode(value).decode() for value in values]
    return Array(values, column.type)
