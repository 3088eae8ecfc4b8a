"""Properties of users and accounts, with the values that they had when an event happened. Pure.

Definition
----------
The changes of a property of one owner are in the order of their times, in milliseconds, then of the ids of their events; those
of one event set once, then set, then unset. *Set* gives the property a value, *set once* does where it has none, *unset* takes
it away. The value at an instant is what the changes up to its millisecond have made, whenever they came; before the first there
is none.

The changes of a person are those of all ids of theirs. The account of a user is the group that their latest `group` event up to
then named, and the properties of that account are those that it had then.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

import numpy as np

from analytics.product.counting.day import Day
from analytics.product.segments.segment import OF_ACCOUNT, OF_USER, Column, Ints, Segment

SET_ONCE, SET, UNSET = 0, 1, 2
"""In the order in which those of one event hold."""

ACCOUNT_OF_USER = ""
"""The name under which a user has their account."""

_TIME_BITS = 42
_NOTHING = -1

Value = str | float | None


class Change(NamedTuple):
    """``owner``: a hash; ``at`` in ms since 1970."""

    owner: int
    at: int
    event_id: str
    op: int
    value: Value


@dataclass(frozen=True, eq=False, slots=True)
class Timeline:
    """From when on which owner has which value: ``keys`` are owners, by their places in ``owners``, and times as one number,
    ascending; ``places`` are those of ``values``, or -1 where there is none."""

    owners: Ints
    begins_ms: int
    keys: Ints
    places: Ints
    values: Sequence[str | float]

    @staticmethod
    def of(changes: Iterable[Change]) -> Timeline:
        """Of the changes of one property, in any order."""
        ordered = sorted(changes, key=lambda change: change[:4])
        owners = np.unique(np.array([change.owner for change in ordered], np.int64))
        begins_ms = min((change.at for change in ordered), default=0)
        keys, places, values = [], [], dict[str | float, int]()
        rank = -1
        for _, own in groupby(ordered, key=lambda change: change.owner):
            rank += 1
            now: Value = None
            for at, instant in groupby(own, key=lambda change: change.at):
                for change in instant:
                    if change.op != SET_ONCE or now is None:
                        now = change.value
                keys.append(rank << _TIME_BITS | at - begins_ms)
                places.append(_NOTHING if now is None else values.setdefault(now, len(values)))
        return Timeline(owners, begins_ms, np.array(keys, np.int64), np.array(places, np.int64), list(values))

    def at(self, owners: Ints, times: Ints) -> Ints:
        """The places of the values of these owners at these times, in ms since 1970."""
        if not len(self.owners):
            return np.full(len(owners), _NOTHING)
        rank = np.minimum(np.searchsorted(self.owners, owners), len(self.owners) - 1)
        since = np.clip(times - self.begins_ms, -1, (1 << _TIME_BITS) - 1)
        last = np.searchsorted(self.keys, (rank << _TIME_BITS) + since, "right") - 1
        known = (last >= 0) & (since >= 0) & (self.owners[rank] == owners)
        known[known] = self.keys[last[known]] >> _TIME_BITS == rank[known]
        found: Ints = np.where(known, self.places[last], _NOTHING)
        return found


def current(changes: Iterable[Change]) -> Value:
    """The value that these changes of one owner's property have made in the end."""
    timeline = Timeline.of(changes)
    place = int(timeline.places[-1]) if len(timeline.places) else _NOTHING
    return None if place == _NOTHING else timeline.values[place]


@dataclass(frozen=True, eq=False, slots=True)
class Properties:
    """Timelines by column. ``accounts``: of the accounts of users, whose values are hashes as texts."""

    timelines: Mapping[str, Timeline]
    accounts: Timeline | None = None

    def told(self, days: Sequence[Day]) -> list[Day]:
        """The days with a column for each property, as it was when each event happened."""
        return [Day(day.start_ms, self._told(day.segment, day.start_ms)) for day in days]

    def _told(self, segment: Segment, start_ms: int) -> Segment:
        users, times = segment.of_rows(), start_ms + segment.t.astype(np.int64)
        columns = dict(segment.columns)
        for name, timeline in self.timelines.items():
            if name.startswith(OF_USER):
                columns[name] = _column(timeline, timeline.at(users, times))
        of_accounts = [name for name in self.timelines if name.startswith(OF_ACCOUNT)]
        if of_accounts and self.accounts is not None:
            places = self.accounts.at(users, times)
            accounts = np.array([*map(int, self.accounts.values), 0], np.int64)[places]
            for name in of_accounts:
                timeline = self.timelines[name]
                found = np.where(places >= 0, timeline.at(accounts, times), _NOTHING)
                columns[name] = _column(timeline, found)
        return Segment(segment.users, segment.counts, segment.t, columns, segment.omitted)


def _column(timeline: Timeline, places: Ints) -> Column:
    """Of the values at these places."""
    texts = [value for value in timeline.values if isinstance(value, str)]
    code_of = {value: code for code, value in enumerate(texts, 1)}
    codes = np.array([*(code_of.get(value, 0) if isinstance(value, str) else 0 for value in timeline.values), 0], np.uint32)
    numbers = np.array([*(value if isinstance(value, float) else np.nan for value in timeline.values), np.nan])
    return Column(codes[places], texts, numbers[places] if len(texts) < len(timeline.values) else None)
