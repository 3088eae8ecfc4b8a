"""Users who left and who went on, by value: sums over buckets. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_FLOOR, Context

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.autopsy.compared import NO_NUMBER, ComparedUsers, compared_users, largest_of, texts_of
from analytics.product.counting.autopsy.definition import Autopsy, Moment
from analytics.product.counting.conditions import Bools
from analytics.product.counting.day import Day

MOST_VALUES = 5_000
"""Values of a property at one moment: of more, it is an id, and is not compared."""

_FLOOR = Context(prec=2, rounding=ROUND_FLOOR)

Values = dict[str | float, NDArray[np.int64]]
"""Users who left and who went on, by value."""


@dataclass(kw_only=True)
class AutopsyCounts:
    """Sums over buckets. ``compared``: all users of a moment; ``dropped`` are columns with too many texts."""

    left: int = 0
    went_on: int = 0
    not_yet: int = 0
    compared: dict[Moment, NDArray[np.int64]] = field(default_factory=dict)
    texts: dict[tuple[Moment, str], Values] = field(default_factory=dict)
    numbers: dict[tuple[Moment, str], Values] = field(default_factory=dict)
    dropped: set[str] = field(default_factory=set)


def count_bucket(asked: Autopsy, days: Iterable[Day], counts: AutopsyCounts) -> None:
    """Adds the users of one bucket; ``days`` in order."""
    users = compared_users(asked, list(days))
    counts.not_yet += users.not_yet
    counts.left += int(users.left.sum())
    counts.went_on += int((~users.left).sum())
    for moment in users.rows:
        at = users.at_moment[moment]
        counts.compared[moment] = counts.compared.get(moment, np.zeros(2, np.int64)) + _split(users.left[at])
        for column in asked.columns:
            if column not in counts.dropped:
                _add_texts(users, moment, column, counts)
            _add_numbers(users, moment, column, counts)


def _add_texts(users: ComparedUsers, moment: Moment, column: str, counts: AutopsyCounts) -> None:
    texts, codes, mine = texts_of(users, moment, column)
    if not len(codes):
        return
    into = counts.texts.setdefault((moment, column), {})
    table = np.zeros((len(texts), 2), np.int64)
    np.add.at(table, (codes, (~users.left[mine]).astype(np.int64)), 1)
    for text, row in zip(texts, table, strict=True):
        into[text] = into[text] + row if text in into else row
    if len(into) > MOST_VALUES:
        counts.dropped.add(column)
        for key in [key for key in counts.texts if key[1] == column]:
            del counts.texts[key]


def _add_numbers(users: ComparedUsers, moment: Moment, column: str, counts: AutopsyCounts) -> None:
    largest = largest_of(users, moment, column)
    mine = np.flatnonzero(largest > NO_NUMBER)
    if not len(mine):
        return
    values, places = np.unique(two_digits(largest[mine]), return_inverse=True)
    table = np.zeros((len(values), 2), np.int64)
    np.add.at(table, (places, (~users.left[mine]).astype(np.int64)), 1)
    into = counts.numbers.setdefault((moment, column), {})
    for value, row in zip(values.tolist(), table, strict=True):
        into[value] = into[value] + row if value in into else row


def two_digits(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The greatest numbers of two decimal digits that are not above."""
    return np.array([float(_FLOOR.create_decimal(repr(value))) for value in values.tolist()])


def _split(left: Bools) -> NDArray[np.int64]:
    return np.array([left.sum(), (~left).sum()], np.int64)
