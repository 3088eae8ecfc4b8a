"""Who of a bucket is compared, and which values they have at which moment. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from analytics.product.counting.autopsy.definition import Autopsy, Moment
from analytics.product.counting.conditions import Bools
from analytics.product.counting.day import Day
from analytics.product.counting.funnels.matching import Events, events_of
from analytics.product.counting.funnels.orders import walk
from analytics.product.counting.ordering import ranks
from analytics.product.segments.segment import Ints

NO_NUMBER = -math.inf


class ComparedUsers(NamedTuple):
    """Users of a bucket who reached step n - 1: their hashes, places among the users of all days, whether they left, when they
    reached it, and the rows of each moment by day, with whose they are. ``at_moment``: who of them is compared there."""

    hashes: Ints
    left: Bools
    reached_ms: Ints
    rows: Mapping[Moment, Sequence[tuple[Day, Ints, Ints]]]
    at_moment: Mapping[Moment, Bools]
    not_yet: int


def compared_users(asked: Autopsy, days: Sequence[Day]) -> ComparedUsers:
    funnel, step = asked.funnel, asked.step
    events = events_of(funnel, days)
    before, _ = walk(funnel, events, step - 1)
    after, _ = walk(funnel, events, step)
    t = events.rows.t
    units = np.flatnonzero((before.depth >= step - 1) & (before.arrival >= 0))
    over = t[before.start[units]] + funnel.window_ms
    yet = over <= asked.as_of_ms
    units, over = units[yet], over[yet]
    left, reached = before.depth[units] == step - 1, before.arrival[units]
    reached_ms, users = t[reached], events.rows.users[reached]
    went_ms = np.where(left, np.iinfo(np.int64).max, t[after.arrival[units]])
    moment_rows: dict[Moment, list[tuple[Day, Ints, Ints]]] = {"step": _rows_of(events, days, reached)}
    everybody = np.ones(len(units), np.bool_)
    late = reached_ms + asked.around_ms
    at_moment: dict[Moment, Bools] = {"step": everybody, "before": everybody, "after": (went_ms > late) & (over > late)}
    if step > 2:
        moment_rows["first_step"] = _rows_of(events, days, before.start[units])
        at_moment["first_step"] = everybody
    moment_rows["before"], moment_rows["after"] = _around(asked, days, users, reached_ms, at_moment["after"])
    return ComparedUsers(events.hashes[users], left, reached_ms, moment_rows, at_moment, int((~yet).sum()))


def _rows_of(events: Events, days: Sequence[Day], of: Ints) -> list[tuple[Day, Ints, Ints]]:
    """The rows of the days that are the rows ``of`` of ``events``, with their places in ``of``."""
    ends = np.cumsum([0, *(len(rows) for rows in events.selected)])
    sources = events.sources[of]
    found = []
    for place, day in enumerate(days):
        mine = np.flatnonzero((sources >= ends[place]) & (sources < ends[place + 1]))
        if len(mine):
            found.append((day, events.selected[place][sources[mine] - ends[place]], mine))
    return found


def _around(
    asked: Autopsy, days: Sequence[Day], users: Ints, reached_ms: Ints, compared_after: Bools
) -> tuple[list[tuple[Day, Ints, Ints]], list[tuple[Day, Ints, Ints]]]:
    before, after = [], []
    of_days = ranks([day.segment.users for day in days])
    place = np.full(max((int(rank.max()) + 1 for rank in of_days if len(rank)), default=0), -1)
    place[users] = np.arange(len(users))
    for day, rank in zip(days, of_days, strict=True):
        mine = np.repeat(place[rank], day.segment.counts)
        at = np.flatnonzero(mine >= 0)
        mine = mine[at]
        since = day.start_ms + day.segment.t[at].astype(np.int64) - reached_ms[mine]
        early = (since < 0) & (since >= -asked.around_ms)
        late = (since > 0) & (since <= asked.around_ms) & compared_after[mine]
        before.append((day, at[early], mine[early]))
        after.append((day, at[late], mine[late]))
    return before, after


def texts_of(users: ComparedUsers, moment: Moment, column: str) -> tuple[list[str], Ints, Ints]:
    """Texts, and pairs of a text's place among them and a user, each once."""
    labels: dict[str, int] = {}
    codes, mine = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for day, at, whose in users.rows.get(moment, ()):
        found = day.segment.columns.get(column)
        if found is None:
            continue
        of_rows = found.codes[at].astype(np.int64)
        lut = np.zeros(len(found.values) + 1, np.int64)
        for code in np.unique(of_rows[of_rows > 0]).tolist():
            lut[code] = labels.setdefault(found.values[code - 1], len(labels))
        has = of_rows > 0
        codes.append(lut[of_rows[has]])
        mine.append(whose[has])
    many = len(users.left) + 1
    pairs = np.unique(np.concatenate(codes) * many + np.concatenate(mine))
    return list(labels), pairs // many, pairs % many


def largest_of(users: ComparedUsers, moment: Moment, column: str) -> NDArray[np.float64]:
    """The largest number of each user; minus infinity: none."""
    largest = np.full(len(users.left), NO_NUMBER)
    for day, at, whose in users.rows.get(moment, ()):
        found = day.segment.columns.get(column)
        if found is not None and found.numbers is not None:
            np.fmax.at(largest, whose, found.numbers[at])
    return largest
