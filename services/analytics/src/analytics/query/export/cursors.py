"""Where an export is: its snapshot, its range, and the place behind the last row. Pure."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from drishti.errors import QueryError

Place = tuple[Annotated[int, Meta(ge=0, le=0xFFFF_FFFE)], Annotated[int, Meta(ge=0, le=0xFFFF)]]
"""Block and offset of a row in its partition, as ``ctid`` has them."""

BEGIN: Place = (0, 0)

_SNAPSHOT = re.compile(r"([0-9]{1,19}):([0-9]{1,19}):((?:[0-9]{1,19}(?:,[0-9]{1,19})*)?)")


Ms = Annotated[int, Meta(ge=0, le=4_102_444_800_000)]
"""Up to the year 2100."""


class ExportCursor(Struct, kw_only=True, array_like=True):
    """An export whose days before ``day`` are done, and of that day what is up to ``place``."""

    rows: str
    snapshot: str
    cluster: int
    from_ms: Ms
    to_ms: Ms
    day: date
    place: Place = BEGIN


def written(cursor: ExportCursor) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")


def read(text: str) -> ExportCursor:
    """Raises :class:`QueryError` for what no page says."""
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        cursor = msgspec.json.decode(base64.b64decode(padded, b"-_", validate=True), type=ExportCursor)
    except (UnicodeEncodeError, binascii.Error, ValueError):
        raise _unknown() from None
    if not _is_snapshot(cursor.snapshot):
        raise _unknown()
    return cursor


def _is_snapshot(text: str) -> bool:
    """Whether PostgreSQL reads it as a ``txid_snapshot``."""
    match = _SNAPSHOT.fullmatch(text)
    if match is None:
        return False
    first, last = int(match[1]), int(match[2])
    running = [int(number) for number in match[3].split(",") if number]
    return 0 < first <= last < 1 << 63 and running == sorted(running) and all(first <= one < last for one in running)


def _unknown() -> QueryError:
    return QueryError("is no cursor of an export", field="cursor")
