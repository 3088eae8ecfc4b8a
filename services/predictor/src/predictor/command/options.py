"""What the values of options mean: spans of time, shares, formats; and what they say of how to read a file."""

from __future__ import annotations

import argparse

from predictor.command.input.columns import Reading
from predictor.command.values.stamps import DAY_FIRST, EPOCH_UNITS, MONTH_FIRST

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
UNITS_MONTHS = {"mo": 1, "q": 3, "y": 12}


class Span(float):
    """A number of steps, of seconds where ``timed``, or of ``months`` where those are not 0; printed as it was given."""

    timed: bool = False
    months: float = 0.0
    text: str = ""

    def __str__(self) -> str:
        return self.text


def span(text: str) -> Span:
    """A ``--horizon`` or ``--season``. Raises ``argparse.ArgumentTypeError``."""
    number = text.rstrip("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    unit = text[len(number) :].lower()
    try:
        if unit in UNITS_MONTHS:
            asked = Span(float(number) * UNITS_MONTHS[unit])
            asked.months = float(asked)
        else:
            asked = Span(float(number) * UNITS_S[unit] if unit else int(number))
    except (ValueError, OverflowError, KeyError):
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither a number of steps nor a time such as 15m, 6h, 7d, 3mo or 1y"
        ) from None
    if not 0 < asked < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r}: must be more than 0, and finite")
    asked.timed, asked.text = bool(unit), text if unit else f"{text} steps"
    return asked


def reading_of(options: argparse.Namespace) -> Reading:
    """What the options say of how to read the file."""
    return Reading(
        time=options.time,
        value=options.value,
        by=tuple(options.by),
        date_format=options.date_format,
        decimal=options.decimal,
        merge=options.merge,
        unusable=options.unusable,
    )


def date_format(text: str) -> str:
    """A ``--date-format``. Raises ``argparse.ArgumentTypeError``."""
    if text not in (DAY_FIRST, MONTH_FIRST, *EPOCH_UNITS) and "%" not in text:
        raise argparse.ArgumentTypeError(
            f"{text!r} is none of day-first, month-first, s, ms, us, ns, nor a format such as %d/%m/%Y"
        )
    return text


def part(text: str) -> float:
    """A share, as a number or in percent. Raises ``argparse.ArgumentTypeError``."""
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = -1.0
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share: 0 to 100%, or 0 to 1")
    return share


def positive(text: str) -> int:
    """A whole number of 1 or more. Raises ``argparse.ArgumentTypeError``."""
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of 1 or more")
    return number


def share(text: str) -> float:
    """A share of the rows, below 1. Raises ``argparse.ArgumentTypeError``."""
    try:
        share = float(text)
    except ValueError:
        share = -1.0
    if not 0 <= share < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share: 0 or more, below 1")
    return share
