"""Series as people have them: CSV with a header, read row by row, whatever is in it.

A file that is no such CSV is refused with :class:`UnreadableInput`. A single row that is wrong never ends the reading: it is
passed on as what it is (no time, no value), counted, and the first few of each sort are told with their line.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

from predictor.command.files import cells, shown
from predictor.errors import UnreadableInput

TOLD = 3
"""Rows of one sort of fault that are told one by one; the others are counted."""

UNITS = ((1e9, 1e17), (1e6, 1e14), (1e3, 1e11))
"""Nanoseconds, microseconds and milliseconds, and from which number on it must be them: seconds reach 1e11 in the year 5138."""

FIRST_S, LAST_S = -62_135_596_800.0, 253_402_300_800.0
"""The years 1 to 9999; what lies outside is no time."""

LIKELY_S = (631_152_000.0, 4_102_444_800.0)
"""The years 1990 to 2099; a first row of another time is asked about: 20240601 in digits are seconds of 1970."""

LARGEST = 1e30
"""No measurement is larger: it stands for "infinite", as to the detector, and models could not square it."""

WANTED = "a first line `timestamp,value` was expected"


@dataclass(frozen=True)
class Row:
    """One line: its texts as they came, ``at`` in seconds since 1970 (NaN: unreadable), ``value`` (NaN: missing)."""

    line: int
    timestamp: str
    text: str
    at: float
    value: float


class Notes:
    """What was wrong with rows: told at once a few times, and as a count at the end."""

    def __init__(self, out: TextIO | None = None) -> None:
        self._out = out if out is not None else sys.stderr
        self._counts: Counter[str] = Counter()

    def say(self, what: str) -> None:
        self._out.write(f"{what}\n")

    def add(self, line: int, sort: str, what: str) -> None:
        self._counts[sort] += 1
        if self._counts[sort] <= TOLD:
            self.say(f"line {line}: {what}")

    def close(self) -> None:
        for sort, count in self._counts.items():
            if count > TOLD:
                self.say(f"{count} rows {sort}")


def read(file: TextIO, notes: Notes) -> Iterator[Row]:
    """The rows of ``timestamp,value``, as soon as each is there. Raises :class:`UnreadableInput` for what is no such file."""
    lines = cells(file)
    try:
        line, header = next(lines)
    except StopIteration:
        raise UnreadableInput(f"there is nothing in it: {WANTED}") from None
    when, what = _columns(line, header)
    if len(header) > 2:
        notes.say(f"timestamps are taken from column {shown(header[when])}, values from {shown(header[what])}")
    first = True
    for line, row in lines:
        timestamp, text = (row[column].strip() if column < len(row) else "" for column in (when, what))
        at = instant(timestamp)
        if first and math.isnan(at):
            raise UnreadableInput(
                f"line {line}: {shown(timestamp)} is no timestamp; ISO 8601 (2024-05-31 18:30:00) or seconds since 1970 are "
                "(a file with one series a row is for `forecast --wide`)"
            )
        if first and not LIKELY_S[0] <= at < LIKELY_S[1]:
            notes.say(
                f"line {line}: {shown(timestamp)} is read as {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}: is it that?"
            )
        first = False
        value = number(text)
        if math.isnan(at):
            notes.add(line, "had no timestamp that can be read", f"{shown(timestamp)} is no timestamp, the row is left out")
        elif math.isnan(value):
            notes.add(line, "had no value", f"{shown(text)} is no usable number, taken as missing")
        yield Row(line, timestamp, text, at, value)


def instant(text: str) -> float:
    """Seconds since 1970, or NaN. Without a zone a time is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        if not text.isdigit():  # 20240101 is a date to ISO 8601, but 1704067200 is not, and both are digits
            return _within((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    seconds = number(text)
    for unit, least in UNITS:
        if abs(seconds) >= least:
            return _within(seconds / unit)
    return seconds


def _within(seconds: float) -> float:
    return seconds if FIRST_S <= seconds < LAST_S else math.nan


def number(text: str) -> float:
    """The number that ``text`` is, or NaN for anything else, for what is not finite and what is beyond :data:`LARGEST`."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if abs(value) <= LARGEST else math.nan


def _columns(line: int, header: list[str]) -> tuple[int, int]:
    """Which column the timestamp is, and which the value: by name, else the first that is left."""
    if len(header) < 2:
        raise UnreadableInput(f"line {line}: {shown(header[0])} is one column; {WANTED}")
    names = [cell.strip().lower() for cell in header]
    what = names.index("value") if "value" in names else None
    when = names.index("timestamp") if "timestamp" in names else int(what == 0)
    if what is None:
        what = int(when == 0)
    if not (math.isnan(number(header[what])) and math.isnan(instant(header[when].strip()))):
        raise UnreadableInput(f"line {line} is no header but data; {WANTED}")
    return when, what
