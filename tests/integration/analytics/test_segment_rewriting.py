"""Rows that are added to a stored segment, some columns at a time, make what merging in memory makes."""

from __future__ import annotations

import json
import random
from datetime import date
from typing import Any

import numpy as np
import pytest

from analytics.product.segments import stored
from analytics.product.segments.event_rows import EventRow, EventRows
from analytics.product.segments.segment import MAX_PROPERTIES, Segment, decode, encode, merge
from analytics.product.segments.stored import add_rows, put_segment, read_segment
from analytics.storage.database import Database
from drishti.settings import Secret

DAY = date(2026, 3, 1)


@pytest.fixture
async def database(postgres_url: str) -> Database:
    database = Database(Secret(postgres_url))
    await database.migrate()
    return database


def some(chance: random.Random, rows: int) -> Segment:
    collected = EventRows()
    for _ in range(rows):
        data: dict[str, Any] = {name: chance.choice(["tea", "\u00fc", 2.5, True]) for name in chance.sample("abcdef", 3)}
        service = chance.choice(["shop", None])
        row = EventRow(chance.randrange(5), chance.randrange(86_400_000), "view", service, None, json.dumps(data))
        collected.add([row])
    return collected.segments()[0]


def of_names(*names: str) -> Segment:
    collected = EventRows()
    collected.add([EventRow(1, 5, "view", None, None, json.dumps(dict.fromkeys(names, 1)))])
    return collected.segments()[0]


def assert_same(found: Segment | None, expected: Segment) -> None:
    assert found is not None
    assert found.omitted == expected.omitted
    for array in ("users", "counts", "t"):
        np.testing.assert_array_equal(getattr(found, array), getattr(expected, array))
    assert found.columns.keys() == expected.columns.keys()
    for name, column in expected.columns.items():
        np.testing.assert_array_equal(found.columns[name].codes, column.codes)
        assert list(found.columns[name].values) == list(column.values)
        assert (found.columns[name].numbers is None) == (column.numbers is None)
        if column.numbers is not None:
            np.testing.assert_array_equal(found.columns[name].numbers, column.numbers)


@pytest.mark.parametrize("values_at_once", [1, 200, 1_000_000])
async def test_rows_are_added_some_columns_at_a_time(
    database: Database, monkeypatch: pytest.MonkeyPatch, values_at_once: int
) -> None:
    monkeypatch.setattr(stored, "VALUES_AT_ONCE", values_at_once)
    chance = random.Random(3)
    parts = [some(chance, rows) for rows in (30, 1, 60, 30)]
    async with await database.connect(name="test") as session:
        async with session.transaction():
            await put_segment(session, "eve", DAY, 0, parts[0])
            await add_rows(session, "ada", DAY, 0, parts[0])
            await add_rows(session, "ada", DAY, 0, parts[1])
            await add_rows(session, "ada", DAY, 0, *parts[2:])
        expected = parts[0]
        for part in (parts[1], merge(parts[2], parts[3])):
            expected = merge(expected, part)
        assert_same(await read_segment(session, "ada", DAY, 0), decode(encode(expected)))
        assert_same(await read_segment(session, "eve", DAY, 0), parts[0])


async def test_a_column_that_would_lack_rows_is_stored_no_more(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a property that one of the two segments omits."""
    monkeypatch.setattr(stored, "VALUES_AT_ONCE", 1)
    known = of_names("known", "zoo")
    many = of_names(*(f"p{n:03}" for n in range(MAX_PROPERTIES)), "zoo")
    assert many.omits("data.zoo")
    async with await database.connect(name="test") as session:
        async with session.transaction():
            await add_rows(session, "ada", DAY, 0, known)
            await add_rows(session, "ada", DAY, 0, many)
        found = await read_segment(session, "ada", DAY, 0)
        assert_same(found, decode(encode(merge(known, many))))
        assert found is not None
        assert found.omits("data.zoo")
        assert "data.known" in found.columns
