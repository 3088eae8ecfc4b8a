"""Times as files write them: read to seconds since 1970, and written on in the same notation. Pure.

How this works
--------------
A column has one notation, so what a single stamp leaves open is decided by the column: :meth:`Stamps.observe` takes texts as
evidence, :meth:`Stamps.read` reads with what is known by then. A file is observed whole before anything is read; of a stream,
each stamp is observed just before it is read. Nothing is guessed: ``01/07/2019`` is read where another row, or
``--date-format``, shows which number is the day.

A stamp without a zone is taken as UTC. ``wall`` is what a clock on the wall showed, ``at`` the moment in UTC: they differ by
the stamp's own offset. Days, weeks and months are steps of the wall's clock.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from predictor.errors import UnreadableInput

FIRST_S, LAST_S = -62_135_596_800.0, 253_402_300_800.0
"""The years 1 to 9999; what lies outside is no time."""

LIKELY_S = (631_152_000.0, 4_102_444_800.0)
"""The years 1990 to 2099; numbers of another time are asked about."""

UNITS = ((1e9, 1e17), (1e6, 1e14), (1e3, 1e11))
"""Nanoseconds, microseconds and milliseconds, and from which number on it must be them: seconds reach 1e11 in the year 5138."""

EPOCH_UNITS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""What ``--date-format`` may name for numbers, and how many of them are a second."""

DAY_FIRST, MONTH_FIRST = "day-first", "month-first"

YEARS = range(1500, 2201)
"""Four digits that are a year."""

SERIALS = (20_000.0, 80_000.0)
"""Days since 1900, as spreadsheets store 1954 to 2119."""

_EPOCH = datetime(1970, 1, 1)
_MONTHS = (
    "january",
    "february",
    "march",
    "april",
    "may",
    "june",
    "july",
    "august",
    "september",
    "october",
    "november",
    "december",
)
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)

_TIME = (
    r"(?P<H>\d{1,2})(?::(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d+))?)?)?(?:\s*(?P<p>[AaPp]\.?[Mm]\b\.?))?"
    r"(?:\s*(?P<z>[Zz]|UTC|GMT|[+-]\d{2}(?::?\d{2})?))?(?:\[[\w/+-]+\])?"
)
_AFTER = rf"(?:(?:\s*[Tt_:]|,?\s)\s*{_TIME})?"
_WEEKDAY = r"(?:(?P<wd>(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*)\.?,?\s+)?"
_NAME = r"(?P<n>(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*)\.?"
_YEAR = r"(?P<y>\d{4})"
_DAY = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"

_NOTATIONS = [
    re.compile(pattern, re.ASCII | re.IGNORECASE)
    for pattern in (
        rf"{_YEAR}(?P<s>[-/.])(?P<m>\d{{1,2}})(?P=s)(?P<d>\d{{1,2}}){_AFTER}",
        rf"(?P<a>\d{{1,2}})(?P<s>[-/.])(?P<b>\d{{1,2}})(?P=s){_YEAR}{_AFTER}",
        rf"{_YEAR}[-/](?P<m>\d{{1,2}})",
        rf"(?P<m>\d{{1,2}})[-/]{_YEAR}",
        rf"{_YEAR}[-\s]?M(?P<m>\d{{1,2}})",
        rf"{_YEAR}[-/\s]?Q(?P<q>[1-4])",
        rf"Q(?P<q>[1-4])[-/\s]*{_YEAR}",
        rf"{_YEAR}-?W(?P<w>\d{{1,2}})(?:-?(?P<wn>[1-7]){_AFTER})?",
        rf"{_WEEKDAY}{_DAY}[-/.\s]*{_NAME}[-/.,\s]*{_YEAR}{_AFTER}",
        rf"{_WEEKDAY}{_NAME}[-/.\s]*{_DAY}(?:,\s*|\s+){_YEAR}{_AFTER}",
        rf"{_WEEKDAY}{_NAME}\s+{_DAY}\s+(?P<H>\d{{1,2}}):(?P<M>\d{{2}}):(?P<S>\d{{2}})(?:\s+(?P<z>UTC|GMT))?\s+{_YEAR}",
        rf"{_NAME}[-/.,\s]*{_YEAR}",
        rf"{_YEAR}[-/.\s]*{_NAME}",
        rf"{_YEAR}(?P<m>\d{{2}})(?P<d>\d{{2}})[Tt](?P<H>\d{{2}})(?:(?P<M>\d{{2}})(?:(?P<S>\d{{2}})(?:[.,](?P<f>\d+))?)?)?"
        r"(?P<z>[Zz]|[+-]\d{2}(?::?\d{2})?)?",
    )
]

_COMPACT = {
    4: re.compile(r"(?P<y>\d{4})"),
    6: re.compile(r"(?P<y>\d{4})(?P<m>\d{2})"),
    8: re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})"),
    12: re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})"),
    14: re.compile(r"(?P<y>\d{4})(?P<m>\d{2})(?P<d>\d{2})(?P<H>\d{2})(?P<M>\d{2})(?P<S>\d{2})"),
}
"""Stamps in digits alone, by their number: taken for such only where every stamp of the column can be one."""


@dataclass(frozen=True)
class Moment:
    """Seconds since 1970: ``at`` in UTC, ``wall`` by the clock on the wall (``at`` and the stamp's own offset)."""

    at: float
    wall: float


@dataclass(frozen=True)
class NoTime:
    """Why a text is no time. ``open``: it is one, but the column does not show which."""

    why: str
    open: bool = False


class Stamps:
    """One column of times. ``form`` is what ``--date-format`` says, where it was given."""

    def __init__(self, form: str | None = None) -> None:
        self._form = form
        self._day_first = {DAY_FIRST: True, MONTH_FIRST: False}.get(form or "")
        self._fixed = form is not None
        self._days_first = self._months_first = 0
        self._open: str | None = None
        self._compact: bool | None = None
        self._digits = 0
        self._numbers = self._texts = 0
        self._lowest, self._highest = math.inf, -math.inf
        self._padded = True
        self._newest: str | None = None
        self._sample: tuple[re.Match[str], bool] | None = None
        self._unit = 1.0

    def observe(self, text: str) -> None:
        """Takes ``text`` as evidence of how the column is written."""
        if _iso_read(text) is not None:  # most are
            self._texts += 1
            return
        if _NUMBER.fullmatch(text):
            self._observe_number(text)
            return
        found = _match(text)
        if found is None:
            return
        self._texts += 1
        groups = found.groupdict()
        self._padded &= not any(len(groups.get(name) or "00") == 1 for name in ("a", "b", "m", "d", "H"))
        if groups.get("a") and groups["s"] != ".":
            first, second = int(groups["a"]), int(groups["b"])
            self._days_first += 12 < first <= 31
            self._months_first += 12 < second <= 31
            if first <= 12 and second <= 12 and first != second:
                self._open = self._open or text

    def _observe_number(self, text: str) -> None:
        self._numbers += 1
        value = float(text)
        self._lowest, self._highest = min(self._lowest, value), max(self._highest, value)
        if self._compact is not False:
            pattern = _COMPACT.get(len(text)) if text.isdigit() and self._digits in (0, len(text)) else None
            self._digits = len(text)
            found = pattern.fullmatch(text) if pattern else None
            self._compact = found is not None and int(found["y"]) in YEARS and self._moment(found) is not None

    def settle(self) -> None:
        """Raises :class:`UnreadableInput` where what was observed leaves it open which time is meant."""
        if self._fixed:
            return
        if self._open and self._days_first == self._months_first == 0:
            raise UnreadableInput(self.undecided(self._open))
        if self._numbers and not self._texts and not self._compact and self._numbers > 1:
            if (
                SERIALS[0] <= self._lowest <= self._highest < SERIALS[1]
                and self._highest - self._lowest < 366.0 * self._numbers
            ):
                raise UnreadableInput(
                    f"the times ({self._lowest:.10g} to {self._highest:.10g}) look like a spreadsheet's day numbers, which are "
                    "not read: format the column as yyyy-mm-dd hh:mm:ss and save it again (--date-format s: they are seconds)"
                )
            if self._lowest in YEARS and self._highest < YEARS[-1] and self._highest - self._lowest < 1.5 * self._numbers:
                raise UnreadableInput(
                    f"the times ({self._lowest:.10g} to {self._highest:.10g}) look like years with fractions, which are not "
                    "read: write them as 2019-07 (--date-format s: they are seconds)"
                )

    @staticmethod
    def undecided(text: str) -> str:
        return (
            f"{text!r} leaves open which number is the day, and so do all other times: "
            f"--date-format {DAY_FIRST} or --date-format {MONTH_FIRST} says it"
        )

    def read(self, text: str) -> Moment | NoTime:
        """The time that ``text`` is, or why it is none."""
        if self._form is not None and self._form not in (DAY_FIRST, MONTH_FIRST):
            return self._given(text, self._form)
        iso = _iso_read(text)
        if iso is not None:
            self._newest = text
            wall = (iso.replace(tzinfo=None) - _EPOCH).total_seconds()
            offset = iso.utcoffset()
            return Moment(wall - (offset.total_seconds() if offset else 0.0), wall)
        if _NUMBER.fullmatch(text):
            if not self._compact:
                self._unit = next((unit for unit, least in UNITS if abs(float(text)) >= least), 1.0)
                at = float(text) / self._unit
                return Moment(at, at) if FIRST_S <= at < LAST_S else NoTime(f"{text!r} is out of range as a time")
            found = _COMPACT[len(text)].fullmatch(text) if len(text) in _COMPACT else None
        else:
            found = _match(text)
        if found is None:
            return NoTime(f"{text!r} is no timestamp{_advice(text)}" if text else "it has no timestamp")
        day_first = self._order(found)
        if day_first is None:
            return NoTime(self.undecided(text), open=True)
        moment = self._moment(found, day_first)
        if moment is None:
            return NoTime(f"{text!r} is no timestamp: there is no such day or time")
        self._sample, self._newest = (found, day_first), None
        return moment

    def write(self, wall: float, offset: float = 0.0) -> str:
        """A time of the wall's clock in the column's notation, or in ISO 8601 where that would need a space. ``offset`` is what
        the clock is ahead of UTC: the stamps of a column with zones end with it. Empty beyond the year 9999.
        """
        if not FIRST_S <= wall < LAST_S:
            return ""
        if self._form is not None and self._form not in (DAY_FIRST, MONTH_FIRST):
            unit = EPOCH_UNITS.get(self._form)
            text = _digits(wall * unit) if unit else (_EPOCH + timedelta(seconds=wall)).strftime(self._form)
            return text if " " not in text else _iso(wall)
        self._match_newest()
        if self._sample is None:
            return _digits(wall * self._unit)
        found, day_first = self._sample
        if re.search(r"\s", found.string):
            return _iso(wall, {**found.groupdict(), "z": _zone(found["z"], offset) if found.groupdict().get("z") else None})
        return _rewritten(found, offset, _EPOCH + timedelta(seconds=round(wall, 6)), day_first, self._padded)

    def _match_newest(self) -> None:
        """Takes the newest stamp for an example of the notation."""
        found = _match(self._newest) if self._newest is not None else None
        if found is not None:
            self._sample, self._newest = (found, True), None

    @property
    def usual(self) -> tuple[float, int]:
        """What the notation says of the step: seconds, or months; 0 where it says nothing. For a row that is alone."""
        self._match_newest()
        if self._sample is None:
            return 0.0, 0
        g = self._sample[0].groupdict()
        if g.get("H"):
            return (3600.0, 0) if not g.get("M") else (60.0, 0)
        if g.get("d") or g.get("a") or g.get("wn"):
            return 86400.0, 0
        if g.get("w"):
            return 604800.0, 0
        return 0.0, 3 if g.get("q") else 1 if g.get("m") or g.get("n") else 12

    def asked(self, moment: Moment) -> bool:
        """Whether a number was read as a time that is hardly meant."""
        return self._numbers > 0 and not self._compact and not LIKELY_S[0] <= moment.at < LIKELY_S[1]

    def _given(self, text: str, form: str) -> Moment | NoTime:
        if form in EPOCH_UNITS:
            self._unit = EPOCH_UNITS[form]
            try:
                at = float(text) / self._unit
            except ValueError:
                return NoTime(f"{text!r} is no timestamp: no number (--date-format {form})")
            return Moment(at, at) if FIRST_S <= at < LAST_S else NoTime(f"{text!r} is out of range as a time")
        try:
            read = datetime.strptime(text, form)
        except ValueError:
            return NoTime(f"{text!r} is no timestamp as --date-format {form} says")
        offset = read.utcoffset() or timedelta()
        wall = (read.replace(tzinfo=None) - _EPOCH).total_seconds()
        return Moment(wall - offset.total_seconds(), wall)

    def _order(self, found: re.Match[str]) -> bool | None:
        """Whether the first of two numbers is the day; ``None``: open. With points between them it is, everywhere."""
        groups = found.groupdict()
        if self._day_first is not None or not groups.get("a"):
            return bool(self._day_first)
        if groups["s"] == "." or groups["a"] == groups["b"]:
            return True
        if self._days_first == self._months_first:
            return None
        return self._days_first > self._months_first

    def _moment(self, found: re.Match[str], day_first: bool = True) -> Moment | None:
        g = found.groupdict()
        try:
            day = _day(g, day_first)
            hour, minute, second = (int(g.get(name) or 0) for name in "HMS")
            fraction = float("0." + g["f"]) if g.get("f") else 0.0
            if g.get("p"):
                if not 1 <= hour <= 12:
                    return None
                hour = hour % 12 + (12 if g["p"][0] in "pP" else 0)
            if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second + fraction > 0):
                return None
            wall = (
                (datetime(day.year, day.month, day.day) - _EPOCH).total_seconds()
                + 3600 * hour
                + 60 * minute
                + second
                + fraction
            )
            return Moment(wall - _offset(g.get("z")), wall)
        except ValueError:
            return None


def _iso_read(text: str) -> datetime | None:
    """The usual notation, read fast; ``None``: it is another."""
    if len(text) < 10 or text[4] != "-" or text[7] != "-":
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _match(text: str) -> re.Match[str] | None:
    for notation in _NOTATIONS:
        found = notation.fullmatch(text)
        if found is not None:
            return found if _names(found) else None
    return None


def _advice(text: str) -> str:
    """Which ``--date-format`` reads a notation that is not read without it."""
    for pattern, form in (
        (r"[A-Za-z]{3}([-/ ])\d{2}", "%b{}%y"),
        (r"\d{1,2}([-/ ])[A-Za-z]{3}\1\d{2}\b.*", "%d{0}%b{0}%y"),
        (r"\d{1,2}([-/.])\d{1,2}\1\d{2}\b.*", "%d{0}%m{0}%y or %m{0}%d{0}%y"),
    ):
        found = re.fullmatch(pattern, text, re.ASCII)
        if found:
            return f" (--date-format {form.format(found[1])}?)"
    return ""


def _names(found: re.Match[str]) -> bool:
    """Whether names of months and days are whole or shortened ones, and no other words that begin so."""
    groups = found.groupdict()
    for name, known in (("n", _MONTHS), ("wd", _DAYS)):
        word = (groups.get(name) or "").lower()
        if word and not any(full.startswith(word) for full in known) and word not in ("sept", "tues", "thurs"):
            return False
    return True


def _day(g: dict[str, str | None], day_first: bool) -> date:
    """Raises ``ValueError`` where there is no such day."""
    year = int(g["y"] or 0)
    if g.get("q"):
        return date(year, 3 * int(g["q"] or 1) - 2, 1)
    if g.get("w"):
        return date.fromisocalendar(year, int(g["w"] or 1), int(g.get("wn") or 1))
    if g.get("a"):
        a, b = int(g["a"] or 0), int(g["b"] or 0)
        return date(year, b, a) if day_first else date(year, a, b)
    if g.get("n"):
        month = 1 + next(k for k, full in enumerate(_MONTHS) if full.startswith((g["n"] or "")[:3].lower()))
    else:
        month = int(g.get("m") or 1)
    return date(year, month, int(g.get("d") or 1))


def _offset(zone: str | None) -> float:
    if not zone or zone[0] not in "+-":
        return 0.0
    digits = zone[1:].replace(":", "")
    hours, minutes = int(digits[:2]), int(digits[2:] or 0)
    if hours > 18 or minutes > 59:
        raise ValueError(zone)
    return (3600.0 * hours + 60.0 * minutes) * (-1.0 if zone[0] == "-" else 1.0)


def _digits(number: float) -> str:
    return f"{number:.0f}" if abs(number - round(number)) < 1e-6 * max(1.0, abs(number) * 1e-9) else repr(round(number, 6))


def _iso(wall: float, groups: dict[str, str | None] | None = None) -> str:
    at = _EPOCH + timedelta(seconds=round(wall, 6))
    g = groups or {"H": "1", "M": "1", "S": "1"}
    if g.get("q"):
        return f"{at.year}-Q{(at.month + 2) // 3}"
    if not (g.get("d") or g.get("a") or g.get("w") or g.get("H")):
        return f"{at:%Y-%m}" if g.get("m") or g.get("n") else f"{at:%Y}"
    if not g.get("H"):
        return f"{at:%Y-%m-%d}"
    text = at.isoformat(timespec="milliseconds" if g.get("f") else "seconds" if g.get("S") else "minutes")
    return text + (g.get("z") or "").replace("UTC", "Z").replace("GMT", "Z")


def _zone(like: str, offset: float) -> str:
    if like[0] not in "+-":
        return like
    minutes = round(abs(offset) / 60)
    sign = "-" if offset < 0 else "+"
    return f"{sign}{minutes // 60:02d}" + ("" if len(like) == 3 else f"{':' if ':' in like else ''}{minutes % 60:02d}")


def _rewritten(found: re.Match[str], offset: float, at: datetime, day_first: bool, padded: bool) -> str:
    """The text of ``found`` with another time in it."""
    iso = at.isocalendar()
    two = "{:02d}" if padded else "{:d}"
    fraction = found.groupdict().get("f") or ""
    fields: dict[str, Callable[[], str]] = {
        "y": lambda: f"{iso.year if found.groupdict().get('w') else at.year:04d}",
        "m": lambda: two.format(at.month),
        "d": lambda: two.format(at.day),
        "a": lambda: two.format(at.day if day_first else at.month),
        "b": lambda: two.format(at.month if day_first else at.day),
        "q": lambda: str((at.month + 2) // 3),
        "w": lambda: f"{iso.week:02d}",
        "wn": lambda: str(iso.weekday),
        "H": lambda: two.format((at.hour + 11) % 12 + 1 if found.groupdict().get("p") else at.hour),
        "M": lambda: f"{at.minute:02d}",
        "S": lambda: f"{at.second:02d}",
        "f": lambda: f"{at.microsecond:06d}".ljust(len(fraction), "0")[: len(fraction)],
        "n": lambda: _cased(_MONTHS[at.month - 1], found["n"]),
        "wd": lambda: _cased(_DAYS[at.weekday()], found["wd"]),
        "z": lambda: _zone(found["z"], offset),
        "p": lambda: ("pm" if at.hour >= 12 else "am") if found["p"].islower() else ("PM" if at.hour >= 12 else "AM"),
    }
    text, place = "", 0
    spans = sorted((found.span(name), name) for name in fields if found.groupdict().get(name))
    for (start, end), name in spans:
        text += found.string[place:start] + fields[name]()
        place = end
    return text + found.string[place:]


def _cased(name: str, like: str) -> str:
    short = name[:3] if len(like) <= 4 and like.lower() not in ("june", "july") else name
    return short.upper() if like.isupper() else short if like.islower() else short.capitalize()


def instant(text: str) -> float:
    """Seconds since 1970 of one stamp alone, or NaN."""
    stamps = Stamps()
    stamps.observe(text)
    moment = stamps.read(text)
    return moment.at if isinstance(moment, Moment) else math.nan


def named(at: float) -> str:
    """A moment as people read it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
