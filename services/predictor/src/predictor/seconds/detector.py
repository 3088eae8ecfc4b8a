"""How unusual the newest windows of each series are: online, causal, all series of a metric together. Pure.

How this works
--------------
A second is noise at five requests per second, so windows are judged, every second: the newest 8 seconds, which describe a
series while nothing is unusual, and further lengths beside them (:mod:`predictor.seconds.effects`), because a large change
shows in 4 and a small one among slow answers in 12. A window's sums become one number on a scale where normal scatter is about
the same everywhere (:mod:`predictor.seconds.scales`): for each kind its own.

Levels whose observations are known are looked at twice: the second number is the sum of what each observation says for
"everything takes longer" (:mod:`predictor.series.likelihood`), less what as many usually say, over the root of their number. It
sees in ten answers of many sorts what their mean hides.

Against the same number of the windows of the last ten minutes it gives ``z``: the distance from their median, over their own
spread on that side (10 % or 90 % quantile), which is never taken below what pure chance would give. Recorded arrivals
scatter 2 to 4 times more than Poisson's; the quantiles measure that. Seconds of an incident are excluded, so that a fault
does not become normal while it lasts, and the windows that overlap the judged one are left out. A mean of fewer observations
than usual is not given more room: what is slow also comes late, and the room would be widest when a fault begins.

Rates swing slowly besides, and grow while an application starts. So a rate is held against the mean of the last two minutes
before it, and its spread is that of the same difference at every window of the ten minutes: traffic that rises says nothing of
how far it usually falls (:func:`predictor.seconds.baseline.around_level`). Where arrivals come in bursts, no empty window is
far away; a rate that stops is recognised by how long it never stopped before (:mod:`predictor.seconds.gaps`).

Real series have heavier tails than the normal distribution, so the tail probability is Student's with four degrees of
freedom; ``score = 1 - p``. On undisturbed series, about one window in ``1 / (1 - score)`` scores as high (measured by
``tests/unit/predictor/test_calibration.py``).

A window is **unusual** when ``|z|`` is beyond the kind's limit, both its halves agree and, for rates, its middle second (a
burst of a second or two, a page being loaded, is no incident), and the change is large enough for somebody to care. A row is
unusual when one of its windows is.

Every verdict rests on one statistic of one window, and ``value``, ``lower`` and ``upper`` are those of that statistic. The band
is where a value opens no incident: the 95 % band, or as far as a change does not matter where that is wider, and without an end
on the side where a change is good news. So what is unusual lies **outside** of it, and what lies inside is **calm**: neither is
decided by anything else. A value outside that is not unusual keeps an incident open and opens none.

A window of too few observations is **not judged**, which is neither. Where an incident is open, the window is made longer then,
until it holds as many as are needed (:data:`WIDEST_S` at most): so an incident ends soon after its cause in thin traffic too.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from predictor.detectors.interface import Anomaly
from predictor.seconds import gaps
from predictor.seconds.baseline import COUNT, medians, seconds
from predictor.seconds.distances import Look, Windows, at_likelihoods, at_means
from predictor.seconds.effects import EFFECTS, VALUE_CHANGE, Effect, grave
from predictor.seconds.onset import slow
from predictor.seconds.scales import BAND_Z, band, mean, scaled, unscaled
from predictor.seconds.verdicts import Statistic, Verdicts, joined
from predictor.series.ring import Bools, Floats, Ints
from predictor.series.table import SeriesTable
from predictor.series.watch import Kind

MODEL = "robust-window-v8"

BLOCK = 256
"""Series judged together: what is computed of them stays in the processor's cache."""

LIKELIHOOD_WEIGHT = 10
"""Observations that a window must hold for its likelihood to count: of fewer, one or two decide."""

SPARSE = gaps.EXPECTED
"""A rate of fewer events in a usual window is not judged by the second: nothing there is far from silence or from chance."""


WIDEST_S = 300
"""No window is made longer than this."""

STALE_S = 30
"""A window whose newest observation is older says nothing of now."""


def evidence_s(kind: Kind) -> int:
    """How many seconds a verdict on a series of ``kind`` may rest on."""
    return max(EFFECTS[kind].windows_s)


def judge(table: SeriesTable, rows: Ints, at: int, busy: Bools | None = None) -> Verdicts:
    """Judges the second ``at`` of some rows of one table, knowing only what the table holds up to ``at``.

    ``busy``: rows with an open incident, of which a longer window is judged where the usual ones hold too little.
    """
    sorts = table.kind[rows] * 2 + table.likelihoods.has(rows)
    open_ = np.zeros(len(rows), np.bool_) if busy is None else busy
    parts: list[Verdicts] = []
    places: list[Ints] = []
    for sort in sorted(set(sorts.tolist())):
        kind, weighed = Kind(sort // 2), bool(sort % 2)
        if kind not in EFFECTS:
            continue
        chosen = np.flatnonzero(sorts == sort)
        for begin in range(0, len(chosen), BLOCK):
            place = chosen[begin : begin + BLOCK]
            places.append(place)
            parts.append(_judge(kind, table, rows[place], at, weighed, open_[place]))
    if len(parts) == 1:
        return parts[0]
    if not parts:
        return _judge(Kind.RATE, table, rows, at, False, open_)
    return joined(parts, np.argsort(np.concatenate(places)))


def tail_probability(z: Floats) -> Floats:
    """Two-sided tail of Student's t with four degrees of freedom (closed form)."""
    square = z * z
    root = 1.0 + square / 4.0
    upper = 0.5 - 0.375 * np.abs(z) / np.sqrt(root) * (1.0 - square / (12.0 * root))
    result: Floats = np.clip(2.0 * upper, 0.0, 1.0)
    return result


class _Opinion(NamedTuple):
    """What one look at the windows gives, ``(series, lengths)``; ``beyond``: outside of its band, as far as this look knows."""

    distance: Floats
    judged: Bools
    unusual: Bools
    direction: Ints
    beyond: Bools


class _Change(NamedTuple):
    """From what to what the windows went, in the metric's unit, and which changes anybody wants to know of.

    ``value`` (series × lengths × 3: the judged window and its halves), ``expected`` (series × lengths), ``side`` and
    ``difference`` of each series as in :class:`predictor.series.watch.Watch`; ``signed``: they may be below zero.
    """

    value: Floats
    expected: Floats
    side: Ints
    difference: Floats
    signed: bool

    def large(self, effect: Effect, direction: Ints) -> Bools:
        """Where the window, and each half, has moved so far that it matters: of ``value``'s shape."""
        return effect.matters(self.value, self.expected[..., None], direction[..., None], self.difference[:, None, None])

    def wanted(self, direction: Ints) -> Bools:
        side = self.side[:, None]
        return np.asarray((side == 0) | (side == direction))

    def widened(self, effect: Effect, rows: Ints, value: Floats, expected: Floats, lower: Floats, upper: Floats) -> _Band:
        """The band of ``rows`` as wide as no incident opens; ``lower`` and ``upper`` are those of chance."""
        side = self.side[rows]
        down, up = effect.thresholds(expected, self.difference[rows])
        lower, upper = np.minimum(lower, down if self.signed else np.maximum(down, 0.0)), np.maximum(upper, up)
        return _Band(
            np.where(side > 0, np.minimum(lower, value), lower),
            np.where(side < 0, np.maximum(upper, value), upper),
        )


class _Band(NamedTuple):
    lower: Floats
    upper: Floats

    def side_of(self, value: Floats) -> Ints:
        """+1 above, -1 below, 0 inside."""
        return np.where(value > self.upper, 1, np.where(value < self.lower, -1, 0))


def _judge(kind: Kind, table: SeriesTable, rows: Ints, at: int, likely: bool, busy: Bools) -> Verdicts:
    """Rows of one kind, all lengths of windows together; ``likely``: their likelihoods are looked at too."""
    effect = EFFECTS[kind]
    windows = Windows.of(kind, table, rows, at)
    means = at_means(windows)
    value = mean(windows.held[..., COUNT:], windows.weights[..., COUNT:])
    expected = unscaled(kind, means.middle, windows.usual[:, None], windows.size)
    difference = windows.usual * VALUE_CHANGE if kind is Kind.VALUE else table.difference[rows]
    change = _Change(value, expected, table.side[rows], difference, kind is Kind.VALUE)
    stops = gaps.find(windows.amount, windows.weight, windows.excluded, expected[:, 0]) if kind is Kind.RATE else None
    opinion, improved = _of_means(windows, means, change, stops)
    by_gap = opinion.unusual & ~means.beyond(effect.alarm_z, opinion.direction) if stops else np.zeros_like(opinion.unusual)
    likelihood = None
    if likely and effect.likelihood_z is not None:
        ratio = table.likelihoods.window(rows, at, seconds(effect.windows_s))
        likelihood, longer = at_likelihoods(windows, ratio, effect)
        other = _of_likelihoods(likelihood, longer, change, effect.likelihood_z)
        opinion = _Opinion(*(np.concatenate(pair, axis=1) for pair in zip(opinion, other, strict=True)))
    verdicts = _verdicts(windows, means, change, opinion, improved, likelihood)
    if stops is not None:
        _by_gaps(verdicts, stops, by_gap)
    verdicts = _settled(kind, windows, means, change, verdicts)
    for row in np.flatnonzero(busy & ~verdicts.judged).tolist():
        _widen(kind, windows, means, change, verdicts, row)
    return verdicts


def _of_means(windows: Windows, means: Look, change: _Change, stops: gaps.Gaps | None) -> tuple[_Opinion, Bools]:
    """What the means say, and which rows went as far to the side of good news."""
    kind, effect = windows.kind, EFFECTS[windows.kind]
    distance = means.distance[..., 0]
    direction = np.where(distance >= 0, 1, -1)
    judged = means.ready & (means.weight[..., 0] >= windows.least)
    if kind is Kind.RATE:
        judged &= change.expected * windows.size >= SPARSE
    large, wanted = change.large(effect, direction), change.wanted(direction)
    far = judged & large.all(-1) & means.beyond(effect.alarm_z, direction)
    if kind is Kind.VALUE:
        far &= _beyond_all(windows)
    unusual, improved = far & wanted, np.asarray((far & ~wanted).any(-1))
    if kind is Kind.RATE:
        middling = np.stack([medians(windows.amount[:, -s:]) for s in windows.lengths], axis=1)
        unusual &= effect.matters(middling, change.expected, direction, change.difference[:, None])
    if stops is not None:
        stopped = judged & wanted & large.all(-1) & stops.stopped[:, None]
        unusual |= stopped
        distance = np.where(stopped, np.minimum(distance, -effect.alarm_z), distance)
    beyond = judged & wanted & large[..., 0] & (np.abs(distance) > BAND_Z)
    return _Opinion(distance, judged, unusual, direction, beyond), improved


def _beyond_all(windows: Windows) -> Bools:
    """Where the window is beyond every one of the ten minutes: a value that is nearly always zero is not unusual for being
    what it sometimes is."""
    means = mean(windows.held, windows.weights)
    past, now = means[..., :COUNT], means[..., COUNT]
    most = np.where(windows.usable, past, -np.inf).max(-1)
    least = np.where(windows.usable, past, np.inf).min(-1)
    return np.asarray((now > most) | (now < least))


def _of_likelihoods(look: Look, longer: Bools, change: _Change, alarm_z: float) -> _Opinion:
    """What single observations say: only ever that everything takes longer."""
    up = np.ones(look.seen.shape, np.int64)
    judged = (look.weight[..., 0] >= LIKELIHOOD_WEIGHT) & look.ready
    matters = judged & longer & (change.value[..., 0] >= change.expected + change.difference[:, None])
    distance = look.distance[..., 0]
    return _Opinion(distance, judged, matters & look.beyond(alarm_z, up), up, matters & (distance > BAND_Z))


def _verdicts(
    windows: Windows, means: Look, change: _Change, opinion: _Opinion, improved: Bools, likelihood: Look | None
) -> Verdicts:
    """One verdict a series, of the window and the statistic that see most of what is unusual; or else of the first window that
    was judged, by its likelihood where only that is outside of its band."""
    kind, effect = windows.kind, EFFECTS[windows.kind]
    every, lengths = np.arange(len(improved)), len(windows.size)
    largest = np.argmax(np.where(opinion.unusual, np.abs(opinion.distance), -1.0), -1)
    first = np.argmax(opinion.judged[:, :lengths], -1)
    if likelihood is not None:
        first = np.where(~opinion.beyond[every, first] & opinion.beyond[every, lengths + first], lengths + first, first)
    which = np.where(opinion.unusual.any(-1), largest, first)
    one, length = (every, which), (every, which % lengths)
    distance, judged, unusual, direction = (part[one] for part in opinion[:4])
    value, expected, middle = change.value[..., 0][length], change.expected[length], means.middle[length]
    weight, size = means.weight[..., 0][length], windows.size[length[1]]
    chance = band(kind, middle, means.up[length], means.down[length], windows.usual, weight, size)
    within = change.widened(effect, every, value, expected, *chance)
    critical = grave(kind, value, expected)
    statistic = np.full(len(every), int(Statistic.MEAN))
    shown, centre = value, expected
    if likelihood is not None:
        weighed = which >= lengths
        critical &= ~weighed | (within.side_of(value) == direction)  # a mean as usual makes nothing critical
        reach = [part[length] * BAND_Z for part in (likelihood.down, likelihood.up)]
        number, centred = likelihood.number[length], likelihood.middle[length]
        shown, centre = np.where(weighed, number, shown), np.where(weighed, centred, centre)
        within = _Band(
            np.where(weighed, np.minimum(centred - reach[0], number), within.lower),
            np.where(weighed, centred + reach[1], within.upper),
        )
        statistic = np.where(weighed, int(Statistic.LIKELIHOOD), statistic)
    sort = _sort(kind, windows, unusual, direction, middle, expected)
    return Verdicts(
        judged=judged,
        ready=np.asarray(means.ready.any(-1)),
        seen=means.seen[length],
        unusual=unusual,
        outside=np.zeros_like(judged),
        calm=np.zeros_like(judged),
        improved=improved,
        direction=direction,
        score=np.where(judged, 1.0 - tail_probability(distance), 0.0),
        value=shown,
        expected=centre,
        lower=within.lower,
        upper=within.upper,
        observed=value,
        usual=expected,
        statistic=statistic,
        window_s=size.copy(),
        weight=weight,
        needed=windows.least[length[1]],
        kind=sort,
        grave=critical | (sort == Anomaly.SILENCE),
        confidence=means.seen[length] / COUNT,
    )


def _by_gaps(verdicts: Verdicts, stops: gaps.Gaps, by_gap: Bools) -> None:
    """Has what only a gap decided say so: no event for so long, where at least one in the longest gap is expected."""
    rows = np.flatnonzero(verdicts.unusual & by_gap.any(-1) & (verdicts.value >= verdicts.lower))
    verdicts.statistic[rows] = int(Statistic.GAP)
    verdicts.value[rows] = verdicts.observed[rows] = 0.0
    verdicts.lower[rows] = 1.0 / stops.longest_s[rows]
    verdicts.window_s[rows] = verdicts.weight[rows] = stops.now_s[rows]


def _settled(kind: Kind, windows: Windows, means: Look, change: _Change, verdicts: Verdicts) -> Verdicts:
    """Decides what is outside and what is calm by value and band alone, and what was not judged says what it lacked."""
    side = _Band(verdicts.lower, verdicts.upper).side_of(verdicts.value)
    outside = verdicts.judged & (side != 0)
    direction = np.where(outside, side, verdicts.direction)
    unusual = verdicts.unusual & outside & (direction == verdicts.direction)
    lacking = ~verdicts.judged
    held, needed = verdicts.weight, verdicts.needed
    if kind is Kind.RATE:
        held, needed = np.where(lacking, verdicts.usual * verdicts.window_s, held), np.where(lacking, SPARSE, needed)
    else:
        longest = int(np.argmax(windows.size))
        held = np.where(lacking, means.weight[:, longest, 0], held)
        size = np.where(lacking, windows.size[longest], verdicts.window_s)
        verdicts = replace(verdicts, window_s=size)
    return replace(
        verdicts,
        direction=direction,
        outside=outside,
        unusual=unusual,
        calm=verdicts.judged & ~outside,
        kind=np.where(unusual, verdicts.kind, int(Anomaly.NONE)),
        grave=verdicts.grave & outside,
        weight=held,
        needed=needed,
    )


def _widen(kind: Kind, windows: Windows, means: Look, change: _Change, verdicts: Verdicts, row: int) -> None:
    """Judges ``row`` by as long a window as holds enough, if there is one."""
    usable = np.flatnonzero(means.ready[row])
    if not len(usable):
        return
    length = int(usable[0])
    weight, amount = windows.weight[row, -WIDEST_S:][::-1].cumsum(), windows.amount[row, -WIDEST_S:][::-1].cumsum()
    expected = float(change.expected[row, length])
    enough = weight * expected >= SPARSE if kind is Kind.RATE else weight >= windows.least[length]
    if not enough.any() or not windows.weight[row, -STALE_S:].any():
        return
    last = int(enough.argmax())
    held, size = np.array([weight[last]]), np.array([float(last + 1)])
    middle, up, down = (part[row, length : length + 1] for part in (means.middle, means.up, means.down))
    usual, whole = windows.usual[row : row + 1], amount[last : last + 1]
    value = mean(whole, held)
    away = float((scaled(kind, whole, held, size, usual) - middle)[0])
    chance = band(kind, middle, up, down, usual, held, size)
    centre = np.array([expected])
    within = change.widened(EFFECTS[kind], np.array([row]), value, centre, *chance)
    side = int(within.side_of(value)[0])
    for name, part in (("value", value), ("observed", value), ("expected", centre), ("usual", centre), ("weight", held)):
        getattr(verdicts, name)[row] = part[0]
    verdicts.lower[row], verdicts.upper[row], verdicts.window_s[row] = within.lower[0], within.upper[0], size[0]
    verdicts.statistic[row] = int(Statistic.MEAN)
    verdicts.judged[row], verdicts.outside[row], verdicts.calm[row] = True, side != 0, side == 0
    verdicts.direction[row] = side or (1 if away >= 0 else -1)
    verdicts.score[row] = 1.0 - float(tail_probability(np.array([away / (up if away > 0 else down)[0]]))[0])


def _sort(kind: Kind, windows: Windows, unusual: Bools, direction: Ints, middle: Floats, expected: Floats) -> Ints:
    """What sort of :class:`Anomaly` each unusual row is."""
    kinds = np.where(unusual, np.where(direction > 0, Anomaly.SPIKE, Anomaly.DROP), Anomaly.NONE)
    amount, weight = windows.amount, windows.weight
    for row in np.flatnonzero(unusual).tolist():
        if kind is Kind.RATE and direction[row] < 0:
            empty_s = math.ceil(SPARSE / expected[row])  # so long that chance does not explain it
            if amount[row, -empty_s:].sum() == 0:
                kinds[row] = Anomaly.SILENCE
        elif kind in (Kind.LEVEL, Kind.GAUGE) and slow(amount[row], weight[row], float(middle[row]), float(windows.usual[row])):
            kinds[row] = Anomaly.DRIFT
    return kinds
