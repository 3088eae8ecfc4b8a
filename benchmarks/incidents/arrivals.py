"""When users come, and how long their answers are: the recorded hour again and again, each seed from another second on."""

from __future__ import annotations

import functools
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from wisdom import arrivals as hour

Floats = NDArray[np.float64]


def arrivals(seed: int, seconds: int, *, stream: int, share: float = 1.0, data: Path | None = None) -> tuple[Floats, Floats]:
    """Times in ``[0, seconds)``, sorted, and the tokens of each answer.

    ``stream`` tells independent crowds of one seed apart. ``share`` of the recorded arrivals come. ``data`` is the folder with
    the recording; without it an hour like it is drawn.
    """
    times, tokens, length = _hour(data, seed)
    rng = np.random.default_rng([seed, 2, stream])
    offset = int(rng.integers(0, length))
    rounds = (seconds + offset) // length + 1
    all_times = np.concatenate([times + length * n for n in range(rounds)]) - offset
    all_tokens = np.tile(tokens, rounds)
    kept = (all_times >= 0) & (all_times < seconds) & (rng.random(len(all_times)) < share)
    return all_times[kept], all_tokens[kept]


@functools.lru_cache(maxsize=2)
def _hour(data: Path | None, seed: int) -> tuple[Floats, Floats, int]:
    """The hour without its edges, and how long that is."""
    recorded_hour = hour.recorded(data) if data is not None else None
    kept, length = hour.steady(hour.drawn(seed) if recorded_hour is None else recorded_hour)
    return np.array([a.at for a in kept]), np.array([float(a.answer_tokens) for a in kept]), length
