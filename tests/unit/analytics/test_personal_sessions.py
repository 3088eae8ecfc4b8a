"""Sessions out of one person's times are those of the definition, and whatever else happened lies in the nearest of them."""

from __future__ import annotations

import random

import numpy as np
import pytest

from analytics.product.counting.personal_sessions import personal_sessions


def by_definition(times: list[int], gap_ms: int) -> list[list[int]]:
    found: list[list[int]] = []
    for at in sorted(times):
        if found and at - found[-1][-1] <= gap_ms:
            found[-1].append(at)
        else:
            found.append([at])
    return found


def session_of(sessions: list[list[int]], at: int, gap_ms: int) -> int | None:
    inside = [place for place, one in enumerate(sessions) if one[0] <= at <= one[-1]]
    ended = [place for place, one in enumerate(sessions) if 0 < at - one[-1] <= gap_ms]
    begin = [place for place, one in enumerate(sessions) if 0 < one[0] - at <= gap_ms]
    return next(iter([*inside, *ended[-1:], *begin[:1]]), None)


@pytest.mark.parametrize("seed", range(60))
def test_sessions_of_one_person_are_those_of_the_definition(seed: int) -> None:
    chance = random.Random(seed)
    gap_ms = chance.choice([1, 5, 30])
    times = sorted(chance.randrange(400) for _ in range(chance.choice([0, 1, 2, 40])))
    wanted = by_definition(times, gap_ms)
    found = personal_sessions(np.array(times, np.int64), gap_ms)
    assert list(zip(found.starts.tolist(), found.ends.tolist(), found.events.tolist(), strict=True)) == [
        (one[0], one[-1], len(one)) for one in wanted
    ]
    for at in range(-40, 440):
        assert found.of(at) == session_of(wanted, at, gap_ms)
