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
from itertools import chain
from typing import TextIO

from predictor.command.input.account import SUMMARY, UNREADABLE, Account
from predictor.command.input.files import Table, shown, table
from predictor.command.values.quantities import BOOLEANS, MISSING, Numbers, Unreadable
from predictor.command.values.stamps import NoTime, Stamps, instant, named
from predictor.errors import UnreadableInput

WANTED = "a first line `timestamp,value` was expected"

_TIMES = (
    "timestamp|time|datetime|date|ds|_time|@timestamp|date_time|date time|date/time|datum|ts|period|month|quarter|week|year|"
    "day|start|end|eventtime|created_at|epoch|unixtime|"
    "zeitstempel|zeit|uhrzeit|datum/uhrzeit|monat|quartal|woche|jahr|tag|fecha|fecha/hora|hora|mes|trimestre|semana|a\u00f1o|d\u00eda|"
    "horodatage|heure|mois|semaine|ann\u00e9e|jour|data|data/ora|ora|mese|settimana|anno|giorno|data/hora|m\u00eas|ano|dia|tijd|tijdstip|"
    "maand|week|jaar|dag|\u65e5\u671f|\u65f6\u95f4|\u65e5\u4ed8|\u65e5\u6642|\u0434\u0430\u0442\u0430|\u0432\u0440\u0435\u043c\u044f"
)
_KEYS = (
    "host|hostname|instance|id|unique_id|series|series_id|series_name|item|item_id|store|store_id|sku|product|product_id|device|"
    "device_id|sensor|sensor_id|meter|meter_id|node|pod|container|server|service|endpoint|app|job|cluster|namespace|machine|"
    "region|country|location|station|metric|name|key|symbol|ticker|tenant|customer|user|group|category|"
    "knoten|rechner|ger\u00e4t|maschine|anlage|standort|filiale|artikel|produkt|kunde|dienst|serveur|h\u00f4te|appareil|magasin|produit|"
    "servidor|equipo|dispositivo|producto|tienda|cliente|macchina|prodotto|negozio"
)
_DATES, _CLOCKS = (
    ("date", "day", "datum", "fecha"),
    ("time", "hour", "clock", "uhrzeit", "stunde", "zeit", "hora", "heure", "tijd"),
)
_YEARS, _MONTHS = (
    ("year", "jahr", "a\u00f1o", "ann\u00e9e", "anno", "ano", "jaar"),
    ("month", "monat", "mes", "mois", "mese", "m\u00eas", "maand"),
)
_QUARTERS, _WEEKS = (
    ("quarter", "qtr", "quartal", "trimestre", "kwartaal"),
    ("week", "weeknum", "woche", "kw", "semana", "semaine"),
)
_DAYS = ("day", "tag", "d\u00eda", "jour", "giorno", "dia", "dag")
"""Names of columns that hold a part of the time."""
VALUES = (
    *(
        "value",
        "_value",
        "y",
        "val",
        "values",
        "wert",
        "messwert",
        "werte",
        "valor",
        "valores",
        "valeur",
        "valeurs",
        "valore",
        "valori",
    ),
    *(
        "waarde",
        "varde",
        "v\u00e4rde",
        "warto\u015b\u0107",
        "\u503c",
        "\u6570\u503c",
        "\u5024",
        "\u0437\u043d\u0430\u0447\u0435\u043d\u0438\u0435",
    ),
)
TIMES, KEYS = tuple(_TIMES.split("|")), frozenset(_KEYS.split("|"))
"""Names of columns, in lower case, that hold times, values, or the name of the series that the row is of."""

_KEY = re.compile(r".*(?:[_\s-](?i:id|ids|uuid|name|nr|no|key|code)|[a-z0-9](?:Id|ID|Name|Key|Code))|uuid|guid")
"""Names that say of themselves that they name something: `host_id`, `nodeName`."""

SUMMARIES = re.compile(
    r"(grand\s+|sub)?(total|sum|average|avg|mean|min|max|minimum|maximum|count|median|summe|gesamt|mittelwert)s?\b.*",
    re.IGNORECASE,
)
"""What stands instead of a time in the last lines of a report."""

_UNIT = re.compile(r"\s*[(\[][^()\[\]]*[)\]]$")
"""What a header says of the unit: `Latency (ms)`."""

_CLOCK = re.compile(r"\d{1,2}(:\d{2}(:\d{2}([.,]\d+)?)?)?(\s*[AaPp]\.?[Mm]\.?)?")

NO_TIME, CELLS = "with a time that cannot be read", "with more cells than the header"


@dataclass(frozen=True)
class Reading:
    """What the command line says of how to read: options of the same names."""

    time: str | None = None
    value: str | None = None
    by: tuple[str, ...] = ()
    date_format: str | None = None
    decimal: str | None = None
    merge: str | None = None
    unusable: float | None = None

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that name the series; ``--by none`` says that all rows are of one."""
        return () if self.by == ("none",) else self.by


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


@dataclass(frozen=True)
class Columns:
    """Which columns are what, by number. The times' are several where a date has parts, with ``between`` between them."""

    when: tuple[int, ...]
    what: int
    by: tuple[int, ...]
    others: tuple[int, ...]
    between: str = " "


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
        key = tuple([_cell(cells, column) for column in self.columns.by]) if self.columns.by else ()
        self.account.take(key)
        first = self.account.read == 1
        when, what = self._texts(cells)
        others = tuple([_cell(cells, column) for column in self.columns.others]) if self.columns.others else ()
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
        when, what = self.columns.when, _cell(cells, self.columns.what)
        if len(when) == 1:
            return _cell(cells, when[0]), what
        return self.columns.between.join(_cell(cells, column) for column in when).strip(self.columns.between), what

    def _wide(self, cells: Sequence[str]) -> bool:
        names = len(self.table.header)
        return len(cells) > names and any(cell.strip() for cell in cells[names:])


def read_file(
    file: TextIO, reading: Reading, account: Account, progress: Callable[[int, int], None] | None = None
) -> tuple[Reader, list[Row]]:
    """All rows, each read with what the whole column shows; ``progress`` is told how many. Raises :class:`UnreadableInput`."""
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
    found = table(file)
    if found is None:
        raise UnreadableInput(f"there is nothing in it: {WANTED}")
    return found


def by_key(rows: Iterable[Row]) -> dict[tuple[str, ...], list[Row]]:
    """The rows of each series, in the order of their first ones."""
    found: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        found.setdefault(row.key, []).append(row)
    return found


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


def is_key(name: str) -> bool:
    """Whether a column of that name holds the name or number of a series, and no values."""
    return name.lower() in KEYS or _KEY.fullmatch(name) is not None


def columns(source: Table, reading: Reading) -> Columns:
    """Which column is what: as the command line says, else by name, else by what the first row has in it."""
    header, first = source.header, source.first or []
    if len(header) < 2:
        raise UnreadableInput(f"line {source.line}: {shown(header[0])} is one column; {WANTED}")
    names = [_UNIT.sub("", name).lower() for name in header]
    by = tuple(_named(header, name, "--by") for name in reading.keys)
    free = [column for column in range(len(header)) if column not in by]
    if reading.time:
        when = _named(header, reading.time, "--time")
    else:
        likely = [column for column in free if names[column] not in VALUES]
        filled = (column for column in likely if _cell(first, column))
        fallback = next(filled, likely[0] if likely else free[0] if free else 0)
        when = _by_name(header, [names[c] if c in free else "" for c in range(len(names))], TIMES, "--time", fallback)
    at: tuple[int, ...] = (when,)
    between = " "
    if not reading.time:
        days, clocks = ([c for c in free if names[c] in some] for some in (_DATES, _CLOCKS))
        if len(days) == len(clocks) == 1 and _CLOCK.fullmatch(_cell(first, clocks[0])):
            at = (days[0], clocks[0])
        if not {"timestamp", "date", "datetime", "ds"} & set(names):
            at, between = _parts(names, free, first) or (at, between)
    free = [column for column in free if column not in at]
    if reading.value:
        what = _named(header, reading.value, "--value")
    else:
        known = [names[c] if c in free else "" for c in range(len(names))]
        what = _by_name(header, known, VALUES, "--value", _first_value(header, names, free, first))
    if what in at or what in by or set(at) & set(by):
        raise UnreadableInput(f"line {source.line}: {shown(header[what])} cannot be two of time, value and --by at once")
    heading = _is_value(header[what]) and not math.isnan(instant(header[at[0]]))
    if heading:
        raise UnreadableInput(f"line {source.line} is no header but data; {WANTED}")
    others = tuple(column for column in range(len(header)) if column not in (*at, what, *by))
    if others and not reading.value and names[what] not in VALUES:  # perhaps it is no value, but the name of the series
        others = (*others, what)
    return Columns(at, what, by, others, between)


def _parts(names: Sequence[str], free: Sequence[int], first: Sequence[str]) -> tuple[tuple[int, ...], str] | None:
    """The columns of a year and of its month (and day), quarter or week, and what stands between them in a stamp."""

    def one(known: Sequence[str]) -> int | None:
        found = [column for column in free if names[column] in known]
        return found[0] if len(found) == 1 else None

    year, month, day = (one(known) for known in (_YEARS, _MONTHS, _DAYS))
    if year is None:
        return None
    if month is not None:
        return ((year, month) if day is None else (year, month, day)), "-"
    for known, letter in ((_QUARTERS, "Q"), (_WEEKS, "W")):
        part = one(known)
        if part is not None and day is None:
            return (year, part), f"-{letter}" if _cell(first, part)[:1].isdigit() else "-"
    return None


def _named(header: Sequence[str], name: str, option: str) -> int:
    exact = [column for column, other in enumerate(header) if other == name]
    found = exact or [column for column, other in enumerate(header) if other.lower() == name.strip().lower()]
    if len(found) == 1:
        return found[0]
    if not found and name.isdigit() and 1 <= int(name) <= len(header):
        return int(name) - 1
    if found:
        numbers = ", ".join(str(column + 1) for column in found)
        raise UnreadableInput(f"{option}: {len(found)} columns are named {name!r}: name one by its number ({numbers})")
    raise UnreadableInput(f"{option}: there is no column {name!r}; there are {', '.join(header)}")


def _by_name(header: Sequence[str], names: Sequence[str], wanted: Sequence[str], option: str, other: int) -> int:
    for name in wanted:
        if names.count(name) > 1:
            numbers = ", ".join(str(column + 1) for column, known in enumerate(names) if known == name)
            raise UnreadableInput(
                f"{names.count(name)} columns are named {name!r}: {option} names one by its number ({numbers})"
            )
        if name in names:
            return names.index(name)
    if not header[other] or [*map(str.lower, header)].count(header[other].lower()) == 1:
        return other
    numbers = ", ".join(str(c + 1) for c, known in enumerate(header) if known.lower() == header[other].lower())
    raise UnreadableInput(f"several columns are named {header[other]!r}: {option} names one by its number ({numbers})")


def _first_value(header: Sequence[str], names: Sequence[str], free: Sequence[int], first: Sequence[str]) -> int:
    """Of the columns that may hold values, the first one that is no name of series and has a number in its first row."""
    if not free:
        raise UnreadableInput(f"no column is left for values; {WANTED}")
    likely = [column for column in free if names[column] and not is_key(header[column]) and names[column] not in TIMES] or list(
        free
    )
    numeric = (column for column in likely if _is_value(_cell(first, column)))
    missing = (column for column in likely if _cell(first, column).lower() in MISSING)
    return next(chain(numeric, missing), likely[0])


def _is_value(text: str) -> bool:
    numbers = Numbers(".")
    numbers.observe(text)
    value = numbers.read(text)
    if isinstance(value, Unreadable) and "," in text:
        return _is_value(text.replace(",", ""))
    return isinstance(value, float) and not math.isnan(value) and text.strip().lower() not in BOOLEANS


def _near(text: str) -> tuple[float, ...]:
    """Numbers that a text may mean whose column is not known."""
    value = Numbers(".").read(text)
    if isinstance(value, Unreadable):
        return value.near
    return (value,) if math.isfinite(value) else ()


def _cell(cells: Sequence[str], column: int) -> str:
    return cells[column].strip() if column < len(cells) else ""


def _wide_hint(source: Table) -> str:
    return " (a file with one series a row is for `forecast --wide`)" if len(source.header) > 3 else ""
