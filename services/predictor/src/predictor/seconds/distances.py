"""How far the newest windows of many series are from what is usual: two ways to look at them. Pure.

Both tell a distance from the middle of the windows of the last ten minutes, in their own spread on that side (10 % or 90 %
quantile), which is never taken below what pure chance would give. The one looks at means, shares and counts, the other at what
single observations say (:mod:`predictor.series.likelihood`).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from predictor.seconds.baseline import COUNT, around_level, quantiles, seconds, sums
from predictor.seconds.effects import EFFECTS, FURTHER_Z, VALUE_CHANGE, Effect
from predictor.seconds.scales import scaled, usual_share, usual_size
from predictor.series.ring import Bools, Floats, Ints
from predictor.series.table import SeriesTable
from predictor.series.watch import Kind

READY = 15
"""Windows of the baseline from which on a series is judged: the first minute."""

YOUNG = 20
"""A baseline of few windows, which overlap besides, knows its spread badly: it is taken ``√(1 + (YOUNG / windows)²)`` times as
wide, by two thirds when judging begins and by one per cent after ten minutes."""

HALF_Z = 0.4
"""Share of ``alarm_z`` that each half of the window must reach by itself."""

LIKELIHOOD_FLOOR = 0.5
"""Of the spread of a window's likelihood, over the root of its observations."""

QUANTILE_Z = 1.2816
"""Where a normal distribution has its 10 % and 90 % quantiles."""


class Windows(NamedTuple):
    """The windows of some series of one ``kind``, of all its lengths.

    ``amount`` and ``weight`` (series × seconds, newest last); their sums ``held`` and ``weights`` (series × lengths × windows:
    those of the baseline, then the judged one and its halves, see :func:`predictor.seconds.baseline.sums`); which windows of
    the baseline are ``usable``, and which seconds ``excluded`` from it; of each length the ``least`` weight for a window to say
    anything, and its ``size`` in seconds; the ``usual`` of each series: of a share, the usual one; of a value or a flow, its
    size; of what is compared by logarithms, what stands for zero.
    """

    kind: Kind
    amount: Floats
    weight: Floats
    held: Floats
    weights: Floats
    usable: Bools
    excluded: Bools
    least: Floats
    size: Floats
    usual: Floats

    @classmethod
    def of(cls, kind: Kind, table: SeriesTable, rows: Ints, at: int) -> Windows:
        """Those that end with second ``at``."""
        effect = EFFECTS[kind]
        lengths = effect.windows_s
        amount, weight, excluded = (
            table.seconds.window(n, rows, at, seconds(lengths)) for n in ("amount", "weight", "excluded")
        )
        size = np.array(lengths, np.float64)
        held, weights = sums(amount, lengths), sums(weight, lengths)
        past = weights[..., :COUNT]
        least = np.minimum(effect.weight, size - 1) if kind is Kind.RATE else np.full(len(lengths), effect.weight)
        usable = past >= least[:, None]
        if excluded.any():
            usable &= sums(excluded, lengths)[..., :COUNT] == 0
        if kind is Kind.SHARE:
            usual = usual_share(held[:, 0, :COUNT], past[:, 0], usable[:, 0])
        elif kind in (Kind.VALUE, Kind.FLOW):
            usual = _size(kind, table, rows, held[:, 0, :COUNT], past[:, 0], usable[:, 0])
        else:
            usual = table.tiny[rows]
        return cls(kind, amount, weight, held, weights, usable, excluded, least, size, usual)

    @property
    def lengths(self) -> tuple[int, ...]:
        return EFFECTS[self.kind].windows_s


def _size(kind: Kind, table: SeriesTable, rows: Ints, amount: Floats, weight: Floats, usable: Bools) -> Floats:
    """The size that changes of each series are held against: where the smallest change that matters is known, and a change
    need not be large beside the value, that change makes it."""
    least = table.difference[rows] / VALUE_CHANGE
    if kind is Kind.FLOW:
        return usual_size(kind, amount, weight, usable, least)
    return np.where(table.relative[rows], usual_size(kind, amount, weight, usable, least), least)


class Look(NamedTuple):
    """What is seen, ``(series, lengths)``: the ``middle`` of what is usual and how far that goes ``up`` and ``down``, how many
    windows of it were ``seen``; the ``number`` of the judged window; and of that and its two halves (a third axis) the
    ``distance`` from the middle in those spreads, and the ``weight``."""

    middle: Floats
    up: Floats
    down: Floats
    seen: Ints
    number: Floats
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


def at_means(windows: Windows) -> Look:
    """At the number that stands for each window on the scale of its kind (:mod:`predictor.seconds.scales`)."""
    kind, usable = windows.kind, windows.usable
    numbers = scaled(kind, windows.held, windows.weights, windows.size[:, None], windows.usual[:, None, None])
    past = numbers[..., :COUNT]
    if kind is Kind.RATE:
        low, middle, high = around_level(past, usable, windows.lengths)
    else:
        low, middle, high = quantiles(past, usable, (0.1, 0.5, 0.9))
    if kind is Kind.SHARE:
        middle = np.zeros_like(middle)  # the usual share is the centre by itself
    return _look((low, middle, high), numbers, windows.weights, usable, EFFECTS[kind].floor)


def at_likelihoods(windows: Windows, ratio: Floats, effect: Effect) -> tuple[Look, Bools]:
    """At the likelihoods of the same windows, ``ratio`` by the second; and where the judged one is nearer to longer.

    A window of more observations says more: its sum is held against as many usual ones, over the root of their number.
    """
    known = np.isfinite(ratio)
    weights, usable = windows.weights, windows.usable
    if not (known | (windows.weight == 0)).all():
        weights = sums(np.where(known, windows.weight, 0), effect.windows_s)
        usable = usable & (weights[..., :COUNT] >= effect.weight)
    sum_of = sums(np.where(known, ratio, 0.0), effect.windows_s)
    said, heard = (np.where(usable, part[..., :COUNT], 0.0).sum(-1, keepdims=True) for part in (sum_of, weights))
    numbers = (sum_of - said / np.maximum(heard, 1.0) * weights) / np.sqrt(np.maximum(weights, 1.0))
    numbers[..., COUNT + 1 :] *= math.sqrt(2.0)  # what a whole window like the half would say
    low, middle, high = quantiles(numbers[..., :COUNT], usable, (0.1, 0.5, 0.9))
    return _look((low, middle, high), numbers, weights, usable, LIKELIHOOD_FLOOR), sum_of[..., COUNT] > 0


def _look(usual: tuple[Floats, Floats, Floats], numbers: Floats, weights: Floats, usable: Bools, floor: float) -> Look:
    """``usual``: low, middle and high of what is ``usable`` of the baseline; no spread is below ``floor``."""
    low, middle, high = usual
    seen = usable.sum(-1)
    young = np.sqrt(1.0 + (YOUNG / np.maximum(seen, 1)) ** 2)
    up = np.maximum((high - middle) / QUANTILE_Z, floor) * young
    down = np.maximum((middle - low) / QUANTILE_Z, floor) * young
    away = numbers[..., COUNT:] - middle[..., None]
    distance = away / np.where(away > 0, up[..., None], down[..., None])
    return Look(middle, up, down, seen, numbers[..., COUNT], distance, weights[..., COUNT:])
