"""The events that a funnel is about, in its order, by unit. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np

from analytics.product.counting.breakdowns import Labels, by_name, labels_of
from analytics.product.counting.conditions import Bools
from analytics.product.counting.day import Day
from analytics.product.counting.event_order import Events as UserEvents
from analytics.product.counting.events import EventFilter
from analytics.product.counting.funnels.definition import Funnel
from analytics.product.counting.ordering import by_user, ranks, settle_ties
from analytics.product.counting.sessions import SessionRule, session_starts
from analytics.product.segments.segment import Ints

MAX_ACCOUNT_EVENTS = 2_000_000

_NO_STEP = 1 << 60

EXCLUDED = 16
"""The first bit of a row's ``steps`` that tells of exclusions."""


class Rows(NamedTuple):
    """``users`` are places in the hashes of :class:`Events`, ``labels`` numbers of values. ``steps`` has a bit for each step
    that a row matches, and from :data:`EXCLUDED` one for each step after which it must not come before the next one."""

    users: Ints
    t: Ints
    steps: Ints
    labels: Ints


class Events(NamedTuple):
    """Rows by unit and in order. Units begin at the places ``first``. ``sources`` are the rows' places among all that were
    selected of the days, day by day, which are ``selected`` rows of each."""

    rows: Rows
    first: Ints
    hashes: Ints
    labels: Labels
    sources: Ints
    selected: Sequence[Ints]

    @property
    def units(self) -> Ints:
        """The unit of each row, from 0."""
        return np.repeat(np.arange(len(self.first)), np.diff(np.r_[self.first, len(self.rows.t)]))


class TooManyEvents(Exception):
    """More events of accounts match than fit into memory."""


def events_of(funnel: Funnel, days: Iterable[Day]) -> Events:
    """The events of one bucket; ``days`` in order."""
    days = list(days)
    labels: Labels = {None: 0}
    rows, selected, _ = _selected(funnel, days, labels, {})
    order = settle_ties(by_user(rows.users), rows.users, rows.t, *_ties(rows, labels))
    rows = _taken(rows, order)
    begins = _changes(rows.users)
    if funnel.unit == "session":
        begins = session_starts(SessionRule(funnel.session_gap_ms), UserEvents(rows.users, rows.t, {}, {}, ()), days)
        if funnel.order != "strict":
            kept = np.flatnonzero(rows.steps)
            session = np.cumsum(begins, dtype=np.int64)
            begins = _changes(session[kept])
            rows, order = _taken(rows, kept), order[kept]
    return Events(rows, np.flatnonzero(begins), _hashes(days), labels, order, selected)


class AccountEvents:
    """Collects events of accounts, whose users lie in several buckets. Of more than ``most``, :class:`TooManyEvents`."""

    def __init__(self, funnel: Funnel, *, most: int = MAX_ACCOUNT_EVENTS) -> None:
        self._funnel = funnel
        self._most = most
        self._labels: Labels = {None: 0}
        self._accounts: Labels = {None: 0}
        self._hashes = [np.empty(0, np.int64)]
        self._users = 0
        self._rows = [_NONE]
        self._of = [np.empty(0, np.int64)]
        self._count = 0

    def add(self, days: Sequence[Day]) -> None:
        """Adds those of one bucket."""
        rows, _, accounts = _selected(self._funnel, days, self._labels, self._accounts)
        self._count += len(rows.t)
        if self._count > self._most:
            raise TooManyEvents
        used, places = np.unique(rows.users, return_inverse=True)
        self._rows.append(rows._replace(users=places + self._users))
        self._of.append(accounts)
        self._hashes.append(_hashes(days)[used])
        self._users += len(used)

    def events(self) -> Events:
        """Those of all buckets."""
        rows, accounts, hashes = _joined(self._rows), np.concatenate(self._of), np.concatenate(self._hashes)
        keys = (accounts, rows.t, *_ties(rows, self._labels), hashes[rows.users])
        order = np.lexsort(keys[::-1])
        begins = _changes(accounts[order])
        return Events(_taken(rows, order), np.flatnonzero(begins), hashes, self._labels, order, [])


_NONE = Rows(*(np.empty(0, np.int64) for _ in Rows._fields))


def _joined(parts: Sequence[Rows]) -> Rows:
    return Rows(*(np.concatenate(columns) for columns in zip(_NONE, *parts, strict=True)))


def _taken(rows: Rows, at: Ints) -> Rows:
    return Rows(*(column[at] for column in rows))


def _changes(of: Ints) -> Bools:
    found: Bools = np.r_[True, of[1:] != of[:-1]] if len(of) else np.empty(0, np.bool_)
    return found


def _hashes(days: Sequence[Day]) -> Ints:
    return np.unique(np.concatenate([np.empty(0, np.int64), *(day.segment.users for day in days)]))


def _ties(rows: Rows, labels: Labels) -> tuple[Ints, ...]:
    """What puts rows of one instant in order; rows without any step have no lowest bit, and come last."""
    lowest = rows.steps & -rows.steps
    return np.where(lowest > 0, lowest, _NO_STEP), rows.steps, by_name(labels)[rows.labels]


def _selected(funnel: Funnel, days: Sequence[Day], labels: Labels, accounts: Labels) -> tuple[Rows, list[Ints], Ints]:
    parts, selected, of_accounts = [], [], [np.empty(0, np.int64)]
    for day, rank in zip(days, ranks([day.segment.users for day in days]), strict=True):
        at = _wanted(funnel, day)
        if funnel.unit == "account":
            at = at[labels_of(funnel.account, day.segment, at, accounts) > 0]
        steps = _steps(funnel, day, at)
        if not funnel.needs_all_events:
            at, steps = at[steps > 0], steps[steps > 0]
        users = np.repeat(rank, day.segment.counts)[at]
        parts.append(Rows(users, _times(day)[at], steps, labels_of(funnel.breakdown, day.segment, at, labels)))
        selected.append(at)
        of_accounts.append(labels_of(funnel.account, day.segment, at, accounts))
    return _joined(parts), selected, np.concatenate(of_accounts)


def _times(day: Day) -> Ints:
    return day.start_ms + day.segment.t.astype(np.int64)


def _wanted(funnel: Funnel, day: Day) -> Ints:
    t = _times(day)
    wanted = (t >= funnel.from_ms) & (t < funnel.to_ms + funnel.window_ms)
    if not funnel.needs_all_events:
        wanted &= EventFilter(frozenset(funnel.event_types or ())).of(day.segment, np.arange(day.segment.rows))
    return np.flatnonzero(wanted)


def _steps(funnel: Funnel, day: Day, at: Ints) -> Ints:
    steps = np.zeros(len(at), np.int64)
    for place, step in enumerate(funnel.steps):
        steps |= step.of(day.segment, at).astype(np.int64) << place
    if funnel.order != "any":
        steps[_times(day)[at] >= funnel.to_ms] &= ~1
    for exclusion in funnel.exclusions:
        between = (1 << exclusion.before) - (1 << exclusion.after)
        steps |= exclusion.match.of(day.segment, at).astype(np.int64) * (between << EXCLUDED)
    return steps
