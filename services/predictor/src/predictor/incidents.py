"""From verdicts to incidents: one alarm each, however long it lasts. Pure; all series together.

A series opens an incident when its windows were unusual in one direction for :data:`OPEN_AFTER` seconds in a row, and
resolves it when they were calm for :data:`RESOLVE_AFTER`. While it is open, it is told again every :data:`ONGOING_S`. For
:data:`REFRACTORY_S` after the end the same series opens no other. What lasts :data:`ADAPT_S` is the new normal: the incident
ends as ``adapted``, though nothing recovered, and the seconds since its begin count as history like all others.

An incident is as severe as the worst that was seen of it: it opens as a warning or as critical, and a warning whose change
becomes critical is told once more, as ``escalated``.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from predictor.detector import Verdicts
from predictor.detectors.interface import Anomaly
from predictor.ring import Bools, Ints, grown

OPEN_AFTER = 2
RESOLVE_AFTER = 10
ONGOING_S = 30
REFRACTORY_S = 60
ADAPT_S = 300

NAMES = ("since", "direction", "hot", "hot_direction", "calm", "told", "ended", "announced", "kind", "grave")
ANNOUNCED = NAMES.index("announced")


class Phase(enum.StrEnum):
    OPENED = "opened"
    ONGOING = "ongoing"
    RESOLVED = "resolved"
    ADAPTED = "adapted"
    ESCALATED = "escalated"


@dataclass(frozen=True)
class Change:
    """``row`` is the series, ``index`` its place in the verdicts; the incident began to be told at ``since`` (a second).

    ``kind`` is what sort of thing it is by now, a ``SHIFT`` when it is adapted to; ``severity`` the worst so far,
    ``confidence`` in [0, 1] the share of the wanted baseline that was seen.
    """

    row: int
    index: int
    phase: Phase
    since: int
    direction: int
    kind: Anomaly = Anomaly.NONE
    severity: Literal["warning", "critical"] = "warning"
    confidence: float = 1.0


class Incidents:
    """The state of every row: ``since`` (0 where none is open), its direction, and the runs that open and close one."""

    def __init__(self) -> None:
        self._state: NDArray[np.int64] = np.zeros((len(NAMES), 0), np.int64)

    def reset(self, row: int) -> None:
        """Makes ``row`` a series without a past."""
        self._state = grown(self._state, row + 1, axis=1)
        self._state[:, row] = 0

    def open(self, rows: Ints) -> Bools:
        is_open: Bools = self._state[0, rows] > 0
        return is_open

    def announce(self, row: int) -> None:
        """Notes that somebody was told of the incident that is open, or of the one that just ended, at ``row``."""
        self._state[ANNOUNCED, row] = 1

    def announced(self, row: int) -> bool:
        return bool(self._state[ANNOUNCED, row])

    def step(self, rows: Ints, verdicts: Verdicts, at: int) -> list[Change]:
        """Takes the verdicts of second ``at``, which must be later than the last, and says what changed."""
        since, direction, hot, hot_direction, calm, told, ended, announced, kind, grave = self._state[:, rows]
        same = verdicts.unusual & (hot_direction == verdicts.direction)
        hot = np.where(verdicts.unusual, np.where(same, hot + 1, 1), 0)
        hot_direction = np.where(verdicts.unusual, verdicts.direction, hot_direction)
        was_open = since > 0
        calm = np.where(was_open & verdicts.calm, calm + 1, np.where(verdicts.judged, 0, calm))

        opened = ~was_open & (hot >= OPEN_AFTER) & (at >= ended + REFRACTORY_S)
        resolved = was_open & (calm >= RESOLVE_AFTER)
        adapted = was_open & ~resolved & (at >= since + ADAPT_S)
        going = was_open & ~resolved & ~adapted
        worse = verdicts.unusual & verdicts.grave & (verdicts.direction == direction)
        escalated = going & worse & (grave == 0)
        ongoing = going & ~escalated & (at >= told + ONGOING_S)

        direction = np.where(opened, hot_direction, direction)
        clearer = going & verdicts.unusual & (kind != Anomaly.DRIFT)  # once it has arrived, a drift looks like any level
        kind = np.where(opened | clearer, verdicts.kind, np.where(adapted, Anomaly.SHIFT, kind))
        grave = np.where(opened, verdicts.grave, np.where(escalated, 1, grave))
        changes = []
        for phase, which in zip(Phase, (opened, ongoing, resolved, adapted, escalated), strict=True):
            for index in np.flatnonzero(which).tolist():
                change = Change(
                    row=int(rows[index]),
                    index=index,
                    phase=phase,
                    since=at if phase is Phase.OPENED else int(since[index]),
                    direction=int(direction[index]),
                    kind=Anomaly(kind[index]),
                    severity="critical" if grave[index] else "warning",
                    confidence=float(verdicts.confidence[index]),
                )
                changes.append(change)

        closed = resolved | adapted
        since = np.where(opened, at, np.where(closed, 0, since))
        told = np.where(opened | ongoing | escalated, at, told)
        ended = np.where(closed, at, ended)
        calm = np.where(opened | closed, 0, calm)
        hot = np.where(opened | closed, 0, hot)
        announced = np.where(opened, 0, announced)
        self._state[:, rows] = (since, direction, hot, hot_direction, calm, told, ended, announced, kind, grave)
        return changes

    def state(self, n: int) -> dict[str, NDArray[Any]]:
        return {"incidents": self._state[:, :n]}

    def restore(self, n: int, state: dict[str, NDArray[Any]]) -> None:
        """The inverse of :meth:`state`; raises ``KeyError`` or ``ValueError`` where it does not fit."""
        if state["incidents"].shape != (len(NAMES), n):
            raise ValueError(f"incidents have shape {state['incidents'].shape}")
        self._state = state["incidents"].astype(np.int64)
