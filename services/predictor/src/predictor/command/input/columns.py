"""Which columns of a table hold the times, the values and the names of series: as the command line says, else by name, else by
what the first row has in them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

from predictor.command.input.files import Table, shown
from predictor.command.values.quantities import BOOLEANS, MISSING, Numbers, Unreadable
from predictor.command.values.stamps import instant
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

_UNIT = re.compile(r"\s*[(\[][^()\[\]]*[)\]]$")
"""What a header says of the unit: `Latency (ms)`."""

_CLOCK = re.compile(r"\d{1,2}(:\d{2}(:\d{2}([.,]\d+)?)?)?(\s*[AaPp]\.?[Mm]\.?)?")


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
class Columns:
    """Which columns are what, by number. The times' are several where a date has parts, with ``between`` between them."""

    when: tuple[int, ...]
    what: int
    by: tuple[int, ...]
    others: tuple[int, ...]
    between: str = " "


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
        filled = (column for column in likely if cell_of(first, column))
        fallback = next(filled, likely[0] if likely else free[0] if free else 0)
        when = _by_name(header, [names[c] if c in free else "" for c in range(len(names))], TIMES, "--time", fallback)
    at: tuple[int, ...] = (when,)
    between = " "
    if not reading.time:
        days, clocks = ([c for c in free if names[c] in some] for some in (_DATES, _CLOCKS))
        if len(days) == len(clocks) == 1 and _CLOCK.fullmatch(cell_of(first, clocks[0])):
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
        matches = [column for column in free if names[column] in known]
        return matches[0] if len(matches) == 1 else None

    year, month, day = (one(known) for known in (_YEARS, _MONTHS, _DAYS))
    if year is None:
        return None
    if month is not None:
        return ((year, month) if day is None else (year, month, day)), "-"
    for known, letter in ((_QUARTERS, "Q"), (_WEEKS, "W")):
        part = one(known)
        if part is not None and day is None:
            return (year, part), f"-{letter}" if cell_of(first, part)[:1].isdigit() else "-"
    return None


def _named(header: Sequence[str], name: str, option: str) -> int:
    exact = [column for column, other in enumerate(header) if other == name]
    matches = exact or [column for column, other in enumerate(header) if other.lower() == name.strip().lower()]
    if len(matches) == 1:
        return matches[0]
    if not matches and name.isdigit() and 1 <= int(name) <= len(header):
        return int(name) - 1
    if matches:
        numbers = ", ".join(str(column + 1) for column in matches)
        raise UnreadableInput(f"{option}: {len(matches)} columns are named {name!r}: name one by its number ({numbers})")
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
    numeric = (column for column in likely if _is_value(cell_of(first, column)))
    missing = (column for column in likely if cell_of(first, column).lower() in MISSING)
    return next(chain(numeric, missing), likely[0])


def _is_value(text: str) -> bool:
    numbers = Numbers(".")
    numbers.observe(text)
    value = numbers.read(text)
    if isinstance(value, Unreadable) and "," in text:
        return _is_value(text.replace(",", ""))
    return isinstance(value, float) and not math.isnan(value) and text.strip().lower() not in BOOLEANS


def cell_of(cells: Sequence[str], column: int) -> str:
    return cells[column].strip() if column < len(cells) else ""
