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

from predictor.command.values.units import CURRENCIES, DIMENSIONS, SIGNS, UNITS, resolved
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

_GROUPS = {
    mark: re.compile(f"[0-9]{{1,3}}(?:{mark}[0-9]{{3}})+|[0-9]{{1,2}}(?:{mark}[0-9]{{2}})+{mark}[0-9]{{3}}")
    for mark in (",", r"\.", " ", "'", "_")
}
"""A whole number with marks between its thousands, or as India has them: 12,34,567."""

_QUANTITY = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<before>[A-Za-z]{{2,3}}[$.]?|[Rr]\$|[{SIGNS}])?\s*(?P<sign2>[+-])?\s*"
    r"(?P<body>[0-9](?:[0-9.,'_]|[ ](?=[0-9]{3}(?![0-9])))*|[.,][0-9]+)(?P<exponent>[eE][+-]?[0-9]+)?"
    rf"\s*(?P<unit>(?:[^\W\d_]|[%\u2030\u00b0{SIGNS}])[^()]{{0,23}}?)?\s*(?P<close>\))?\s*(?P<behind>[-%{SIGNS}])?"
)
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(w|d|h|m|s|ms|us|\u00b5s|ns|[a-z]{3,7})(?![a-z])[\s,]*", re.IGNORECASE)
_CLOCK = re.compile(r"(?:([0-9]+)\s*(?:d|days?),?\s*)?([0-9]{1,3}):([0-5][0-9]):([0-5][0-9](?:[.,][0-9]+)?)")
_LEADING = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Unreadable:
    """Why a text is no number here. ``grave``: the column is not what it was taken for; ``open``: nor does it
    show what the number is. ``near``: numbers that may be meant."""

    why: str
    grave: bool = False
    open: bool = False
    near: tuple[float, ...] = ()


@dataclass(frozen=True)
class _Quantity:
    """A text taken apart: ``body`` are digits with whatever stands between them."""

    sign: float
    body: str
    exponent: str
    unit: str


class Numbers:
    """One column of numbers. ``decimal`` is what ``--decimal`` says, ``header`` the column's name: ``Latency (ms)`` has a unit.
    ``separator`` is what stands between the file's cells: with semicolons, points may be those of thousands."""

    def __init__(self, decimal: str | None = None, header: str = "", separator: str = ",") -> None:
        self._decimal = decimal
        self._separator = separator
        self._proofs = {".": 0, ",": 0}
        self._open: dict[str, str] = {}
        self._small = self._large = self._booleans = self._quantities = 0
        self._first: str | None = None
        self._units: Counter[str] = Counter()
        self._timed = False
        self._converted: set[str] = set()
        bracketed = re.search(r"[(\[]\s*([^()\[\]]+?)\s*[)\]]\s*$", _plain(header))
        self._header = bracketed[1] if bracketed and bracketed[1] in UNITS else ""

    def observe(self, text: str) -> None:
        """Takes ``text`` as evidence of how the column is written."""
        simple = _SIMPLE.fullmatch(text)
        if simple is not None and not self._header:  # most are
            self._quantities += 1
            if text.strip("-0."):
                self._first = "" if self._first is None else self._first
                self._units[""] += 1
            self._weigh(text.lstrip("-"), "")
            return
        plain = _plain(text)
        if plain.lower() in BOOLEANS:
            self._booleans += 1
            return
        parts = _apart(plain) if plain.lower() not in MISSING else None
        if parts is None:
            return
        self._quantities += 1
        unit = parts.unit or self._header
        self._timed |= resolved(unit, False)[0] == "time"
        if parts.unit or parts.body.strip("0.,"):
            self._first = unit if self._first is None else self._first
            self._units[unit] += 1
        self._weigh(parts.body, parts.exponent)

    def _weigh(self, body: str, exponent: str) -> None:
        commas, points = body.count(","), body.count(".")
        if not commas and not points:
            self._small += 0 < len(body.lstrip("0")) <= 3
            self._large += len(body) > 3 and body.isdigit()
            return
        last = "," if body.rfind(",") > body.rfind(".") else "."
        first = "." if last == "," else ","
        whole, _, fraction = body.rpartition(last)
        if commas and points:
            if body.count(last) == 1 and _grouped(whole, first):
                self._proofs[last] += 1
        elif body.count(last) > 1:
            if _grouped(body, last):
                self._proofs[first] += 1
        elif len(fraction) != 3 or whole[:1] in ("", "0") or not whole.isdigit() or len(whole) > 3 or exponent:
            self._proofs[last] += 1
        else:
            self._open.setdefault(last, body)

    def settle(self) -> None:
        """Takes it that all was observed: the unit is one of the dimension that most have. Raises :class:`UnreadableInput`
        where what was observed leaves open what the numbers are."""
        dimensions: Counter[str] = Counter()
        for unit, count in self._units.items():
            dimensions[resolved(unit, self._timed)[0]] += count
        if dimensions:
            most = dimensions.most_common(1)[0][0]
            self._first = next(unit for unit in self._units if resolved(unit, self._timed)[0] == most)
        if self._open and self._mark() is None:
            raise UnreadableInput(self._undecided(next(iter(self._open.values()))))

    def read(self, text: str) -> float | Unreadable:
        """The number that ``text`` is, NaN where it says that there is none; or why it cannot be read."""
        try:
            value = float(text)  # most are plain, and proven so
            if abs(value) <= LARGEST and not self._first and not self._open and (self._mark() == "." or text.isdigit()):
                return value
        except ValueError:
            pass
        plain = _plain(text)
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
        parts = _apart(plain)
        if parts is None:
            return Unreadable(f"{text!r} is no number that can be read", near=_near(plain))
        mark = self._mark()
        if mark is None:
            return Unreadable(self._undecided(parts.body), grave=True, open=True)
        number = _number(parts.body, mark)
        if number is None:
            return Unreadable(f"{text!r} is no number with a decimal {_MARKS[mark]}, as the others are", near=_near(plain))
        value = parts.sign * float(number + parts.exponent)
        unit = parts.unit or (self._header if value else self._first or "")
        dimension, factor = resolved(unit, self._timed)
        first, own = self._own()
        if dimension != first:
            said = f"in {parts.unit}" if parts.unit else "without a unit"
            others = f"in {self._first}" if self._first else "without a unit"
            grave = dimension in DIMENSIONS or dimension in CURRENCIES or not parts.unit
            return Unreadable(f"{text!r} is {said}, the others {others}", grave=grave, near=_near(plain))
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
        if self._open and not any(self._proofs.values()) and self._decimal is None and (mark := self._mark()):
            text = next(iter(self._open.values()))
            if text.rfind(mark) < 0:
                said.append(f"{text!r} is read as {float(_number(text, mark) or 0):g}: numbers below 1,000 have no mark")
        if self._booleans and not self._quantities:
            said.append("TRUE is 1, and FALSE 0")
        return said

    def _own(self) -> tuple[str, float]:
        """The column's dimension, and the unit in which its values are: the first one, but for thousands and millions."""
        dimension, factor = resolved(self._first or "", self._timed)
        return (dimension, factor) if dimension and dimension in DIMENSIONS else (dimension, 1.0)

    def _mark(self) -> str | None:
        """The decimal mark, or ``None`` while it is open."""
        if self._decimal:
            return self._decimal
        points, commas = self._proofs["."], self._proofs[","]
        if points != commas:
            return "." if points > commas else ","
        if points or len(self._open) > 1:
            return None
        mark = next(iter(self._open), "")
        if not mark or (mark == "." and self._separator != ";"):
            return "."
        if self._small and not self._large:  # the mark is that of the thousands
            return "." if mark == "," else ","
        return None

    def _undecided(self, text: str) -> str:
        readings = [float(number) for mark in ".," if (number := _number(text, mark))]
        said = " or ".join(f"{reading:.10g}" for reading in readings)
        return f"{text!r} may be {said}, and the other values do not show which: --decimal . or --decimal , says it"


_MARKS = {".": "point", ",": "comma"}


def _plain(text: str) -> str:
    """``text`` with the usual characters in place of typographic ones."""
    text = text.strip()
    if not text.isascii():
        for others, one in (
            ("\u00a0\u202f\u2009\u2007\u3000", " "),
            ("\u2212\ufe63\uff0d", "-"),
            ("\u2019\u2018\u02bc\u00b4", "'"),
            ("\u03bc", "\u00b5"),
            ("\ufeff\u200b\u200e\u200f\u202a\u202c", ""),
        ):
            for other in others:
                text = text.replace(other, one)
        text = re.sub(r"^\u2013(?=\s*[0-9.,])", "-", text.strip())
    if text[:2] == '="' and text[-1:] == '"':  # how a text is kept from being read as a number: ="1024"
        text = text[2:-1]
    return text[1:] if text[:1] == "'" and len(text) > 1 else text


def _apart(text: str) -> _Quantity | None:
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return _duration(text)
    before, unit, behind = (match["before"] or "").rstrip("."), (match["unit"] or "").strip(), match["behind"]
    signs = [sign for sign in (match["sign"], match["sign2"], behind if behind == "-" else None) if sign]
    if bool(match["open"]) != bool(match["close"]) or len(signs) > 1 or (behind and (unit or before) and behind != "-"):
        return None
    unit = unit or (behind or "").strip("-")
    if before:
        currency = CURRENCIES.get(before.lower())
        if currency is None or (unit and UNITS.get(unit, ("?", 0.0))[0] != ""):
            return None
        unit = f"{unit} {currency}".strip()
    elif re.search(r"[0-9]", unit) and (compound := _duration(text)):
        return compound
    minus = signs == ["-"]
    return _Quantity(-1.0 if minus != bool(match["open"]) else 1.0, match["body"], match["exponent"] or "", unit)


def _duration(text: str) -> _Quantity | None:
    """``1h 5m``, ``00:01:30`` and ``1 day 00:00:05`` in seconds."""
    sign = -1.0 if text[:1] == "-" else 1.0
    text = text.lstrip("+-").strip()
    clock = _CLOCK.fullmatch(text)
    if clock:
        days, hours, minutes, seconds = clock.groups()
        total = 86400.0 * int(days or 0) + 3600.0 * int(hours) + 60.0 * int(minutes) + float(seconds.replace(",", "."))
        return _Quantity(sign, repr(total), "", "s")
    total, place, parts = 0.0, 0, 0
    for part in _PART.finditer(text):
        dimension, factor = ("time", 60.0) if part[2] == "m" else UNITS.get(part[2].lower(), ("", 0.0))
        if part.start() != place or dimension != "time":
            return None
        total, place, parts = total + float(part[1]) * factor, part.end(), parts + 1
    return _Quantity(sign, repr(round(total, 9)), "", "s") if parts > 1 and place == len(text) else None


def _grouped(text: str, mark: str) -> bool:
    return _GROUPS["\\." if mark == "." else mark].fullmatch(text) is not None


def _number(body: str, mark: str) -> str | None:
    """``body`` as Python writes it, where ``mark`` is the decimal one; ``None`` where it is none then."""
    whole, separator, fraction = body.partition(mark)
    marks = {c for c in whole if not c.isdigit()}
    if len(marks) > 1 or (marks and not _grouped(whole, marks.pop())) or (fraction and not fraction.isdigit()):
        return None
    if separator and not fraction and (mark == "," or not whole):
        return None
    return "".join(c for c in whole if c.isdigit()) + ("." + fraction if fraction else "")


def _near(text: str) -> tuple[float, ...]:
    """Numbers that a text which cannot be read may mean: its digits with and without what stands between them."""
    digits = re.sub(r"[^0-9]", "", text)
    if not digits or len(digits) > 300:
        return ()
    parts = [float(part) for part in _LEADING.findall(re.sub(r"(?<=[0-9]),(?=[0-9])", ".", text))]
    return (float(digits) * (-1.0 if text.lstrip("( ")[:1] == "-" else 1.0), *parts)
