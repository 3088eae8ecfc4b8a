"""How unusual the newest windows of each series are: online, causal, all series of a metric together. Pure.

How this works
--------------
A second is noise at five requests per second, so windows are judged, every second: the newest 8 seconds, which describe a
series while nothing is unusual, and further lengths beside them (:mod:`predictor.effects`), because a large change shows in 4
and a small one among slow answers in 12. A window's sums become one number on a scale where normal scatter is about the same
everywhere (``KIND`` decides):

* rate: ``2 √(n + 3/8)`` of the window's count (Anscombe): a Poisson count then scatters by 1, whatever its size;
* share: the signed root of the binomial deviance between the window's share and the usual one, which follows the normal
  distribution even where one observation in a hundred counts;
* level and gauge: the logarithm of the mean over the window's observations: a factor counts the same at 20 ms and at 2 s;
* likelihood, of levels whose observations are known: the sum of what each says for "everything takes longer"
  (:mod:`predictor.likelihood`), less what as many usually say, over the root of their number. It sees in ten answers of many
  sorts what their mean hides.

Against the same number of the windows of the last ten minutes it gives ``z``: the distance from their median, over their own
spread on that side (10 % or 90 % quantile), which is never taken below what pure chance would give. Recorded arrivals
scatter 2 to 4 times more than Poisson's; the quantiles measure that. Seconds of an incident are excluded, so that a fault
does not become normal while it lasts, and the windows that overlap the judged one are left out. A mean of fewer observations
than usual is not given more room: what is slow also comes late, and the room would be widest when a fault begins.

Rates swing slowly besides, and grow while an application starts. So a rate is held against the mean of the last two minutes
before it, and its spread is that of the same difference at every window of the ten minutes: traffic that rises says nothing
of how far it usually falls (:func:`predictor.baseline.around_level`).

Real series have heavier tails than the normal distribution, so the tail probability is Student's with four degrees of
freedom; ``score = 1 - p``. On undisturbed series, about one window in ``1 / (1 - score)`` scores as high (measured by
``tests/unit/test_predictor_calibration.py``).

A window is **unusual** when ``|z|`` is beyond the kind's limit, both its halves agree and, for rates, its middle second (a
burst of a second or two, a page being loaded, is no incident), and the change is large enough for somebody to care. A row is
unusual when one of its windows is; it is **calm** when none is, and ``|z|`` is within :data:`CALM_Z` or the change is small.
What is neither keeps an incident open and opens none.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, fields
from typing import NamedTuple, Protocol

import numpy as np

from predictor.baseline import COUNT, around_level, quantiles, seconds, sums
from predictor.detectors.interface import Anomaly
from predictor.effects import EFFECTS, FURTHER_Z, Effect, grave
from predictor.onset import slow
from predictor.ring import Bools, Floats, Ints
from predictor.series import SeriesTable
from predictor.watch import TINY, Kind

MODEL = "robust-window-v6"

READY = 15
"""Windows of the baseline from which on a series is judged: the first minute."""

YOUNG = 20
"""A baseline of few windows, which overlap besides, knows its spread badly: it is taken ``√(1 + (YOUNG / windows)²)`` times as
wide, by two thirds when judging begins and by one per cent after ten minutes."""

BLOCK = 256
"""Series judged together: what is computed of them stays in the processor's cache."""

CALM_Z = 2.5
HALF_Z = 0.4
"""Share of ``alarm_z`` that each half of the window must reach by itself."""

LIKELIHOOD_FLOOR = 0.5
"""Of the spread of a window's likelihood, over the root of its observations."""

LIKELIHOOD_WEIGHT = 10
"""Observations that a window must hold for its likelihood to count: of fewer, one or two decide."""

BAND_Z = 2.776
"""Student's t with four degrees of freedom: 95 % lie within; the band that is shown."""

SPARSE = 12.0
"""A rate of fewer events in a usual window is not judged by the second: nothing there is far from silence or from chance."""

PRIOR = (2.0, 40.0)
"""Part and whole that every share starts with: a series that has not failed yet is not one that never fails."""

QUANTILE_Z = 1.2816
"""Where a normal distribution has its 10 % and 90 % quantiles."""


@dataclass(frozen=True)
class Verdicts:
    """What is said of each row, as arrays of one length.

    ``score`` in [0, 1] (1 - tail probability, see the module); ``direction`` +1 or -1; ``value``, ``expected``, ``lower``,
    ``upper`` in the metric's unit (of the window: events per second, a share, a mean). ``seen`` counts the
    windows of the baseline, ``confidence`` in [0, 1] is their share of those of ten minutes. ``judged`` is false where the
    window held too little to say anything; so are ``unusual`` and ``calm`` then. ``kind`` is an
    :class:`~predictor.detectors.interface.Anomaly` where ``unusual``, and ``grave`` says that the change is critical.
    """

    judged: Bools
    ready: Bools
    seen: Ints
    unusual: Bools
    calm: Bools
    direction: Ints
    score: Floats
    value: Floats
    expected: Floats
    lower: Floats
    upper: Floats
    kind: Ints
    grave: Bools
    confidence: Floats


def evidence_s(kind: Kind) -> int:
    """How many seconds a verdict on a series of ``kind`` may rest on."""
    return max(EFFECTS[kind].windows_s)


class Detector(Protocol):
    """Judges the second ``at`` of some rows of one table, knowing only what the table holds up to ``at``."""

    def judge(self, table: SeriesTable, rows: Ints, at: int) -> Verdicts: ...


class RobustWindow:
    """The detector described above. It keeps no state of its own: the table is its memory."""

    def judge(self, table: SeriesTable, rows: Ints, at: int) -> Verdicts:
        kinds, likely = table.kind[rows], table.likelihoods.has(rows)
        parts: list[Verdicts] = []
        places: list[Ints] = []
        for kind, weighed in itertools.product(EFFECTS, (False, True)):
            chosen = np.flatnonzero((kinds == kind) & (likely == weighed))
            for begin in range(0, len(chosen), BLOCK):
                places.append(chosen[begin : begin + BLOCK])
                parts.append(_judge(kind, table, rows[places[-1]], at, weighed))
        if len(parts) == 1:
            return parts[0]
        if not parts:
            return _judge(Kind.RATE, table, rows, at, False)
        return _joined(parts, np.argsort(np.concatenate(places)))


def tail_probability(z: Floats) -> Floats:
    """Two-sided tail of Student's t with four degrees of freedom (closed form)."""
    square = z * z
    root = 1.0 + square / 4.0
    upper = 0.5 - 0.375 * np.abs(z) / np.sqrt(root) * (1.0 - square / (12.0 * root))
    result: Floats = np.clip(2.0 * upper, 0.0, 1.0)
    return result


def _judge(kind: Kind, table: SeriesTable, rows: Ints, at: int, likely: bool) -> Verdicts:
    """Rows of one kind, all lengths of windows together; ``likely``: their likelihoods are looked at too.

    Arrays are ``(series, lengths)``, with the windows as a third axis where there are many; the lengths of the second look
    follow those of the first.
    """
    effect = EFFECTS[kind]
    lengths = effect.windows_s
    side, difference = table.side[rows], table.difference[rows][:, None]
    amount, weight, excluded = (table.seconds.window(n, rows, at, seconds(lengths)) for n in ("amount", "weight", "excluded"))
    size = np.array(lengths, np.float64)
    held, weights = sums(amount, lengths), sums(weight, lengths)
    past_w = weights[..., :COUNT]
    least = np.minimum(effect.weight, size - 1) if kind is Kind.RATE else np.full(len(lengths), effect.weight)
    usable = past_w >= least[:, None]
    if excluded.any():
        usable &= sums(excluded, lengths)[..., :COUNT] == 0

    usual = _usual_share(held[:, 0, :COUNT], past_w[:, 0], usable[:, 0]) if kind is Kind.SHARE else np.zeros(len(side))
    scaled = _transform(kind, held, weights, size[:, None], usual[:, None, None])
    past = scaled[..., :COUNT]
    if kind is Kind.RATE:
        low, middle, high = around_level(past, usable, lengths)
    else:
        low, middle, high = quantiles(past, usable, (0.1, 0.5, 0.9))
    if kind is Kind.SHARE:
        middle = np.zeros_like(middle)  # the usual share is the centre by itself
    means = _look((low, middle, high), scaled, weights, usable, effect.floor)

    value = _value(held[..., COUNT:], weights[..., COUNT:])
    expected = _unscaled(kind, middle, usual[:, None], size)
    direction = np.where(means.distance[..., 0] >= 0, 1, -1)
    judged = means.ready & (means.weight[..., 0] >= least)
    if kind is Kind.RATE:
        judged &= expected * size >= SPARSE
    large = effect.matters(value, expected[..., None], direction[..., None], difference[..., None])
    wanted = (side[:, None] == 0) | (side[:, None] == direction)
    unusual = judged & wanted & large.all(-1) & means.beyond(effect.alarm_z, direction)
    if kind is Kind.RATE:
        for i, s in enumerate(lengths):
            middling = np.median(amount[:, -s:], axis=1)
            unusual[:, i] &= effect.matters(middling, expected[:, i], direction[:, i], difference[:, 0])
    z, calm = means.distance[..., 0], (np.abs(means.distance[..., 0]) <= CALM_Z) | ~(large[..., 0] & wanted)
    if likely and effect.likelihood_z is not None:
        ratio = table.likelihoods.window(rows, at, seconds(lengths))
        other, longer = _likelihoods(ratio, weight, weights, usable, effect)
        matters = longer & (value[..., 0] >= expected + difference)
        sees = (other.weight[..., 0] >= LIKELIHOOD_WEIGHT) & other.ready
        also = sees & matters & other.beyond(effect.likelihood_z, np.ones_like(direction))
        z, judged, unusual = (np.concatenate(p, 1) for p in ((z, other.distance[..., 0]), (judged, sees), (unusual, also)))
        direction = np.concatenate([direction, np.ones_like(direction)], 1)

    # what sees most of what is unusual, or else the first that was judged
    every = np.arange(len(side))
    which = np.where(unusual.any(-1), np.argmax(np.where(unusual, np.abs(z), -1.0), -1), np.argmax(judged, -1))
    one, mean = (every, which), (every, which % len(lengths))
    found, way, now, normal = unusual[one], direction[one], value[..., 0][mean], expected[mean]
    sort = _sort(kind, amount, weight, found, way, middle[mean], normal)
    lower, upper = _band(kind, middle[mean], means.up[mean], means.down[mean], usual, means.weight[..., 0][mean], size[mean[1]])
    return Verdicts(
        judged=judged[one],
        ready=np.asarray(means.ready.any(-1)),
        seen=means.seen[mean],
        unusual=found,
        calm=judged[one] & ~found & calm[mean],
        direction=way,
        score=np.where(judged[one], 1.0 - tail_probability(z[one]), 0.0),
        value=now,
        expected=normal,
        lower=lower,
        upper=upper,
        kind=sort,
        grave=grave(kind, now, normal) | (sort == Anomaly.SILENCE),
        confidence=means.seen[mean] / COUNT,
    )


class _Look(NamedTuple):
    """What one way of looking at windows sees, ``(series, lengths)``: how far the usual goes ``up`` and ``down`` from its
    middle, how many windows of it were ``seen``, and of the judged window and its two halves (a third axis) the ``distance``
    from the middle in those spreads, and the ``weight``."""

    up: Floats
    down: Floats
    seen: Ints
    distance: Floats
    weight: Floats

    @property
    def ready(self) -> Bools:
        return self.seen >= READY

    def beyond(self, alarm_z: float, direction: Ints) -> Bools:
        """Where the window is unusually far away, and both halves in that ``direction``."""
        limit = alarm_z + np.where(np.arange(self.seen.shape[1]) > 0, FURTHER_Z, 0.0)
        halves = (self.distance[..., 1:] * direction[..., None] >= HALF_Z * alarm_z) & (self.weight[..., 1:] > 0)
        return (self.distance[..., 0] * direction >= limit) & halves.all(-1)


def _look(usual: tuple[Floats, Floats, Floats], scaled: Floats, weights: Floats, usable: Bools, floor: float) -> _Look:
    """``usual``: low, middle and high of what is ``usable`` of the baseline; no spread is below ``floor``."""
    low, middle, high = usual
    seen = usable.sum(-1)
    young = np.sqrt(1.0 + (YOUNG / np.maximum(seen, 1)) ** 2)
    up = np.maximum((high - middle) / QUANTILE_Z, floor) * young
    down = np.maximum((middle - low) / QUANTILE_Z, floor) * young
    away = scaled[..., COUNT:] - middle[..., None]
    return _Look(up, down, seen, away / np.where(away > 0, up[..., None], down[..., None]), weights[..., COUNT:])


def _likelihoods(ratio: Floats, weight: Floats, weights: Floats, usable: Bools, effect: Effect) -> tuple[_Look, Bools]:
    """The look at the likelihoods of the same windows, and in which of them the judged one is nearer to longer than to usual.

    A window of more observations says more: its sum is held against as many usual ones, over the root of their number.
    """
    known = np.isfinite(ratio)
    if not (known | (weight == 0)).all():
        weights = sums(np.where(known, weight, 0), effect.windows_s)
        usable = usable & (weights[..., :COUNT] >= effect.weight)
    told = sums(np.where(known, ratio, 0.0), effect.windows_s)
    said, heard = (np.where(usable, part[..., :COUNT], 0.0).sum(-1, keepdims=True) for part in (told, weights))
    scaled = (told - said / np.maximum(heard, 1.0) * weights) / np.sqrt(np.maximum(weights, 1.0))
    scaled[..., COUNT + 1 :] *= math.sqrt(2.0)  # what a whole window like the half would say
    low, middle, high = quantiles(scaled[..., :COUNT], usable, (0.1, 0.5, 0.9))
    return _look((low, middle, high), scaled, weights, usable, LIKELIHOOD_FLOOR), told[..., COUNT] > 0


def _sort(
    kind: Kind, amount: Floats, weight: Floats, unusual: Bools, direction: Ints, middle: Floats, expected: Floats
) -> Ints:
    """What sort of :class:`Anomaly` each unusual row is."""
    found = np.where(unusual, np.where(direction > 0, Anomaly.SPIKE, Anomaly.DROP), Anomaly.NONE)
    for row in np.flatnonzero(unusual).tolist():
        if kind is Kind.RATE and direction[row] < 0:
            empty_s = math.ceil(SPARSE / expected[row])  # so long that chance does not explain it
            if amount[row, -empty_s:].sum() == 0:
                found[row] = Anomaly.SILENCE
        elif kind in (Kind.LEVEL, Kind.GAUGE) and slow(amount[row], weight[row], float(middle[row])):
            found[row] = Anomaly.DRIFT
    return found


def _joined(parts: list[Verdicts], place: Ints) -> Verdicts:
    """``parts`` one after the other, ``place`` saying where each row of the answer stands in them."""
    return Verdicts(**{f.name: np.concatenate([getattr(part, f.name) for part in parts])[place] for f in fields(Verdicts)})


def _usual_share(amount: Floats, weight: Floats, usable: Bools) -> Floats:
    part, whole = np.where(usable, amount, 0).sum(1), np.where(usable, weight, 0).sum(1)
    return np.asarray((part + PRIOR[0]) / (whole + PRIOR[1]))


def _transform(kind: Kind, amount: Floats, weight: Floats, size: Floats, usual: Floats) -> Floats:
    if kind is Kind.RATE:
        return 2.0 * np.sqrt(amount / np.maximum(weight, 1.0) * size + 0.375)
    if kind is Kind.SHARE:
        return _root_deviance(amount, weight, usual)
    return np.log(np.maximum(_value(amount, weight), TINY))


def _root_deviance(part: Floats, whole: Floats, usual: Floats) -> Floats:
    part = np.clip(part, 0.0, whole)
    rest = whole - part
    hits = part * np.log(np.maximum(part, 1e-12) / np.maximum(whole * usual, 1e-12))
    misses = rest * np.log(np.maximum(rest, 1e-12) / np.maximum(whole * (1.0 - usual), 1e-12))
    return np.sign(part - whole * usual) * np.sqrt(np.maximum(2.0 * (hits + misses), 0.0))


def _value(amount: Floats, weight: Floats) -> Floats:
    return amount / np.maximum(weight, 1e-9)


def _unscaled(kind: Kind, scaled: Floats, usual: Floats, size: Floats) -> Floats:
    """Back in the metric's unit; of a share, whose scale has the usual one at zero, that."""
    if kind is Kind.SHARE:
        return np.asarray(np.broadcast_to(usual, scaled.shape))
    if kind is Kind.RATE:
        return np.maximum(np.maximum(scaled, 0.0) ** 2 / 4.0 - 0.375, 0.0) / size
    return np.exp(np.clip(scaled, -700.0, 700.0))


def _band(
    kind: Kind, middle: Floats, up: Floats, down: Floats, usual: Floats, weight: Floats, size: Floats
) -> tuple[Floats, Floats]:
    """The 95 % band, in the metric's unit."""
    if kind is Kind.SHARE:  # on the arcsine scale, where a share scatters by the same everywhere
        angle, step = np.arcsin(np.sqrt(usual)), BAND_Z / (2.0 * np.sqrt(np.maximum(weight, 1.0)))
        lower, upper = np.maximum(angle - step * down, 0.0), np.minimum(angle + step * up, np.pi / 2)
        return np.sin(lower) ** 2, np.sin(upper) ** 2
    lower, upper = middle - BAND_Z * down, middle + BAND_Z * up
    return _unscaled(kind, lower, usual, size), _unscaled(kind, upper, usual, size)
