"""Leaves out people by rule: bots, and users who are no customers. Pure.

Definition
----------
A rule is met by an event that meets all of its conditions. A person is left out of an answer, with all events, if any event of
theirs on the UTC days that the question reads meets any rule, of whatever type that event is. Conditions on ids look at the id
under which the event was sent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.product.counting.cohorts import only, users_of
from analytics.product.counting.conditions import Bools, Condition, column_of, met
from analytics.product.counting.day import Day
from analytics.product.people.bots import PROPERTIES, is_bot
from analytics.product.segments.own_ids import own_ids
from analytics.product.segments.segment import Ints, Segment

BOT_COLUMNS = tuple(map(column_of, PROPERTIES))


@dataclass(frozen=True, eq=False, slots=True)
class Rule:
    """``ids``: hashes, ascending; the event was sent under one of each. ``bots``: its user agent is a program's."""

    conditions: Sequence[Condition] = ()
    ids: Sequence[Ints] = ()
    bots: bool = False

    @property
    def columns(self) -> set[str]:
        """What it reads of segments beside users and their own ids."""
        return {condition.column for condition in self.conditions}.union(BOT_COLUMNS if self.bots else ())


def left_out(days: Sequence[Day], rules: Sequence[Rule]) -> tuple[list[Day], int]:
    """``days`` of a bucket without the people who meet a rule, and how many these are."""
    found = [day.segment.of_rows()[_meets_any(day.segment, rules)] for day in days]
    users = np.unique(np.concatenate([np.empty(0, np.int64), *found]))
    if not len(users):
        return list(days), 0
    return only(days, np.setdiff1d(users_of(days), users)), len(users)


def _meets_any(segment: Segment, rules: Sequence[Rule]) -> Bools:
    found = np.zeros(segment.rows, np.bool_)
    own = own_ids(segment) if any(rule.ids for rule in rules) else np.empty(0, np.int64)
    for rule in rules:
        at = np.flatnonzero(~found)
        for ids in rule.ids:
            at = at[np.isin(own[at], ids)]
        for condition in rule.conditions:
            at = at[met(segment, at, condition)]
        if rule.bots:
            at = at[_of_bots(segment, at)]
        found[at] = True
    return found


def _of_bots(segment: Segment, at: Ints) -> Bools:
    found = np.zeros(len(at), np.bool_)
    for name in BOT_COLUMNS:
        if (column := segment.columns.get(name)) is not None:
            lut = np.array([False, *map(is_bot, column.values)], np.bool_)
            found |= lut[column.codes[at]]
    return found
