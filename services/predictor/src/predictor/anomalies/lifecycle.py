"""The life cycle of incidents, the same by the second and by the minute: one alarm each, however long it lasts. Pure.

Whoever judges a series says which incidents open, which judgements are outside of the band, and what is the new normal. The
life cycle counts from there: an incident is resolved after enough calm judgements in a row, is reported again from time to time
while the value is outside, and is as severe as the worst that was seen of it: a warning whose change becomes critical is
reported once more, as ``escalated``. An incident whose series is not judged any more (nobody calls the service, say) is neither
good nor bad: after a while it is reported as such, and after a longer one closed as ``lapsed``, without a word on how it ended.
For some time after the end the same series opens no other.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from predictor.detectors.interface import Anomaly
from predictor.series.ring import Bools, Floats, Ints, grown

Records = NDArray[np.void]
"""A structured array: one record a series, with named fields."""

CYCLE = np.dtype(
    [
        ("since", np.int64),  # when the open incident began; 0: none is open
        ("direction", np.int64),
        ("kind", np.int64),
        ("critical", np.bool_),
        ("calm", np.int64),  # judgements in a row that were inside of the band
        ("unjudged", np.int64),  # judgements in a row that there were none
        ("reported_at", np.int64),
        ("ended_at", np.int64),
        ("announced", np.bool_),  # the open incident, or the one that ended last, was published
    ]
)


class Phase(enum.StrEnum):
    OPENED = "opened"
    ONGOING = "ongoing"
    RESOLVED = "resolved"
    ADAPTED = "adapted"
    ESCALATED = "escalated"
    UNJUDGED = "unjudged"
    LAPSED = "lapsed"
    RECOVERED = "recovered"


ENDS = frozenset({Phase.RESOLVED, Phase.ADAPTED, Phase.LAPSED, Phase.RECOVERED})
ALARMS = frozenset({Phase.OPENED, Phase.ONGOING, Phase.ESCALATED})
"""The phases that say that something is wrong now: their value is outside of its band."""


@dataclass(frozen=True)
class Change:
    """``row`` is the series, ``index`` its place in the verdicts; the incident is reported to have begun at ``since`` (seconds
    since 1970).

    ``kind`` is what sort of thing it is by now, a ``SHIFT`` when it is adapted to; ``severity`` the worst so far,
    ``confidence`` in [0, 1] the share of the wanted baseline that was seen. ``away_s``: how many seconds in a row the value had
    been outside when the incident opened, or better than normal when it recovered.
    """

    row: int
    index: int
    phase: Phase
    since: int
    direction: int
    kind: Anomaly = Anomaly.NONE
    severity: Literal["warning", "critical"] = "warning"
    confidence: float = 1.0
    away_s: int = 0


@dataclass(frozen=True)
class Limits:
    """``resolve_after`` calm judgements in a row end an incident; ``unjudged_after`` missing ones are reported, and
    ``lapse_after`` end it. What goes on is reported every ``report_s`` seconds; ``refractory_s`` pass until the next one."""

    resolve_after: int
    unjudged_after: int
    lapse_after: int
    report_s: int
    refractory_s: int


@dataclass(frozen=True)
class Evidence:
    """What one judgement says of each row. ``outside``: beyond the band, on the side of the open incident; ``adapted``: what is
    outside is the new normal; ``critical``: so far outside that an incident is critical."""

    judged: Bools
    outside: Bools
    opened: Bools
    adapted: Bools
    critical: Bools


@dataclass(frozen=True)
class Step:
    """Which rows change how at one judgement; those ``going`` have an incident that goes on."""

    at: int
    going: Bools
    opened: Bools
    ongoing: Bools
    resolved: Bools
    adapted: Bools
    escalated: Bools
    unjudged: Bools
    lapsed: Bools

    @property
    def closed(self) -> Bools:
        return self.resolved | self.adapted | self.lapsed

    def phases(self) -> dict[Phase, Bools]:
        """Which rows are reported how, in the order in which that is done."""
        return {
            Phase.OPENED: self.opened,
            Phase.ONGOING: self.ongoing,
            Phase.RESOLVED: self.resolved,
            Phase.ADAPTED: self.adapted,
            Phase.ESCALATED: self.escalated,
            Phase.UNJUDGED: self.unjudged,
            Phase.LAPSED: self.lapsed,
        }


class Cycle:
    """One record a row: :data:`CYCLE`. Each judgement takes some by :meth:`read`, asks :meth:`step` what changes, and puts them
    back by :meth:`write`."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._records: Records = np.zeros(0, CYCLE)

    def reset(self, row: int) -> None:
        """Makes ``row`` a series without a past."""
        self._records = grown(self._records, row + 1)
        self._records[row] = np.zeros((), CYCLE)

    def open(self, rows: Ints) -> Bools:
        is_open: Bools = self._records["since"][rows] > 0
        return is_open

    def may_open(self, now: Records, at: int) -> Bools:
        """Where no incident is open, and none ended just before ``at``."""
        return np.asarray((now["since"] == 0) & (at >= now["ended_at"] + self.limits.refractory_s))

    def read(self, rows: Ints) -> Records:
        """A copy of the records of ``rows``."""
        return self._records[rows]

    def write(self, rows: Ints, now: Records) -> None:
        self._records[rows] = now

    def lapse(self, row: int) -> Change | None:
        """Closes the open incident of ``row``, of which nobody will know how it ends; ``None`` where none was announced."""
        record = self._records[row].copy()
        self.reset(row)
        if not record["since"] or not record["announced"]:
            return None
        return Change(
            row=row,
            index=0,
            phase=Phase.LAPSED,
            since=int(record["since"]),
            direction=int(record["direction"]),
            kind=Anomaly(int(record["kind"])),
            severity="critical" if record["critical"] else "warning",
        )

    def announce(self, row: int) -> None:
        """Notes that the incident at ``row`` that is open, or just ended, was published."""
        self._records["announced"][row] = True

    def announced(self, row: int) -> bool:
        return bool(self._records["announced"][row])

    def step(self, now: Records, evidence: Evidence, at: int) -> Step:
        """What changes of the records ``now`` by the judgement at ``at`` (seconds), which is later than the last; their runs go
        on. :func:`settle` notes the rest, when the kind and direction of what opened are known."""
        limits, judged, outside, opened = self.limits, evidence.judged, evidence.outside, evidence.opened
        was_open = now["since"] > 0
        back = was_open & judged & (now["unjudged"] >= limits.unjudged_after)
        now["calm"] = np.where(was_open & judged & ~outside, now["calm"] + 1, np.where(judged, 0, now["calm"]))
        now["unjudged"] = np.where(was_open & ~judged, now["unjudged"] + 1, 0)
        resolved = was_open & (now["calm"] >= limits.resolve_after)
        lapsed = was_open & (now["unjudged"] >= limits.lapse_after)
        adapted = evidence.adapted & ~resolved
        going = was_open & ~resolved & ~adapted & ~lapsed
        due = at >= now["reported_at"] + limits.report_s
        escalated = going & outside & evidence.critical & ~now["critical"]
        now["critical"] = np.where(opened, evidence.critical, now["critical"] | escalated)
        return Step(
            at=at,
            going=going,
            opened=opened,
            ongoing=going & outside & ~escalated & (back | due),
            resolved=resolved,
            adapted=adapted,
            escalated=escalated,
            unjudged=going & (now["unjudged"] >= limits.unjudged_after) & ((now["unjudged"] == limits.unjudged_after) | due),
            lapsed=lapsed,
        )

    def state(self, rows: int) -> NDArray[Any]:
        """The records of rows ``0 .. rows - 1``."""
        return self._records[:rows]

    def restore(self, rows: int, state: NDArray[Any]) -> None:
        """The inverse of :meth:`state`; raises ``ValueError`` where it does not fit."""
        self._records = restored("incidents", state, CYCLE, rows)


def changes(
    rows: Ints, now: Records, phases: Mapping[Phase, Bools], *, since: Ints, confidence: Floats, away_s: Ints | None = None
) -> list[Change]:
    """What is to be reported of ``rows``, whose records are ``now``, as they stand between :meth:`Cycle.step` and
    :func:`settle`. ``since``: when the incidents began."""
    return [
        Change(
            row=int(rows[index]),
            index=index,
            phase=phase,
            since=int(since[index]),
            direction=int(now["direction"][index]),
            kind=Anomaly.SHIFT if phase is Phase.ADAPTED else Anomaly(int(now["kind"][index])),
            severity="critical" if now["critical"][index] else "warning",
            confidence=float(confidence[index]),
            away_s=0 if away_s is None else int(away_s[index]),
        )
        for phase, these in phases.items()
        for index in np.flatnonzero(these).tolist()
    ]


def settle(now: Records, step: Step) -> None:
    """Notes in the records ``now`` what opened, was reported and ended."""
    now["kind"] = np.where(step.adapted, Anomaly.SHIFT, now["kind"])
    reported = step.opened | step.ongoing | step.escalated | step.unjudged
    now["since"] = np.where(step.opened, step.at, np.where(step.closed, 0, now["since"]))
    now["calm"] = np.where(step.opened | step.closed, 0, now["calm"])
    now["unjudged"] = np.where(step.closed, 0, now["unjudged"])
    now["reported_at"] = np.where(reported, step.at, now["reported_at"])
    now["ended_at"] = np.where(step.closed, step.at, now["ended_at"])
    now["announced"] &= ~step.opened


def restored(name: str, state: NDArray[Any], kind: np.dtype[np.void], rows: int) -> Records:
    """A copy of saved records; raises ``ValueError`` where they are not ``rows`` of ``kind``."""
    if state.shape != (rows,) or state.dtype != kind:
        raise ValueError(f"{name} have shape {state.shape} and fields {state.dtype.names}")
    return np.array(state)
