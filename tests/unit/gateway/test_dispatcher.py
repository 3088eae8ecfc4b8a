"""The gateway without a network: whatever is sent is answered, never with 500, and every request is recorded once."""

from __future__ import annotations

import asyncio
import gzip
import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from starlette.routing import Route

from drishti.bus.keys import ApiKey, digest
from drishti.events import AnalyticsEvent, BatchDecoder, RequestEvent
from gateway.dispatcher import RequestRecorder
from gateway.ingest import publishing
from gateway.ingest.admission import PUBLISHED_AT_ONCE
from gateway.openapi import document as description
from gateway.sources.paths import PATHS
from rigs.asgi import body_of, call
from rigs.gateway_alone import KEY, OTHER_KEY, Bus, ask, gateway_on


async def turns_until(condition: Callable[[], bool]) -> None:
    """Lets the event loop turn until ``condition`` is true, and no longer."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - the very next turn is wanted
            await asyncio.sleep(0)


def event(event_id: str, event_type: str = "x") -> bytes:
    return json.dumps({"event_id": event_id, "event_type": event_type}).encode()


async def test_accepted_event_is_published_with_its_headers() -> None:
    bus = Bus()
    status, headers, body = await ask(gateway_on(bus), "/api/events", event("1"))
    assert (status, json.loads(body)) == (202, {"accepted": 1, "rejected": []})
    assert headers["content-type"] == "application/json"
    subject, payload, sent = bus.published[0]
    assert (subject, payload) == ("events.v1.acme.x", event("1"))
    assert sent["ce-type"] == "events.v1"
    assert sent["ce-id"] == sent["Nats-Msg-Id"]


@pytest.mark.parametrize("wrong", ["%ED%A0%80", "%FF", "a%C3", "%c3%28"])
async def test_escapes_that_are_not_utf8_are_refused_wherever_they_stand(wrong: str) -> None:
    bus = Bus()
    app, key = gateway_on(bus).app, {"authorization": f"Bearer {KEY}", "content-type": "application/json"}

    async def refused(method: str, path: str, query: str = "") -> dict[str, str]:
        raw_path = path.encode()
        sent = await call(app, unquote(path), method, key, body=event("1"), raw_path=raw_path, query_string=query.encode())
        assert sent[0]["status"] == 422
        answer: dict[str, str] = json.loads(body_of(sent))
        assert "not UTF-8" in answer["error"]
        return answer

    for method, path in (("DELETE", "/api/users/"), ("GET", "/api/analytics/cohorts/"), ("GET", "/api/dashboard/")):
        assert "field" not in await refused(method, path + wrong)
    for method, path in (("GET", "/api/analytics/query"), ("GET", "/api/export/events"), ("POST", "/api/events")):
        assert (await refused(method, path, f"a=%C3%A9&b+b={wrong}&c=1"))["field"] == "b b"
    assert bus.published == []


async def test_answer_names_what_was_rejected() -> None:
    status, _, body = await ask(gateway_on(Bus()), "/api/events", b"[" + event("1") + b',{"event_id":"2"}]')
    assert status == 202
    answer = json.loads(body)
    assert answer["accepted"] == 1
    assert [(r["index"], r["field"]) for r in answer["rejected"]] == [(1, "event_type")]


@pytest.mark.parametrize(("headers", "status"), [({"authorization": "Bearer no"}, 401), ({"authorization": ""}, 401)])
async def test_without_a_key_nothing_is_taken(headers: dict[str, str], status: int) -> None:
    bus = Bus()
    for path in ("/api/events", "/v1/traces", "/v1/metrics", "/v1/logs"):
        got, answered, _ = await ask(gateway_on(bus), path, event("1"), **headers)
        assert got == status
        assert answered["www-authenticate"].startswith("Bearer")
    assert bus.published == []


@pytest.mark.parametrize("media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"])
async def test_other_media_types_are_refused(media_type: str) -> None:
    for path in ("/api/events", "/v1/traces"):
        assert (await ask(gateway_on(Bus()), path, event("1"), content_type=media_type))[0] == 415


async def test_when_one_message_of_a_request_is_not_confirmed_the_whole_is_to_be_sent_again() -> None:
    bus = Bus()
    bus.fail_after = 1
    body = b"[" + event("1", "x") + b"," + event("2", "y") + b"]"
    status, headers, _ = await ask(gateway_on(bus), "/api/events", body)
    assert status == 503
    assert int(headers["retry-after"]) >= 1
    bus.fail_after = None
    assert (await ask(gateway_on(bus), "/api/events", body))[0] == 202
    ids = [sent["Nats-Msg-Id"] for _, _, sent in bus.published]
    assert len(ids) == 3
    assert len(set(ids)) == 2, "the stream stores the one that it had once"


async def test_before_the_bus_is_there_senders_are_told_to_come_again() -> None:
    gateway = gateway_on(None)
    metrics = b'{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"m"}]}]}]}'
    for path, body in (("/api/events", event("1")), ("/v1/metrics", metrics)):
        status, headers, _ = await ask(gateway, path, body)
        assert (status, int(headers["retry-after"]) >= 1) == (503, True)
    gateway.ring.loaded.clear()
    assert (await ask(gateway, "/api/events", event("1")))[0] == 503


async def test_too_much_at_once_is_refused_and_room_is_given_back() -> None:
    gateway = gateway_on(Bus(), in_flight_bytes=100)
    assert (await ask(gateway, "/api/events", b" " * 101))[0] == 429
    assert gateway.admission.budget.bytes == gateway.admission.budget.requests == 0
    assert (await ask(gateway, "/api/events", event("1")))[0] == 202


async def test_key_that_sends_too_fast_waits() -> None:
    gateway = gateway_on(Bus(), events_per_s=2)
    body = b"[" + b",".join(event(str(i)) for i in range(5)) + b"]"
    assert (await ask(gateway, "/api/events", body))[0] == 202
    status, headers, _ = await ask(gateway, "/api/events", body)
    assert status == 429
    assert int(headers["retry-after"]) >= 1


async def test_otlp_has_limits_of_its_own() -> None:
    gateway = gateway_on(Bus(), body_bytes=100, otlp_body_bytes=3_000, otlp_inflated_bytes=9_000, in_flight_bytes=100)
    for path, size, status in (("/api/events", 101, 413), ("/v1/traces", 3_000, 400), ("/v1/traces", 3_001, 413)):
        assert (await ask(gateway, path, b" " * size))[0] == status, (path, size)
    zipped = gzip.compress(b"{}" + b" " * 8_998)
    assert (await ask(gateway, "/v1/traces", zipped, content_encoding="gzip"))[0] == 200
    zipped = gzip.compress(b"{}" + b" " * 8_999)
    assert (await ask(gateway, "/v1/traces", zipped, content_encoding="gzip"))[0] == 413
    assert (await ask(gateway_on(Bus(), otlp_in_flight_bytes=10), "/v1/traces", b"{}" + b" " * 9))[0] == 429
    assert gateway.admission.otlp_budget.bytes == gateway.admission.otlp_budget.requests == 0


async def test_a_large_export_is_stored_while_others_are_answered() -> None:
    bus = Bus()
    gateway = gateway_on(bus)
    now = str(time.time_ns())
    times = {"startTimeUnixNano": now, "endTimeUnixNano": now}
    spans = [{"traceId": "01" * 16, "spanId": f"{i + 1:016x}", "name": "chat " + "word " * 900, **times} for i in range(512)]
    body = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}).encode()
    large = asyncio.create_task(ask(gateway, "/v1/traces", body))
    assert (await ask(gateway, "/api/events", event("1")))[0] == 202
    assert not large.done()
    assert (await large)[0] == 200
    pieces = [ResourceSpans.FromString(payload) for subject, payload, _ in bus.published if subject.startswith("spans.")]
    assert len(pieces) > 1
    assert sum(len(scope.spans) for piece in pieces for scope in piece.scope_spans) == 512


async def test_a_large_body_of_events_is_read_while_others_are_answered() -> None:
    """The nests are what costs most of all that a body of this size can hold; nothing of it is accepted."""
    gateway = gateway_on(Bus())
    nests = b",".join([b"[" * 600 + b"]" * 600] * 100)
    item = b'{"event_id":"n","event_type":"x","data":{"a":[' + nests + b"]}}"
    large = asyncio.create_task(
        ask(gateway, "/api/events", gzip.compress(b"[" + b",".join([item] * 30) + b"]"), content_encoding="gzip")
    )
    await turns_until(lambda: gateway.admission.budget.bytes > len(item) * 30)  # it is inflated, in a thread
    assert (await ask(gateway, "/api/events", event("1")))[0] == 202
    assert not large.done()
    status, _, body = await large
    assert (status, len(json.loads(body)["rejected"])) == (422, 30)


async def test_a_request_of_many_messages_stands_in_front_of_no_other_tenant() -> None:
    bus = Bus()
    bus.open.clear()
    gateway = gateway_on(bus)
    types = b"[" + b",".join(event(str(n), f"t{n}") for n in range(2_000)) + b"]"
    floods = [asyncio.create_task(ask(gateway, "/api/events", types)) for _ in range(12)]
    await turns_until(lambda: len(bus.began) == publishing.AT_ONCE)
    other = asyncio.create_task(ask(gateway, "/api/events", event("o"), authorization=f"Bearer {OTHER_KEY}"))
    for _ in range(100):
        await asyncio.sleep(0)
    bus.open.set()
    assert (await other)[0] == 202
    assert bus.began.index("events.v1.other.x") <= 2 * publishing.AT_ONCE
    for flood in floods:
        status, _, body = await flood
        assert (status, json.loads(body)["accepted"]) == (202, 2_000)


async def test_after_a_failure_no_further_message_of_the_request_is_begun() -> None:
    bus = Bus()
    bus.fail_after = 10
    types = b"[" + b",".join(event(str(n), f"t{n}") for n in range(2_000)) + b"]"
    assert (await ask(gateway_on(bus), "/api/events", types))[0] == 503
    assert len(bus.began) <= 10 + 2 * PUBLISHED_AT_ONCE


async def test_otlp_errors_have_otlps_form() -> None:
    gateway = gateway_on(Bus())
    status, _, body = await ask(gateway, "/v1/traces", b"nonsense")
    assert status == 400
    assert json.loads(body)["code"] == 3
    status, headers, body = await ask(gateway, "/v1/traces", b"nonsense", content_type="application/x-protobuf")
    assert (status, headers["content-type"]) == (400, "application/x-protobuf")
    assert body[:2] == b"\x08\x03"


async def test_an_address_that_is_not_served_says_what_is() -> None:
    gateway = gateway_on(Bus())
    for path, method, status, said in (
        ("/v1/traces/", "POST", 404, "/v1/traces, /v1/metrics and /v1/logs"),
        ("/v1/traces/v1/traces", "POST", 404, "/v1/traces, /v1/metrics and /v1/logs"),
        ("/", "POST", 405, "/v1/traces, /v1/metrics and /v1/logs"),
        ("/api/analytics/servicemap", "GET", 404, "/openapi.json"),
        ("/openapi.json", "DELETE", 405, "use GET"),
    ):
        answered, _, body = await ask(gateway, path, method=method)
        assert (answered, said in json.loads(body)["error"]) == (status, True), (path, body)


async def test_every_request_with_a_key_is_recorded_once_by_its_template_and_health_is_not() -> None:
    gateway = gateway_on(Bus())
    for path, method in (
        ("/api/events", "POST"),
        ("/api/events", "GET"),
        ("/v1/traces", "POST"),
        ("/nowhere/5", "GET"),
        ("/", "BREW"),
        ("/openapi.json", "GET"),
        ("/healthz", "GET"),
        ("/readyz", "GET"),
    ):
        await ask(gateway, path, event("1"), method=method)
    recorded: list[tuple[str, RequestEvent]] = gateway.record._waiting
    assert [(t, e.method, e.route, e.status) for t, e in recorded] == [
        ("acme", "POST", "/api/events", 202),
        ("acme", "GET", "/api/events", 405),
        ("acme", "POST", "/v1/traces", 200),
        ("acme", "GET", "/{unmatched}", 404),
        ("acme", "_OTHER", "/", 405),
        ("acme", "GET", "/openapi.json", 200),
    ]


async def test_what_the_services_send_themselves_is_nobodys_traffic() -> None:
    gateway = gateway_on(Bus())
    text = "dk_c_" + "c" * 43
    key = ApiKey(id="services", name="", tenant="acme", role="service", created_at=datetime.now(UTC))
    gateway.ring.take(digest(text), msgspec.json.encode(key))
    for path in ("/v1/metrics", "/v1/traces", "/nowhere"):
        await ask(gateway, path, b"{}", authorization=f"Bearer {text}")
    assert gateway.record._waiting == []
    await ask(gateway, "/v1/metrics", b"{}")
    assert [tenant for tenant, _ in gateway.record._waiting] == ["acme"]


async def test_requests_without_a_valid_key_are_counted_by_the_gateway_and_recorded_for_no_tenant() -> None:
    collected = InMemoryMetricReader()
    meters = MeterProvider(metric_readers=[collected], shutdown_on_exit=False)
    gateway = gateway_on(Bus())
    recorder = RequestRecorder(gateway.ring, gateway.record, meters.get_meter("drishti.gateway"))
    gateway.app._record = recorder  # type: ignore[attr-defined]
    for authorization in ("", "Bearer wrong"):
        for path in ("/api/events", "/v1/traces", "/nowhere", "/api/analytics/query", "/openapi.json"):
            method = "POST" if path in gateway.hot else "GET"
            await ask(gateway, path, event("1"), method=method, authorization=authorization)
    assert gateway.record._waiting == []
    (metric,) = collected.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics  # type: ignore[union-attr]
    assert metric.name == "drishti.gateway.unauthenticated"
    points = [(p.attributes["http.route"], p.attributes["http.response.status_code"], p.value) for p in metric.data.data_points]
    assert sorted(points) == [
        ("/api/analytics/query", 401, 2),
        ("/api/events", 401, 2),
        ("/openapi.json", 200, 2),
        ("/v1/traces", 401, 2),
        ("/{unmatched}", 404, 2),
    ]
    meters.shutdown()


async def test_callers_trace_goes_on_where_the_gateway_makes_no_spans() -> None:
    bus = Bus()
    kept = "00-" + "a" * 32 + "-" + "1" * 16 + "-01"
    for traceparent in (kept, kept[:-1] + "0", "00-nonsense-01", "00-" + "0" * 32 + "-" + "1" * 16 + "-01"):
        await ask(gateway_on(bus), "/api/events", event("1"), traceparent=traceparent)
    assert [json.loads(p).get("traceparent") for _, p, _ in bus.published] == [kept, None, None, None]
    assert bus.published[0][2]["traceparent"] == kept


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300) | st.builds(gzip.compress, st.binary(max_size=100)),
    path=st.sampled_from(["/api/events", "/v1/traces", "/v1/metrics", "/v1/logs"]),
    media_type=st.sampled_from(["application/json", "application/x-ndjson", "application/x-protobuf", "", "text/\xff"]),
    coding=st.sampled_from(["", "gzip", "identity", "br"]),
    length=st.sampled_from([None, "0", "5", "-1", "x", "99999999999"]),
)
async def test_no_bytes_make_the_gateway_fail(body: bytes, path: str, media_type: str, coding: str, length: str | None) -> None:
    bus = Bus()
    gateway = gateway_on(bus)
    headers = {"content_type": media_type, "content_encoding": coding} | ({"content_length": length} if length else {})
    status, _, _ = await ask(gateway, path, body, **headers)
    assert status in {200, 202, 400, 413, 415, 422}
    assert gateway.admission.budget.bytes == gateway.admission.budget.requests == 0
    for subject, payload, _ in bus.published:
        if subject.startswith("events."):
            BatchDecoder(AnalyticsEvent).decode(payload)


async def test_openapi_describes_every_route_and_nothing_else() -> None:
    gateway = gateway_on(Bus())
    known = {path.rstrip("/") for path in gateway.hot}
    assert known >= {"/api/events", "/v1/traces", "/v1/metrics", "/v1/logs", *PATHS}
    inner = gateway.app._inner  # type: ignore[attr-defined]
    known |= {route.path.replace(":path}", "}") for route in inner.routes if isinstance(route, Route)}
    assert set(description.document()["paths"]) == known
    status, _, body = await ask(gateway, "/openapi.json", method="GET")
    assert (status, json.loads(body)["openapi"]) == (200, "3.1.0")


def test_openapi_refers_only_to_what_it_defines() -> None:
    document = description.document()

    def refs(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["$ref"]} if isinstance(value.get("$ref"), str) else set()
            return own.union(*(refs(v) for v in value.values()))
        return set().union(*(refs(v) for v in value)) if isinstance(value, list) else set()

    assert refs(document) <= {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert document["paths"]["/api/events"]["post"]["responses"].keys() >= {
        "202",
        "401",
        "403",
        "413",
        "415",
        "422",
        "429",
        "503",
    }
