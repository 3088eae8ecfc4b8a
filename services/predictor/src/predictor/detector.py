"""How unusual the newest window of each series is: online, causal, all series of a metric together. Pure.

How this works
--------------
A second is noise at five requests per second, so windows are judged: the newest :data:`WINDOW_S` seconds, every second.
The window's sums become one number on a scale where normal scatter is about the same everywhere (``KIND`` decides):

* rate: ``2 √(n + 3/8)`` of the window's count (Anscombe): a Poisson count then scatters by 1, whatever its size;
* share: the signed root of the binomial deviance between the window's share and the usual one, which follows the normal
  distribution even where one observation in a hundred counts;
* level and gauge: the logarithm of the mean over the window's observations: a factor counts the same at 20 ms and at 2 s.

Against the same number of the windows of the last ten minutes it gives ``z``: the distance from their median, over their own
spread on that side (10 % or 90 % quantile), which is never taken below what pure chance would give. Recorded arrivals
scatter 2 to 4 times more than Poisson's; the quantiles measure that. Seconds of an incident are excluded, so that a fault
does not become normal while it lasts, and the windows that overlap the judged one are left out.

Rates swing slowly besides, and grow while an application starts. So a rate is held against the mean of the last two minutes
before it (:data:`LEVEL_S`), and its spread is that of the same difference at every window of the ten minutes: traffic that
rises says nothing of how far it usually falls.

Real series have heavier tails than the normal distribution, so the tail probability is Student's with four degrees of
freedom; ``score = 1 - p``. On undisturbed series, about one window in ``1 / (1 - score)`` scores as high (measured by
``tests/unit/test_predictor_calibration.py``).

A window is **unusual** when ``|z|`` is beyond ``alarm_z``, both its halves agree and, for rates, its middle second (a burst
of a second or two, a page being loaded, is no incident), and the change is large enough for somebody to care
(:class:`Effect`). Some kinds are judged in windows of other lengths besides (:data:`FURTHER`). It is **calm** when ``|z|`` is
within :data:`CALM_Z` or the change is small. What is neither keeps an incident open and opens none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from predictor.ring import Bools, Floats, Ints
from predictor.series import SeriesTable
from predictor.watch import TINY, Kind

MODEL = "robust-window-v4"

HISTORY_S = 600
"""What normal means: long enough for a spread, short enough to follow the daily curve."""

STRIDE_S = 4
"""Of the overlapping windows of the history every fourth is looked at: the others tell hardly more."""

LEVEL_S = 120
LEVEL_WINDOWS = 5
"""What a rate is held against, and how many usable windows of it there must be; else the median of the ten minutes counts."""

YOUNG = 8
"""A baseline of so few windows knows its spread badly: it is taken ``√(1 + YOUNG / windows)`` times as wide."""

CALM_Z = 2.5
HALF_Z = 0.4
"""Share of ``alarm_z`` that each half of the window must reach by itself."""

BAND_Z = 2.776
"""Student's t with four degrees of freedom: 95 % lie within; the band that is shown."""

SPARSE = 12.0
"""A rate of fewer events in a usual window is not judged by the second: nothing there is far from silence or from chance."""

PRIOR = (2.0, 40.0)
"""Part and whole that every share starts with: a series that has not failed yet is not one that never fails."""

QUANTILE_Z = 1.2816
"""Where a normal distribution has its 10 % and 90 % quantiles."""


@dataclass(frozen=True)
class Effect:
    """How one kind is judged. A change matters from ``ratio`` (or 1/ratio) *and* ``difference`` on; the window must hold
    ``weight`` (seconds or observations) to say anything; ``floor`` is the least spread on the transformed scale; a series is
    learning until its baseline has ``ready`` windows (one every :data:`STRIDE_S` seconds: 15 are the first minute)."""

    window_s: int
    ratio_up: float
    ratio_down: float
    difference: float
    weight: float
    floor: float
    ready: int
    alarm_z: float = 4.0


EFFECTS: dict[Kind, Effect] = {
    # half a request per second up or down is nothing in any application worth watching
    Kind.RATE: Effect(window_s=8, ratio_up=2.0, ratio_down=0.4, difference=1.0, weight=7, floor=1.0, ready=15),
    # 1 error among 8 requests is chance; five percentage points of at least ten are not
    Kind.SHARE: Effect(window_s=8, ratio_up=1.25, ratio_down=0.7, difference=0.08, weight=10, floor=1.0, ready=15),
    # 100 ms is what people begin to notice; log 1.13 is the scatter that a garbage collection or a busy core makes
    Kind.LEVEL: Effect(window_s=8, ratio_up=2.0, ratio_down=0.5, difference=100.0, weight=6, floor=0.12, ready=15, alarm_z=3.5),
    # reported every few seconds at best; a quarter more memory is a program that started to work
    Kind.GAUGE: Effect(window_s=60, ratio_up=1.5, ratio_down=0.5, difference=0.3, weight=2, floor=0.1, ready=60),
}


FURTHER: dict[Kind, tuple[Effect, ...]] = {
    # what is slow comes late: the first slow answers of a fault are few, and the fast ones before it still in the window
    Kind.LEVEL: (Effect(window_s=5, ratio_up=2.5, ratio_down=0.5, difference=100.0, weight=6, floor=0.12, ready=15),),
}
"""How a kind is judged besides, in windows of other lengths. What the first says counts where it sees something."""


def evidence_s(kind: Kind) -> int:
    """How many seconds a verdict on a series of ``kind`` may rest on."""
    return max(effect.window_s for effect in (EFFECTS[kind], *FURTHER.get(kind, ())))


@dataclass(frozen=True)
class Verdicts:
    """What is said of each row, as arrays of one length.

    ``score`` in [0, 1] (1 - tail probability, see the module); ``direction`` +1 or -1; ``value``, ``expected``, ``lower``,
    ``upper`` in the metric's unit (of the window: events per second, a share, a mean). ``seen`` counts the
    windows of the baseline. ``judged`` is false where the window held too little to say anything; so are ``unusual`` and
    ``calm`` then.
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


class Detector(Protocol):
    """Judges the second ``at`` of some rows of one table, knowing only what the table holds up to ``at``."""

    def judge(self, table: SeriesTable, rows: Ints, at: int) -> Verdicts: ...


class RobustWindow:
    """The detector described above. It keeps no state of its own: the table is its memory."""

    def judge(self, table: SeriesTable, rows: Ints, at: int) -> Verdicts:
        verdicts = _empty(len(rows))
        for kind, effect in EFFECTS.items():
            chosen = np.flatnonzero(table.kind[rows] == kind)
            if not len(chosen):
                continue
            part = _judge_rows(kind, effect, table, rows[chosen], at)
            for further in FURTHER.get(kind, ()):
                _add(part, _judge_rows(kind, further, table, rows[chosen], at))
            for name, values in vars(part).items():
                getattr(verdicts, name)[chosen] = values
        return verdicts


def tail_probability(z: Floats) -> Floats:
    """Two-sided tail of Student's t with four degrees of freedom (closed form)."""
    square = z * z
    root = 1.0 + square / 4.0
    upper = 0.5 - 0.375 * np.abs(z) / np.sqrt(root) * (1.0 - square / (12.0 * root))
    result: Floats = np.clip(2.0 * upper, 0.0, 1.0)
    return result


def _judge_rows(kind: Kind, effect: Effect, table: SeriesTable, rows: Ints, at: int) -> Verdicts:
    return _judge(kind, effect, table.side[rows], *table.window(rows, at, HISTORY_S + 2 * effect.window_s))


def _add(verdicts: Verdicts, further: Verdicts) -> None:
    """Where ``further`` sees what ``verdicts`` does not, its word counts."""
    seen = further.unusual & ~verdicts.unusual
    for name in ("unusual", "calm", "direction", "score", "value", "expected", "lower", "upper"):
        getattr(verdicts, name)[seen] = getattr(further, name)[seen]


def _judge(kind: Kind, effect: Effect, side: Ints, amount: Floats, weight: Floats, excluded: Bools) -> Verdicts:
    size = effect.window_s
    half = size // 2
    sums, weights = _sliding(amount, size), _sliding(weight, size)
    # the judged window, the windows of the baseline (none overlaps it), and the judged window's halves
    now_a, now_w = sums[:, -1], weights[:, -1]
    past = slice(sums.shape[1] - 1 - size - (HISTORY_S // STRIDE_S - 1) * STRIDE_S, sums.shape[1] - size, STRIDE_S)
    past_a, past_w = sums[:, past], weights[:, past]
    usable = (past_w >= effect.weight) & (_sliding(excluded.astype(np.float64), size)[:, past] == 0)
    halves = (
        (amount[:, -half:].sum(1), weight[:, -half:].sum(1)),
        (amount[:, -size:-half].sum(1), weight[:, -size:-half].sum(1)),
    )

    usual_w = _quantiles(past_w, usable, (0.5,))[0]
    usual = _usual_share(past_a, past_w, usable) if kind is Kind.SHARE else np.zeros(len(now_w))
    past_scaled = _transform(kind, past_a, past_w, size, usual[:, None])
    low, middle, high = _quantiles(past_scaled, usable, (0.1, 0.5, 0.9))
    if kind is Kind.RATE:
        low, middle, high = _around_level(past_scaled, usable, size, (low, middle, high))
    if kind is Kind.SHARE:
        middle = np.zeros_like(middle)  # the usual share is the centre by itself
    seen = usable.sum(1)
    young = np.sqrt(1.0 + YOUNG / np.maximum(seen, 1))
    up = np.maximum((high - middle) / QUANTILE_Z, effect.floor) * young
    down = np.maximum((middle - low) / QUANTILE_Z, effect.floor) * young
    if kind is Kind.LEVEL:  # a mean of fewer observations than usual scatters more
        thin = np.sqrt(np.maximum(1.0, usual_w / np.maximum(now_w, 1.0)))
        up, down = up * thin, down * thin

    def distance(a: Floats, w: Floats) -> Floats:
        d = _transform(kind, a, w, size, usual) - middle
        return np.asarray(np.where(d > 0, d / up, d / down))

    z = distance(now_a, now_w)
    value = _value(now_a, now_w)
    expected, lower, upper = _band(kind, middle, up, down, usual, now_w, size)

    ready = seen >= effect.ready
    judged = ready & (now_w >= effect.weight)
    if kind is Kind.RATE:
        judged &= expected * size >= SPARSE
    direction = np.where(z >= 0, 1, -1)

    def matters(value: Floats) -> Bools:
        ratio = np.where(direction > 0, value >= expected * effect.ratio_up, value <= expected * effect.ratio_down)
        return np.asarray(ratio & (np.abs(value - expected) >= effect.difference) & ((side == 0) | (side == direction)))

    large = matters(value)
    agree = np.ones(len(z), np.bool_)
    for a, w in halves:
        if kind is not Kind.GAUGE:
            agree &= (w > 0) & (distance(a, w) * direction >= HALF_Z * effect.alarm_z) & matters(_value(a, w))
    if kind is Kind.RATE:
        agree &= matters(np.median(amount[:, -size:], axis=1))
    return Verdicts(
        judged=judged,
        ready=ready,
        seen=seen,
        unusual=judged & (np.abs(z) >= effect.alarm_z) & agree & large,
        calm=judged & ((np.abs(z) <= CALM_Z) | ~large),
        direction=direction,
        score=np.where(judged, 1.0 - tail_probability(z), 0.0),
        value=value,
        expected=expected,
        lower=lower,
        upper=upper,
    )


def _around_level(
    scaled: Floats, usable: Bools, size: int, whole: tuple[Floats, Floats, Floats]
) -> tuple[Floats, Floats, Floats]:
    """Quantiles like ``whole``, but around the newest level: those of each window's difference from the level before it."""
    columns = np.arange(scaled.shape[1] + 1)  # the last one stands for the judged window, which overlaps none
    end = np.maximum(columns - size // STRIDE_S + 1, 0)
    end[-1] = scaled.shape[1]
    begin = np.maximum(end - LEVEL_S // STRIDE_S, 0)
    totals = np.pad(np.cumsum(np.where(usable, scaled, 0.0), axis=1), ((0, 0), (1, 0)))
    counts = np.pad(np.cumsum(usable, axis=1), ((0, 0), (1, 0)))
    held: Ints = counts[:, end] - counts[:, begin]
    level = (totals[:, end] - totals[:, begin]) / np.maximum(held, 1)
    known: Bools = np.greater_equal(held, LEVEL_WINDOWS)
    low, high = _quantiles(scaled - level[:, :-1], usable & known[:, :-1], (0.1, 0.9))
    around = (level[:, -1] + np.minimum(low, 0.0), level[:, -1], level[:, -1] + np.maximum(high, 0.0))
    found = [np.asarray(np.where(known[:, -1], new, old)) for new, old in zip(around, whole, strict=True)]
    return found[0], found[1], found[2]


def _usual_share(amount: Floats, weight: Floats, usable: Bools) -> Floats:
    part, whole = np.where(usable, amount, 0).sum(1), np.where(usable, weight, 0).sum(1)
    return np.asarray((part + PRIOR[0]) / (whole + PRIOR[1]))


def _transform(kind: Kind, amount: Floats, weight: Floats, size: int, usual: Floats) -> Floats:
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


def _band(
    kind: Kind, middle: Floats, up: Floats, down: Floats, usual: Floats, weight: Floats, size: int
) -> tuple[Floats, Floats, Floats]:
    """Expected value and 95 % band, back in the metric's unit."""
    if kind is Kind.SHARE:  # on the arcsine scale, where a share scatters by the same everywhere
        angle, step = np.arcsin(np.sqrt(usual)), BAND_Z / (2.0 * np.sqrt(np.maximum(weight, 1.0)))
        lower, upper = np.maximum(angle - step * down, 0.0), np.minimum(angle + step * up, np.pi / 2)
        return usual, np.sin(lower) ** 2, np.sin(upper) ** 2
    scale = (middle, middle - BAND_Z * down, middle + BAND_Z * up)
    if kind is Kind.RATE:
        expected, lower, upper = (np.maximum(np.maximum(x, 0.0) ** 2 / 4.0 - 0.375, 0.0) / size for x in scale)
    else:
        expected, lower, upper = (np.exp(np.clip(x, -700.0, 700.0)) for x in scale)
    return expected, lower, upper


def _sliding(values: Floats, size: int) -> Floats:
    """Sums over every ``size`` columns in a row; column ``i`` is the window that ends at column ``i + size - 1``."""
    total = np.cumsum(values, axis=1)
    total[:, size:] = total[:, size:] - total[:, :-size]
    return total[:, size - 1 :]


def _quantiles(values: Floats, usable: Bools, shares: tuple[float, ...]) -> list[Floats]:
    """Quantiles of the usable values of each row (the nearest one below); 0 where there is none."""
    ordered = np.sort(np.where(usable, values, np.inf), axis=1)
    count = usable.sum(1)
    rows = np.arange(len(values))
    found = []
    for share in shares:
        index = np.maximum((count - 1) * share, 0).astype(np.int64)
        found.append(np.where(count > 0, ordered[rows, index], 0.0))
    return [np.where(np.isfinite(q), q, 0.0) for q in found]


def _empty(n: int) -> Verdicts:
    no = [np.zeros(n, np.bool_) for _ in range(4)]
    numbers = [np.zeros(n) for _ in range(5)]
    judged, ready, unusual, calm = no
    score, value, expected, lower, upper = numbers
    return Verdicts(
        judged, ready, np.zeros(n, np.int64), unusual, calm, np.ones(n, np.int64), score, value, expected, lower, upper
    )
