"""What SDKs of PostHog, Segment and RudderStack post becomes events of ours, and is answered as their servers answer."""

from __future__ import annotations

import base64
import gzip
import json
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

from gateway.sources import posthog, segment
from gateway.sources.batches import Batch
from gateway.sources.clocks import NETWORK_TIME, corrected, instant
from gateway.sources.handlers import handlers
from gateway.sources.paths import PATHS, POSTHOG_PATHS, SEGMENT_PATHS
from rigs.asgi import body_of, call, scope_of
from rigs.gateway_alone import KEY, Bus, gateway_on
from rigs.hostile_json import BAD_VALUES, GOOD_VALUES

NOW = datetime.now(UTC)
HOSTILE = [
    b'{"event":"x","type":"track","distinct_id":"u","userId":"u","properties":{"p":%b}}' % value
    for value in (*BAD_VALUES.values(), *GOOD_VALUES.values())
]
SOON = (NOW - timedelta(seconds=1)).isoformat()


def basic(key: str = KEY) -> dict[str, str]:
    return {"authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


async def post(
    path: str, body: Any, headers: dict[str, str] | None = None, *, query: bytes = b"", bus: Bus | None = None, **settings: Any
) -> tuple[int, Any, list[dict[str, Any]]]:
    """Status and answer, and the events that were published."""
    bus = bus or Bus()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    sent = await call(gateway_on(bus, **settings).app, path, "POST", headers or {}, body=data, query_string=query)
    events = []
    for subject, payload, _ in bus.published:
        if subject.startswith("events.v1.acme."):
            decoded = json.loads(payload)
            events += decoded if isinstance(decoded, list) else [decoded]
    return sent[0]["status"], json.loads(body_of(sent)), events


def captured(event: str = "Order Completed", **fields: Any) -> dict[str, Any]:
    return {"event": event, "distinct_id": "u1", "uuid": "e1", "properties": {}, **fields}


async def captured_as(**fields: Any) -> dict[str, Any]:
    status, _, (event,) = await post("/batch/", {"api_key": KEY, "batch": [captured(**fields)]})
    assert status == 200
    return event


async def called_as(call_: str, **fields: Any) -> dict[str, Any]:
    message = {"type": call_, "userId": "u1", "messageId": "m1", **fields}
    status, answer, (event,) = await post("/v1/batch", {"batch": [message]}, basic())
    assert (status, answer) == (200, {"success": True})
    return event


@pytest.mark.parametrize("path", [*POSTHOG_PATHS, *(f"{path}/" for path in POSTHOG_PATHS)])
async def test_every_address_of_posthog_takes_one_event_and_many(path: str) -> None:
    one = {"api_key": KEY, **captured()}
    many = {"api_key": KEY, "batch": [captured(), captured(uuid="e2")]}
    array = [captured(properties={"token": KEY}), captured(uuid="e2", properties={"token": KEY})]
    for body, ids in ((one, ["e1"]), (many, ["e1", "e2"]), (array, ["e1", "e2"])):
        status, answer, events = await post(path, body)
        assert (status, answer) == (200, {"status": 1})
        assert [event["event_id"] for event in events] == ids
        assert {event["event_type"] for event in events} == {"order_completed"}
        assert {event["user_id"] for event in events} == {"u1"}
        assert KEY not in json.dumps(events)


@pytest.mark.parametrize("slash", ["", "/"])
@pytest.mark.parametrize(("path", "kind"), SEGMENT_PATHS.items())
async def test_every_address_of_segment_takes_its_message(path: str, kind: str, slash: str) -> None:
    message = {"userId": "u1", "messageId": "m1", "event": "Order Completed", "groupId": "g1", "previousId": "p1"}
    body = message if kind else {"batch": [{"type": "track", **message}]}
    for headers, brought in ((basic(), {}), ({}, {"writeKey": KEY}), ({"authorization": f"Bearer {KEY}"}, {})):
        status, answer, (event,) = await post(path + slash, {**body, **brought}, headers)
        assert (status, answer) == (200, {"success": True})
        assert (event["event_id"], event["user_id"]) == ("m1", "u1")
        assert KEY not in json.dumps(event)


@pytest.mark.parametrize(
    ("body", "query", "headers"),
    [
        (lambda text: gzip.compress(text), b"compression=gzip-js&_=1", {"content-type": "text/plain"}),
        (lambda text: gzip.compress(text), b"", {"content-encoding": "gzip"}),
        (lambda text: b"data=" + base64.b64encode(text).replace(b"+", b"%2B").replace(b"=", b"%3D"), b"compression=base64", {}),
        (lambda text: b"data=" + base64.b64encode(text), b"", {"content-type": "application/x-www-form-urlencoded"}),
        (lambda text: base64.b64encode(text), b"", {}),
        (lambda text: b"\xef\xbb\xbf " + text, b"", {}),
    ],
)
async def test_bodies_are_unwrapped(body: Any, query: bytes, headers: dict[str, str]) -> None:
    text = json.dumps({"api_key": KEY, **captured(properties={"plan": "größer >>>???"})}, ensure_ascii=False).encode()
    status, _, (event,) = await post("/e/", body(text), headers, query=query)
    assert status == 200
    assert event["data"]["plan"] == "größer >>>???"


@pytest.mark.parametrize(
    ("fields", "event_type", "data"),
    [
        ({"event": "$pageview"}, "page_view", {}),
        ({"event": "$screen"}, "screen_view", {}),
        ({"event": "$autocapture"}, "autocapture", {}),
        ({"event": "order_completed"}, "order_completed", {}),
        ({"event": "Order  Completed!"}, "order_completed", {}),
        (
            {
                "event": "$identify",
                "properties": {"$anon_distinct_id": "a1", "$set": {"a": 1}, "$set_once": {"b": 2}, "$unset": ["c"]},
            },
            "identify",
            {"anonymous_id": "a1", "set": {"a": 1}, "set_once": {"b": 2}, "unset": ["c"]},
        ),
        ({"event": "$identify", "$set": {"a": 1}, "properties": {"$set": {"b": 2}}}, "identify", {"set": {"a": 1, "b": 2}}),
        ({"event": "$set", "$set": {"a": 1}, "$set_once": {"b": 2}}, "set_properties", {"set": {"a": 1}, "set_once": {"b": 2}}),
        ({"event": "$create_alias", "properties": {"alias": "old"}}, "alias", {"previous_id": "old"}),
        (
            {
                "event": "$groupidentify",
                "properties": {"$group_type": "company", "$group_key": "c1", "$group_set": {"seats": 5}},
            },
            "group",
            {"group_type": "company", "group_id": "c1", "set": {"seats": 5}},
        ),
        ({"properties": {"alias": "x", "set": 1}}, "order_completed", {"alias": "x", "set": 1}),
        ({"library": "posthog-python", "context": {"ip": "::1"}}, "order_completed", {"context": {"ip": "::1"}}),
        ({"properties": {"$process_person_profile": False}}, "order_completed", {"anonymous": True}),
        ({"properties": {"$device_id": "u1"}}, "order_completed", {"anonymous": True}),
        ({"properties": {"event_name": "theirs"}}, "order_completed", {"properties": {"event_name": "theirs"}}),
    ],
)
async def test_events_of_posthog(fields: dict[str, Any], event_type: str, data: dict[str, Any]) -> None:
    event = await captured_as(**fields)
    assert event["event_type"] == event_type
    assert event["data"]["event_name"] == fields.get("event", "Order Completed")
    assert {key: event["data"].get(key) for key in data} == data


async def test_a_group_that_posthog_tells_of_alone_is_no_user() -> None:
    properties = {"$group_type": "company", "$group_key": "c1", "$group_set": {}}
    alone = await captured_as(event="$groupidentify", distinct_id="$company_c1", properties=properties)
    by_somebody = await captured_as(event="$groupidentify", properties=properties)
    assert (alone.get("user_id"), by_somebody["user_id"]) == (None, "u1")


async def test_session_of_either_is_the_session_of_the_event() -> None:
    assert (await captured_as(properties={"$session_id": "s1"}))["session_id"] == "s1"
    assert (await called_as("track", event="x", context={"sessionId": 17}))["session_id"] == "17"


@pytest.mark.parametrize(
    ("kind", "fields", "event_type", "data"),
    [
        ("track", {"event": "Order Completed", "properties": {"total": 5}}, "order_completed", {"total": 5}),
        ("page", {"name": "Home", "category": "Docs", "properties": {"url": "/"}}, "page_view", {"name": "Home", "url": "/"}),
        ("screen", {"name": "Home"}, "screen_view", {"event_name": "screen", "name": "Home"}),
        (
            "identify",
            {"traits": {"plan": "pro"}, "anonymousId": "a1"},
            "identify",
            {"set": {"plan": "pro"}, "anonymous_id": "a1"},
        ),
        ("identify", {"context": {"traits": {"plan": "pro"}}}, "identify", {"set": {"plan": "pro"}}),
        ("alias", {"previousId": "p1"}, "alias", {"previous_id": "p1"}),
        ("group", {"groupId": "g", "traits": {"n": 1}}, "group", {"group_id": "g", "group_type": "group", "set": {"n": 1}}),
        ("track", {"event": "x", "userId": None, "anonymousId": "a1"}, "x", {"anonymous": True}),
        ("track", {"event": "x", "context": {"library": {"name": "l"}}}, "x", {"context": {"library": {"name": "l"}}}),
        ("track", {"event": "x", "unheard": [1], "integrations": {"All": True}}, "x", {"unheard": [1]}),
        ("track", {"event": "x", "properties": {"context": "theirs"}, "context": {"a": 1}}, "x", {"context": {"a": 1}}),
    ],
)
async def test_messages_of_segment(kind: str, fields: dict[str, Any], event_type: str, data: dict[str, Any]) -> None:
    event = await called_as(kind, **fields)
    assert event["event_type"] == event_type
    assert event["user_id"] == (fields.get("userId", "u1") or "a1")
    assert {key: event["data"].get(key) for key in data} == data


async def test_context_of_a_batch_is_that_of_its_messages() -> None:
    batch = [{"type": "track", "event": name, "userId": 7, "messageId": name} for name in "ab"]
    batch[1]["context"] = {"ip": "own"}
    _, _, events = await post("/v1/batch", {"batch": batch, "context": {"ip": "shared"}}, basic())
    assert {event["event_id"]: event["data"]["context"]["ip"] for event in events} == {"a": "shared", "b": "own"}
    assert {event["user_id"] for event in events} == {"7"}


async def test_what_is_not_valid_is_told_and_the_rest_is_stored() -> None:
    batch = [captured(), captured(distinct_id=None), {"distinct_id": "u"}, 5, captured(timestamp="never"), captured(uuid="e9")]
    status, answer, events = await post("/batch/", {"api_key": KEY, "batch": batch})
    assert (status, answer["status"]) == (200, 1)
    assert [(one["index"], one["field"]) for one in answer["rejected"]] == [
        (1, "distinct_id"),
        (2, "event"),
        (3, ""),
        (4, "timestamp"),
    ]
    assert [event["event_id"] for event in events] == ["e1", "e9"]


async def test_rejected_events_are_counted_and_nothing_of_them_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    reader = InMemoryMetricReader()
    gateway = gateway_on(Bus())
    meter = MeterProvider([reader]).get_meter("test")
    take = handlers(gateway.admission, gateway.intake, meter)["/batch"]
    body = {"api_key": KEY, "batch": [captured(), captured("my secret", distinct_id=None), {"my secret": 1}]}

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": json.dumps(body).encode()}

    with caplog.at_level("DEBUG"):
        answer = await take(scope_of("/batch", "POST"), {}, receive)
    assert answer.status == 200
    metric = reader.get_metrics_data().resource_metrics[0].scope_metrics[0].metrics[0]  # type: ignore[union-attr]
    assert metric.name == "drishti.gateway.sources.rejected"
    (point,) = metric.data.data_points
    assert (point.value, dict(point.attributes)) == (2, {"drishti.tenant": "acme", "drishti.source": "posthog"})  # type: ignore[union-attr]
    logged = [json.dumps(vars(record), default=str) for record in caplog.records]
    assert any("not valid" in line for line in logged)
    assert not any("my secret" in line or KEY in line for line in logged)


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("/batch", {"batch": [{}]}, {"type": "validation_error", "code": "invalid_payload", "attr": "event"}),
        ("/v1/batch", {"batch": [{"type": "dance", "userId": "u"}]}, {"success": False, "code": "invalid_payload"}),
        ("/v1/track", {"userId": "u"}, {"success": False, "code": "invalid_payload"}),
        ("/v1/batch", {}, {"success": False, "code": "invalid_payload"}),
        ("/capture", [], None),
    ],
)
async def test_where_nothing_is_valid_no_sdk_sends_it_again(path: str, body: Any, said: dict[str, Any] | None) -> None:
    status, answer, events = await post(path, body, {"authorization": f"Bearer {KEY}"})
    assert events == []
    if said is None:  # an empty batch has nothing that could be lost
        assert (status, answer) == (200, {"status": 1})
        return
    assert status == 400
    assert said.items() <= answer.items()
    assert answer["detail" if path == "/batch" else "message"]


@pytest.mark.parametrize("path", ["/batch", "/v1/batch"])
async def test_without_a_valid_key_nothing_is_taken(path: str) -> None:
    for key in ({}, {"api_key": "no", "writeKey": "no"}):
        bus = Bus()
        status, answer, _ = await post(path, {**key, "batch": [captured(type="track", userId="u")]}, bus=bus)
        assert status == 401
        assert answer["code"] == "invalid_api_key"
        assert bus.published == []


async def test_events_of_two_keys_are_no_request() -> None:
    bodies = [captured(properties={"token": KEY}), captured(properties={"token": "other"})]
    status, answer, _ = await post("/e", bodies)
    assert (status, answer["code"]) == (400, "invalid_payload")


async def test_what_is_not_stored_is_to_be_sent_again_and_counts_once() -> None:
    bus = Bus()
    bus.fail_after = 0
    body = {"api_key": KEY, "batch": [captured()]}
    status, answer, _ = await post("/batch/", body, bus=bus)
    assert (status, answer["type"]) == (503, "server_error")
    bus.fail_after = None
    assert (await post("/batch/", body, bus=bus))[0] == 200
    assert (await post("/batch/", body, bus=bus))[2][0]["event_id"] == "e1"


async def test_event_without_an_id_has_the_same_one_when_it_comes_again() -> None:
    dated, undated = captured(uuid=None, timestamp=SOON), captured(uuid=None)
    ids = [(await captured_as(**event))["event_id"] for event in (dated, dated, undated, undated)]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


@pytest.mark.parametrize("path", ["/batch", "/v1/batch"])
async def test_bodies_are_bounded_before_and_after_inflating(path: str) -> None:
    bomb = gzip.compress(b"[" + b" " * 5_000_000 + b"]")
    assert (await post(path, bomb, basic()))[0] == 413
    assert (await post(path, bomb))[0] == 413
    assert (await post(path, b"x" * 2_000_000, basic()))[0] == 413
    many = {"api_key": KEY, "batch": [{}] * 11}
    assert (await post(path, many, basic(), events=10))[0] == 413
    shared = {"batch": [{"type": "track", "event": "x", "userId": "u"}] * 1_000, "context": {"x": "y" * 50_000}}
    if path == "/v1/batch":
        assert (await post(path, shared, basic()))[0] == 413


LISTS = b"[" + b"[]," * 300_000 + b"[]]"


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("/batch", b"[" + b"0," * 1_500_000 + b"0]", 413, "more than 10000 events"),
        ("/batch", b'{"batch":[' + b"{}," * 10_000 + b"{}]}", 413, "more than 10000 events"),
        ("/batch", b'{"batch":[],"x":' + LISTS + b"}", 400, "what stands beside batch"),
        ("/batch", b'{"batch":[],"sent_at":' + LISTS + b"}", 400, "what stands beside batch"),
        ("/batch", b'{"event":"x","properties":{"x":' + LISTS + b"}}", 400, "an event may have"),
        ("/batch", b"[NaN," + LISTS + b"]", 413, "too much to be mended"),
        ("/batch", b"[NaN," + b"0," * 300_000 + b"0]", 413, "too much to be mended"),
        ("/v1/batch", b'{"batch":[' + b"0," * 1_500_000 + b"0]}", 413, "more than 10000 events"),
        ("/v1/batch", b'{"batch":[],"context":' + LISTS + b"}", 400, "what stands beside batch"),
        ("/v1/track", b'{"event":"x","sentAt":' + LISTS + b"}", 400, "an event may have"),
    ],
)
async def test_what_no_event_may_be_is_refused_before_anything_is_built_of_it(
    path: str, body: bytes, status: int, said: str
) -> None:
    """Whoever sends it need not have a key: a few KiB of gzip would keep all others waiting."""
    for headers in ({}, basic()):
        answered, answer, events = await post(path, gzip.compress(body, 1), {**headers, "content-encoding": "gzip"})
        assert (answered, events) == (status, [])
        assert said in (answer.get("detail") or answer["message"])


async def test_not_a_number_is_null_as_with_their_servers() -> None:
    body = f'{{"api_key": "{KEY}", "batch": [{json.dumps(captured(properties={"n": float("nan"), "s": "NaN"}))}]}}'
    _, _, (event,) = await post("/batch", body.encode())
    assert (event["data"]["n"], event["data"]["s"]) == (None, "NaN")


@pytest.mark.parametrize("off", [timedelta(hours=-3), timedelta(days=400), timedelta(hours=3)])
async def test_clocks_that_are_wrong_are_corrected_by_when_it_was_sent(off: timedelta) -> None:
    by_sender = datetime.now(UTC) + off
    happened = by_sender - timedelta(minutes=5)
    message = {"type": "track", "event": "x", "userId": "u", "timestamp": happened.isoformat()}
    _, _, (event,) = await post("/v1/batch", {"batch": [message], "sentAt": by_sender.isoformat()}, basic())
    age = datetime.now(UTC) - datetime.fromisoformat(event["timestamp"])
    assert timedelta(minutes=5) <= age < timedelta(minutes=6)
    assert datetime.fromisoformat(event["data"]["original_timestamp"]) == happened
    body = {"api_key": KEY, "batch": [captured(timestamp=happened.isoformat())], "sent_at": by_sender.isoformat()}
    _, _, (event,) = await post("/batch", body)
    assert datetime.now(UTC) - datetime.fromisoformat(event["timestamp"]) < timedelta(minutes=6)


async def test_times_of_historical_migrations_are_as_they_are() -> None:
    happened = NOW - timedelta(days=2)
    sent = {"sent_at": (NOW - timedelta(days=1)).isoformat(), "historical_migration": True}
    _, _, (event,) = await post("/batch", {"api_key": KEY, "batch": [captured(timestamp=happened.isoformat())], **sent})
    assert datetime.fromisoformat(event["timestamp"]) == happened


def test_no_clock_is_corrected_for_what_the_network_takes_or_out_of_the_window() -> None:
    at = NOW - timedelta(minutes=1)
    assert corrected(at, NOW - NETWORK_TIME, NOW) == at
    assert corrected(at, None, NOW) == at
    assert corrected(at, NOW + timedelta(days=40), NOW) == at
    assert corrected(at, datetime(1, 1, 1, tzinfo=UTC), datetime.max.replace(tzinfo=UTC)) == at
    assert corrected(at, NOW + timedelta(hours=1), NOW) == at - timedelta(hours=1)


def test_instants_in_every_form_that_sdks_write() -> None:
    wanted = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    for value in ("2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", "2026-01-02 03:04:05", 1767323045, 1767323045000):
        assert instant(value, "timestamp") == wanted


async def test_offset_of_a_browser_is_from_when_it_was_sent() -> None:
    event = await captured_as(offset=60_000)
    age = datetime.now(UTC) - datetime.fromisoformat(event["timestamp"])
    assert timedelta(seconds=60) <= age < timedelta(seconds=120)


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(st.characters(exclude_categories=["Cs"]), max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
_properties = st.dictionaries(
    st.sampled_from(["event_name", "properties", "context", "anonymous", "set", "$set", "alias", "token", "$lib", "plan"]),
    _json,
)


@given(properties=_properties, name=st.sampled_from(["$identify", "$create_alias", "x", "$groupidentify"]))
def test_every_property_that_posthog_sends_is_in_the_data(properties: dict[str, Any], name: str) -> None:
    item = json.dumps(captured(name, properties=properties, context={"ours": 1})).encode()
    data = json.loads(posthog.event_of(Batch([item], {}), 0, item))["data"]
    renamed = {"$set": "set", **({"alias": "previous_id"} if name == "$create_alias" else {})}
    assert_kept(properties, data, {key: ours for key, ours in renamed.items() if key in properties})


@given(properties=_properties, unknown=st.dictionaries(st.sampled_from(["channel", "name", "integrations", "x"]), _json))
def test_every_property_that_segment_sends_is_in_the_data(properties: dict[str, Any], unknown: dict[str, Any]) -> None:
    message = {"type": "track", "event": "E", "userId": "u", "messageId": "m", "properties": properties, **unknown}
    item = json.dumps(message).encode()
    data = json.loads(segment.event_of(Batch([item], {}), 0, item))["data"]
    assert_kept(properties, data, {})
    assert_kept(unknown, data, {})


def assert_kept(given_: dict[str, Any], data: dict[str, Any], renamed: dict[str, str]) -> None:
    """Each value is under its key, under its name here, or below ``properties`` where the key has another meaning."""
    for key, value in given_.items():
        places: list[Any] = [data.get(renamed.get(key, key))]
        below = data.get("properties")
        while isinstance(below, dict):
            places.append(below.get(key))
            below = below.get("properties")
        assert value in places, (key, value, data)


async def test_two_thousand_random_bodies_are_never_an_error_of_ours() -> None:
    drawn = random.Random(7)
    gateway = gateway_on(Bus())
    statuses = set()
    for number in range(2_000):
        path = drawn.choice(PATHS)
        body = _random_body(drawn, number)
        headers = drawn.choice([{}, basic(), {"authorization": "Basic ???"}, {"content-encoding": "gzip"}])
        query = drawn.choice([b"", b"_=9999999999999999", b"compression=gzip-js&_=-1", b"%ff=%00&" * 30])
        sent = await call(gateway.app, path, "POST", headers, body=body, query_string=query)
        status = sent[0]["status"]
        assert status < 500, (path, body[:200], body_of(sent))
        statuses.add(status)
    assert {200, 400, 401} <= statuses


def _random_body(drawn: random.Random, number: int) -> bytes:
    event = captured() | {"type": "track", "userId": "u", "api_key": KEY, "writeKey": KEY, "messageId": "m"}
    for _ in range(drawn.randrange(4)):
        event[drawn.choice([*event, "timestamp", "$set", "context", "traits", "offset", "options", "sent_at", "sentAt"])] = (
            drawn.choice(
                [None, 1, -1.5, 10**400, "", "x" * 300, "\ud800", "\0", [], {}, [[]], {"a": {}}, True, "1e999", NOW.year]
            )
        )
    text = json.dumps(drawn.choice([event, [event], {"api_key": KEY, "batch": [event, event]}, {"batch": event}])).encode()
    match number % 6:
        case 0:
            text = bytes(drawn.randrange(256) for _ in range(drawn.randrange(60)))
        case 1:
            text = text[: drawn.randrange(len(text))]
        case 2:
            text = b'{"api_key":"%b","writeKey":"%b","batch":[%b]}' % (KEY.encode(), KEY.encode(), drawn.choice(HOSTILE))
        case 3:
            text = drawn.choice([gzip.compress(text), base64.b64encode(text), b"data=" + base64.b64encode(text), b"data=%ff"])
    return text
