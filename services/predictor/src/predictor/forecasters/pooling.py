"""Ridge regressions over many series at once: a few kinds of series, and each series' own deviation from its kind. Pure.

How this works
--------------
One linear map for all series (a *global* model) learns from far more rows than a map for each, and is surprisingly hard to beat
(Montero-Manso and Hyndman, "Principles and algorithms for forecasting groups of time series: locality and globality", 2021).
It is too coarse where series differ in kind, temperatures and counts, say. So the series are sorted into a few kinds by
clusterwise regression (Späth, 1979): fit each kind, move each series to the kind whose fit leaves it the smallest error, and
again. A series then deviates from its kind as far as its own rows can show: the same regression on what the kind leaves over.

All of this is one hierarchical Gaussian model, and its spreads are the only parameters: the coefficients of a kind are near
zero (:data:`KIND_SPREAD`), those of a series near its kind's (:data:`OWN_SPREADS`, and not at all; the results are averaged
rather than one chosen). Ridge penalties follow: noise variance over spread squared. The noise of each series and step is what
its own fit leaves, so a series that hardly scatters goes its own way and a noisy one keeps to its kind; and series weigh in
their kind by the inverse of it. Targets of neighbouring origins share their surprises, so that rows count for less the further
ahead the step is: the penalty grows with the number of origins within it.

Only the products of the inputs with themselves and the target (Gram matrices) are needed, once per series and step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from predictor.series.ring import Floats, Ints

KIND_SPREAD = 0.1
"""Of a kind's coefficients around zero: some thirty of them share in a sum near 1."""

OWN_SPREADS = (0.1, 0.3)
"""Of a series' coefficients around its kind's."""

ROUGH = 1e-3
"""Ridge of the fit that tells the noise of a series, as a share of its inputs' mean power: for stability only."""

KINDS, SERIES_PER_KIND = 6, 30
"""At most so many kinds, and so many series for each on average: a kind must be learnt from many."""

ROUNDS = 10

TINY = 1e-12
"""Keeps noise above zero: of targets' power, and on the working scale where values are of size 1."""


@dataclass
class Grams:
    """Weighted products of n inputs and the target, of each series and step.

    ``inputs`` (series × steps × n × n), ``cross`` (series × steps × n), ``target`` and ``count`` of rows (series × steps);
    ``overlap`` (series × steps): how many neighbouring origins have a target within the step.
    """

    inputs: Floats
    cross: Floats
    target: Floats
    count: Floats
    overlap: Floats

    @classmethod
    def empty(cls, series: int, steps: int, size: int) -> Grams:
        shape = (series, steps)
        return cls(np.zeros((*shape, size, size)), np.zeros((*shape, size)), np.zeros(shape), np.zeros(shape), np.ones(shape))

    def add(self, series: int, step: int, inputs: Floats, target: Floats, weights: Floats) -> None:
        """Rows (rows × n) with their targets; ``weights`` are 1 on average, 0 where the target is missing."""
        weighted = inputs * weights[:, None]
        self.inputs[series, step] += inputs.T @ weighted
        self.cross[series, step] += weighted.T @ target
        self.target[series, step] += target @ (weights * target)
        self.count[series, step] += np.count_nonzero(weights)

    def __add__(self, other: Grams) -> Grams:
        """Of both sets of rows, which are of the same series."""
        return Grams(
            self.inputs + other.inputs,
            self.cross + other.cross,
            self.target + other.target,
            self.count + other.count,
            self.overlap,
        )

    def loss(self, coefficients: Floats) -> Floats:
        """Squared errors (series × steps), of coefficients (steps × n) or (series × steps × n)."""
        coefficients = np.broadcast_to(coefficients, self.cross.shape)
        product = (self.inputs @ coefficients[..., None])[..., 0]
        error: Floats = self.target + (coefficients * (product - 2 * self.cross)).sum(axis=-1)
        return error


def fit(grams: Grams) -> Floats:
    """Coefficients (series × steps × n)."""
    noise = _noise(grams)
    kinds, coefficients = _kinds(grams, 1 / noise)
    shared = coefficients[kinds]
    if len(kinds) == 1:
        return shared
    left = grams.cross - (grams.inputs @ shared[..., None])[..., 0]
    own = [_solve(grams.inputs, left, noise * grams.overlap / spread**2) for spread in OWN_SPREADS]
    result: Floats = shared + np.sum(own, axis=0) / (len(OWN_SPREADS) + 1)
    return result


def _noise(grams: Grams) -> Floats:
    """Error variance (series × steps) of a fit to each series alone, corrected for the coefficients it used up."""
    size = grams.cross.shape[-1]
    power = np.trace(grams.inputs, axis1=-2, axis2=-1) / size
    left = grams.loss(_solve(grams.inputs, grams.cross, ROUGH * power))
    freedom = np.maximum(np.maximum(grams.count - size, grams.count / 4), 1)
    result: Floats = np.maximum(left, 1e-9 * grams.target) / freedom + TINY
    return result


def _kinds(grams: Grams, precision: Floats) -> tuple[Ints, Floats]:
    """Each series' kind, and the coefficients (kinds × steps × n)."""
    series = len(precision)
    count = max(1, min(KINDS, series // SERIES_PER_KIND))
    whole = _shared(grams, precision)
    if count == 1:
        return np.zeros(series, np.int64), whole[None]
    badness = (grams.loss(whole) * precision).mean(axis=1)
    kinds: Ints = np.argsort(np.argsort(badness, kind="stable")) * count // series  # to begin with
    coefficients = np.repeat(whole[None], count, axis=0)
    for _ in range(ROUNDS):
        for kind in np.unique(kinds):
            coefficients[kind] = _shared(grams, precision * (kinds == kind)[:, None])
        moved = np.argmin([(grams.loss(c) * precision).mean(axis=1) for c in coefficients], axis=0)
        if np.array_equal(moved, kinds):
            break
        kinds = moved
    return kinds, coefficients


def _shared(grams: Grams, precision: Floats) -> Floats:
    inputs = np.einsum("st,stij->tij", precision, grams.inputs)
    cross = np.einsum("st,sti->ti", precision, grams.cross)
    return _solve(inputs, cross, grams.overlap.mean(axis=0) / KIND_SPREAD**2)


def _solve(inputs: Floats, cross: Floats, penalty: Floats) -> Floats:
    """(… × n) from (… × n × n), (… × n) and (…)."""
    size = cross.shape[-1]
    power = np.trace(inputs, axis1=-2, axis2=-1) / size
    ridge = (penalty + 1e-9 * power + np.finfo(float).tiny ** 0.5)[..., None, None] * np.eye(size)
    result: Floats = np.linalg.solve(inputs + ridge, cross[..., None])[..., 0]
    return result
