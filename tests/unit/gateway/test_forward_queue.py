"""What waits to be forwarded is bounded, fair and complete; when to try again is what the target and the specification say."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti.errors import SettingsError
from drishti.settings import load
from gateway.forwarding.queue import ForwardQueue
from gateway.forwarding.retries import LONGEST_PAUSE_S, LONGEST_RETRY_AFTER_S, pause_s, retry_after_s
from gateway.settings import GatewaySettings

NOW = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)


def test_tenants_take_turns_each_in_its_order() -> None:
    queue = ForwardQueue(1000)
    for tenant, payload in (("a", b"a1"), ("a", b"a2"), ("a", b"a3"), ("b", b"b1")):
        assert queue.add(tenant, payload) == 0
    assert queue.take(1000) == [b"a1", b"b1", b"a2", b"a3"]
    assert (len(queue), queue.bytes, queue.take(1000)) == (0, 0, [])


def test_batch_holds_as_much_as_it_may_but_at_least_one() -> None:
    queue = ForwardQueue(1000)
    for size in (300, 10, 10):
        queue.add("a", b"x" * size)
    assert [len(payload) for payload in queue.take(100)] == [300]
    assert [len(payload) for payload in queue.take(15)] == [10]
    assert [len(payload) for payload in queue.take(15)] == [10]


def test_flood_of_one_tenant_pushes_out_its_own_oldest() -> None:
    queue = ForwardQueue(100)
    queue.add("small", b"s" * 20)
    dropped = sum(queue.add("flood", bytes([number]) * 10) for number in range(20))
    assert (dropped, queue.dropped, queue.bytes) == (12, 12, 100)
    assert queue.take(1000) == [b"s" * 20, *(bytes([number]) * 10 for number in range(12, 20))]


def test_payload_larger_than_the_bound_is_dropped_itself() -> None:
    queue = ForwardQueue(10)
    assert queue.add("a", b"x" * 11) == 1
    assert (len(queue), queue.bytes, queue.dropped) == (0, 0, 1)


steps = st.lists(
    st.tuples(st.just("add"), st.sampled_from("abc"), st.integers(1, 40))
    | st.tuples(st.just("take"), st.just(""), st.integers(1, 80)),
    max_size=40,
)


@given(steps)
def test_everything_is_taken_dropped_or_waits_within_the_bound(steps: list[tuple[str, str, int]]) -> None:
    queue, taken, added = ForwardQueue(100), [], Counter[str]()
    for what, tenant, size in steps:
        if what == "add":
            added[tenant] += 1
            queue.add(tenant, f"{tenant}{added[tenant]:03}".encode() + b"." * size)
        else:
            batch = queue.take(size)
            assert len(batch) <= 1 or sum(map(len, batch)) <= size
            taken += batch
        assert queue.bytes <= 100
    assert added.total() == len(taken) + len(queue) + queue.dropped
    taken += queue.take(1000)
    for tenant in "abc":
        ours = [payload for payload in taken if payload.startswith(tenant.encode())]
        assert ours == sorted(ours)
    assert queue.bytes == 0


def test_pauses_grow_and_are_spread() -> None:
    assert [pause_s(attempt, None, 0.999999) for attempt in (1, 2, 3)] == pytest.approx([0.5, 1, 2], rel=1e-3)
    assert pause_s(1, None, 0.0) == 0.25
    assert LONGEST_PAUSE_S / 2 <= pause_s(1000, None, 0.5) <= LONGEST_PAUSE_S


def test_retry_after_is_heeded_within_reason() -> None:
    assert pause_s(1, 7.0, 0.0) == 7
    assert 7 < pause_s(9, 7.0, 0.9) < 8
    assert pause_s(1, 1e9, 0.0) == LONGEST_RETRY_AFTER_S


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (None, None),
        ("3", 3.0),
        (" 120 ", 120.0),
        ("0", 0.0),
        ("9" * 400, 999_999_999.0),
        ("Sat, 28 Nov 2026 10:00:05 GMT", 5.0),
        ("Sat, 28 Nov 2026 09:00:00 GMT", 0.0),
        ("soon", None),
        ("-1", None),
        ("", None),
        ("١", None),
        ("Sat, 99 Foo 2026 10:00:05 GMT", None),
    ],
)
def test_retry_after_is_a_number_or_a_date(text: str | None, seconds: float | None) -> None:
    assert retry_after_s(text, NOW) == seconds


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"DRISHTI_FORWARD_OTLP": "jaeger:4318"}, "must be an address that begins with http"),
        ({"DRISHTI_FORWARD_OTLP": "http://"}, "must be an address that begins with http"),
        ({"DRISHTI_FORWARD_OTLP": "http://h:99999"}, "DRISHTI_FORWARD_OTLP: "),
        ({"DRISHTI_FORWARD_OTLP": "http://h:4318/v1/traces"}, "the base address"),
        ({"DRISHTI_FORWARD_OTLP": "http://me:pw@h:4318"}, "_HEADERS"),
        ({"DRISHTI_FORWARD_OTLP": "http://h:4318?key=1"}, "_HEADERS"),
        ({"DRISHTI_FORWARD_OTLP_SIGNALS": "traces,spans"}, "'spans' is none of traces, metrics, logs"),
        ({"DRISHTI_FORWARD_OTLP_HEADERS": "authorization"}, "DRISHTI_FORWARD_OTLP_HEADERS: must be name=value"),
        ({"DRISHTI_FORWARD_OTLP_HEADERS": "a b=c"}, "DRISHTI_FORWARD_OTLP_HEADERS"),
        ({"DRISHTI_FORWARD_OTLP_HEADERS": "a=b%0d%0ac: d"}, "DRISHTI_FORWARD_OTLP_HEADERS"),
        ({"DRISHTI_FORWARD_OTLP_QUEUE_BYTES": "0"}, "must be 1 or more"),
        ({"DRISHTI_FORWARD_OTLP": "http://localhost:8000"}, "is the address of this gateway"),
        ({"DRISHTI_FORWARD_OTLP": "http://[::1]:9000/", "GATEWAY_PORT": "9000"}, "is the address of this gateway"),
        ({"DRISHTI_FORWARD_OTLP": "http://127.0.0.1:8000", "GATEWAY_HOST": "0.0.0.0"}, "is the address of this gateway"),
        ({"DRISHTI_FORWARD_OTLP": "http://10.1.2.3:8000", "GATEWAY_HOST": "10.1.2.3"}, "is the address of this gateway"),
    ],
)
def test_what_cannot_be_a_target_is_refused_at_the_start(environ: dict[str, str], said: str) -> None:
    with pytest.raises(SettingsError) as raised:
        load(GatewaySettings, environ)
    assert said in str(raised.value)
    assert "pw" not in str(raised.value)


def test_address_and_headers_of_a_target() -> None:
    environ = {
        "DRISHTI_FORWARD_OTLP": "https://collector.example/otlp/",
        "DRISHTI_FORWARD_OTLP_HEADERS": " Authorization=Bearer%20abc, x-scope = a=b ,",
    }
    forward = load(GatewaySettings, environ).forward
    assert forward.address("logs") == "https://collector.example/otlp/v1/logs"
    assert forward.sent_headers() == {"authorization": "Bearer abc", "x-scope": "a=b"}
    assert "abc" not in repr(forward)
    assert load(GatewaySettings, {"DRISHTI_FORWARD_OTLP": "None"}).forward.url == ""
