"""Sessions: what users did without a long break. Pure.

Definition
----------
The events of a user are in the order of :mod:`~analytics.product.counting.event_order`. A session begins with an event

- that has no event of the user before it, or none within the idle gap: one that lies exactly the gap before is in time;
- with ``midnights``, that lies on another local day than the event before it;
- with ``campaign``, that has a campaign, unless the session's last event with one, at most a day before, has the same.

It goes on until the next session of its user begins. A session belongs to the instant at which it begins: it is counted where
that lies in ``[from, to)``, with its events up to a day after ``to``. Where ``match`` is given, it is counted only if one of
its events matches.

Its duration is that from its first event to its last; its depth is the number of its events; a session of one event is a
bounce. Its break-down value and its entry are the first values of these properties in it, its exit is the last.

Nothing is stored: an event that comes late changes the sessions of its user with the next question.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.breakdowns import Labels, check_values
from analytics.product.counting.conditions import Bools
from analytics.product.counting.day import DAY_MS, Day
from analytics.product.counting.event_order import Events, events_in_order, no_labels
from analytics.product.counting.events import ANY_EVENT, TYPE, EventFilter
from analytics.product.counting.periods import local_midnights
from analytics.product.segments.segment import PROPERTY, Ints

GAP_S = 1_800
"""The idle gap where a question names none."""

CAMPAIGN = PROPERTY + "utm_campaign"

BEYOND_MS = DAY_MS
"""A session that begins before the end of a range is followed so long after that."""

CAMPAIGN_MS = DAY_MS
"""A campaign is remembered so long within a session."""


class SessionRule(NamedTuple):
    """What ends a session. ``midnight``: the zone at whose midnights sessions end, or ``None``."""

    gap_ms: int = GAP_S * 1_000
    midnight: tzinfo | None = None
    campaign: bool = False

    @property
    def before_ms(self) -> int:
        """So long before a range is looked for what says whether its first events begin sessions."""
        return max(self.gap_ms, CAMPAIGN_MS) if self.campaign else self.gap_ms

    @property
    def columns(self) -> list[str]:
        return [CAMPAIGN] if self.campaign else []


def session_starts(rule: SessionRule, events: Events, days: Sequence[Day]) -> Bools:
    """Whether each of ``events``, which are those of ``days``, begins a session."""
    users, t = events.users, events.t
    begins = np.ones(len(users), np.bool_)
    begins[1:] = (users[1:] != users[:-1]) | (t[1:] - t[:-1] > rule.gap_ms)
    if rule.midnight is not None:
        midnights = local_midnights((day.start_ms for day in days), rule.midnight)
        of_day = np.searchsorted(midnights, t, side="right")
        begins[1:] |= of_day[1:] != of_day[:-1]
    if rule.campaign:
        campaign = events.values[CAMPAIGN]
        place = np.arange(len(users))
        before = np.r_[-1, np.maximum.accumulate(np.where(campaign > 0, place, -1))[:-1]]
        same = (before >= np.maximum.accumulate(np.where(begins, place, 0))) & (campaign == campaign[before])
        begins |= (campaign > 0) & ~(same & (t - t[before] <= CAMPAIGN_MS))
    return begins


@dataclass(frozen=True, kw_only=True)
class SessionQuestion:
    """Times in ms since 1970; ``breakdown`` and ``page`` are columns, ``page`` that of entry and exit; ``periods`` are the
    beginnings of periods, the first not after ``from_ms``."""

    rule: SessionRule
    from_ms: int
    to_ms: int
    kept: EventFilter = ANY_EVENT
    match: EventFilter | None = None
    breakdown: str = ""
    page: str = ""
    periods: Ints | None = None

    @property
    def columns(self) -> set[str]:
        """What it reads of segments beside users and times."""
        matched = self.match.columns if self.match else set()
        return {*self._labelled, *self.kept.columns, *matched}

    @property
    def _labelled(self) -> list[str]:
        wanted = [*self.rule.columns, *filter(None, (self.breakdown, self.page))]
        return list(dict.fromkeys([TYPE, *wanted])) if wanted else []

    @property
    def read_from_ms(self) -> int:
        return max(0, self.from_ms - self.rule.before_ms)

    @property
    def read_to_ms(self) -> int:
        return self.to_ms + BEYOND_MS


class Visits(NamedTuple):
    """The sessions of a bucket: places of users, beginnings, durations in ms, numbers of events; numbers of labels."""

    users: Ints
    began: Ints
    durations: Ints
    depths: Ints
    breakdown: Ints
    entries: Ints
    exits: Ints

    def at(self, chosen: Bools) -> Visits:
        return Visits(*(column[chosen] for column in self))


def visits(question: SessionQuestion, days: Sequence[Day], labels: Mapping[str, Labels]) -> Visits:
    """The sessions of one bucket that are counted; ``labels`` are those of :func:`session_labels`.

    Raises :class:`TooManyValues`."""
    flags = [question.match] if question.match else []
    span = question.read_from_ms, question.read_to_ms
    events = events_in_order(days, *span, labels, kept=question.kept, flags=flags)
    check_values(labels)
    n = len(events)
    first = np.flatnonzero(session_starts(question.rule, events, days)) if n else np.empty(0, np.int64)
    after = np.r_[first[1:], n] if n else first
    none = np.zeros(len(first), np.int64)
    began = events.t[first]
    found = Visits(
        events.users[first],
        began,
        events.t[after - 1] - began,
        after - first,
        _first_value(events.values[question.breakdown], first, after) if question.breakdown else none,
        _first_value(events.values[question.page], first, after) if question.page else none,
        _last_value(events.values[question.page], first) if question.page else none,
    )
    counted = (began >= question.from_ms) & (began < question.to_ms)
    if question.match and n:
        counted &= np.logical_or.reduceat(events.flags[0], first)
    return found.at(counted)


def session_labels(question: SessionQuestion) -> dict[str, Labels]:
    """The values of what the question reads, by column: none yet."""
    return no_labels(question._labelled)


def _first_value(values: Ints, first: Ints, after: Ints) -> Ints:
    """The first value in each session; 0: none has any."""
    if not len(first):
        return first
    n = len(values)
    at = np.minimum.reduceat(np.where(values > 0, np.arange(n), n), first)
    found: Ints = np.where(at < after, values[np.minimum(at, n - 1)], 0)
    return found


def _last_value(values: Ints, first: Ints) -> Ints:
    if not len(first):
        return first
    at = np.maximum.reduceat(np.where(values > 0, np.arange(len(values)), -1), first)
    found: Ints = np.where(at >= 0, values[at], 0)
    return found


class Cells(NamedTuple):
    """Sums of sessions by a key, in order of the keys."""

    keys: Ints
    sums: Ints
    """By key: sessions, users, events, bounces, ms."""


SESSIONS, USERS, EVENTS, BOUNCES, MS = range(5)


@dataclass(kw_only=True)
class SessionCounts:
    """Sums over buckets. A key of ``cells`` is ``label * periods + period``; of ``totals`` it is 0. ``durations`` and
    ``depths`` have an entry for each session, ``of_label`` its label."""

    labels: Mapping[str, Labels]
    periods: int
    totals: list[Cells] = field(default_factory=list)
    cells: list[Cells] = field(default_factory=list)
    by_label: list[Cells] = field(default_factory=list)
    by_period: list[Cells] = field(default_factory=list)
    entries: list[tuple[Ints, Ints]] = field(default_factory=list)
    exits: list[tuple[Ints, Ints]] = field(default_factory=list)
    of_label: list[NDArray[np.uint32]] = field(default_factory=list)
    durations: list[NDArray[Any]] = field(default_factory=list)
    depths: list[NDArray[np.uint32]] = field(default_factory=list)


def counts_of(question: SessionQuestion) -> SessionCounts:
    """Nothing counted yet."""
    return SessionCounts(labels=session_labels(question), periods=1 if question.periods is None else len(question.periods))


def count_bucket(question: SessionQuestion, days: Sequence[Day], counts: SessionCounts) -> None:
    """Adds the sessions of one bucket; ``days`` in order. Raises :class:`TooManyValues`."""
    found = visits(question, days, counts.labels)
    if not len(found.users):
        return
    counts.totals.append(_cells(np.zeros(len(found.users), np.int64), found))
    if question.breakdown:
        counts.by_label.append(_cells(found.breakdown, found))
        counts.of_label.append(found.breakdown.astype(np.uint32))
    if question.periods is not None:
        period = np.searchsorted(question.periods, found.began, side="right") - 1
        counts.by_period.append(_cells(period, found))
        if question.breakdown:
            counts.cells.append(_cells(found.breakdown * counts.periods + period, found))
    if question.page:
        counts.entries.append(tally(found.entries))
        counts.exits.append(tally(found.exits))
    counts.durations.append(found.durations if found.durations.max() >> 32 else found.durations.astype(np.uint32))
    counts.depths.append(found.depths.astype(np.uint32))


def merged(parts: Sequence[Cells]) -> Cells:
    """The sums of all buckets."""
    if not parts:
        return Cells(np.empty(0, np.int64), np.empty((0, 5), np.int64))
    keys, places = np.unique(np.concatenate([part.keys for part in parts]), return_inverse=True)
    sums = np.zeros((len(keys), 5), np.int64)
    np.add.at(sums, places, np.concatenate([part.sums for part in parts]))
    return Cells(keys, sums)


def tally(values: Ints) -> tuple[Ints, Ints]:
    """The values that there are, and how many of each."""
    number = np.bincount(values)
    used = np.flatnonzero(number)
    return used, number[used]


def _cells(keys: Ints, found: Visits) -> Cells:
    shift = int(found.users.max()).bit_length()
    each = np.unique((keys << shift) | found.users)
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    columns = (np.ones(len(keys), np.int64), found.depths, (found.depths == 1).astype(np.int64), found.durations)
    sessions, events, bounces, ms = (np.add.reduceat(column[order], first) for column in columns)
    users = np.diff(np.r_[np.searchsorted(each >> shift, ordered[first]), len(each)])
    return Cells(ordered[first], np.stack([sessions, users, events, bounces, ms], axis=1))


def users_of(
    question: SessionQuestion, days: Sequence[Day], labels: Mapping[str, Labels], chosen: Callable[[Visits], Bools]
) -> Ints:
    """The hashes of the users of one bucket who have a session that is ``chosen``, in order; raises as :func:`count_bucket`."""
    found = visits(question, days, labels)
    everybody = np.unique(np.concatenate([np.empty(0, np.int64), *(day.segment.users for day in days)]))
    hashes: Ints = everybody[np.unique(found.users[chosen(found)])]
    return hashes
