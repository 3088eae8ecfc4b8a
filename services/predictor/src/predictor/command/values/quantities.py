"""Numbers as spreadsheets and panels write them: ``1,024``, ``45%``, ``812 ms``, ``(1.024,50 €)``. Pure.

How this works
--------------
Whether ``1,024`` is a thousand or little more than one, the column says: :meth:`Numbers.observe` takes texts as evidence,
:meth:`Numbers.read` reads with what is known by then. Proof of a decimal point is ``1,024.5``, ``0.5``, ``12.25`` or
``1,024,000``; of a decimal comma the same with the two exchanged. Without proof, ``1,024`` is read as a thousand where the
column has whole numbers below a thousand, and none from a thousand on without a comma; else it is left open, and refused.

A column has one dimension. Units of the same dimension are converted to that of its first value (``812 ms``, then ``1.2 s``:
1200). Unknown units are words that must be the same in every row. Percents are numbers of percent.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass

from predictor.command.values.decimal_marks import NAMES, DecimalMark, python_number
from predictor.command.values.number_texts import near, plain_text, taken_apart
from predictor.command.values.units import CURRENCIES, DIMENSIONS, UNITS, resolved
from predictor.errors import UnreadableInput

LARGEST = 1e30
"""No measurement is larger: it stands for "infinite", as to the detector, and models could not square it."""

_MISSING = (
    "|-|--|---|\u2013|\u2014|.|..|?|na|n/a|#n/a|#n/a n/a|#na|<na>|nan|-nan|nat|null|(null)|#null!|none|nil|undefined|undef|\\n|"
    "(blank)|missing|no data|nodata|not available|unknown|#ref!|#div/0!|#value!|#num!|#name?|1.#qnan|1.#ind|-1.#ind"
)
MISSING = frozenset(_MISSING.split("|"))
"""Words that say that there is no value, in lower case."""

BOOLEANS = {"true": 1.0, "false": 0.0}

_INFINITE = re.compile(r"[+-]?(inf(inity)?|\u221e|1\.#inf)", re.IGNORECASE)
_TOO_WIDE = re.compile(r"#{3,}")
"""What a spreadsheet shows of a number that does not fit into its column."""

_BEYOND = re.compile(
    r"(over|under)[ _-]?(flow|load|range)(ed)?|out[ _-]of[ _-]range|ol|hi(gh)?|lo(w)?|sat(urated)?|clipped|max|min", re.I
)
"""What instruments and counters show of a value beyond what they can."""

_SIMPLE = re.compile(r"-?([0-9]+)(?:\.([0-9]+))?")


@dataclass(frozen=True)
class Unreadable:
    """Why a text is no number here. ``grave``: the column is not what it was taken for; ``open``: nor does it
    show what the number is. ``near``: numbers that may be meant."""

    why: str
    grave: bool = False
    open: bool = False
    near: tuple[float, ...] = ()


class Numbers:
    """One column of numbers. ``decimal`` is what ``--decimal`` says, ``header`` the column's name: ``Latency (ms)`` has a unit.
    ``separator`` is what stands between the file's cells: with semicolons, points may be those of thousands."""

    def __init__(self, decimal: str | None = None, header: str = "", separator: str = ",") -> None:
        self._mark = DecimalMark(decimal, separator)
        self._booleans = self._quantities = 0
        self._first: str | None = None
        self._units: Counter[str] = Counter()
        self._timed = False
        self._converted: set[str] = set()
        bracketed = re.search(r"[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*$", plain_text(header))
        self._header = bracketed[1] if bracketed and bracketed[1] in UNITS else ""

    def observe(self, text: str) -> None:
        """Takes ``text`` as evidence of how the column is written."""
        simple = _SIMPLE.fullmatch(text)
        if simple is not None and not self._header:  # most are
            self._quantities += 1
            if text.strip("-0."):
                self._first = "" if self._first is None else self._first
                self._units[""] += 1
            self._mark.observe(text.lstrip("-"), "")
            return
        plain = plain_text(text)
        if plain.lower() in BOOLEANS:
            self._booleans += 1
            return
        parts = taken_apart(plain) if plain.lower() not in MISSING else None
        if parts is None:
            return
        self._quantities += 1
        unit = parts.unit or self._header
        self._timed |= resolved(unit, False)[0] == "time"
        if parts.unit or parts.body.strip("0.,"):
            self._first = unit if self._first is None else self._first
            self._units[unit] += 1
        self._mark.observe(parts.body, parts.exponent)

    def settle(self) -> None:
        """Takes it that all was observed: the unit is one of the dimension that most have. Raises :class:`UnreadableInput`
        where what was observed leaves open what the numbers are."""
        dimensions: Counter[str] = Counter()
        for unit, count in self._units.items():
            dimensions[resolved(unit, self._timed)[0]] += count
        if dimensions:
            most = dimensions.most_common(1)[0][0]
            self._first = next(unit for unit in self._units if resolved(unit, self._timed)[0] == most)
        if self._mark.undecided and self._mark.known() is None:
            raise UnreadableInput(self._mark.question(next(iter(self._mark.undecided.values()))))

    def read(self, text: str) -> float | Unreadable:
        """The number that ``text`` is, NaN where it says that there is none; or why it cannot be read."""
        try:
            value = float(text)  # most are plain, and proven so
            if (
                abs(value) <= LARGEST
                and not self._first
                and not self._mark.undecided
                and (self._mark.known() == "." or text.isdigit())
            ):
                return value
        except ValueError:
            pass
        plain = plain_text(text)
        word = plain.lower()
        if word in MISSING:
            return math.nan
        if word in BOOLEANS:
            return BOOLEANS[word] if not self._quantities else Unreadable(f"{text!r} stands among numbers")
        if _INFINITE.fullmatch(plain):
            return Unreadable(f"{text!r} is infinite", near=(-math.inf if plain[0] == "-" else math.inf,))
        if _TOO_WIDE.fullmatch(plain):
            return Unreadable(f"{text!r} is a number that did not fit into its column", near=(math.inf, -math.inf))
        if _BEYOND.fullmatch(plain):
            return Unreadable(f"{text!r} is no number, but beyond what was measured", near=(math.inf, -math.inf))
        parts = taken_apart(plain)
        if parts is None:
            return Unreadable(f"{text!r} is no number that can be read", near=near(plain))
        mark = self._mark.known()
        if mark is None:
            return Unreadable(self._mark.question(parts.body), grave=True, open=True)
        number = python_number(parts.body, mark)
        if number is None:
            return Unreadable(f"{text!r} is no number with a decimal {NAMES[mark]}, as the others are", near=near(plain))
        value = parts.sign * float(number + parts.exponent)
        unit = parts.unit or (self._header if value else self._first or "")
        dimension, factor = resolved(unit, self._timed)
        first, own = self._own()
        if dimension != first:
            said = f"in {parts.unit}" if parts.unit else "without a unit"
            others = f"in {self._first}" if self._first else "without a unit"
            grave = dimension in DIMENSIONS or dimension in CURRENCIES or not parts.unit
            return Unreadable(f"{text!r} is {said}, the others {others}", grave=grave, near=near(plain))
        if factor != own:
            self._converted.add(unit)
            value *= factor / own
        return value if abs(value) <= LARGEST else Unreadable(f"{text!r} is beyond 1e30", near=(value,))

    def remarks(self) -> list[str]:
        """What a reader of the results should know of how numbers were read."""
        said = []
        dimension, _ = self._own()
        unit = self._first if dimension in DIMENSIONS and dimension else dimension
        if unit:
            said.append(
                f"values are in {unit}"
                + (f"; those in {', '.join(sorted(self._converted))} were converted" if self._converted else "")
            )
        elif self._converted:
            said.append(f"values in {', '.join(sorted(self._converted))} were multiplied out")
        if self._mark.undecided and not self._mark.is_proven and self._mark.given is None and (mark := self._mark.known()):
            text = next(iter(self._mark.undecided.values()))
            if text.rfind(mark) < 0:
                said.append(f"{text!r} is read as {float(python_number(text, mark) or 0):g}: numbers below 1,000 have no mark")
        if self._booleans and not self._quantities:
            said.append("TRUE is 1, and FALSE 0")
        return said

    def _own(self) -> tuple[str, float]:
        """The column's dimension, and the unit in which its values are: the first one, but for thousands and millions."""
        dimension, factor = resolved(self._first or "", self._timed)
        return (dimension, factor) if dimension and dimension in DIMENSIONS else (dimension, 1.0)
