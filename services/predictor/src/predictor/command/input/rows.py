"""Series as people have them: a table with a header, read row by row, whatever is in it.

A file that is no such table is refused with :class:`UnreadableInput`. A single row that is wrong never ends the reading: it is
passed on as what it is (no time, no value), and entered in the :class:`.account.Account`.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TextIO

from predictor.command.input.account import SUMMARY, UNREADABLE, Account
from predictor.command.input.columns import WANTED, Reading, cell_of, columns
from predictor.command.input.files import Table, shown, table
from predictor.command.values.quantities import Numbers, Unreadable
from predictor.command.values.stamps import NoTime, Stamps, named
from predictor.errors import UnreadableInput

SUMMARIES = re.compile(
    r"(grand\s+|sub)?(total|sum|average|avg|mean|min|max|minimum|maximum|count|median|summe|gesamt|mittelwert)s?\b.*",
    re.IGNORECASE,
)
"""What stands instead of a time in the last lines of a report."""

NO_TIME, CELLS = "with a time that cannot be read", "with more cells than the header"


@dataclass(frozen=True)
class Row:
    """One line: its texts as they came, ``at`` in seconds since 1970 (NaN: unreadable), ``value`` (NaN: missing).

    ``wall`` is ``at`` by the clock on the wall; ``key`` the cells of ``--by``; ``others`` the cells of the columns not used.
    ``lost``: something came, but it cannot be read.
    """

    line: int
    timestamp: str
    text: str
    at: float
    value: float
    wall: float = math.nan
    key: tuple[str, ...] = ()
    others: tuple[str, ...] = ()
    lost: bool = False


class Reader:
    """The rows of one table. Make one with :func:`read_file` or :func:`read_stream`."""

    def __init__(self, source: Table, reading: Reading, account: Account) -> None:
        self.table = source
        self.account = account
        self.columns = columns(source, reading)
        header = source.header[self.columns.what]
        self.stamps = Stamps(reading.date_format)
        self.numbers = Numbers(reading.decimal, header, source.separator)
        if len(source.header) > 2:
            when = " and ".join(shown(source.header[column]) for column in self.columns.when)
            rest = ", ".join(shown(source.header[column]) for column in self.columns.others if column != self.columns.what)
            account.say(
                f"timestamps are taken from column {when}, values from {shown(header)}"
                + (f"; not read: {rest}" if rest else "")
            )

    def observe(self, cells: Sequence[str]) -> None:
        if not self._wide(cells):
            when, what = self._texts(cells)
            self.stamps.observe(when)
            if not SUMMARIES.fullmatch(when):
                self.numbers.observe(what)

    def row(self, line: int, cells: Sequence[str]) -> Row:
        """Reads one line; what is wrong with it is entered in the account, what is right with it not yet."""
        key = tuple([cell_of(cells, column) for column in self.columns.by]) if self.columns.by else ()
        self.account.take(key)
        first = self.account.read == 1
        when, what = self._texts(cells)
        others = tuple([cell_of(cells, column) for column in self.columns.others]) if self.columns.others else ()
        row = Row(line, when, what, math.nan, math.nan, math.nan, key, others)
        if self._wide(cells):
            text = ",".join(cells[self.columns.what :])
            why = f"it has {len(cells)} cells, the header {len(self.table.header)} (a number with a comma must be in quotes)"
            self.account.fail(line, CELLS, why, _near(text), key=key)
            return replace(row, text=text, lost=True)
        if SUMMARIES.fullmatch(when):
            self.account.fail(line, SUMMARY, f"{shown(when)} is a summary, and left out", key=key)
            return row
        quote = " (a quote is not closed?)" if line in self.table.torn else ""
        moment = self.stamps.read(when)
        value = self.numbers.read(what)
        if isinstance(moment, NoTime):
            if first:
                raise UnreadableInput(
                    f"line {line}: {moment.why}{quote}; ISO 8601 (2024-05-31 18:30:00, 2024-05, 2024-Q2) or seconds since 1970 "
                    f"are, --date-format reads others, --time names another column{_wide_hint(self.table)}"
                )
            near = _near(when.rpartition(self.table.separator)[2] if quote else what)
            self.account.fail(line, NO_TIME, f"{moment.why}{quote}, the row is left out", near, grave=moment.open, key=key)
            return replace(row, lost=True)
        if first and isinstance(value, Unreadable) and value.open:
            raise UnreadableInput(f"line {line}: {value.why}")
        if first and self.stamps.asked(moment):
            self.account.say(f"line {line}: {shown(when)} is read as {named(moment.at)}: is it that?")
        if isinstance(value, Unreadable):
            self.account.fail(line, UNREADABLE, f"{value.why}{quote}, taken as missing", value.near, grave=value.grave, key=key)
            return Row(line, when, what, moment.at, math.nan, moment.wall, key, others, lost=True)
        if math.isnan(value):
            self.account.miss()
        return Row(line, when, what, moment.at, value, moment.wall, key, others)

    def _texts(self, cells: Sequence[str]) -> tuple[str, str]:
        when, what = self.columns.when, cell_of(cells, self.columns.what)
        if len(when) == 1:
            return cell_of(cells, when[0]), what
        return self.columns.between.join(cell_of(cells, column) for column in when).strip(self.columns.between), what

    def _wide(self, cells: Sequence[str]) -> bool:
        names = len(self.table.header)
        return len(cells) > names and any(cell.strip() for cell in cells[names:])


def read_file(
    file: TextIO, reading: Reading, account: Account, progress: Callable[[int, int], None] | None = None
) -> tuple[Reader, list[Row]]:
    """All rows, each read with what the whole column shows; ``progress`` gets their number. Raises :class:`UnreadableInput`."""
    reader = Reader(_table(file), reading, account)
    lines = []
    for line, cells in reader.table.rows:
        reader.observe(cells)
        lines.append((line, cells))
        if progress:
            progress(len(lines), 0)
    reader.stamps.settle()
    reader.numbers.settle()
    rows = []
    for line, cells in lines:
        rows.append(reader.row(line, cells))
        if progress:
            progress(len(rows), len(lines))
    return reader, rows


def read_stream(file: TextIO, reading: Reading, account: Account) -> tuple[Reader, Iterator[Row]]:
    """The rows as soon as each is there, read with what the rows before show. Raises :class:`UnreadableInput`."""
    reader = Reader(_table(file), reading, account)

    def rows() -> Iterator[Row]:
        for line, cells in reader.table.rows:
            reader.observe(cells)
            yield reader.row(line, cells)

    return reader, rows()


def _table(file: TextIO) -> Table:
    result = table(file)
    if result is None:
        raise UnreadableInput(f"there is nothing in it: {WANTED}")
    return result


def by_key(rows: Iterable[Row]) -> dict[tuple[str, ...], list[Row]]:
    """The rows of each series, in the order of their first ones."""
    rows_of: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        rows_of.setdefault(row.key, []).append(row)
    return rows_of


def usable(rows: Iterable[Row]) -> bool:
    """Whether one of them has a time and a value."""
    return any(row.at == row.at and row.value == row.value for row in rows)


def refuse_empty(rows: Iterable[Row], account: Account) -> None:
    """Raises :class:`UnreadableInput`, with what is wrong with the first ones, where no row at all can be used."""
    if not usable(rows):
        account.refuse()


@contextlib.contextmanager
def named_series(key: Sequence[str]) -> Iterator[None]:
    """Whatever is :class:`UnreadableInput` in the block is given the name of the series, where there are several."""
    try:
        yield
    except UnreadableInput as error:
        raise UnreadableInput(f"series {' '.join(key)}: {error}" if key else str(error)) from None


def _near(text: str) -> tuple[float, ...]:
    """Numbers that a text may mean whose column is not known."""
    value = Numbers(".").read(text)
    if isinstance(value, Unreadable):
        return value.near
    return (value,) if math.isfinite(value) else ()


def _wide_hint(source: Table) -> str:
    return " (a file with one series a row is for `forecast --wide`)" if len(source.header) > 3 else ""
