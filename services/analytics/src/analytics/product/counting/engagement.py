"""Engagement: how engaged each user is, from 0 to 100, and what that is made of. Pure.

Definition
----------
Engagement is measured at an instant. Its *window* is the local day in which the instant lies or that ends with it, up to the
instant, and the ``window_days - 1`` local days before. A user counts who has an event of ``activity`` in the window:

- recency is ``2 ** -(age / half)``, where age is the time in days of 24 hours from the last of these events to the instant;
- frequency is ``1 - 2 ** -(days / half)`` of the local days with such an event;
- depth is ``1 - 2 ** -(events / half)`` of the number of these events on a day with any, on average;
- satisfaction is the mean of the ratings in the window, each held between ``low``, which is 0, and ``high``, which is 1.

The score is the weighted mean of the parts that a user has, times 100 and rounded to a hundredth. Who rated nothing has no
satisfaction, which is not 0: its weight goes to the other parts, in their ratio.

Each part grows or falls with every event, ever less, and never leaves 0 to 1, so nobody gets a high score by a single day of
many events. A score depends on nothing but the events of its user, on no rank, mean or largest value of others: it stays what
it is however many users come or leave, and scores of different days can be compared.

The value of ``breakdown`` is the last one that the user's events of ``activity`` in the window have; of several at one instant
the last one in the order of texts.

How it is computed
------------------
Days are gone through in order. Each is reduced to sums by user, which are added to those of the window, and subtracted when
their day has left it; ratings are whole numbers of billionths, so nothing is lost thereby, and no order of events counts.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.breakdowns import MAX_LABELS, Labels, by_name, check_values, labels_of
from analytics.product.counting.day import DAY_MS, Day
from analytics.product.counting.events import EventFilter
from analytics.product.counting.ordering import ranks
from analytics.product.counting.periods import period_of_day, periods_of
from analytics.product.segments.segment import Ints, Segment

PARTS = ("recency", "frequency", "depth", "satisfaction")
RECENCY, FREQUENCY, DEPTH, SATISFACTION = range(4)
HUNDRED = 10_000
"""A score of 100, in hundredths."""

_WHOLE = 1_000_000_000
"""The highest rating, in what they are added up as."""

_NONE: Ints = np.empty(0, np.int64)

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Ratings(NamedTuple):
    """Numbers of ``column`` in events, from ``low`` to ``high``."""

    events: EventFilter
    column: str
    low: float
    high: float


class Instant(NamedTuple):
    """When engagement is measured: ``at`` ms since 1970, in or at the end of the local day of this place."""

    at: int
    day: int


@dataclass(frozen=True, kw_only=True)
class Engagement:
    """``bounds``: where local days begin, in order, and where the last one ends. ``weights``: of :data:`PARTS`, the first three
    not all 0. ``halves``: of the first three."""

    activity: EventFilter
    ratings: Ratings | None
    bounds: Sequence[int]
    instants: Sequence[Instant]
    window_days: int
    weights: Sequence[float]
    halves: Sequence[float]
    breakdown: str = ""

    @property
    def from_ms(self) -> int:
        """Where the first window begins."""
        return self.bounds[max(0, self.instants[0].day - self.window_days + 1)]

    @property
    def to_ms(self) -> int:
        return self.instants[-1].at

    @property
    def columns(self) -> set[str]:
        """What it reads of segments beside users and times."""
        rated = self.ratings.events.columns | {self.ratings.column} if self.ratings else set()
        return self.activity.columns | rated | ({self.breakdown} if self.breakdown else set())


class Engaged(NamedTuple):
    """The users who count at an instant. ``scores`` in hundredths; ``parts``: a column for each of :data:`PARTS`, NaN for
    none; ``labels`` of the break-down; ``ratings``: the mean of each user's, NaN for none."""

    users: Ints
    scores: Ints
    parts: Floats
    labels: Ints
    last: Ints
    active_days: Ints
    events: Ints
    rated: Ints
    ratings: Floats

    def at(self, chosen: Bools | Ints) -> Engaged:
        columns: list[Any] = [column[chosen] for column in self]
        return Engaged(*columns)


@dataclass(kw_only=True)
class EngagementCounts:
    """Sums over buckets. ``sums``: by label and instant users, users who rated, scores, and the parts; labels after the first
    :data:`MAX_LABELS` are one. ``scores`` and ``of_label`` are of each user at the last instant."""

    labels: Labels = field(default_factory=lambda: {None: 0})
    sums: Floats = field(default_factory=lambda: np.zeros((0, 0, 7)))
    scores: list[NDArray[np.uint16]] = field(default_factory=list)
    of_label: list[NDArray[np.uint16]] = field(default_factory=list)


USERS, RATED, SCORES = range(3)


def count_bucket(engagement: Engagement, days: Sequence[Day], counts: EngagementCounts) -> None:
    """Adds the users of one bucket; ``days`` in order. Raises :class:`TooManyValues`."""
    instants = len(engagement.instants)
    for place, found in enumerate(engaged(engagement, days, counts.labels)):
        labels = np.minimum(found.labels, MAX_LABELS)
        rows = min(len(counts.labels), MAX_LABELS + 1)
        if counts.sums.shape[0] < rows:
            grown = np.zeros((rows, instants, 7))
            grown[: counts.sums.shape[0]] = counts.sums.reshape(-1, instants, 7)
            counts.sums = grown
        columns = [np.ones(len(labels)), found.rated > 0, found.scores, *np.nan_to_num(found.parts).T]
        for number, column in enumerate(columns):
            counts.sums[:, place, number] += np.bincount(labels, weights=column, minlength=rows)
        if place == instants - 1:
            counts.scores.append(found.scores.astype(np.uint16))
            counts.of_label.append(labels.astype(np.uint16))


def engaged(engagement: Engagement, days: Sequence[Day], labels: Labels) -> Iterator[Engaged]:
    """For each instant the users of one bucket, in the order of their hashes; new values are added to ``labels``.

    Raises :class:`TooManyValues`."""
    hashes = np.unique(np.concatenate([_NONE, *(day.segment.users for day in days)]))
    window = _Window(len(hashes))
    parts = _parts(engagement, days, labels)
    waiting = next(parts, None)
    for instant in engagement.instants:
        while waiting is not None and waiting.day <= instant.day:
            window.add(waiting)
            waiting = next(parts, None)
        first = instant.day - engagement.window_days + 1
        window.drop_before(first)
        check_values({engagement.breakdown: labels})
        yield window.measured(engagement, instant.at, first, hashes)


class _Part(NamedTuple):
    """What a segment has of a local day: by user events and the last of them, ratings, and labels."""

    day: int
    users: Ints
    events: Ints
    last: Ints
    raters: Ints
    ratings: Ints
    rated: Ints
    labelled: Ints
    labels: Ints


class _Window:
    """Sums of the days of a window, by the places of users."""

    def __init__(self, users: int) -> None:
        self._events, self._days, self._rated, self._ratings = np.zeros((4, users), np.int64)
        self._last = np.zeros(users, np.int64)
        self._active_day = np.full(users, -1)
        self._label = np.zeros(users, np.int64)
        self._label_day = np.full(users, -1)
        self._parts: deque[tuple[_Part, Ints]] = deque()

    def add(self, part: _Part) -> None:
        """Parts come in the order of time."""
        begun = part.users[self._active_day[part.users] < part.day]
        self._parts.append((part._replace(last=_NONE, labelled=_NONE, labels=_NONE), begun))
        self._active_day[part.users] = part.day
        self._last[part.users] = part.last
        self._label[part.labelled] = part.labels
        self._label_day[part.labelled] = part.day
        self._sum(part, begun, 1)

    def drop_before(self, day: int) -> None:
        while self._parts and self._parts[0][0].day < day:
            part, begun = self._parts.popleft()
            self._sum(part, begun, -1)

    def _sum(self, part: _Part, begun: Ints, sign: int) -> None:
        self._events[part.users] += sign * part.events
        self._days[begun] += sign
        self._ratings[part.raters] += sign * part.ratings
        self._rated[part.raters] += sign * part.rated

    def measured(self, engagement: Engagement, at: int, first_day: int, hashes: Ints) -> Engaged:
        who = np.flatnonzero(self._events)
        last, days, events, rated = self._last[who], self._days[who], self._events[who], self._rated[who]
        halves = engagement.halves
        parts = np.full((len(who), 4), np.nan)
        parts[:, RECENCY] = np.exp2(-(at - last) / (DAY_MS * halves[RECENCY]))
        parts[:, FREQUENCY] = 1 - np.exp2(-days / halves[FREQUENCY])
        parts[:, DEPTH] = 1 - np.exp2(-events / days / halves[DEPTH])
        np.divide(self._ratings[who], rated * _WHOLE, out=parts[:, SATISFACTION], where=rated > 0)
        ratings = np.full(len(who), np.nan)
        if engagement.ratings is not None:
            _, _, low, high = engagement.ratings
            ratings = low + parts[:, SATISFACTION] * (high - low)
        scores = np.rint(HUNDRED * (np.nan_to_num(parts) * effective_weights(engagement, parts)).sum(axis=1)).astype(np.int64)
        labels = np.where(self._label_day[who] >= first_day, self._label[who], 0)
        return Engaged(hashes[who], scores, parts, labels, last, days, events, rated, ratings)


def effective_weights(engagement: Engagement, parts: Floats) -> Floats:
    """Of each user and part, 0 to 1: the weights of the parts that a user has, which together are 1."""
    weights = np.asarray(engagement.weights, np.float64) * ~np.isnan(parts)
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares


def _parts(engagement: Engagement, days: Sequence[Day], labels: Labels) -> Iterator[_Part]:
    for day, rank in zip(days, ranks([day.segment.users for day in days]), strict=True):
        segment = day.segment
        t = day.start_ms + segment.t.astype(np.int64)
        users = np.repeat(rank, segment.counts)
        active = engagement.activity.rows(segment)
        rated, ratings = _ratings(engagement.ratings, segment)
        period = period_of_day(engagement.bounds, day)
        of_day = np.full(len(t), period) if period is not None else periods_of(engagement.bounds, t)
        inside = (t >= engagement.from_ms) & (t < engagement.to_ms)
        active, kept = active[inside[active]], inside[rated]
        rated, ratings = rated[kept], ratings[kept]
        codes = labels_of(engagement.breakdown, segment, active, labels) if engagement.breakdown else None
        for local_day in np.unique(np.r_[of_day[active], of_day[rated]]).tolist():
            of_active, of_rated = of_day[active] == local_day, of_day[rated] == local_day
            at = active[of_active]
            own, first, events = np.unique(users[at], return_index=True, return_counts=True)
            raters, places, times = np.unique(users[rated[of_rated]], return_inverse=True, return_counts=True)
            sums = np.zeros(len(raters), np.int64)
            np.add.at(sums, places, ratings[of_rated])
            named = (_NONE, _NONE) if codes is None else _last_labels(users[at], t[at], codes[of_active], labels)
            last = t[at[first + events - 1]]  # rows are by user and time
            yield _Part(local_day, own, events, last, raters, sums, times, *named)


def _ratings(asked: Ratings | None, segment: Segment) -> tuple[Ints, Ints]:
    """The rows with a rating, and these as whole numbers."""
    column = segment.columns.get(asked.column) if asked else None
    if asked is None or column is None or column.numbers is None:
        return _NONE, _NONE
    at = asked.events.rows(segment)
    at = at[np.isfinite(column.numbers[at])]
    shares = (np.clip(column.numbers[at], asked.low, asked.high) - asked.low) / (asked.high - asked.low)
    return at, np.rint(shares * _WHOLE).astype(np.int64)


def _last_labels(users: Ints, t: Ints, codes: Ints, labels: Labels) -> tuple[Ints, Ints]:
    """Users who have a label, and the last of each; rows are by user and time."""
    some = codes > 0
    users, t, codes = users[some], t[some], codes[some]
    own, first, count = np.unique(users, return_index=True, return_counts=True)
    place = np.repeat(np.arange(len(own)), count)
    final = t == t[first + count - 1][place]
    place, codes = place[final], codes[final]
    if len(place) == len(own):
        return own, codes
    rank = by_name(labels)
    best = np.full(len(own), -1)
    np.maximum.at(best, place, rank[codes])
    return own, np.argsort(rank)[best]
