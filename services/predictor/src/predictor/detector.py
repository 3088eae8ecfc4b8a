"""How unusual the newest windows of each series are: online, causal, all series of a metric together. Pure.

How this works
--------------
A second is noise at five requests per second, so windows are judged, every second: the newest 8 seconds, which describe a
series while nothing is unusual, and further lengths beside them (:mod:`predictor.effects`), because a large change shows in 4
and a small one among slow answers in 12. A window's sums become one number on a scale where normal scatter is about the same
everywhere (:mod:`predictor.scales`): for rates, shares, levels and gauges of their own.

Levels whose observations are known are looked at twice: the second number is the sum of what each observation says for
"everything takes longer" (:mod:`predictor.likelihood`), less what as many usually say, over the root of their number. It sees
in ten answers of many sorts what their mean hides.

Against the same number of the windows of the last ten minutes it gives ``z``: the distance from their median, over their own
spread on that side (10 % or 90 % quantile), which is never taken below what pure chance would give. Recorded arrivals
scatter 2 to 4 times more than Poisson's; the quantiles measure that. Seconds of an incident are excluded, so that a fault
does not become normal while it lasts, and the windows that overlap the judged one are left out. A mean of fewer observations
than usual is not given more room: what is slow also comes late, and the room would be widest when a fault begins.

Rates swing slowly besides, and grow while an application starts. So a rate is held against the mean of the last two minutes
before it, and its spread is that of the same difference at every window of the ten minutes: traffic that rises says nothing
of how far it usually falls (:func:`predictor.baseline.around_level`). Where arrivals come in bursts, no empty window is far
away; a rate that stops is told by how long it never stopped before (:mod:`predictor.gaps`).

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
from typing import NamedTuple

import numpy as np

from predictor import gaps
from predictor.baseline import COUNT, seconds
from predictor.detectors.interface import Anomaly
from predictor.effects import EFFECTS, Effect, grave
from predictor.looks import Look, Windows, at_likelihoods, at_means
from predictor.onset import slow
from predictor.ring import Bools, Floats, Ints
from predictor.scales import band, mean, unscaled
from predictor.series import SeriesTable
from predictor.watch import Kind

MODEL = "robust-window-v7"

BLOCK = 256
"""Series judged together: what is computed of them stays in the processor's cache."""

CALM_Z = 2.5

LIKELIHOOD_WEIGHT = 10
"""Observations that a window must hold for its likelihood to count: of fewer, one or two decide."""

SPARSE = gaps.EXPECTED
"""A rate of fewer events in a usual window is not judged by the second: nothing there is far from silence or from chance."""


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


def judge(table: SeriesTable, rows: Ints, at: int) -> Verdicts:
    """Judges the second ``at`` of some rows of one table, knowing only what the table holds up to ``at``."""
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


class _Opinion(NamedTuple):
    """What one look at the windows gives, ``(series, lengths)``."""

    distance: Floats
    judged: Bools
    unusual: Bools
    direction: Ints


class _Change(NamedTuple):
    """From what to what the windows went, in the metric's unit, and which changes anybody wants to know of.

    ``value`` (series × lengths × 3: the judged window and its halves), ``expected`` (series × lengths), ``side`` and
    ``difference`` of each series as in :class:`predictor.watch.Watch`.
    """

    value: Floats
    expected: Floats
    side: Ints
    difference: Floats

    def large(self, effect: Effect, direction: Ints) -> Bools:
        """Where the window, and each half, has moved so far that it matters: of ``value``'s shape."""
        return effect.matters(self.value, self.expected[..., None], direction[..., None], self.difference[:, None, None])

    def wanted(self, direction: Ints) -> Bools:
        side = self.side[:, None]
        return np.asarray((side == 0) | (side == direction))


def _judge(kind: Kind, table: SeriesTable, rows: Ints, at: int, likely: bool) -> Verdicts:
    """Rows of one kind, all lengths of windows together; ``likely``: their likelihoods are looked at too."""
    effect = EFFECTS[kind]
    windows = Windows.of(kind, table, rows, at)
    means = at_means(windows)
    value = mean(windows.held[..., COUNT:], windows.weights[..., COUNT:])
    expected = unscaled(kind, means.middle, windows.usual[:, None], windows.size)
    change = _Change(value, expected, table.side[rows], table.difference[rows])
    opinion, calm = _of_means(windows, means, change)
    if likely and effect.likelihood_z is not None:
        ratio = table.likelihoods.window(rows, at, seconds(effect.windows_s))
        other = _of_likelihoods(windows, ratio, change, effect, effect.likelihood_z)
        opinion = _Opinion(*(np.concatenate(pair, axis=1) for pair in zip(opinion, other, strict=True)))
    return _verdicts(windows, means, change, opinion, calm)


def _of_means(windows: Windows, means: Look, change: _Change) -> tuple[_Opinion, Bools]:
    """What the means say, and where they find nothing at all (``calm``)."""
    kind, effect = windows.kind, EFFECTS[windows.kind]
    distance = means.distance[..., 0]
    direction = np.where(distance >= 0, 1, -1)
    judged = means.ready & (means.weight[..., 0] >= windows.least)
    if kind is Kind.RATE:
        judged &= change.expected * windows.size >= SPARSE
    large, wanted = change.large(effect, direction), change.wanted(direction)
    matters = judged & wanted & large.all(-1)
    unusual = matters & means.beyond(effect.alarm_z, direction)
    if kind is Kind.RATE:
        middling = np.stack([np.median(windows.amount[:, -s:], axis=1) for s in windows.lengths], axis=1)
        unusual &= effect.matters(middling, change.expected, direction, change.difference[:, None])
        silent = gaps.silent(windows.amount, windows.weight, windows.excluded, change.expected[:, 0])
        stopped = matters & silent[:, None]
        unusual |= stopped
        distance = np.where(stopped, np.minimum(distance, -effect.alarm_z), distance)
    return _Opinion(distance, judged, unusual, direction), (np.abs(distance) <= CALM_Z) | ~(large[..., 0] & wanted)


def _of_likelihoods(windows: Windows, ratio: Floats, change: _Change, effect: Effect, alarm_z: float) -> _Opinion:
    """What single observations say: only ever that everything takes longer."""
    look, longer = at_likelihoods(windows, ratio, effect)
    up = np.ones(look.seen.shape, np.int64)
    judged = (look.weight[..., 0] >= LIKELIHOOD_WEIGHT) & look.ready
    matters = change.value[..., 0] >= change.expected + change.difference[:, None]
    return _Opinion(look.distance[..., 0], judged, judged & longer & matters & look.beyond(alarm_z, up), up)


def _verdicts(windows: Windows, means: Look, change: _Change, opinion: _Opinion, calm: Bools) -> Verdicts:
    """One verdict a series, of the window that sees most of what is unusual, or else of the first that was judged."""
    kind = windows.kind
    every = np.arange(len(calm))
    largest = np.argmax(np.where(opinion.unusual, np.abs(opinion.distance), -1.0), -1)
    which = np.where(opinion.unusual.any(-1), largest, np.argmax(opinion.judged, -1))
    one, length = (every, which), (every, which % len(windows.size))
    distance, judged, unusual, direction = (part[one] for part in opinion)
    value, expected, middle, seen = (
        change.value[..., 0][length],
        change.expected[length],
        means.middle[length],
        means.seen[length],
    )
    weight, size = means.weight[..., 0][length], windows.size[length[1]]
    sort = _sort(kind, windows, unusual, direction, middle, expected)
    lower, upper = band(kind, middle, means.up[length], means.down[length], windows.usual, weight, size)
    return Verdicts(
        judged=judged,
        ready=np.asarray(means.ready.any(-1)),
        seen=seen,
        unusual=unusual,
        calm=judged & ~unusual & calm[length],
        direction=direction,
        score=np.where(judged, 1.0 - tail_probability(distance), 0.0),
        value=value,
        expected=expected,
        lower=lower,
        upper=upper,
        kind=sort,
        grave=grave(kind, value, expected) | (sort == Anomaly.SILENCE),
        confidence=seen / COUNT,
    )


def _sort(kind: Kind, windows: Windows, unusual: Bools, direction: Ints, middle: Floats, expected: Floats) -> Ints:
    """What sort of :class:`Anomaly` each unusual row is."""
    found = np.where(unusual, np.where(direction > 0, Anomaly.SPIKE, Anomaly.DROP), Anomaly.NONE)
    amount, weight = windows.amount, windows.weight
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
