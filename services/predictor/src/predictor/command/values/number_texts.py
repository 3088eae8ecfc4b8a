"""One text as a quantity: its sign, digits, exponent and unit, whatever the digits mean. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from predictor.command.values.units import CURRENCIES, SIGNS, UNITS

_QUANTITY = re.compile(
    rf"(?P<open>\()?\s*(?P<sign>[+-])?\s*(?P<before>[A-Za-z]{{2,3}}[$.]?|[Rr]\$|[{SIGNS}])?\s*(?P<sign2>[+-])?\s*"
    r"(?P<body>[0-9](?:[0-9.,'_]|[ ](?=[0-9]{3}(?![0-9])))*|[.,][0-9]+)(?P<exponent>[eE][+-]?[0-9]+)?"
    rf"\s*(?P<unit>(?:[^\W\d_]|[%\u2030\u00b0{SIGNS}])[^()]{{0,23}}?)?\s*(?P<close>\))?\s*(?P<behind>[-%{SIGNS}])?"
)
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s*(w|d|h|m|s|ms|us|\u00b5s|ns|[a-z]{3,7})(?![a-z])[\s,]*", re.IGNORECASE)
_CLOCK = re.compile(r"(?:([0-9]+)\s*(?:d|days?),?\s*)?([0-9]{1,3}):([0-5][0-9]):([0-5][0-9](?:[.,][0-9]+)?)")
_LEADING = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?")


@dataclass(frozen=True)
class Quantity:
    """A text taken apart: ``body`` are digits with whatever stands between them."""

    sign: float
    body: str
    exponent: str
    unit: str


def plain_text(text: str) -> str:
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


def taken_apart(text: str) -> Quantity | None:
    """``text`` as a quantity; ``None`` where it is none."""
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
    return Quantity(-1.0 if minus != bool(match["open"]) else 1.0, match["body"], match["exponent"] or "", unit)


def _duration(text: str) -> Quantity | None:
    """``1h 5m``, ``00:01:30`` and ``1 day 00:00:05`` in seconds."""
    sign = -1.0 if text[:1] == "-" else 1.0
    text = text.lstrip("+-").strip()
    clock = _CLOCK.fullmatch(text)
    if clock:
        days, hours, minutes, seconds = clock.groups()
        total = 86400.0 * int(days or 0) + 3600.0 * int(hours) + 60.0 * int(minutes) + float(seconds.replace(",", "."))
        return Quantity(sign, repr(total), "", "s")
    total, place, parts = 0.0, 0, 0
    for part in _PART.finditer(text):
        dimension, factor = ("time", 60.0) if part[2] == "m" else UNITS.get(part[2].lower(), ("", 0.0))
        if part.start() != place or dimension != "time":
            return None
        total, place, parts = total + float(part[1]) * factor, part.end(), parts + 1
    return Quantity(sign, repr(round(total, 9)), "", "s") if parts > 1 and place == len(text) else None


def near(text: str) -> tuple[float, ...]:
    """Numbers that a text which cannot be read may mean: its digits with and without what stands between them."""
    digits = re.sub(r"[^0-9]", "", text)
    if not digits or len(digits) > 300:
        return ()
    parts = [float(part) for part in _LEADING.findall(re.sub(r"(?<=[0-9]),(?=[0-9])", ".", text))]
    return (float(digits) * (-1.0 if text.lstrip("( ")[:1] == "-" else 1.0), *parts)
