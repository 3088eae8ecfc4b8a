"""What a funnel is, exactly. Pure.

Whose steps
-----------
``unit`` says whose events are taken together: those of a ``user``; of a ``session`` of a user, which ends where more than
``session_gap_ms`` pass until the user's next event of whatever type (:mod:`~analytics.product.counting.sessions`); or of an
``account``, whose value the event has in the column ``account``: events without one are left out. Of events before
``from_ms``, and of those the window or more after ``to_ms``, nothing is known: a session is cut there.

Their order
-----------
Events are in the order of time; those of one instant in the order of the first step that each matches, then of the exclusions
that it meets, of all steps that it matches, of its break-down value, and of the user's hash. Those that match no step come
after those that do, first those that meet an exclusion. One event counts as one step; the first lies in ``[from, to)``, and the
last not more than the window after it. Later steps may lie after ``to``.

* ``ordered``: a unit reaches step n where n events, one after the other, match the steps 1 to n. Others may lie between them.
* ``strict``: as well, and no other event of the unit, of whatever type, lies between them.
* ``any``: a unit reaches step n where n events match n different steps, whichever these are and in whatever order.

Any event may be the start, not the first one only. The start of a unit is the latest one from which it gets furthest; its
break-down value is the unit's. The time to convert is from there to the first event that completes the funnel.

Exclusions
----------
An event that meets an exclusion must not lie between two neighbouring steps among ``after`` to ``before``; of steps in any
order, between the first and the last event. A unit that gets further without regard to exclusions is dropped from the funnel:
it counts in no step. One that gets as far by other events, with nothing excluded in between, counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from analytics.product.counting.events import TYPE, EventFilter

Order = Literal["ordered", "strict", "any"]
Unit = Literal["user", "session", "account"]

MAX_OF_ONE_TYPE = 5
"""Steps in any order that may be of one type of events, which may match several of them: all their subsets are tried."""


class Exclusion(NamedTuple):
    """An event that must not lie between the steps ``after`` and ``before``, counted from 0."""

    match: EventFilter
    after: int
    before: int


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """Times in ms since 1970; ``breakdown`` and ``account`` are columns."""

    steps: Sequence[EventFilter]
    window_ms: int
    from_ms: int
    to_ms: int
    breakdown: str = ""
    order: Order = "ordered"
    unit: Unit = "user"
    session_gap_ms: int = 0
    account: str = ""
    exclusions: Sequence[Exclusion] = ()

    @property
    def columns(self) -> set[str]:
        """What it reads of segments beside users and times."""
        wanted = {column for match in self.events for column in match.columns}
        return {TYPE, *wanted, *filter(None, (self.breakdown, self.account))}

    @property
    def events(self) -> list[EventFilter]:
        """Steps and exclusions."""
        return [*self.steps, *(exclusion.match for exclusion in self.exclusions)]

    @property
    def needs_all_events(self) -> bool:
        """Whether events that match nothing count too: they lie between steps, or keep a session alive."""
        return self.order == "strict" or self.unit == "session"

    @property
    def event_types(self) -> list[str] | None:
        """Types of events that it reads; ``None``: all."""
        return None if self.needs_all_events else sorted({kind for match in self.events for kind in match.event_types})
