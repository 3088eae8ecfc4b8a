"""What is reported of a score: one alarm an incident, and a dozen observations later what kind it was. Pure.

Of the :class:`.Numbers` only the fields from ``quiet`` to ``usual_step`` are changed here.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from predictor.detectors.interface import Anomaly
from predictor.detectors.memory import Numbers
from predictor.series.ring import Bools, Floats, Ints

THRESHOLD = 0.96
"""What alarms, for all series: four observations in a hundred of undisturbed series are that strong, in clusters of which one
alarms. It is low since a missed incident costs people more than a false alarm, and the hold bounds how many there are."""

TOLD = 0.9
"""What belongs to an incident that was reported scores at most this."""

READY = 30
"""Observations after which a series may alarm."""

HOLD_S = 12 * 3600.0
HOLD_CALLS = (12, 200)
"""Within half a day it is the same incident. No fewer calls than the first, which half a day of hours has: a fault of days is
reported again after twelve of them. No more than the second, where calls come quicker: a fault is reported again after three
minutes of seconds, or after three hours of minutes."""

LOUDER = 1.5
QUARTER = 0.25
"""What is so many times as strong as all of a reported incident is another one, once a quarter of the hold is over: before
that the incident may still be growing. So no false alarm hides a fault for long."""

FORGET = 3000.0
"""Observations that an alarm tires for."""

SETTLED = 12
"""Observations until the kind is known: what :data:`.evidence.ROUGH_RATE` averages."""

STAYED = 0.8
HALFWAY = 0.5
"""A level stayed away if such a share of the observations were beyond half of the jump."""

ROUGHER = 2.0
"""The scatter grew if steps are this many times what they were."""


@dataclass(frozen=True)
class Rule:
    """``threshold`` of the score; ``holds``: one alarm an incident, else every observation that is unusual alarms, and the
    caller keeps incidents."""

    threshold: float = THRESHOLD
    holds: bool = True


def tick(now: Numbers) -> None:
    """A call passes."""
    now.quiet -= 1.0
    now.fatigue *= math.exp(-1.0 / FORGET)


def tell(now: Numbers, score: Floats, strength: Floats, certain: Bools, rule: Rule) -> tuple[Floats, Bools]:
    """The score as it is reported, and whether an incident begins: there, and only there, the score reaches the threshold.

    Where it is ``certain``, nothing that was reported holds the alarm back.
    """
    if not rule.holds:
        ready = now.seen >= READY
        return np.where(ready, score, 0.0), ready & (score >= rule.threshold)
    louder = (strength >= LOUDER * now.loudest) & (now.quiet <= now.quieter)
    may = (now.seen >= READY) & ((now.quiet <= 0.0) | louder | certain)
    alarm = may & (score >= rule.threshold)
    if alarm.any():
        hold = np.clip(HOLD_S / np.maximum(now.spacing, 1.0), *HOLD_CALLS)
        now.quiet[:] = np.where(alarm, hold, now.quiet)
        now.quieter[:] = np.where(alarm, (1.0 - QUARTER) * hold, now.quieter)
        now.fatigue += alarm
    now.loudest[:] = np.where(alarm, strength, np.maximum(now.loudest, strength))
    return np.where(may, score, np.where(now.seen >= READY, np.minimum(score, TOLD), 0.0)), alarm


def begin(now: Numbers, alarm: Bools, value: Floats, surprise: Floats) -> None:
    """Notes how things stood before the incident."""
    now.since[:] = np.where(alarm, 1.0, now.since)
    now.away[:] = np.where(alarm, 0.0, now.away)
    now.jump[:] = np.where(alarm, surprise, now.jump)
    now.anchor[:] = np.where(alarm, value - surprise, now.anchor)
    now.usual_step[:] = np.where(alarm, now.sizes[1], now.usual_step)


def turned_out(now: Numbers, value: Floats) -> tuple[Ints, Bools]:
    """The kind of the incident that was reported a dozen observations ago, where it is another than it seemed then (else NONE);
    and where a level stayed away for the whole hold, and is the new normal."""
    going = now.since > 0.0
    none = np.zeros(len(value), np.int64)
    if not going.any():
        return none, going
    now.away += going & ((value - now.anchor) * np.sign(now.jump) >= HALFWAY * np.abs(now.jump))
    now.since += going
    due, over = going & (now.since == SETTLED + 1.0), going & (now.quiet <= 1.0)
    if not (due | over).any():
        return none, over
    stayed = now.away >= STAYED * (now.since - 1.0)
    now.since[:] = np.where(over, 0.0, now.since)
    kind = np.where(now.roughness > ROUGHER * now.usual_step, int(Anomaly.VARIANCE), none)
    return np.where(due, np.where(stayed, int(Anomaly.SHIFT), kind), none), over & stayed
