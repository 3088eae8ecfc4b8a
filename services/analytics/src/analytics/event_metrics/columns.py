"""Events of one type as columns: each property is read once for all metrics that are drawn from it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from operator import attrgetter

from analytics.rollup.observations import LABEL_LENGTH, LARGEST, UNKNOWN, Labels, number
from drishti.events import AnalyticsEvent
from drishti.measures.expressions.matching import Column, Matcher

OWN = ("user_id", "session_id", "service", "version")
"""What an event says of itself, beside its data: properties, too, where the data has none of the name."""


class EventColumns:
    """Every column has the order of ``events``."""

    def __init__(self, events: Sequence[AnalyticsEvent]) -> None:
        self._events = events
        self._data = [event.data for event in events]
        self._read: dict[str, Column] = {}
        self._numbers: dict[str, Column] = {}
        self._texts: dict[str, Column] = {}
        self._labels: dict[tuple[str, ...], list[Labels]] = {}
        self._met: dict[str, list[bool]] = {}

    def values(self, name: str) -> Column:
        """A property as JSON had it."""
        column = self._read.get(name)
        if column is None:
            if name in OWN:
                own = map(attrgetter(name), self._events)
                column = [data.get(name, value) for data, value in zip(self._data, own, strict=True)]
            else:
                column = [data.get(name) for data in self._data]
            self._read[name] = column
        return column

    def met(self, text: str, condition: Matcher) -> list[bool]:
        """Which events meet ``condition``, whose text tells it from all others."""
        met = self._met.get(text)
        if met is None:
            met = self._met[text] = condition(self.values)
        return met

    def numbers(self, name: str) -> Column:
        """A property as a number; ``None`` where it is none."""
        column = self._numbers.get(name)
        if column is None:
            column = self._numbers[name] = [
                value if type(value) is float and -LARGEST <= value <= LARGEST else number(value) for value in self.values(name)
            ]
        return column

    def texts(self, name: str) -> Column:
        """A property as text; ``None`` where it has none."""
        column = self._texts.get(name)
        if column is None:
            column = self._texts[name] = [
                (value if type(value) is str else text_of(value)) or None for value in self.values(name)
            ]
        return column

    def labels(self, names: tuple[str, ...]) -> list[Labels]:
        """Properties together, as values of labels."""
        column = self._labels.get(names)
        if column is None:
            column = self._labels[names] = list(zip(*map(self._label, names), strict=True))
        return column

    def _label(self, name: str) -> list[str]:
        return [UNKNOWN if text is None else text[:LABEL_LENGTH] for text in self.texts(name)]


def label_of(value: object) -> str:
    """A property as a label's value."""
    return text_of(value)[:LABEL_LENGTH] or UNKNOWN


def text_of(value: object) -> str:
    """A text, a truth value or a number as text; nothing of anything else.

    A number is the same text however JSON wrote it, 5 and 5.0, since the rows of events may write it otherwise than the event.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        if value.bit_length() < _EXACT_BITS:
            return str(value)
        try:
            value = float(value)
        except OverflowError:
            return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2.0 ** (_EXACT_BITS - 1) else repr(value)
    return ""


_EXACT_BITS = 64
"""Integers with more bits are distinguished as floats, since the rows of events may write either as the other."""
