"""A bucket in parts is the same rows, and both sides of a part are of the same users."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import Any

import pytest

from analytics.product.counting.day import DAY_MS, Day
from analytics.product.counting.parts import in_parts
from analytics.product.segments.stored import merge_all
from rigs.product_days import Happened, buckets


def rows_of(days: Sequence[Day]) -> Counter[tuple[Any, ...]]:
    found: Counter[tuple[Any, ...]] = Counter()
    for day in days:
        topics = day.segment.columns.get("data.topic")
        for row, user in enumerate(day.segment.of_rows().tolist()):
            code = int(topics.codes[row]) if topics else 0
            found[user, day.start_ms + int(day.segment.t[row]), topics.values[code - 1] if topics and code else None] += 1
    return found


def happened(chance: random.Random, users: list[int], count: int) -> list[Happened]:
    return [
        Happened(chance.choice(users), chance.randrange(3 * DAY_MS), "view", {"topic": chance.choice("abc")})
        for _ in range(count)
    ]


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("rows", [1, 7, 50, 1_000_000])
def test_parts_have_all_rows_once_and_each_user_in_one_of_them(seed: int, rows: int) -> None:
    chance = random.Random(seed)
    bucket = chance.randrange(-8, 8)
    users = [
        (bucket << 60) + chance.choice([0, (1 << 60) - 1, chance.randrange(1 << 60)]) for _ in range(chance.randrange(1, 30))
    ]
    (days,) = buckets(happened(chance, users, chance.randrange(1, 200)))
    others = next(iter(buckets(happened(chance, users, chance.randrange(200)))), [])
    all_rows: list[Counter[tuple[Any, ...]]] = [Counter(), Counter()]
    seen: set[int] = set()
    for part in in_parts(days, others, rows):
        of_part = [rows_of(side) for side in part]
        users_of_part = {row[0] for side in of_part for row in side}
        assert not seen & users_of_part
        seen |= users_of_part
        for side, found in zip(of_part, all_rows, strict=True):
            found += side
        assert all(day.segment.rows for side in part for day in side)
    assert all_rows == [rows_of(days), rows_of(others)]


def test_users_of_several_buckets_are_parted_as_well() -> None:
    chance = random.Random(5)
    users = [chance.randrange(-(1 << 63), 1 << 63) for _ in range(40)]
    day = Day(0, buckets([Happened(users[0], 5, "view")])[0][0].segment)
    for user in users[1:]:
        more = buckets([Happened(user, 5, "view")])[0][0].segment
        day = Day(0, merge_all([day.segment, more]))
    found: Counter[tuple[Any, ...]] = Counter()
    for part, none in in_parts([day], [], 4):
        found += rows_of(part)
        assert not none
    assert found == rows_of([day])
