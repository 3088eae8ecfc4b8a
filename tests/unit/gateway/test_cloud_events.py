"""CloudEvents at ``POST /api/events``: binary, structured and batched, told apart by their headers."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent

from drishti.messages import jsontext
from rigs.gateway_alone import Bus, ask, gateway_on

BATCH = "application/cloudevents-batch+json"
EVENT = {"specversion": "1.0", "id": "1", "source": "/shop", "type": "Order.Paid", "data": {"total": 5}}


async def post(body: Any, **headers: str) -> tuple[int, Any, list[dict[str, Any]]]:
    """Status, answer and the events that were published."""
    bus = Bus()
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    status, _, answer = await ask(gateway_on(bus), "/api/events", data, **headers)
    events: list[dict[str, Any]] = []
    for subject, payload, sent in bus.published:
        if subject.startswith("events.v1."):
            assert sent["ce-type"] == "events.v1"
            decoded = json.loads(payload)
            events += decoded if isinstance(decoded, list) else [decoded]
    return status, json.loads(answer), events


@pytest.mark.parametrize("encode", [to_binary_event, to_structured_event])
async def test_an_event_of_the_package_is_stored_in_either_mode(encode: Any) -> None:
    message = encode(CloudEvent({"id": "1", "source": "/shop", "type": "Order.Paid", "subject": "7 €"}, {"total": 5}))
    status, answer, (event,) = await post(message.body, **{name.lower(): value for name, value in message.headers.items()})
    assert (status, answer) == (202, {"accepted": 1, "rejected": []})
    assert (event["event_id"], event["event_type"]) == ("/shop 1", "order_paid")
    assert event["data"].items() >= {"total": 5, "event_name": "Order.Paid"}.items()
    assert event["data"]["cloudevent"]["subject"] == "7 €"


async def test_a_batch_is_stored_but_for_what_is_none() -> None:
    batch = [
        EVENT,
        {**EVENT, "id": ""},
        5,
        {**EVENT, "id": "2", "type": "x"},
        {**EVENT, "id": "3", "time": "1999-01-01T00:00:00Z"},
    ]
    status, answer, events = await post(batch, content_type=BATCH)
    assert (status, answer["accepted"]) == (202, 2)
    assert [(one["index"], one["field"]) for one in answer["rejected"]] == [(1, "id"), (2, ""), (4, "timestamp")]
    assert {event["event_id"] for event in events} == {"/shop 1", "/shop 2"}


async def test_a_batch_of_far_too_many_is_refused_before_it_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(jsontext, "cut")
    status, answer, _ = await post(gzip.compress(b"[" + b"0," * 1_000_000 + b"0]"), content_type=BATCH, content_encoding="gzip")
    assert (status, answer["error"]) == (413, "more than 10000 events in one request")


async def test_binary_data_that_is_no_json_is_kept() -> None:
    about = {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "/s", "ce_type": "x"}
    _, _, (event,) = await post(b"\x00\xff", **about, content_type="application/octet-stream")
    assert event["data"]["data_base64"] == "AP8="
    status, answer, _ = await post(b"{", **about)
    assert (status, answer["rejected"][0]["field"]) == (422, "data")


@pytest.mark.parametrize(
    ("body", "headers", "status"),
    [
        ([], {"content_type": BATCH}, 422),
        ({}, {"content_type": BATCH}, 422),
        (b"[", {"content_type": BATCH}, 422),
        ({**EVENT, "specversion": "2.0"}, {"content_type": "application/cloudevents+json; charset=utf-8"}, 422),
        (EVENT, {"content_type": "application/cloudevents+avro"}, 415),
        (EVENT, {"ce_specversion": "1.0"}, 422),
        (
            b"x" * 200_000,
            {"ce_specversion": "1.0", "ce_id": "1", "ce_source": "/s", "ce_type": "x", "content_type": "text/x"},
            422,
        ),
    ],
)
async def test_what_is_no_event_is_refused(body: Any, headers: dict[str, str], status: int) -> None:
    got, answer, events = await post(body, **headers)
    assert (got, events) == (status, [])
    assert answer.get("error") or answer["rejected"][0]["error"]


async def test_an_event_of_ours_is_what_it_was_with_cloudevents_headers_of_ours() -> None:
    body = {"event_id": "1", "event_type": "x"}
    status, _, events = await post(body, ce_specversion="1.0", ce_type="events.v1", ce_id="1", ce_source="/app")
    assert (status, events) == (202, [body])
