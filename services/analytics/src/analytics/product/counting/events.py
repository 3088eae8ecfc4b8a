"""Which events of a day are meant. Pure."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analytics.product.counting.conditions import Condition, met
from analytics.product.segments.segment import Ints, Segment


class EventFilter(NamedTuple):
    """Events of one of these types (none given: of any) that meet all conditions."""

    event_types: tuple[str, ...] = ()
    conditions: tuple[Condition, ...] = ()

    @property
    def is_any(self) -> bool:
        """Whether every event is meant."""
        return not self.event_types and not self.conditions

    @property
    def columns(self) -> set[str]:
        """What it reads of segments."""
        return {condition.column for condition in self.conditions} | ({"event_type"} if self.event_types else set())


def rows_of(segment: Segment, wanted: EventFilter) -> Ints:
    """The rows of the events that are meant, in order."""
    if not wanted.event_types:
        at = np.arange(segment.rows)
    else:
        types = segment.columns.get("event_type")
        if types is None:
            return np.empty(0, np.int64)
        lut = np.array([False, *(value in wanted.event_types for value in types.values)], np.bool_)
        at = np.flatnonzero(lut[types.codes])
    for condition in wanted.conditions:
        at = at[met(segment, at, condition)]
    return at
