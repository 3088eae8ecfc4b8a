"""Which events of a day are meant. Pure."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

import numpy as np

from analytics.product.counting.conditions import Bools, Condition, met
from analytics.product.segments.event_rows import FIELDS
from analytics.product.segments.segment import Ints, Segment

TYPE = FIELDS[0]


class EventFilter(NamedTuple):
    """Events of one of these types (none given: of any) that meet all conditions."""

    event_types: Collection[str] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether every event is meant."""
        return not self.event_types and not self.conditions

    @property
    def columns(self) -> set[str]:
        """What it reads of segments."""
        return {condition.column for condition in self.conditions} | ({TYPE} if self.event_types else set())

    def of(self, segment: Segment, at: Ints) -> Bools:
        """Whether each of the rows ``at`` is such an event."""
        found = np.ones(len(at), np.bool_)
        if self.event_types:
            types = segment.columns.get(TYPE)
            if types is None:
                return ~found
            found = self._of_types(types.values)[types.codes[at]]
        for condition in self.conditions:
            found &= met(segment, at, condition)
        return found

    def rows(self, segment: Segment) -> Ints:
        """The rows of the events that are meant, in order."""
        if not self.event_types:
            at = np.arange(segment.rows)
        else:
            types = segment.columns.get(TYPE)
            if types is None:
                return np.empty(0, np.int64)
            at = np.flatnonzero(self._of_types(types.values)[types.codes])
        for condition in self.conditions:
            at = at[met(segment, at, condition)]
        return at

    def _of_types(self, values: Collection[str]) -> Bools:
        """For each code of the column of types whether it is one of them."""
        return np.array([False, *(value in self.event_types for value in values)], np.bool_)


ANY_EVENT = EventFilter()
