"""Values of a property by which users are told apart. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from analytics.product.segments.segment import Ints, Segment

MAX_LABELS = 10_000
"""Values of a break-down that are listed one by one; further ones count together."""

OTHER = "other"

MAX_VALUES = 100_000
"""Values of a property that one question can tell apart, where none of them may count together."""

Labels = dict[str | None, int]
"""Values by their numbers, in the order in which they were met. ``None``: no value."""


def labels_of(column_name: str, segment: Segment, at: Ints, labels: Labels) -> Ints:
    """The value of ``column_name`` in each of the rows ``at``, by its number in ``labels``, to which new ones are added."""
    column = segment.columns.get(column_name)
    if column is None:
        return np.full(len(at), labels.setdefault(None, len(labels)), np.int64)
    codes = column.codes[at]
    found = np.zeros(len(column.values) + 1, np.int64)
    for code in np.flatnonzero(np.bincount(codes, minlength=1)).tolist():
        text = None if code == 0 else column.values[code - 1]
        found[code] = labels.setdefault(text, len(labels))
    found = found[codes]
    if column.numbers is not None:
        numeric = np.flatnonzero(~np.isnan(column.numbers[at]))
        values, places = np.unique(column.numbers[at[numeric]], return_inverse=True)
        numbers = [labels.setdefault(number_label(value), len(labels)) for value in values.tolist()]
        found[numeric] = np.array(numbers, np.int64)[places]
    return found


class TooManyValues(Exception):
    """The property ``column`` has more than ``most`` values."""

    def __init__(self, column: str, most: int = MAX_VALUES) -> None:
        self.column = column
        self.most = most
        super().__init__(column)


def check_values(labels: Mapping[str, Labels]) -> None:
    """Raises :class:`TooManyValues` for the first column that has more."""
    for column, known in labels.items():
        if len(known) > MAX_VALUES + 1:
            raise TooManyValues(column)


def text_order(label: str | None) -> tuple[bool, str]:
    """The key by which values are put in the order of their texts; none comes first."""
    return label is not None, label or ""


def by_name(labels: Labels) -> Ints:
    """The place of each label among all in the order of their texts."""
    ordered = sorted(labels, key=text_order)
    rank = np.empty(len(labels), np.int64)
    rank[[labels[name] for name in ordered]] = np.arange(len(labels))
    return rank


def number_label(value: float) -> str:
    """A number as people write it."""
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
