"""CloudEvents as the CNCF's own package writes them become events of ours, in every mode, with nothing of them lost."""

from __future__ import annotations

import base64
import contextlib
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from cloudevents.core.bindings.http import to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from drishti.errors import InvalidPayload
from drishti.events import AnalyticsEvent, BatchDecoder
from drishti.messages import cloudevents
from drishti.messages.cloudevents import BATCH_TYPE, STRUCTURED_TYPE, Mode

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
EVENT = {
    "specversion": "1.0",
    "id": "A234-1234-1234",
    "source": "https://github.com/cloudevents/spec/pull",
    "type": "com.github.pull_request.opened",
}

_events = BatchDecoder(AnalyticsEvent)


def read(headers: dict[str, str], payload: bytes) -> AnalyticsEvent:
    """The event that a message with ``headers`` is, as its consumers decode it."""
    return _events.decode_item(cloudevents.from_message(headers, payload))


def both(attributes: dict[str, Any], data: Any) -> list[AnalyticsEvent]:
    """What becomes of one CloudEvent in binary and in structured mode."""
    event = CloudEvent({**EVENT, **attributes}, data)
    messages = [to_binary_event(event), to_structured_event(event)]
    return [read(dict(message.headers), message.body) for message in messages]


def test_attributes_and_data_are_those_of_the_event_in_either_mode() -> None:
    attributes = {
        "time": datetime(2026, 4, 5, 17, 31, tzinfo=UTC),
        "subject": '123 € "x"',
        "traceparent": TRACEPARENT,
        "userid": "u1",
        "sessionid": "s1",
        "comexampleextension": "kept",
        "datacontenttype": "application/json",
    }
    for event in both(attributes, {"amount": 5, "event_name": "theirs"}):
        assert event.event_id == "https://github.com/cloudevents/spec/pull A234-1234-1234"
        assert event.event_type == "com_github_pull_request_opened"
        assert (event.user_id, event.session_id, event.traceparent) == ("u1", "s1", TRACEPARENT)
        assert event.timestamp == attributes["time"]
        assert event.data["amount"] == 5
        assert event.data["event_name"] == "com.github.pull_request.opened"
        assert event.data["properties"] == {"event_name": "theirs"}
        kept = event.data["cloudevent"]
        assert kept["subject"] == '123 € "x"'
        assert (kept["id"], kept["source"]) == (EVENT["id"], EVENT["source"])
        assert kept["comexampleextension"] == "kept"


@pytest.mark.parametrize(
    ("content_type", "data", "wanted"),
    [
        ("application/json", [1, 2], {"data": [1, 2]}),
        ("text/plain", "some text", {"data": "some text"}),
        ("application/octet-stream", b"\x00\xff", {"data_base64": base64.b64encode(b"\x00\xff").decode()}),
    ],
)
def test_data_that_is_no_object_is_kept(content_type: str, data: Any, wanted: dict[str, Any]) -> None:
    for event in both({"datacontenttype": content_type}, data):
        assert {key: event.data[key] for key in wanted} == wanted


def test_messages_of_our_own_are_no_foreign_events() -> None:
    payload = b'{"event_id":"1","event_type":"x"}'
    own = {"ce-specversion": "1.0", "ce-type": "events.v1", "ce-id": "1", "ce-source": "/drishti/gateway"}
    for headers in ({}, own, {**own, "content-type": "application/json"}):
        assert cloudevents.from_message(headers, payload) is payload


def test_the_pair_of_source_and_id_is_what_is_unique() -> None:
    pairs = [("a", "b c"), ("a b", "c"), ("a", "b"), ("a" * 300, "b"), ("a" * 300, "c")]
    ids = {cloudevents.event_id(*pair) for pair in pairs}
    assert len(ids) == len(pairs)
    assert all(0 < len(one) <= cloudevents.ID_LENGTH for one in ids)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"id": None}, "id"),
        ({"id": ""}, "id"),
        ({"source": 5}, "source"),
        ({"type": None}, "type"),
        ({"specversion": "0.3"}, "specversion"),
        ({"time": "yesterday"}, "time"),
        ({"userid": {}}, "userid"),
        ({"data": 1, "data_base64": "AA=="}, "data_base64"),
    ],
)
def test_what_is_wrong_is_named(changed: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidPayload) as raised:
        cloudevents.from_structured(json.dumps({**EVENT, **changed}).encode())
    assert raised.value.field == field


def test_a_batch_is_no_message_on_the_bus() -> None:
    assert cloudevents.mode_of({"content-type": f"{BATCH_TYPE}; charset=utf-8"}) is Mode.BATCHED
    with pytest.raises(InvalidPayload, match="send each by itself"):
        cloudevents.from_message({"Content-Type": BATCH_TYPE}, b"[]")


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
_names = st.from_regex(r"[a-z0-9]{1,20}", fullmatch=True)


@given(
    data=st.dictionaries(st.text(), _json), extensions=st.dictionaries(_names, st.text(min_size=1)), name=st.text(min_size=1)
)
def test_every_event_keeps_all_that_it_said(data: dict[str, Any], extensions: dict[str, str], name: str) -> None:
    sent = {**extensions, **EVENT, "type": name, "data": data}
    sent.pop("time", None)
    sent.pop("data_base64", None)
    event = msgspec.json.decode(cloudevents.from_structured(msgspec.json.encode(sent)), type=dict)
    displaced = event["data"].get("properties", {}) if set(data) & {"event_name", "cloudevent"} else {}
    for key, value in data.items():
        assert displaced.get(key, event["data"].get(key)) == value
    assert event["data"]["event_name"] == name
    for key in extensions.keys() - {"specversion", "type", "time", "userid", "sessionid", "data", "data_base64", "traceparent"}:
        assert event["data"]["cloudevent"][key] == sent[key]


@given(st.binary(max_size=200), st.dictionaries(st.sampled_from(["ce-id", "ce-type", "ce-source", "ce-time"]), st.text()))
def test_whatever_comes_is_an_event_or_a_reason(payload: bytes, headers: dict[str, str]) -> None:
    for mode in ({"ce-specversion": "1.0", **headers}, {"content-type": STRUCTURED_TYPE}):
        with contextlib.suppress(InvalidPayload):
            assert read(mode, payload).event_id
