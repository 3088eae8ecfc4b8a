"""Segments of events: whatever is put in comes out, by user and time, in one go or merged, and nothing is missing silently."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.product.counting.conditions import Condition, met
from analytics.product.counting.day import Day
from analytics.product.people.exclusion import BOT_COLUMNS, Rule, left_out
from analytics.product.segments.event_rows import MAX_TEXT, EventRow, EventRows
from analytics.product.segments.segment import ANY, MAX_OMITTED, MAX_PROPERTIES, Segment, bucket_of, decode, encode, merge

HASHES = st.sampled_from([-(1 << 63), -5, -1, 0, 7, 1 << 60, (1 << 63) - 1, 3 << 60, 1 - (1 << 62)])
VALUES = st.one_of(
    st.sampled_from(["", "tea", "5", "true", "\u2603", "nan"]),
    st.integers(-3, 3),
    st.floats(allow_nan=False, allow_infinity=False),
    st.booleans(),
    st.none(),
    st.just([1]),
)
DATA = st.one_of(st.none(), st.dictionaries(st.sampled_from(["topic", "price", "\u00fc", "a.b"]), VALUES, max_size=4))
ROWS = st.lists(
    st.builds(
        EventRow,
        HASHES,
        st.integers(0, 86_399_999),
        st.sampled_from(["view", "buy"]),
        st.sampled_from([None, "shop"]),
        st.just(None),
        DATA.map(lambda data: None if data is None else json.dumps(data)),
        st.one_of(st.none(), HASHES),
    ),
    max_size=25,
)


def built(rows: list[EventRow]) -> dict[int, Segment]:
    collected = EventRows()
    for begin in range(0, len(rows), 7):
        collected.add(rows[begin : begin + 7])
    return collected.segments()


def as_rows(segments: dict[int, Segment]) -> list[tuple[int, int, tuple[tuple[str, Any], ...]]]:
    """What segments say, row by row: user, time, and each value that is not missing."""
    found = []
    for bucket, segment in segments.items():
        users = segment.of_rows()
        assert set(bucket_of(users).tolist()) == {bucket}
        pairs = list(zip(users.tolist(), segment.t.tolist(), strict=True))
        assert pairs == sorted(pairs)
        for row, (user, t) in enumerate(pairs):
            values: list[tuple[str, Any]] = []
            for name, column in segment.columns.items():
                if code := int(column.codes[row]):
                    values.append((name, column.values[code - 1]))
                elif column.numbers is not None and not math.isnan(column.numbers[row]):
                    values.append((name, float(column.numbers[row])))
            found.append((user, t, tuple(sorted(values))))
    return sorted(found, key=repr)


def expected(rows: list[EventRow]) -> list[tuple[int, int, tuple[tuple[str, Any], ...]]]:
    found = []
    for row in rows:
        values: dict[str, Any] = {"event_type": row.event_type}
        if row.service is not None:
            values["service"] = row.service
        if row.own is not None:
            values["own_id"] = str(row.own)
        for name, value in json.loads(row.data or "{}").items():
            if isinstance(value, bool):
                values[f"data.{name}"] = "true" if value else "false"
            elif isinstance(value, str | int | float):
                values[f"data.{name}"] = value if isinstance(value, str) else float(value)
        found.append((row.user, row.t, tuple(sorted(values.items()))))
    return sorted(found, key=repr)


def stored(segments: dict[int, Segment]) -> dict[int, Segment]:
    return {bucket: decode(encode(segment)) for bucket, segment in segments.items()}


@given(ROWS)
def test_what_is_put_in_comes_out_sorted_by_user_and_time(rows: list[EventRow]) -> None:
    assert as_rows(stored(built(rows))) == expected(rows)


@given(ROWS, ROWS, ROWS)
@settings(max_examples=60)
def test_merged_segments_are_those_of_all_rows(one: list[EventRow], two: list[EventRow], three: list[EventRow]) -> None:
    merged: dict[int, Segment] = {}
    for rows in (one, two, three):
        for bucket, segment in stored(built(rows)).items():
            merged[bucket] = merge(merged[bucket], segment) if bucket in merged else segment
    assert as_rows(stored(merged)) == expected(one + two + three)


def row(data: dict[str, Any] | str, t: int = 0) -> EventRow:
    return EventRow(1, t, "view", None, None, data if isinstance(data, str) else json.dumps(data))


@pytest.mark.parametrize(("number", "read"), [("1e999", math.inf), ("-1e999", -math.inf), ("1" + "0" * 400, math.inf)])
def test_numbers_that_no_float_can_be_are_infinite(number: str, read: float) -> None:
    numbers = built([row(f'{{"n": {number}}}')])[0].columns["data.n"].numbers
    assert numbers is not None
    assert numbers.tolist() == [read]


def test_properties_beyond_the_limit_are_named_as_omitted() -> None:
    segment = built([row({f"p{n:03}": n for n in range(MAX_PROPERTIES + 3)})])[0]
    assert segment.omitted == {"data.p200", "data.p201", "data.p202"}
    assert segment.omits("data.p200")
    assert not segment.omits("data.p199")
    assert not segment.omits("data.never_sent")
    assert decode(encode(segment)).omitted == segment.omitted


def test_a_flood_of_names_costs_no_known_property_its_column() -> None:
    known = built([row({"topic": "tea"})])[0]
    flood = EventRows(keep=known.columns)
    flood.add([row({f"p{n}": 1 for n in range(n, n + 500)}, t=n) for n in range(0, MAX_PROPERTIES + MAX_OMITTED + 500, 500)])
    flood.add([row({"topic": "cups"}, t=9_999)])
    merged = merge(known, flood.segments()[0])
    assert len(merged.columns.keys() - {*BOT_COLUMNS}) == MAX_PROPERTIES + 1  # and the type
    for merged_again in (merged, merge(merged, known), decode(encode(merge(merge(known, known), merged)))):
        assert not any(merged_again.omits(column) for column in BOT_COLUMNS)
    assert ANY in merged.omitted
    assert sorted(merged.columns["data.topic"].values) == ["cups", "tea"]
    assert merged.omits("data.whatever")
    assert not merged.omits("data.topic")


def test_a_flood_of_names_does_not_hide_programs() -> None:
    flood = EventRows()
    flood.add([row({f"p{n}": 1 for n in range(MAX_PROPERTIES + MAX_OMITTED + 9)}), row({"user_agent": "Googlebot/2.1"}, t=1)])
    segment = flood.segments()[0]
    assert ANY in segment.omitted
    left, programs = left_out([Day(0, segment)], [Rule(bots=True)])
    assert (left, programs) == ([], 1)


def test_a_property_that_a_segment_omits_is_omitted_of_both() -> None:
    first = built([row({f"p{n:03}": n for n in range(MAX_PROPERTIES + 1)})])[0]
    second = built([row({"p200": 1, "q": "x"})])[0]
    for merged in (merge(first, second), merge(second, first)):
        assert merged.omits("data.p200")
        assert merged.omits("data.q") == ("data.q" not in merged.columns)


def meets(data: dict[str, Any], name: str, op: Any, *values: str) -> bool:
    segment = built([row(data)])[0]
    return bool(met(segment, np.arange(1), Condition(name, op, values))[0])


@pytest.mark.parametrize(
    ("data", "op", "values", "is_met"),
    [
        ({"x": "tea"}, "=", ("tea",), True),
        ({"x": "tea"}, "!=", ("tea",), False),
        ({}, "!=", ("tea",), True),
        ({}, "=", ("",), False),
        ({"x": ""}, "=", ("",), True),
        ({"x": ""}, "exists", (), True),
        ({"x": None}, "exists", (), False),
        ({"x": 5}, "=", ("5.0",), True),
        ({"x": "5"}, "=", ("5.0",), False),
        ({"x": 5}, "!=", ("5",), False),
        ({"x": 5}, "in", ("4", "5"), True),
        ({"x": 5}, "<", ("5",), False),
        ({"x": 5}, "<=", ("5",), True),
        ({"x": -5}, ">", ("-5.5",), True),
        ({"x": "9"}, ">", ("1",), False),
        ({}, "<", ("1",), False),
        ({"x": True}, "=", ("true",), True),
        ({"x": "teapot"}, "prefix", ("tea",), True),
        ({"x": "a" * (MAX_TEXT + 1)}, "=", ("a" * (MAX_TEXT + 2),), True),
        ({"x": {"y": 1}}, "exists", (), False),
    ],
)
def test_conditions(data: dict[str, Any], op: str, values: tuple[str, ...], is_met: bool) -> None:
    assert meets(data, "data.x", op, *values) == is_met
