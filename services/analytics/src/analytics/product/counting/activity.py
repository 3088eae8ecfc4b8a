"""Activity: how many users are active, and whether they are new, come back, or stay away. Pure.

Definition
----------
Periods are days, weeks or months of a calendar. A user is *active* in a period that has an event of theirs that is meant.

- *new*: active in the period, in which the user's first event of any kind lies, of all that is kept.
- *returning*: active in the period and in the one before.
- *resurrected*: active in the period, not in the one before, and not new.
- *dormant*: active in the period before, and not in this one.

So every active user is new, returning or resurrected. The last 7 and 30 days of a day are that day and the 6 and 29 before. A
value of ``breakdown`` is counted as if only events with this value were meant: a user may have several.

How it is computed
------------------
A table of users and days of the calendar says who was active when: each event sets one of its places, periods are some of its
columns together. It is made for a part of the users at a time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import numpy as np

from analytics.product.counting.breakdowns import Labels, TooManyValues, labels_of
from analytics.product.counting.conditions import Bools
from analytics.product.counting.day import DAY_MS, Day
from analytics.product.counting.events import EventFilter
from analytics.product.counting.ordering import ranks
from analytics.product.counting.periods import are_days, periods_of
from analytics.product.segments.segment import Ints

State = Literal["active", "new", "returning", "resurrected", "dormant"]
STATES: tuple[State, ...] = ("active", "new", "returning", "resurrected", "dormant")

WEEK, MONTH = 7, 30
"""Days of rolling counts."""

MAX_LABELS = 10_000
_PLACES = 1 << 24
"""Of a table that is in memory at once."""


@dataclass(frozen=True, kw_only=True)
class Activity:
    """``bounds``: where the period before all others begins, then these, and where the last one ends. ``days``: where days of
    the calendar begin, from :data:`MONTH` before or earlier, up to the same end. ``breakdown`` is a column."""

    events: EventFilter
    bounds: Sequence[int]
    days: Sequence[int]
    breakdown: str = ""

    @property
    def columns(self) -> set[str]:
        """What it reads of segments beside users and times."""
        return self.events.columns | ({self.breakdown} if self.breakdown else set())

    @property
    def by_day(self) -> bool:
        """Whether the days of events say enough, without their times."""
        return are_days(self.days)

    @property
    def periods(self) -> int:
        return len(self.bounds) - 2

    @property
    def first_day(self) -> int:
        """The place of the first day that is answered."""
        return int(np.searchsorted(self.days, self.bounds[1]))

    @property
    def from_ms(self) -> int:
        """Of the UTC days from here on the events are read; of those before, who has any."""
        return self.days[0] // DAY_MS * DAY_MS


@dataclass(kw_only=True)
class ActivityCounts:
    """Sums over buckets. A row for each period, with a count for each of :data:`STATES`; a row for each day, with the users of
    the day and of its last 7 and 30; all by label those that are active in any period."""

    periods: Ints
    days: Ints
    users: int = 0
    by_label: dict[str | None, Ints] = field(default_factory=dict)
    users_by_label: dict[str | None, int] = field(default_factory=dict)

    @staticmethod
    def of(activity: Activity) -> ActivityCounts:
        days = len(activity.days) - 1 - activity.first_day
        return ActivityCounts(periods=np.zeros((activity.periods, len(STATES)), np.int64), days=np.zeros((days, 3), np.int64))


class _Active(NamedTuple):
    """``firsts``: the place of the day of each user's first event of all, -1 before all days. Of each event that is meant, the
    place of its user, of its label and of its day."""

    users: Ints
    firsts: Ints
    places: Ints
    labels: Ints
    on: Ints


class _Block(NamedTuple):
    """Some users, or users with a label: active on which days, and in which state in which period; a row for each of these."""

    users: Ints
    labels: Ints
    on_days: Bools
    states: dict[State, Bools]


def count_bucket(activity: Activity, days: Sequence[Day], counts: ActivityCounts) -> None:
    """Adds the users of one bucket; ``days`` in order. Raises :class:`TooManyValues`."""
    labels: Labels = {None: 0}
    active = _active(activity, days, labels)
    for block in _blocks(activity, active, 1):
        for place, state in enumerate(STATES):
            counts.periods[:, place] += np.count_nonzero(block.states[state], axis=1)
        counts.users += int(np.count_nonzero(block.states["active"].any(axis=0)))
        _count_days(activity, block.on_days, counts.days)
    if not activity.breakdown:
        return
    names, periods = list(labels), activity.periods
    for block in _blocks(activity, active, len(names)):
        for place, state in enumerate(STATES):
            at, of = np.nonzero(block.states[state])
            found = np.bincount(block.labels[of] * periods + at, minlength=len(names) * periods).reshape(-1, periods)
            for label in np.flatnonzero(found.any(axis=1)).tolist():
                _table(activity, counts, names[label])[:, place] += found[label]
        users = np.bincount(block.labels[block.states["active"].any(axis=0)], minlength=len(names))
        for label in np.flatnonzero(users).tolist():
            counts.users_by_label[names[label]] = counts.users_by_label.get(names[label], 0) + int(users[label])


def users_of_state(activity: Activity, days: Sequence[Day], period: int, state: State) -> Ints:
    """The users of one bucket who are in this state in the period at this place, in order."""
    active = _active(activity, days, {None: 0})
    found = [active.users[block.users[block.states[state][period]]] for block in _blocks(activity, active, 1)]
    return np.concatenate([np.empty(0, np.int64), *found])


def _table(activity: Activity, counts: ActivityCounts, label: str | None) -> Ints:
    if label not in counts.by_label and len(counts.by_label) >= MAX_LABELS:
        raise TooManyValues(activity.breakdown, MAX_LABELS)
    return counts.by_label.setdefault(label, np.zeros((activity.periods, len(STATES)), np.int64))


def _active(activity: Activity, days: Sequence[Day], labels: Labels) -> _Active:
    of_day = ranks([day.segment.users for day in days])
    users = np.empty(1 + max((int(rank.max()) for rank in of_day if len(rank)), default=-1), np.int64)
    for day, rank in zip(days, of_day, strict=True):
        users[rank] = day.segment.users
    count = len(activity.days) - 1
    firsts = np.full(len(users), count)
    parts = []
    for day, rank in zip(days, of_day, strict=True):
        segment = day.segment
        if day.start_ms < activity.from_ms:
            firsts[rank] = -1
            continue
        starts = np.cumsum(segment.counts, dtype=np.int64) - segment.counts
        begins = day.start_ms + segment.t[starts].astype(np.int64)
        firsts[rank] = np.minimum(firsts[rank], periods_of(activity.days, begins))
        at = activity.events.rows(segment)
        on = periods_of(activity.days, day.start_ms + segment.t[at].astype(np.int64))
        inside = (on >= 0) & (on < count)
        if not inside.all():
            at, on = at[inside], on[inside]
        of = labels_of(activity.breakdown, segment, at, labels) if activity.breakdown else np.zeros(len(at), np.int64)
        parts.append((np.repeat(rank, segment.counts)[at], of, on))
    none = np.empty(0, np.int64)
    return _Active(users, firsts, *(np.concatenate([none, *column]) for column in (list(zip(*parts, strict=True)) or [()] * 3)))


def _blocks(activity: Activity, active: _Active, labels: int) -> Iterator[_Block]:
    """Of users where there is one of ``labels``, else of users with a label."""
    users, places = np.arange(len(active.users)), active.places
    of = np.zeros(len(users), np.int64)
    if labels > 1:
        entities, places = np.unique(places * labels + active.labels, return_inverse=True)
        users, of = entities // labels, entities % labels
    at_once = max(1, _PLACES // (len(activity.days) - 1))
    for begin in range(0, len(users), at_once):
        end = min(len(users), begin + at_once)
        rows = slice(None) if end - begin == len(users) else (places >= begin) & (places < end)
        on_days = np.zeros((len(activity.days) - 1, end - begin), np.bool_)
        on_days[active.on[rows], places[rows] - begin] = True
        yield _Block(users[begin:end], of[begin:end], on_days, _states(activity, on_days, active.firsts[users[begin:end]]))


def _states(activity: Activity, on_days: Bools, firsts: Ints) -> dict[State, Bools]:
    begins = np.searchsorted(activity.days, activity.bounds[:-1])
    active_in = np.logical_or.reduceat(on_days, begins, axis=0)
    before, now = active_in[:-1], active_in[1:]
    first_in = np.searchsorted(begins[1:], firsts, "right") - 1
    new = now & (first_in == np.arange(activity.periods)[:, None])
    again = now & ~new
    return {
        "active": now,
        "new": new,
        "returning": again & before,
        "resurrected": again & ~before,
        "dormant": before & ~now,
    }


def _count_days(activity: Activity, on_days: Bools, counts: Ints) -> None:
    last = np.full(on_days.shape[1], -MONTH, np.int16)
    for day, today in enumerate(on_days):
        last[today] = day
        if (place := day - activity.first_day) >= 0:
            found = (today, last > day - WEEK, last > day - MONTH)
            counts[place] += np.array([np.count_nonzero(users) for users in found])
