"""The default detector: every series its own measure, online and causal, all series of a call together. Pure.

How this works
--------------
:mod:`.season` says what was expected, :mod:`.evidence` how strongly an observation speaks for the beginning of an incident,
:mod:`.silence` how long nothing came, and :mod:`.alarms` what is reported. In between, here, strength becomes probability:

* On undisturbed series the strength has a tail of probability ``p``, a power law, measured on the undisturbed parts of two
  public sets of incidents, NAB and a cloud monitoring set; ``score = 1 - p``. What is that strong comes in clusters, and of
  a cluster one row alarms.
* A series that alarmed of late has a heavier tail than that. Each alarm raises what the next one takes by :data:`TIRING`,
  and is forgotten over three thousand observations: what cries wolf must cry louder.

There is one configuration, and no setting for a kind of series. A call costs about 150 array operations, whatever the number of
its series.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from predictor.detectors import alarms, evidence, reference, season, silence
from predictor.detectors.interface import Anomaly, Ground, Verdicts
from predictor.detectors.memory import Memory, Numbers, views
from predictor.series.ring import Bools, Floats, Ints

STEEP, POWER = 2.0, 3.25
"""Of undisturbed observations, ``(1 + STEEP · strength) ** -POWER`` are as strong or stronger."""

TIRING = 0.1
"""Ten alarms of late make twice the strength necessary."""

LARGEST = 1e30
"""Nothing measures more: taken for infinite. The tables' float32 holds it."""

COUNTING = 20
"""Rises without a fall that make a counter."""

WANTED = 200
WANTED_S = 8 * 86_400.0
"""With so many observations, over every hour of the week, confidence is full."""

BAND = 2.5
BAND_RATE = 0.1
OUTSIDE = 0.05
"""The 95 % band begins near the normal distribution's (in mean absolute deviations) and follows the share outside."""


DEFAULT = alarms.Rule()


class StreamDetector:
    """The detector described above; see :class:`.interface.Detector`.

    ``expected`` and the band are NaN where no value came. A row without an alarm can have a kind: SHIFT, VARIANCE and DRIFT say
    what the incident reported before turned out to be, SILENCE with a direction of +1 that the series is back.
    """

    name = "stream-v2"

    def __init__(self, rule: alarms.Rule = DEFAULT) -> None:
        self._memory = Memory()
        self._rule = rule
        self._grounds: dict[int, list[Ground]] = {}

    def reserve(self, rows: int) -> None:
        self._memory.reserve(rows)

    def clear(self, rows: Ints) -> None:
        self._memory.clear(rows)

    def state(self, rows: int) -> dict[str, NDArray[Any]]:
        return self._memory.state(rows)

    def restore(self, rows: int, state: Mapping[str, NDArray[Any]]) -> None:
        self._memory.restore(rows, state)

    def accept(self, rows: Ints, by: Floats) -> None:
        """Takes it that the level of ``rows`` moved ``by`` (in the series' unit) for good."""
        block = self._memory.numbers[:, rows]
        evidence.settle_unseen(self._memory, rows, views(block), by)
        self._memory.numbers[:, rows] = block

    def grounds(self, row: int) -> Sequence[Ground]:
        """See :class:`.interface.Explaining`."""
        return self._grounds.get(row, ())

    def pass_over(self, rows: Ints, at: Floats) -> None:
        """See :class:`.interface.Explaining`: nothing came, and it is no silence either."""
        block = self._memory.numbers[:, rows]
        now = views(block)
        known = now.call_at != 0.0
        now.call_at[:] = np.where(known, at, now.call_at)
        now.seen_at[:] = np.where(known & (now.seen > 0.0), at, now.seen_at)
        self._memory.numbers[:, rows] = block

    def update(self, rows: Ints, at: Floats, values: Floats) -> Verdicts:
        self._grounds.clear()
        block = self._memory.numbers[:, rows]
        now = views(block)
        came = np.abs(values) <= LARGEST
        alarms.tick(now)
        silent, least = silence.score(now, at, came)
        if came.all():
            verdicts = self._judge(rows, at, values, (silent, least), now)
        else:
            verdicts = _nothing(now, at, np.where(came, 0.0, silent), self._rule)
            for place in np.flatnonzero(verdicts.alarm).tolist():
                self._grounds[int(rows[place])] = [silence.ground(now, place, at, least, came=False)]
            here = came.nonzero()[0]
            if len(here):
                part = block[:, here]
                judged = self._judge(rows[here], at[here], values[here], (silent[here], least[here]), views(part))
                block[:, here] = part
                for field in fields(Verdicts):
                    getattr(verdicts, field.name)[here] = getattr(judged, field.name)
        self._memory.numbers[:, rows] = block
        return verdicts

    def _judge(self, rows: Ints, at: Floats, values: Floats, gaps: tuple[Floats, Floats], now: Numbers) -> Verdicts:
        """Of values that came; ``gaps`` are :func:`.silence.score`'s. Everything is judged before anything learns from them."""
        memory, (silent, least) = self._memory, gaps
        first = now.seen == 0.0
        if first.any():
            _begin(now, at, values, first)
        _splice(now, values)
        value = values - now.origin
        hour = season.enter(memory, rows, at, now)
        made = season.forecast(memory, rows, hour, now, value)
        surprise = made.surprise
        rate = np.maximum(evidence.RATE, 1.0 / (now.seen + 1.0))
        most = evidence.bound(now, rate)
        weighed = evidence.weigh(memory, rows, at, value, season.distance(made, now), now, most)

        rarity = _rarity(weighed.strength / (1.0 + TIRING * now.fatigue))
        quiet = silent >= silence.THRESHOLD
        score, alarm = alarms.tell(now, np.where(quiet, silent, rarity), weighed.strength, quiet, self._rule)
        back = (now.silent > 0.0) | (alarm & quiet)
        now.silent[:] = 0.0
        learning, confidence = now.seen < alarms.READY, _confidence(now, at)
        expected = np.where(first, np.nan, values - surprise)
        size, reach = np.abs(surprise), now.band * now.sizes[0]
        now.band += BAND_RATE * ((size > reach) - OUTSIDE)
        direction = np.sign(np.where(alarm & (weighed.side != 0.0), weighed.side, surprise)).astype(np.int64)
        kind = np.zeros(len(rows), np.int64)
        if (alarm | back).any():
            kind = _kind(alarm, direction, weighed, back)
            seasons = np.where(made.known, value - made.apart, np.nan)
            for place in np.flatnonzero(alarm).tolist():
                if quiet[place]:
                    self._grounds[int(rows[place])] = [silence.ground(now, place, at, least, came=True)]
                    continue
                nearest = int(np.argmin(np.where(made.known[:, place], np.abs(made.apart[:, place]), np.inf)))
                season_of, one = float(seasons[nearest, place]), float(value[place])
                self._grounds[int(rows[place])] = evidence.grounds(
                    weighed, place, float(now.origin[place]), season_of, one, one - float(surprise[place])
                )
            if self._rule.holds:
                alarms.begin(now, alarm & ~back, value, surprise)

        season.learn(memory, made, rows, hour, now, value, rate, most[0])
        evidence.learn(weighed, now, surprise, rate, most)
        now.seen += 1.0
        now.seen_at[:] = at
        turned_out, moved = alarms.turned_out(now, value)
        if moved.any():
            moved &= reference.steady(memory, rows)
            season.settle(made, now, value, moved)
            evidence.settle(memory, rows[moved], (now.levels[0] - now.anchor)[moved])
        return Verdicts(
            score=score,
            alarm=alarm,
            learning=learning,
            kind=np.where((turned_out > 0) & ~alarm, turned_out, kind),
            direction=np.where(back, 1, direction),
            confidence=confidence,
            expected=expected,
            lower=expected - reach,
            upper=expected + reach,
        )


def _rarity(strength: Floats) -> Floats:
    """One minus the share of observations of undisturbed series that are as strong."""
    rarity: Floats = 1.0 - (1.0 + STEEP * strength) ** -POWER
    return rarity


def _begin(now: Numbers, at: Floats, values: Floats, first: Bools) -> None:
    now.origin[:] = np.where(first, values, now.origin)
    now.first_at[:] = np.where(first, at, now.first_at)
    now.quarter_at[:] = np.where(first, at, now.quarter_at)
    now.band[:] = np.where(first, BAND, now.band)


def _splice(now: Numbers, values: Floats) -> None:
    """A series that only ever rose is a counter: where it begins again near zero, it goes on from where it was."""
    before = now.previous + now.origin
    falls = values < before
    now.rose += values > before
    if falls.any():
        reset = falls & (now.fell == 0.0) & (now.rose >= COUNTING) & (values >= 0.0) & (values <= 0.5 * before)
        now.origin -= np.where(reset, before, 0.0)
        now.fell += falls & ~reset


def _confidence(now: Numbers, at: Floats) -> Floats:
    """Half for the number of observations, half for the time they span."""
    span = np.where(now.seen > 0.0, at - now.first_at, 0.0)
    confidence: Floats = 0.5 * np.minimum(1.0, now.seen / WANTED) + 0.5 * np.minimum(1.0, span / WANTED_S)
    return confidence


def _kind(alarm: Bools, direction: Ints, weighed: evidence.Evidence, back: Bools) -> Ints:
    """What an alarm looks like at once."""
    kind = np.where(direction > 0, int(Anomaly.SPIKE), int(Anomaly.DROP))
    kind = np.where(weighed.drift, int(Anomaly.DRIFT), kind)
    kind = np.where(weighed.scatter, int(Anomaly.VARIANCE), kind)
    return np.where(back, int(Anomaly.SILENCE), np.where(alarm, kind, int(Anomaly.NONE)))


def _nothing(now: Numbers, at: Floats, silent: Floats, rule: alarms.Rule) -> Verdicts:
    """The verdicts where no value came."""
    quiet = silent >= silence.THRESHOLD
    score, alarm = alarms.tell(now, np.where(quiet, silent, 0.0), np.zeros(len(at)), quiet, rule)
    now.silent[:] = np.where(alarm, 1.0, now.silent)
    return Verdicts(
        score=score,
        alarm=alarm,
        learning=now.seen < alarms.READY,
        kind=np.where(alarm, int(Anomaly.SILENCE), int(Anomaly.NONE)),
        direction=-alarm.astype(np.int64),
        confidence=_confidence(now, at),
        expected=np.full(len(at), np.nan),
        lower=np.full(len(at), np.nan),
        upper=np.full(len(at), np.nan),
    )
