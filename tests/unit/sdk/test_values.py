"""What applications put into events: converted by the rules of docs/sdk.md, or left out and counted; nothing is raised."""

from __future__ import annotations

import array
import collections
import collections.abc
import dataclasses
import decimal
import enum
import fractions
import io
import ipaddress
import math
import subprocess
import sys
import threading
import types
import uuid
from datetime import UTC, date, datetime, time, timedelta, timezone
from http import HTTPStatus
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import MagicMock

import attrs
import msgspec
import numpy as np
import pandas as pd
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from drishti.errors import InvalidPayload
from drishti.events import EVENT_BYTES, AnalyticsEvent, BatchDecoder, RequestEvent
from drishti.sdk.event_encoding import EventEncoder
from drishti.sdk.json_values import attribute

UUID = uuid.UUID("12345678-1234-5678-1234-567812345678")


class Color(enum.Enum):
    RED = "red"
    PAIR = (1, 2)
    SCORE = np.float64(0.5)


class Number(enum.IntEnum):
    ONE = 1


class Text(str):
    def __str__(self) -> str:
        raise RuntimeError("not for showing")


class Whole(int):
    """An integer of the application's own."""


class Point(NamedTuple):
    x: Any
    y: Any


@dataclasses.dataclass
class Answer:
    text: str
    score: Any = None


@attrs.define
class Attrs:
    score: Any


class Struct(msgspec.Struct, rename="camel"):
    the_score: Any


class Model(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(arbitrary_types_allowed=True)
    score: Any
    at: datetime | None = None
    secret: pydantic.SecretStr = pydantic.SecretStr("s3cret")


class TorchLike:
    """A tensor as torch and jax have them: ``size`` is a method, ``tolist`` gives Python's own numbers."""

    def __init__(self, values: Any, elements: int = 1) -> None:
        self._values, self._elements = values, elements

    def size(self) -> int:
        return self._elements

    def numel(self) -> int:
        return self._elements

    def tolist(self) -> Any:
        return self._values


class Row(collections.abc.Sequence[Any]):
    """A row of a database as SQLAlchemy has it: a sequence, and no tuple."""

    def __getitem__(self, index: Any) -> Any:
        return (1, decimal.Decimal("2.5"))[index]

    def __len__(self) -> int:
        return 2


def encoded(data: Any, **fields: Any) -> tuple[dict[str, Any], list[str]]:
    """``data`` as it is sent, and what was left out of it."""
    result = EventEncoder(AnalyticsEvent).encode(
        AnalyticsEvent(**({"event_id": "e", "event_type": "t", "data": data} | fields))
    )
    assert BatchDecoder(AnalyticsEvent).decode(result.body) == [result.event]
    return result.event.data, [left.path for left in result.left]


CONVERTED: list[tuple[Any, Any]] = [
    (Row(), [1, 2.5]),
    (memoryview(b"a-b-")[::2], "YWI="),
    (collections.UserString("a\0"), "a\ufffd"),
    (np.float64(4.5), 4.5),
    (np.float32(4.5), 4.5),
    (np.float16(4.5), 4.5),
    (np.longdouble(4.5), 4.5),
    (np.int8(4), 4),
    (np.uint64(2**64 - 1), 2**64 - 1),
    (np.bool_(True), True),
    (np.str_("x"), "x"),
    (np.float64("nan"), None),
    (np.float32("inf"), None),
    (np.datetime64("2026-01-02T03:04:05.000000001"), "2026-01-02T03:04:05"),
    (np.datetime64("2026-01-02"), "2026-01-02T00:00:00"),
    (np.datetime64("NaT"), None),
    (np.timedelta64(90, "s"), "PT90S"),
    (np.array([1.5, math.nan]), [1.5, None]),
    (np.array(3), 3),
    (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
    (np.array(["a", None, UUID], dtype=object), ["a", None, str(UUID)]),
    (np.array(["2026-01-02T03:04:05"], dtype="datetime64[ns]"), ["2026-01-02T03:04:05"]),
    (np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), [[1, 2.0]]),
    (np.mean([4, 5]), 4.5),
    (pd.Timestamp("2026-01-02T03:04:05Z"), "2026-01-02T03:04:05Z"),
    (pd.Timestamp("2026-01-02"), "2026-01-02T00:00:00"),
    (pd.Timedelta(seconds=90), "PT90S"),
    (pd.NaT, None),
    (pd.NA, None),
    (pd.Series([1, 2]), [1, 2]),
    (pd.Series(pd.to_datetime(["2026-01-02T00:00:00Z"])), ["2026-01-02T00:00:00Z"]),
    (pd.Index(["a"]), ["a"]),
    (TorchLike([1.5, 2.5], 2), [1.5, 2.5]),
    (TorchLike(7), 7),
    (decimal.Decimal("4.50"), 4.5),
    (decimal.Decimal("1E+5"), 100_000),
    (decimal.Decimal("NaN"), None),
    (decimal.Decimal("-Infinity"), None),
    (decimal.Decimal("1E+400"), "1E+400"),
    (fractions.Fraction(1, 4), 0.25),
    (10**30, 10**30),
    (math.inf, None),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
    (datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5, minutes=45))), "2026-01-02T03:04:05+05:45"),
    (datetime(2026, 1, 2, 3, 4, 5), "2026-01-02T03:04:05"),
    (date(2026, 1, 2), "2026-01-02"),
    (time(3, 4), "03:04:00"),
    (timedelta(days=1, seconds=1.5), "P1DT1.5S"),
    (UUID, str(UUID)),
    (Color.RED, "red"),
    (Color.PAIR, [1, 2]),
    (Color.SCORE, 0.5),
    (Number.ONE, 1),
    (Path("/a/b"), "/a/b"),
    (ipaddress.ip_address("10.0.0.1"), "10.0.0.1"),
    (b"ab", "YWI="),
    (bytearray(b"ab"), "YWI="),
    (memoryview(b"ab"), "YWI="),
    ({1}, [1]),
    (frozenset({"a"}), ["a"]),
    ((1, (2,)), [1, [2]]),
    (Point(1, 2), [1, 2]),
    (collections.deque([1]), [1]),
    (range(3), [0, 1, 2]),
    (array.array("d", [1.5]), [1.5]),
    ({"a": 1}.keys(), ["a"]),
    (Answer("x", 1), {"text": "x", "score": 1}),
    (Attrs(1), {"score": 1}),
    (Struct(1), {"theScore": 1}),
    (collections.OrderedDict(a=1), {"a": 1}),
    (collections.Counter("a"), {"a": 1}),
    (types.MappingProxyType({"a": 1}), {"a": 1}),
    (collections.UserDict(a=1), {"a": 1}),
    (Text("x"), "x"),
    (Whole(7), 7),
    (ValueError("what a user wrote"), "ValueError"),
    ("a\0b", "a\N{REPLACEMENT CHARACTER}b"),
    ("\ud83d\ude00", "\N{GRINNING FACE}"),
    ("x\udfff", "x\N{REPLACEMENT CHARACTER}"),
]


@pytest.mark.parametrize(("value", "expected"), CONVERTED, ids=lambda value: type(value).__name__)
def test_values_are_converted_by_their_rule_alone_and_in_company(value: Any, expected: Any) -> None:
    assert encoded({"k": value}) == ({"k": expected}, [])
    assert encoded({"k": value, "company": np.int64(1)}) == ({"k": expected, "company": 1}, [])
    assert encoded({"deep": [{"k": value}, np.int64(1)]}) == ({"deep": [{"k": expected}, 1]}, [])


@pytest.mark.parametrize(
    "holder", [Answer("x", np.int64(3)), Attrs(np.int64(3)), Model(score=np.int64(3)), {"score": np.int64(3)}]
)
def test_models_of_every_library_are_objects_whose_values_are_converted(holder: Any) -> None:
    assert encoded({"k": holder})[0]["k"]["score"] == 3
    result, _ = encoded(holder)
    assert result["score"] == 3
    assert "s3cret" not in str(result)


@pytest.mark.parametrize(
    ("key", "name"),
    [
        (1, "1"),
        (1.5, "1.5"),
        (True, "true"),
        (None, "null"),
        (UUID, str(UUID)),
        (Color.RED, "red"),
        (Number.ONE, "1"),
        (np.int64(7), "7"),
        (np.str_("x"), "x"),
        (date(2026, 1, 2), "2026-01-02"),
        (decimal.Decimal(2), "2"),
        (Text("x"), "x"),
        ("a\0", "a\N{REPLACEMENT CHARACTER}"),
        ("\ud800", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_keys_are_texts(key: Any, name: str) -> None:
    assert encoded({key: "v"}) == ({name: "v"}, [])
    assert encoded({"k": {key: np.int64(1)}}) == ({"k": {name: 1}}, [])


class Raises:
    """Whatever is asked of it, it raises."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("no")

    def __str__(self) -> str:
        raise RuntimeError("no")

    def __iter__(self) -> Any:
        raise RuntimeError("no")

    def __len__(self) -> int:
        raise RuntimeError("no")

    def tolist(self) -> Any:
        raise RuntimeError("no")


class Lazy(collections.abc.Mapping[str, Any]):
    def __getitem__(self, key: str) -> Any:
        raise ConnectionError("the database is gone")

    def __iter__(self) -> Any:
        return iter("a")

    def __len__(self) -> int:
        return 1


@pytest.mark.parametrize(
    "value",
    [
        object(),
        1j,
        lambda: 1,
        type,
        sys,
        Raises(),
        Lazy(),
        MagicMock(),
        threading.Lock(),
        pd.DataFrame({"a": [1]}),
        10**5000,
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_has_no_rule_is_left_out_with_its_path_and_everything_else_is_kept(value: Any) -> None:
    assert encoded({"k": value, "topic": "karma"}) == ({"topic": "karma"}, ["data.k"])
    assert encoded({"a": {"b": [1, value, 2]}, "n": np.int64(1)}) == ({"a": {"b": [1, None, 2]}, "n": 1}, ["data.a.b.1"])


def test_a_key_without_a_rule_is_left_out() -> None:
    assert encoded({(1, 2): "v", "n": 1}) == ({"n": 1}, ["data.<tuple>"])


def test_what_can_be_read_only_once_is_not_read(tmp_path: Path) -> None:
    numbers = iter([1, 2, 3])
    made = (n for n in (1, 2, 3))
    file = io.StringIO("line")
    data, left = encoded({"a": numbers, "b": made, "c": file, "d": map(int, "12"), "e": zip("ab", "cd", strict=True), "f": 1})
    assert (data, left) == ({"f": 1}, [f"data.{key}" for key in "abcde"])
    assert (list(numbers), list(made), file.read()) == ([1, 2, 3], [1, 2, 3], "line")
    with (tmp_path / "file").open("w+") as opened:
        opened.write("line")
        opened.seek(0)
        assert encoded({"file": opened}) == ({}, ["data.file"])
        assert opened.read() == "line"


def test_circles_and_depth_cost_no_more_than_their_key() -> None:
    circle: dict[str, Any] = {"name": "x"}
    circle["self"] = [circle]
    assert encoded({"k": circle, "n": 1}) == ({"k": {"name": "x", "self": [None]}, "n": 1}, ["data.k.self.0"])
    shared = {"a": np.int64(1)}
    assert encoded({"k": [shared, shared]}) == ({"k": [{"a": 1}, {"a": 1}]}, [])
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    data, left = encoded({"k": deep, "n": 1})
    assert data["n"] == 1
    assert len(left) == 1
    levels = 400
    flat: Any = 1
    for _ in range(levels):
        flat = [flat]
    assert encoded({"k": flat})[1] == []


def test_large_arrays_are_left_out_before_they_are_made_into_lists() -> None:
    class Huge(TorchLike):
        def tolist(self) -> Any:
            raise AssertionError("this would be gigabytes")

    data, left = encoded({"a": np.zeros(10_000_000), "b": Huge([], 10**9), "c": range(10**12), "n": 1})
    assert (data, left) == ({"n": 1}, ["data.a", "data.b", "data.c"])


def test_of_an_event_that_is_too_large_the_largest_values_are_left_out() -> None:
    data, left = encoded({"a": np.linspace(0, 1, 20_000), "n": np.int64(1), "prompt": "x" * (EVENT_BYTES // 2)})
    assert (list(data), left) == (["n", "prompt"], ["data.a"])
    for large in ("x" * EVENT_BYTES, b"x" * EVENT_BYTES, ["x" * 1000] * 200, b"x" * 10_000_000):
        assert encoded({"text": large, "output_tokens": 7}) == ({"output_tokens": 7}, ["data.text"])
    with pytest.raises(InvalidPayload, match="bytes"):
        encoded({f"k{n}": "x" * 1000 for n in range(300)})


def test_many_values_without_a_rule_are_not_all_asked() -> None:
    data, left = encoded({"n": 1, **{f"k{n}": object() for n in range(5000)}, "last": "kept"})
    assert (data, len(left)) == ({"n": 1, "last": "kept"}, 5000)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"event_id": UUID}, {"event_id": str(UUID)}),
        ({"event_id": 7}, {"event_id": "7"}),
        ({"event_id": np.int64(7)}, {"event_id": "7"}),
        ({"event_id": np.str_("x")}, {"event_id": "x"}),
        ({"event_type": Color.RED}, {"event_type": "red"}),
        ({"user_id": 7.0, "session_id": UUID}, {"user_id": "7", "session_id": str(UUID)}),
        ({"user_id": math.nan, "session_id": pd.NA}, {"user_id": None, "session_id": None}),
        ({"user_id": "a\0"}, {"user_id": "a\N{REPLACEMENT CHARACTER}"}),
        ({"version": 2}, {"version": "2"}),
        ({"service": "Checkout Service.v2"}, {"service": "checkout-service-v2"}),
        ({"data": None}, {"data": {}}),
        ({"timestamp": 1_700_000_000}, {"timestamp": datetime.fromtimestamp(1_700_000_000, UTC)}),
        ({"timestamp": np.float64(1_700_000_000.5)}, {"timestamp": datetime.fromtimestamp(1_700_000_000.5, UTC)}),
        ({"timestamp": 1_700_000_000_500}, {"timestamp": datetime.fromtimestamp(1_700_000_000.5, UTC)}),
        ({"timestamp": datetime(2026, 1, 2, 3)}, {"timestamp": datetime(2026, 1, 2, 3).astimezone()}),
        ({"timestamp": "2026-01-02T03:00:00+01:00"}, {"timestamp": datetime(2026, 1, 2, 2, tzinfo=UTC)}),
        ({"timestamp": pd.Timestamp("2026-01-02T03:00Z")}, {"timestamp": datetime(2026, 1, 2, 3, tzinfo=UTC)}),
        ({"timestamp": pd.NaT}, {"timestamp": None}),
        ({"timestamp": np.datetime64("2026-01-02T03:00")}, {"timestamp": datetime(2026, 1, 2, 3, tzinfo=UTC)}),
    ],
)
def test_fields_of_events_are_taken_as_they_are_meant(fields: dict[str, Any], expected: dict[str, Any]) -> None:
    event = EventEncoder(AnalyticsEvent).encode(AnalyticsEvent(**({"event_id": "e", "event_type": "t"} | fields))).event
    assert {name: getattr(event, name) for name in expected} == expected


def test_fields_of_requests_are_taken_as_they_are_meant() -> None:
    request = RequestEvent(
        event_id=UUID,  # type: ignore[arg-type]
        service="My Shop",
        method="GET",
        route="/x",
        status=HTTPStatus.OK,
        duration_ms=timedelta(seconds=1.5),  # type: ignore[arg-type]
        user_id=np.int64(7),  # type: ignore[arg-type]
        error=ValueError("secret"),  # type: ignore[arg-type]
    )
    result = EventEncoder(RequestEvent).encode(request)
    sent = result.event
    assert (sent.event_id, sent.service, sent.status, sent.duration_ms) == (str(UUID), "my-shop", 200, 1500.0)
    assert (sent.user_id, sent.error) == ("7", "ValueError")
    assert b"secret" not in result.body
    with pytest.raises(InvalidPayload) as raised:
        EventEncoder(RequestEvent).encode(msgspec.structs.replace(request, duration_ms=math.nan))
    assert raised.value.field == "duration_ms"


_odd = st.sampled_from([value for value, _ in CONVERTED] + [object(), 1j, Lazy()]) | st.text() | st.floats() | st.integers()
_nested = st.recursive(
    _odd,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.tuples(inner)
        | st.dictionaries(st.text() | st.integers() | st.none(), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(st.dictionaries(st.text() | st.integers(), _nested, max_size=4))
@settings(deadline=None)
def test_whatever_the_data_the_event_is_sent_and_can_be_stored(data: dict[Any, Any]) -> None:
    encoded(data)


def test_an_object_that_other_threads_change_meanwhile_harms_nothing() -> None:
    data: dict[Any, Any] = {"n": np.int64(1), "inner": {n: object() for n in range(50)}}
    stop = threading.Event()

    def change() -> None:
        n = 0
        while not stop.is_set():
            n += 1
            data[n % 100] = data["inner"][n % 100] = n
            data.pop((n + 50) % 100, None)
            data["inner"].pop((n + 50) % 100, None)

    thread = threading.Thread(target=change)
    thread.start()
    try:
        for _ in range(300):
            assert encoded(data)[0]["n"] == 1
    finally:
        stop.set()
        thread.join()


def test_no_library_is_imported_for_its_types() -> None:
    code = (
        "import sys; from drishti.analytics import Analytics, AnalyticsEvent\n"
        "event = AnalyticsEvent(event_id='e', event_type='t', data={'k': 1j})\n"
        "Analytics(nats_url='nats://nowhere.invalid')._events.encode(event)\n"
        "print([name for name in ('numpy', 'pandas', 'pydantic', 'attrs', 'torch') if name in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float32(0.5), 0.5),
        (np.int64(3), 3),
        (np.array([1, 2]), [1, 2]),
        ([1, 2.5], [1.0, 2.5]),
        (decimal.Decimal("1.5"), 1.5),
        (UUID, str(UUID)),
        (Color.RED, "red"),
        (2**70, str(2**70)),
        ("a\ud800", "a\N{REPLACEMENT CHARACTER}"),
        ({"a": np.int64(1)}, '{"a":1}'),
        ([1, "x"], '[1,"x"]'),
        (["a\0"], ["a\N{REPLACEMENT CHARACTER}"]),
        (object(), None),
        (Raises(), None),
    ],
    ids=lambda value: type(value).__name__,
)
def test_attributes_of_spans_are_converted_too(value: Any, expected: Any) -> None:
    assert attribute(value) == expected
    provider = TracerProvider()
    spans = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    with provider.get_tracer("t").start_as_current_span("s") as span:
        if expected is not None:
            span.set_attribute("k", attribute(value))
    (result,) = spans.get_finished_spans()
    kept = (result.attributes or {}).get("k")
    assert (list(kept) if isinstance(kept, tuple) else kept) == expected


def test_of_a_text_too_large_for_any_event_only_the_text_is_left_out() -> None:
    result, left = encoded({"trace": {"prompt": "x" * (EVENT_BYTES + 1), "model": "m"}, "ok": True})
    assert (result, left) == ({"trace": {"model": "m"}, "ok": True}, ["data.trace.prompt"])
