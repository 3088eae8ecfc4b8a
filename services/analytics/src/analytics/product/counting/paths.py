"""Paths: what users do one thing after another, as they please. Pure.

Definition
----------
The events of a user are in the order of :mod:`~analytics.product.counting.event_order`. They are cut into sessions by
:mod:`~analytics.product.counting.sessions`, of which those count that begin in ``[from, to)``; with a window they are not cut.

An event is a *step* if it is one of ``steps`` and has a value of ``node``, which is its name, or of the group that the value
matches; and if it is the anchor that is asked for: then it is named after its type where it has no value.

The path of a session begins with its first step that is the start, or ends with its last one that is the end, or begins with
its first step where neither is asked for; without such a step it has none. With a window, the path of a user begins with the
first such step in ``[from, to)``, and goes on with steps not more than the window after it; or ends with the last, with steps
not more than the window before it. Of steps of one name in a row only the one nearest to the anchor counts, unless repeats are
kept. The first ``max_steps`` of them, counted from the anchor, are the path.

An edge is from one step of a path to the next; its time is that between their events, its latency and whether it failed are
those of the event at which it arrives. An event has failed if its type is ``error``, if its ``error`` is anything but empty,
``false`` or 0, or if its ``status`` is a number of 500 or more.

What is counted here is of every name. Which names come together as ``other`` is known only when all buckets are counted:
:mod:`~analytics.product.counting.path_sums`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from analytics.product.counting.breakdowns import Labels, check_values
from analytics.product.counting.conditions import Bools
from analytics.product.counting.day import Day
from analytics.product.counting.event_order import Events, Floats, events_in_order
from analytics.product.counting.events import ANY_EVENT, TYPE, EventFilter
from analytics.product.counting.grouping import Group, GroupedLabels
from analytics.product.counting.sessions import BEYOND_MS, SessionRule, session_starts
from analytics.product.segments.segment import PROPERTY, Ints, Segment

MAX_STEPS = 20

ERROR, STATUS = PROPERTY + "error", PROPERTY + "status"
_FAILED_STATUS = 500
_NOT_FAILED = ("", "false", "0")


class Failed(NamedTuple):
    """Whether an event has failed."""

    @property
    def columns(self) -> set[str]:
        return {TYPE, ERROR, STATUS}

    def of(self, segment: Segment, at: Ints) -> Bools:
        failed = EventFilter(frozenset(["error"])).of(segment, at)
        if error := segment.columns.get(ERROR):
            failed |= np.array([False, *(value not in _NOT_FAILED for value in error.values)], np.bool_)[error.codes[at]]
            if error.numbers is not None:
                failed |= np.nan_to_num(error.numbers[at]) != 0
        if (status := segment.columns.get(STATUS)) and status.numbers is not None:
            failed |= status.numbers[at] >= _FAILED_STATUS
        return failed


@dataclass(frozen=True, kw_only=True)
class PathQuestion:
    """Times in ms since 1970. ``window_ms``: by user instead of by session. ``latency``: a column, or empty."""

    rule: SessionRule
    from_ms: int
    to_ms: int
    window_ms: int | None = None
    steps: EventFilter = ANY_EVENT
    node: str = TYPE
    anchor: EventFilter | None = None
    ends: bool = False
    """Whether the path ends with the anchor instead of beginning with it."""
    max_steps: int = 5
    collapse_repeats: bool = True
    groups: Sequence[Group] = ()
    latency: str = ""
    errors: bool = True

    @property
    def columns(self) -> set[str]:
        """What it reads of segments beside users and times."""
        own = {TYPE, self.node, *([self.latency] if self.latency else [])}
        matched = self.steps.columns | (self.anchor.columns if self.anchor else set())
        return own | matched | set(self._rule_columns) | (Failed().columns if self.errors else set())

    @property
    def event_types(self) -> list[str] | None:
        """Of which types events are read; ``None``: of all."""
        if not self.steps.event_types or (self.anchor and not self.anchor.event_types):
            return None
        return sorted({*self.steps.event_types, *(self.anchor.event_types if self.anchor else ())})

    @property
    def read_from_ms(self) -> int:
        before = self.rule.before_ms if self.window_ms is None else self.window_ms if self.ends else 0
        return max(0, self.from_ms - before)

    @property
    def read_to_ms(self) -> int:
        after = BEYOND_MS if self.window_ms is None else 0 if self.ends else self.window_ms + 1
        return self.to_ms + after

    @property
    def _rule_columns(self) -> list[str]:
        return self.rule.columns if self.window_ms is None else []

    def labels(self) -> dict[str, Labels]:
        """The values of what it reads, by column: none yet."""
        plain = {column: Labels({None: 0}) for column in (TYPE, *self._rule_columns) if column != self.node}
        return {**plain, self.node: GroupedLabels(self.groups)}

    @property
    def first_step(self) -> int:
        """The number of the first place of a path: the anchor's is 0."""
        return 1 - self.max_steps if self.ends else 0


class PathRows(NamedTuple):
    """The steps of the paths of one bucket, path by path in the order of time. ``paths`` are numbered; ``users`` are places of
    users; ``places`` are from 0 to ``max_steps``; ``names`` are numbers of labels of ``node``."""

    paths: Ints
    users: Ints
    places: Ints
    names: Ints
    t: Ints
    latency: Floats | None
    failed: Bools | None

    def at(self, chosen: Ints | Bools) -> PathRows:
        if chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)  # once, and not for each column
        latency = None if self.latency is None else self.latency[chosen]
        failed = None if self.failed is None else self.failed[chosen]
        paths, users, places, names, t = (column[chosen] for column in self[:5])
        return PathRows(paths, users, places, names, t, latency, failed)


def path_rows(question: PathQuestion, days: Sequence[Day], labels: Mapping[str, Labels]) -> PathRows:
    """The paths of one bucket, whose days are in order; ``labels`` are those of the question. Raises :class:`TooManyValues`."""
    anchors = [question.anchor] if question.anchor else []
    failures = [Failed()] if question.errors else []
    types = question.event_types
    events = events_in_order(
        days,
        question.read_from_ms,
        question.read_to_ms,
        labels,
        kept=EventFilter(frozenset(types)) if types else ANY_EVENT,
        numbers=[question.latency] if question.latency else [],
        flags=[question.steps, *anchors, *failures],
    )
    is_anchor = events.flags[1] if question.anchor else None
    names = _names(question, events, labels, is_anchor)
    is_step = (names > 0) & (events.flags[0] if is_anchor is None else events.flags[0] | is_anchor)
    if question.window_ms is None:
        begins = session_starts(question.rule, events, days)
        of_session = np.cumsum(begins) - 1
        began = events.t[begins]
        at = np.flatnonzero(is_step & ((began >= question.from_ms) & (began < question.to_ms))[of_session])
        group = of_session[at]
    else:
        at = np.flatnonzero(is_step)
        group = events.users[at]
    rows = PathRows(
        group,
        events.users[at],
        at,
        names[at],
        events.t[at],
        events.numbers[question.latency][at] if question.latency else None,
        events.flags[-1][at] if question.errors else None,
    )
    return _cut(question, rows, None if is_anchor is None else is_anchor[at])


def _names(question: PathQuestion, events: Events, labels: Mapping[str, Labels], is_anchor: Bools | None) -> Ints:
    """The name of each event, 0 for none."""
    of_node = labels[question.node]
    names = events.values[question.node]
    if question.node != TYPE and is_anchor is not None:
        nameless = np.flatnonzero(is_anchor & (names == 0))
        types = events.values[TYPE][nameless]
        texts = list(labels[TYPE])
        number = np.zeros(len(texts), np.int64)
        for place in np.flatnonzero(np.bincount(types, minlength=1)).tolist():
            number[place] = of_node.setdefault(texts[place], len(of_node))
        names = names.copy()
        names[nameless] = number[types]
    check_values(labels)
    return names


def _cut(question: PathQuestion, rows: PathRows, is_anchor: Bools | None) -> PathRows:
    """``rows`` with what lies before the start or after the end left out, and further than ``max_steps`` from it."""
    if not len(rows.paths):
        return rows
    first, path = _runs(rows.paths)
    n = len(path)
    place = np.arange(n)
    anchors = np.ones(n, np.bool_) if is_anchor is None else is_anchor
    if question.window_ms is not None:
        anchors = anchors & (rows.t >= question.from_ms) & (rows.t < question.to_ms)
    if question.ends:
        anchor = np.maximum.reduceat(np.where(anchors, place, -1), first)[path]
        kept = place <= anchor
    else:
        anchor = np.minimum.reduceat(np.where(anchors, place, n), first)[path]
        kept = (place >= anchor) & (anchor < n)
    if question.window_ms is not None:
        kept &= np.abs(rows.t - rows.t[np.clip(anchor, 0, n - 1)]) <= question.window_ms
    rows = rows.at(kept)
    if question.collapse_repeats:
        same = (rows.paths[1:] == rows.paths[:-1]) & (rows.names[1:] == rows.names[:-1])
        rows = rows.at(~(np.r_[same, False] if question.ends else np.r_[False, same])[: len(rows.paths)])
    if not len(rows.paths):
        return rows
    first, path = _runs(rows.paths)
    place = np.arange(len(path))
    if question.ends:
        last = np.r_[first[1:], len(path)] - 1
        places = question.max_steps - 1 - (last[path] - place)
        chosen = places >= 0
    else:
        places = place - first[path]
        chosen = places < question.max_steps
    return rows._replace(paths=path, places=places).at(chosen)


def _runs(values: Ints) -> tuple[Ints, Ints]:
    """Where each run of one value begins, and for each row the number of its run."""
    begins = np.r_[True, values[1:] != values[:-1]]
    return np.flatnonzero(begins), np.cumsum(begins) - 1


def users_of(
    question: PathQuestion, days: Sequence[Day], labels: Mapping[str, Labels], step: int, name: str, following: str | None
) -> Ints:
    """The hashes of the users of one bucket who have ``name`` as their ``step``, and as the next one ``following`` where that
    is given; in order. Raises as :func:`path_rows`."""
    rows = path_rows(question, days, labels)
    known = labels[question.node]
    found = (rows.places == step - question.first_step) & (rows.names == known.get(name, -1))
    if following is not None and len(found):
        goes_on = (rows.paths[1:] == rows.paths[:-1]) & (rows.names[1:] == known.get(following, -1))
        found &= np.r_[goes_on, False]
    everybody = np.unique(np.concatenate([np.empty(0, np.int64), *(day.segment.users for day in days)]))
    hashes: Ints = everybody[np.unique(rows.users[found])]
    return hashes
