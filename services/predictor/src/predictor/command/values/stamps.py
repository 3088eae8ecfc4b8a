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
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from predictor.command.values.notations import (
    COMPACT,
    EPOCH,
    UNLIKE_NUMBERS,
    advice,
    day_of,
    digits_of,
    iso,
    matched,
    offset_of,
    read_iso,
    rewritten,
)
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

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)


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
        self._dates, self._unlike = list(COMPACT), list(UNLIKE_NUMBERS)
        self._numbers = self._texts = 0
        self._lowest, self._highest = math.inf, -math.inf
        self._padded = True
        self._newest: str | None = None
        self._sample: tuple[re.Match[str], bool] | None = None
        self._unit = 1.0

    def observe(self, text: str) -> None:
        """Takes ``text`` as evidence of how the column is written."""
        if read_iso(text) is not None:  # most are
            self._texts += 1
            return
        if _NUMBER.fullmatch(text):
            self._observe_number(text)
            return
        match = matched(text)
        if match is None:
            return
        self._texts += 1
        groups = match.groupdict()
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
        self._dates = [one for one in self._dates if self._dated(one, text) is not None]
        self._unlike = [one for one in self._unlike if one[0].fullmatch(text)]

    def _dated(self, notation: re.Pattern[str], text: str) -> re.Match[str] | None:
        """``text`` as a date in digits, where it is one."""
        match = notation.fullmatch(text)
        return match if match is not None and int(match["y"]) in YEARS and self._moment(match) is not None else None

    @property
    def _compact(self) -> bool:
        """Whether all numbers of the column can be dates."""
        return bool(self._numbers and self._dates)

    def settle(self) -> None:
        """Raises :class:`UnreadableInput` where what was observed leaves it open which time is meant."""
        if self._fixed:
            return
        if self._open and self._days_first == self._months_first == 0:
            raise UnreadableInput(self.undecided(self._open))
        if self._numbers and not self._texts and not self._compact and self._numbers > 1:
            if self._unlike:
                likely = " or ".join(said for _, said in self._unlike)
                raise UnreadableInput(
                    f"the times ({self._lowest:.10g} to {self._highest:.10g}) look like {likely} "
                    "(--date-format s: they are seconds)"
                )
            if (
                SERIALS[0] <= self._lowest <= self._highest < SERIALS[1]
                and self._highest - self._lowest < 366.0 * self._numbers
            ):
                raise UnreadableInput(
                    f"the times ({self._lowest:.10g} to {self._highest:.10g}) look like a spreadsheet's day numbers, which are "
                    "not read: format the column as yyyy-mm-dd hh:mm:ss and save it again (--date-format s: they are seconds)"
                )
            if YEARS[0] <= self._lowest and self._highest < YEARS[-1] and self._highest - self._lowest < 1.5 * self._numbers:
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
        plain = read_iso(text)
        if plain is not None:
            self._newest = text
            wall = (plain.replace(tzinfo=None) - EPOCH).total_seconds()
            offset = plain.utcoffset()
            return Moment(wall - (offset.total_seconds() if offset else 0.0), wall)
        if _NUMBER.fullmatch(text):
            if not self._compact:
                self._unit = next((unit for unit, least in UNITS if abs(float(text)) >= least), 1.0)
                at = float(text) / self._unit
                return Moment(at, at) if FIRST_S <= at < LAST_S else NoTime(f"{text!r} is out of range as a time")
            match = next((one for one in (self._dated(notation, text) for notation in self._dates) if one is not None), None)
        else:
            match = matched(text)
        if match is None:
            return NoTime(f"{text!r} is no timestamp{advice(text)}" if text else "it has no timestamp")
        day_first = self._order(match)
        if day_first is None:
            return NoTime(self.undecided(text), open=True)
        moment = self._moment(match, day_first)
        if moment is None:
            return NoTime(f"{text!r} is no timestamp: there is no such day or time")
        self._sample, self._newest = (match, day_first), None
        return moment

    def write(self, wall: float, offset: float = 0.0) -> str:
        """A time of the wall's clock in the column's notation, or in ISO 8601 where that would need a space. ``offset`` is what
        the clock is ahead of UTC: the stamps of a column with zones end with it. Empty beyond the year 9999.
        """
        if not FIRST_S <= wall < LAST_S:
            return ""
        if self._form is not None and self._form not in (DAY_FIRST, MONTH_FIRST):
            unit = EPOCH_UNITS.get(self._form)
            text = digits_of(wall * unit) if unit else (EPOCH + timedelta(seconds=wall)).strftime(self._form)
            return text if " " not in text else iso(wall)
        self._match_newest()
        if self._sample is None:
            return digits_of(wall * self._unit)
        match, day_first = self._sample
        if re.search(r"\s", match.string):
            return iso(wall, match.groupdict(), offset)
        return rewritten(match, offset, EPOCH + timedelta(seconds=round(wall, 6)), day_first, self._padded)

    def _match_newest(self) -> None:
        """Takes the newest stamp for an example of the notation."""
        match = matched(self._newest) if self._newest is not None else None
        if match is not None:
            self._sample, self._newest = (match, True), None

    @property
    def usual(self) -> tuple[float, int]:
        """What the notation says of the step: seconds, or months; 0 where it says nothing. For a row that is alone."""
        self._match_newest()
        if self._sample is None:
            return 0.0, 0
        g = self._sample[0].groupdict()
        if g.get("H"):
            return (3600.0, 0) if not g.get("M") else (60.0, 0)
        if g.get("d") or g.get("a") or g.get("j") or g.get("wn"):
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
        wall = (read.replace(tzinfo=None) - EPOCH).total_seconds()
        return Moment(wall - offset.total_seconds(), wall)

    def _order(self, match: re.Match[str]) -> bool | None:
        """Whether the first of two numbers is the day; ``None``: open. With points between them it is, everywhere."""
        groups = match.groupdict()
        if self._day_first is not None or not groups.get("a"):
            return bool(self._day_first)
        if groups["s"] == "." or groups["a"] == groups["b"]:
            return True
        if self._days_first == self._months_first:
            return None
        return self._days_first > self._months_first

    def _moment(self, match: re.Match[str], day_first: bool = True) -> Moment | None:
        g = match.groupdict()
        try:
            day = day_of(g, day_first)
            hour, minute, second = (int(g.get(name) or 0) for name in "HMS")
            fraction = float("0." + g["f"]) if g.get("f") else 0.0
            if g.get("p"):
                if not 1 <= hour <= 12:
                    return None
                hour = hour % 12 + (12 if g["p"][0] in "pP" else 0)
            if hour > 24 or minute > 59 or second > 60 or (hour == 24 and minute + second + fraction > 0):
                return None
            wall = (
                (datetime(day.year, day.month, day.day) - EPOCH).total_seconds() + 3600 * hour + 60 * minute + second + fraction
            )
            return Moment(wall - offset_of(g.get("z")), wall)
        except ValueError:
            return None


def instant(text: str) -> float:
    """Seconds since 1970 of one stamp alone, or NaN."""
    stamps = Stamps()
    stamps.observe(text)
    moment = stamps.read(text)
    return moment.at if isinstance(moment, Moment) else math.nan


def named(at: float) -> str:
    """A moment as people read it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}"
