"""What the observers of several signals need: one moment of a tenant, and values out of data of any shape. Pure.

Data of events is the application's own: a value of another type than expected is no observation and no error.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from analytics.rollup.observations import Observations, Series, number


class Moment(NamedTuple):
    """What is observed in one second of one tenant goes to ``observations``; ``exemplar`` is the trace of those who say it."""

    observations: Observations
    tenant: str
    second: int
    exemplar: str | None = None

    def series(self, metric: str, *labels: str) -> Series:
        return Series(self.tenant, metric, labels, self.second)


class Visit(Protocol):
    """Something that a user did, perhaps in a session."""

    @property
    def user_id(self) -> str | None: ...
    @property
    def session_id(self) -> str | None: ...


def observe_visitors(moment: Moment, visits: Sequence[Visit]) -> None:
    """Active users and sessions."""
    users = [visit.user_id for visit in visits if visit.user_id]
    sessions = [visit.session_id for visit in visits if visit.session_id]
    moment.observations.seen(moment.series("active_users"), users, exemplar=moment.exemplar)
    moment.observations.seen(moment.series("sessions"), sessions, exemplar=moment.exemplar)


def amount(value: Any) -> float | None:
    """As :func:`number`, and not below zero."""
    result = number(value)
    return result if result is not None and result >= 0 else None
