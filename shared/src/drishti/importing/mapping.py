"""What event a row is. Pure.

The id of an event is a hash of where its row stands (source and number) and what it says: the same file, imported again, has
the same ids, and counts nothing twice.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Any

from drishti.importing.rows import Row
from drishti.messages.named_events import NAME, data_of, event_type

_NUMBER = re.compile(r"-?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][-+]?\d{1,2})?")
_EPOCH = re.compile(r"-?\d{1,17}(\.\d+)?")

_SECONDS, _MILLISECONDS = 1e11, 1e14
"""Epoch numbers below are seconds, or milliseconds; others are microseconds."""

_BOOLEANS = {text: word == "true" for word in ("true", "false") for text in (word, word.title(), word.upper())}


class WrongRow(Exception):
    """A row that is no event; ``column`` is to blame, where one is."""

    def __init__(self, error: str, column: str = "") -> None:
        super().__init__(error)
        self.error = error
        self.column = column


@dataclass(frozen=True, kw_only=True, slots=True)
class Mapping:
    """Which column is what.

    ``event_type`` is a column or, where a row has none of that name, the type itself; without it rows are events in Drishti's
    own form. ``source`` is what rows of the same text and number are told apart by. ``texts`` are columns of CSV whose values
    stay texts; ``zone`` is that of times that say none.
    """

    source: str
    event_type: str | None
    time: str | None = None
    user: str | None = None
    session: str | None = None
    event_id: str | None = None
    texts: Collection[str] = ()
    zone: tzinfo = UTC

    @property
    def columns(self) -> list[str]:
        """Those that every row has to have."""
        named = (self.time, self.user, self.session, self.event_id, *self.texts)
        return [name for name in named if name is not None]

    def column_of(self, field: str) -> str:
        """The column that a field of the event was made of."""
        columns = {"event_id": self.event_id, "event_type": self.event_type, "timestamp": self.time}
        columns |= {"user_id": self.user, "session_id": self.session}
        return columns.get(field) or field

    def event(self, row: Row) -> dict[str, Any]:
        """The event that ``row`` is; raises :class:`WrongRow`."""
        if row.values is None:
            raise WrongRow(row.error)
        if self.event_type is None:
            return {"event_id": self._hash(row), **row.values}
        rest = {name: value for name, value in row.values.items() if value is not None and not (row.cells and value == "")}
        event: dict[str, Any] = {"event_id": self._hash(row)}
        name = _name(self.event_type, row.values, rest)
        for field, column in (("event_id", self.event_id), ("user_id", self.user), ("session_id", self.session)):
            if column is not None and column in rest:
                event[field] = _identifier(rest.pop(column), column)
        if self.time is not None:
            event["timestamp"] = _timestamp(rest.pop(self.time, None), self.time, self.zone)
        if row.cells:
            rest = {column: cell if column in self.texts else value_of(cell) for column, cell in rest.items()}
        event["event_type"] = event_type(name)
        event["data"] = rest if event["event_type"] == name else data_of(rest, {NAME: name})
        return event

    def _hash(self, row: Row) -> str:
        place = f"{self.source}\0{row.number}\0{row.text}"
        return hashlib.blake2b(place.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _name(event_type: str, values: dict[str, Any], rest: dict[str, Any]) -> str:
    if event_type not in values:
        return event_type
    name = rest.pop(event_type, None)
    if not isinstance(name, str) or not name.strip():
        raise WrongRow("is no name of an event", event_type)
    return name.strip()


def _timestamp(value: object, column: str, zone: tzinfo) -> str:
    try:
        return instant(value, zone).isoformat()
    except (ValueError, OverflowError, OSError):
        raise WrongRow("is no time: ISO 8601, or epoch in s, ms or \u00b5s", column) from None


def _identifier(value: object, column: str) -> str:
    """The text of an id; a number of JSON is one, too."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise WrongRow("is no id: a text or a whole number", column)


def instant(value: object, zone: tzinfo) -> datetime:
    """The time that ``value`` says; raises :class:`ValueError`, :class:`OverflowError` or :class:`OSError`."""
    text = "" if value is None or isinstance(value, bool) else str(value).strip()
    if _EPOCH.fullmatch(text):
        number = float(text)
        size = abs(number)
        seconds = number if size < _SECONDS else number / 1e3 if size < _MILLISECONDS else number / 1e6
        return datetime.fromtimestamp(seconds, UTC)
    at = datetime.fromisoformat(text)
    return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)


def value_of(cell: str) -> Any:
    """A cell as what it looks like: a number, true or false, else a text. ``007`` and ``+49`` are texts."""
    if cell in _BOOLEANS:
        return _BOOLEANS[cell]
    if match := _NUMBER.fullmatch(cell):
        return float(cell) if match[2] or match[3] else int(cell)
    return cell
