"""A rate that stops is reported by its gaps where its windows say nothing."""

from __future__ import annotations

import numpy as np
import pytest

from predictor.anomalies.engine import Engine
from predictor.anomalies.lifecycle import Phase
from predictor.seconds import gaps
from rigs.aggregates import aggregate

T0 = 1_790_000_000


def silent(seconds: list[int], *, expected: float = 3.0, known: int | None = None, excluded: range = range(0)) -> bool:
    amount = np.array([seconds], np.float64)
    weight = np.ones_like(amount)
    if known is not None:
        weight[0, :known] = 0
    out = np.zeros_like(amount, bool)
    out[0, list(excluded)] = True
    return bool(gaps.find(amount, weight, out, np.array([expected])).stopped[0])


def test_a_gap_is_one_that_never_was_by_far() -> None:
    usual = [5, 0, 0, 7, 1] * 30
    assert silent(usual + [0] * 5)
    assert not silent(usual + [0] * 4), "twice what was is not two and a half times"
    assert not silent(usual + [0] * 5, expected=2.0), "ten events are too few to miss"
    assert not silent([*usual, 0, 0, 0, 0, 0, 1])


def test_what_is_not_known_or_not_normal_is_no_gap() -> None:
    usual = [5, 1] * 60
    assert silent([0] * 20 + usual + [0] * 4, known=20), "before its first second a series has no gap"
    assert silent(usual + [0] * 20 + usual + [0] * 4, excluded=range(120, 140)), "an incident's silence is not normal"
    assert not silent(usual + [0] * 20 + usual + [0] * 4)


def test_the_gaps_of_a_minute_say_little_about_gaps() -> None:
    young = [5, 1] * (gaps.HISTORY_S // 2 - 1)
    assert not silent([*young, *[0] * 30])
    assert silent([5, 1, *young, *[0] * 30])
    known = [5, 1] * 200
    assert not silent([*known, *[0] * 30], excluded=range(len(known) - 60)), "what is excluded is no history"


def heard(counts: list[int]) -> list[int]:
    """Seconds in which an incident opens, of a service with so many requests a second."""
    engine, reported = Engine(), []
    for second, count in enumerate(counts):
        reported += engine.take(aggregate("requests", (T0 + second) * 1000, {"count": count, "errors": 0}, final=True))
    return [finding.at - T0 for finding in reported if finding.change and finding.change.phase is Phase.OPENED]


@pytest.mark.parametrize("seed", range(6))
def test_a_bursty_service_that_stops_is_reported(seed: int) -> None:
    """Half of its seconds are empty and the others crowded: an empty window is not rare enough."""
    rng = np.random.default_rng(seed)
    busy = np.repeat(rng.random(400) < 0.5, 2)
    opened = heard([0 if second >= 750 else int(rng.poisson(8 if busy[second] else 0.3)) for second in range(850)])
    assert [at for at in opened if at >= 750]
    assert len([at for at in opened if at < 750]) <= 1


def test_two_empty_seconds_of_a_busy_service_are_no_incident() -> None:
    """They never came before, and forty events are missing: a pause all the same, of which nothing shows in eight seconds."""
    rng = np.random.default_rng(3)
    counts = rng.poisson(20, 400)
    counts[300:302] = 0
    reported = heard(counts.tolist())
    assert reported == []
