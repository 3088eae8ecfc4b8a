"""Series as people have them: CSV with a header, read row by row, whatever is in it.

A file that is no such CSV is refused with :class:`UnreadableInput`. A single row that is wrong never ends the reading: it is
passed on as what it is (no time, no value), counted, and the first few of each sort are told with their line.
"""

from __future__ import annotations

import contextlib
import csv
import io
import math
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from predictor.errors import UnreadableInput

TOLD = 3
"""Rows of one sort of fault that are told one by one; the others are counted."""

UNITS = ((1e9, 1e17), (1e6, 1e14), (1e3, 1e11))
"""Nanoseconds, microseconds and milliseconds, and from which number on it must be them: seconds reach 1e11 in the year 5138."""

LONGEST = 16 << 20
"""Characters of one cell, more than a row of a wide file will ever have."""


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

    def add(self, line: int, sort: str, what: str) -> None:
        self._counts[sort] += 1
        if self._counts[sort] <= TOLD:
            self._out.write(f"line {line}: {what}\n")

    def close(self) -> None:
        for sort, count in self._counts.items():
            if count > TOLD:
                self._out.write(f"{count} rows {sort}\n")


@contextlib.contextmanager
def opened(name: str) -> Iterator[TextIO]:
    """The file ``name``, or standard input for ``-``, as text. Raises :class:`UnreadableInput`."""
    if name == "-":
        if isinstance(sys.stdin, io.TextIOWrapper):  # it is not where somebody put another reader there
            sys.stdin.reconfigure(encoding="utf-8-sig", errors="replace")
        yield sys.stdin
        return
    try:
        file = Path(name).open(encoding="utf-8-sig", errors="replace", newline="")  # noqa: SIM115 - closed below
    except IsADirectoryError:
        raise UnreadableInput(f"{name} is a folder: name one CSV file in it") from None
    except OSError as error:
        raise UnreadableInput(f"{name} cannot be read: {error.strerror}") from None
    with file:
        yield file


def read(file: TextIO, notes: Notes) -> Iterator[Row]:
    """The rows of ``timestamp,value``, as soon as each is there. Raises :class:`UnreadableInput` for what is no such file."""
    lines = cells(file)
    try:
        line, header = next(lines)
    except StopIteration:
        raise UnreadableInput("there is nothing in it: a first line `timestamp,value` was expected") from None
    when, what = _columns(header)
    first = True
    for line, row in lines:
        timestamp, text = (row[column].strip() if column < len(row) else "" for column in (when, what))
        at = instant(timestamp)
        if first and math.isnan(at):
            raise UnreadableInput(f"line {line}: {timestamp[:40]!r} is no timestamp (ISO 8601, or seconds since 1970)")
        first = False
        value = number(text)
        if math.isnan(at):
            notes.add(line, "had no timestamp that can be read", f"{timestamp[:40]!r} is no timestamp, the row is left out")
        elif math.isnan(value):
            notes.add(line, "had no value", f"{text[:40]!r} is no number, taken as missing")
        yield Row(line, timestamp, text, at, value)


def cells(file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Every line that is not empty, with its number."""
    csv.field_size_limit(LONGEST)
    reader = csv.reader(file)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        raise UnreadableInput(f"line {reader.line_num} is no CSV: {error}") from None


def instant(text: str) -> float:
    """Seconds since 1970, or NaN. Without a zone a time is taken as UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        pass
    else:
        if not text.isdigit():  # 20240101 is a date to ISO 8601, but 1704067200 is not, and both are digits
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    seconds = number(text)
    for unit, least in UNITS:
        if abs(seconds) >= least:
            return seconds / unit
    return seconds


def number(text: str) -> float:
    """The number that ``text`` is, or NaN for anything else and for what is not finite."""
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if math.isfinite(value) else math.nan


def _columns(header: list[str]) -> tuple[int, int]:
    names = [cell.strip().lower() for cell in header]
    if "timestamp" in names and "value" in names:
        return names.index("timestamp"), names.index("value")
    if len(header) < 2:
        raise UnreadableInput(f"line 1: {header[0][:40]!r} is one column; a first line `timestamp,value` was expected")
    if not math.isnan(number(header[1])):
        raise UnreadableInput("line 1 is no header: it must name the columns, as in `timestamp,value`")
    return 0, 1
