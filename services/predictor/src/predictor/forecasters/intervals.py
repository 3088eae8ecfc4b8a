"""Intervals from errors that were really made: split conformal quantiles, pooled over steps and series. Pure.

Errors on held-out rows are divided by how hard the series and the step are (the mean size of its errors) before they are
pooled. What is left has nearly the same shape everywhere, so that its tails, which few errors of one series show, are taken
over all of them; below and above apart, as errors are rarely symmetric.

Split conformal prediction (Vovk, Gammerman and Shafer, 2005) takes a quantile slightly further out, by the number of errors
that it rests on. Neighbouring origins make nearly the same errors, so that number is not that of the origins, but rather
of how often the mean step fits into the held-out rows (:data:`FORGETFUL`). The theory wants errors to come to be exchangeable
with held-out ones; in a time series they are so only roughly, which is why coverage is measured.
"""

from __future__ import annotations

import numpy as np

from predictor.forecasters.interface import COVERAGES
from predictor.series.ring import Floats

QUANTILES = tuple((1 - c) / 2 for c in COVERAGES) + tuple((1 + c) / 2 for c in COVERAGES)
"""Below the narrow and the wide interval, and above them."""

FORGETFUL = 2.0
"""Independent tails in the length of a step: whether an error is extreme is forgotten faster than the error itself."""

SMOOTH = 8
"""The size of errors is averaged over this fraction of the steps: neighbouring steps are about as hard."""

FLOOR = 1e-3
"""Least size of a step's errors, as a share of the series' largest: a step that was always right may not stay so."""


def offsets(errors: list[Floats], independent: float) -> Floats:
    """(series × quantiles × steps) to add to the forecast.

    ``errors`` of each series (origins × steps) are truth minus forecast, NaN where unknown; ``independent`` is the number of
    them, over all series, that are no echo of another.
    """
    scale = np.stack([_size(e) for e in errors])
    scale = np.maximum(scale, FLOOR * scale.max(axis=1, keepdims=True))
    used = scale.max(axis=1) > 0
    if not used.any():
        return np.zeros((len(errors), len(QUANTILES), scale.shape[1]))
    pooled = np.concatenate([(e / s).ravel() for e, s, use in zip(errors, scale, used, strict=True) if use])
    outward = np.clip(0.5 + (np.array(QUANTILES) - 0.5) * (1 + 1 / max(independent, 1.0)), 0.0, 1.0)
    result: Floats = np.nanquantile(pooled, outward)[None, :, None] * scale[:, None, :]
    return result


def around(mean: Floats, offset: Floats) -> tuple[Floats, Floats]:
    """Lower and upper (coverages × steps), ordered and around the mean whatever the signs of ``offset`` (quantiles × steps)."""
    half = len(COVERAGES)
    lower: Floats = mean + np.minimum(np.minimum.accumulate(offset[:half], axis=0), 0.0)
    upper: Floats = mean + np.maximum(np.maximum.accumulate(offset[half:], axis=0), 0.0)
    return lower, upper


def _size(errors: Floats) -> Floats:
    """Mean absolute error of each step, smoothed; 0 where nothing is known."""
    known = np.isfinite(errors)
    size = np.where(known, np.abs(errors), 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    width = max(1, len(size) // SMOOTH) | 1
    padded = np.pad(size, width // 2, mode="edge")
    result: Floats = np.convolve(padded, np.full(width, 1 / width), mode="valid")
    return result
