"""When people ask, and how long questions and answers are: as recorded, or drawn with the same statistics.

Recorded: one hour of a production chat service (Azure LLM inference trace of 2023, conversation), 19,366 requests. Drawn: a
rate of 5.5/s that swings slowly by a factor of 1.6 either way and quickly from second to second (the variance of the counts per
second is 1.4 times their mean, correlated over a minute, as recorded), prompts and answers from the recorded quantiles.
"""

from __future__ import annotations

import bisect
import csv
import math
import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

RECORDED = Path("llm-arrivals") / "azure_llm_2023_conv.csv"

RATE = 5.53
HOUR_S = 3600.0

EDGE_S = 60
"""The recording fades in and out within so many seconds (from a quarter of its rate): joined end to beginning with them, it
would be a drop in traffic at every turn."""

_SHARES = (0.0, 0.01, 0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.999, 1.0)
_PROMPT = (2.0, 29.0, 181.0, 396.0, 1020.0, 1189.0, 2734.5, 4083.0, 4142.0, 6179.0, 14050.0)
_ANSWER = (7.0, 16.0, 41.0, 85.0, 129.0, 395.0, 424.0, 451.0, 601.0, 954.0, 1000.0)


class Arrival(NamedTuple):
    """One request: seconds from the beginning, tokens of the prompt and of the answer."""

    at: float
    prompt_tokens: int
    answer_tokens: int


def recorded(data: Path) -> list[Arrival] | None:
    """The recorded hour in ``data``; ``None`` where it is not there."""
    path = data / RECORDED
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    times = [datetime.fromisoformat(row["TIMESTAMP"][:26]) for row in rows]  # seven digits of a second are one too many
    return [
        Arrival((at - times[0]).total_seconds(), int(row["ContextTokens"]), int(row["GeneratedTokens"]))
        for at, row in zip(times, rows, strict=True)
    ]


def drawn(seed: int) -> list[Arrival]:
    """An hour of arrivals like the recorded ones; the same for the same ``seed``."""
    rng = random.Random(seed)
    phase = rng.random() * math.tau
    burst = 0.0
    arrivals: list[Arrival] = []
    for second in range(int(HOUR_S)):
        burst = 0.96 * burst + rng.gauss(0.0, 0.042)  # correlated over half a minute, standard deviation 0.15
        swing = 0.25 * math.sin(math.tau * second / HOUR_S + phase)
        rate = RATE * math.exp(swing + burst - 0.027)  # the mean of the exponential is RATE again
        arrivals += [_arrival(second + offset, rng) for offset in sorted(rng.random() for _ in range(_poisson(rate, rng)))]
    return arrivals


def steady(hour: list[Arrival]) -> tuple[list[Arrival], int]:
    """``hour`` without its edges, from zero on, and its length in seconds; whole where it has no middle."""
    length = math.ceil(hour[-1].at + 1e-9)
    if length <= 2 * EDGE_S:
        return hour, length
    kept = [a._replace(at=a.at - EDGE_S) for a in hour if EDGE_S <= a.at < length - EDGE_S]
    return (kept, length - 2 * EDGE_S) if kept else (hour, length)


def forever(hour: list[Arrival], speed: float) -> Iterator[Arrival]:
    """``hour`` without its edges again and again, ``speed`` times faster."""
    hour, length = steady(hour)
    start = 0.0
    while True:
        for arrival in hour:
            yield arrival._replace(at=(start + arrival.at) / speed)
        start += length


def _arrival(at: float, rng: random.Random) -> Arrival:
    return Arrival(at, round(_quantile(_PROMPT, rng.random())), round(_quantile(_ANSWER, rng.random())))


def _quantile(values: tuple[float, ...], share: float) -> float:
    index = min(bisect.bisect_right(_SHARES, share), len(_SHARES) - 1)
    low, high = _SHARES[index - 1], _SHARES[index]
    return values[index - 1] + (values[index] - values[index - 1]) * (share - low) / (high - low)


def _poisson(mean: float, rng: random.Random) -> int:
    """Knuth's method: good for small means."""
    limit, count, product = math.exp(-mean), 0, rng.random()
    while product > limit:
        count += 1
        product *= rng.random()
    return count
