"""Log records that nobody would send, and many of them: each is stored once or refused with a reason, and costs no other."""

from __future__ import annotations

import time
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, KeyValueList
from opentelemetry.proto.logs.v1.logs_pb2 import LogRecord

from analytics.storage import log_counts
from drishti.messages import subjects
from rigs.analytics import Rig
from rigs.log_records import TOKEN, message, pair, record


def nested(depth: int, *, as_list: bool = False) -> AnyValue:
    value = AnyValue(string_value="deep")
    for _ in range(depth):
        if as_list:
            value = AnyValue(array_value=ArrayValue(values=[value]))
        else:
            inner = KeyValueList()
            inner.values.add(key="k").value.CopyFrom(value)
            value = AnyValue(kvlist_value=inner)
    return value


NOW_NS = time.time_ns()
NUL = "a\0b"
BODIES = {
    "none": None,
    "empty": AnyValue(),
    "int": AnyValue(int_value=-(2**63)),
    "double": AnyValue(double_value=float("nan")),
    "infinite": AnyValue(double_value=float("-inf")),
    "bool": AnyValue(bool_value=False),
    "bytes": AnyValue(bytes_value=bytes(range(256)) * 100),
    "text": AnyValue(string_value="x" * 900_000),
    "words": AnyValue(string_value="wort " * 180_000),
    "brackets": AnyValue(string_value="[{(" * 300_000),
    "quotes": AnyValue(string_value="\"'=" * 300_000),
    "lines": AnyValue(string_value="\n" * 900_000),
    "braces": AnyValue(string_value='{"a":' * 150_000),
    "nul": AnyValue(string_value=NUL),
    "controls": AnyValue(string_value="".join(map(chr, range(32)))),
    "surrogate escape": AnyValue(string_value='{"message": "\\ud800 \\u0000"}'),
    "list": AnyValue(array_value=ArrayValue(values=[AnyValue(int_value=1), AnyValue(), nested(3)])),
    "deep map": nested(28),
    "deep list": nested(40, as_list=True),
    "wide": AnyValue(kvlist_value=KeyValueList(values=[pair(f"k{n}", string_value="v" * 20) for n in range(20_000)])),
    "huge number in JSON": AnyValue(string_value='{"msg": ' + "9" * 8_000 + "}"),
}
FIELDS: dict[str, dict[str, Any]] = {
    "time zero": {"time_unix_nano": 0},
    "observed only": {"time_unix_nano": 0, "observed_time_unix_nano": NOW_NS - 5_000_000_000},
    "severity below": {"severity_number": -1},
    "severity above": {"severity_number": 2**31 - 1},
    "severity text": {"severity_number": 0, "severity_text": "ERROR\0" * 10_000},
    "trace of zeroes": {"trace_id": bytes(16), "span_id": bytes(8)},
    "trace too short": {"trace_id": b"t", "span_id": b"s" * 8},
    "trace too long": {"trace_id": b"t" * 100_000, "span_id": b"s" * 100},
    "span alone": {"span_id": b"s" * 8},
    "flags": {"flags": 2**32 - 1, "trace_id": b"t" * 16, "span_id": b"s" * 8},
    "dropped": {"dropped_attributes_count": 2**32 - 1},
    "attribute of a megabyte": {"attributes": [pair("a", string_value="x" * 900_000)]},
    "attributes": {"attributes": [pair(f"a{n}", int_value=n) for n in range(10_000)]},
    "attribute names": {"attributes": [pair("", int_value=1), pair(NUL, string_value=NUL), pair("k" * 100_000, int_value=1)]},
    "repeated attribute": {"attributes": [pair("a", int_value=1), pair("a", string_value="2")]},
    "exception": {"attributes": [pair("exception.message", bytes_value=b"\xff"), pair("exception.type", int_value=3)]},
    "event without a name": {"event_name": " "},
    "event of dots": {"event_name": "..."},
    "event of wildcards": {"event_name": "> * $SYS.x"},
    "event in Japanese": {"event_name": "\u6ce8\u6587"},
    "event of a megabyte": {"event_name": "e" * 900_000},
    "event of nul": {"event_name": NUL},
    "event of ours": {"event_name": "page_view", "attributes": [pair("duration_ms", string_value="long")]},
    "event name as a number": {"attributes": [pair("event.name", int_value=7)]},
    "event too deep": {"event_name": "deep", "body": nested(30)},
    "event too wide": {
        "event_name": "wide", "body": BODIES["wide"],
        "attributes": [pair(f"a{n}", string_value="x" * 90) for n in range(3_000)],
    },
    "event of nan": {"event_name": "nan", "attributes": [pair("n", double_value=float("nan"))]},
    "event of large numbers": {
        "event_name": "large", "attributes": [pair("i", int_value=2**63 - 1), pair("d", double_value=1e308)],
    },
    "event of strange ids": {
        "event_name": "ids",
        "attributes": [pair("user.id", string_value=NUL + "u" * 9_000), pair("session.id", int_value=-(2**63))],
    },
}  # fmt: skip
REFUSED = {
    "the past": {"time_unix_nano": 1},
    "the future": {"time_unix_nano": NOW_NS + 86_400_000_000_000},
    "the end of time": {"time_unix_nano": 2**64 - 1},
    "observed in the future": {"time_unix_nano": 0, "observed_time_unix_nano": 2**63},
}


async def publish(world: Rig, *records: LogRecord, service: str = "Checkout API") -> None:
    await world.admin.publish(subjects.logs(world.tenant, TOKEN), message(*records, service=service).SerializeToString())


async def test_whatever_a_record_says_it_is_stored_once_and_so_is_the_one_beside_it(world: Rig) -> None:
    strange = [record(body=body) for body in BODIES.values()] + [record(**fields) for fields in FIELDS.values()]
    refused = [record(**fields) for fields in REFUSED.values()]
    events = sum(1 for one in FIELDS.values() if "event_name" in one)
    async with world.running():
        for number, one in enumerate(strange + refused):
            await publish(world, record("beside", attributes=[pair("n", int_value=number)]), one)
        await world.wait_settled()
        letters = await world.dead()
        assert sorted({letter.reason.partition(":")[0] for letter in letters}) == ["time_unix_nano"], letters[:1]
        assert len(letters) == len(refused)
        assert await world.rows("log_records") == 2 * len(strange) + len(refused)
        assert await world.rows("events") == events
        since = {"from_ms": NOW_NS // 1_000_000 - 60_000}  # of when the module was read, which may be a while ago
        assert await world.total("log_records", "count", **since) == 2 * len(strange) + len(refused)
        counted = "SELECT sum(count) FROM log_counts WHERE tenant = $1 AND NOT hourly"
        assert await world.fetchval(counted, world.tenant) == 2 * len(strange) + len(refused)


async def test_services_and_kinds_of_events_without_end_are_all_counted(world: Rig) -> None:
    """Beyond the limits of metrics, names and templates they are counted as other, and the records are there all the same."""
    kinds, services = 5_000, 1_500
    async with world.running(batch_items=1_000):
        for begin in range(0, kinds, 1_000):
            await publish(world, *(record(f"kind {n}", event_name=f"kind-{n}") for n in range(begin, begin + 1_000)))
        for number in range(services):
            await publish(world, record(f"of {number}"), service=f"service-{number}")
        await publish(world, record("beside"), service="another")
        await world.wait_settled()
        assert await world.rows("log_records") == kinds + services + 1
        assert await world.rows("events") == kinds
        assert await world.total("log_records", "count") == kinds + services + 1
        assert await world.total("events", "count") == kinds
        counted = "SELECT sum(count)::int, count(*)::int FROM log_counts WHERE tenant = $1 AND NOT hourly"
        connection = await world.connect()
        try:
            records, rows = await connection.fetchrow(counted, world.tenant)
        finally:
            await connection.close()
        assert records == kinds + services + 1
        assert rows <= 3 * log_counts.OF_TENANT, "a test may be of three minutes"
        assert await world.dead() == []
