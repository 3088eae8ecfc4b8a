"""When a drift shows: the first window in which what is measured of it is another than without it. Pure.

A drift is slow on purpose, and the requests that it slowed first have hardly changed. It counts from the first window at whose
end the mean duration of the newest :data:`TRAILING_S` seconds is :data:`~benchmarks.incidents.plan.CHANGED` times what it is in
the undisturbed twin: the traffic of the same seed, to the same users, without incidents.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.incidents.arrivals import Floats
from benchmarks.incidents.plan import CHANGED, Incident

TRAILING_S = 10
"""Long enough that the chance answers of one second do not decide, short against the minute that a drift takes."""


def drift_shows(incident: Incident, disturbed: NDArray[np.void], twin: NDArray[np.void]) -> int:
    """The first affected second of ``incident``, its last where it never shows; requests to its target, with and without it."""
    ratio = _trailing_mean(disturbed, incident) / _trailing_mean(twin, incident)
    shows = np.flatnonzero(ratio >= CHANGED)  # NaN, where nothing was measured, is not
    return incident.begins + int(shows[0]) if len(shows) else incident.ends - 1


def _trailing_mean(requests: NDArray[np.void], incident: Incident) -> Floats:
    """For each second of ``incident``, the mean duration of what ended in it or in the nine before; NaN without any."""
    first = incident.begins - TRAILING_S + 1
    second = requests["at"].astype(np.int64) - first
    within = (second >= 0) & (second < incident.ends - first)
    size = incident.ends - first
    total = np.bincount(second[within], requests["duration_ms"][within], minlength=size)
    count = np.bincount(second[within], minlength=size)
    trailing = np.ones(TRAILING_S)
    held = np.convolve(count, trailing, "valid")
    mean: Floats = np.convolve(total, trailing, "valid") / np.where(held > 0.5, held, np.nan)
    return mean
