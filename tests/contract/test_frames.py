"""What browsers get is what the AsyncAPI document says: snapshots, updates, and updates that the gateway merged of several."""

from __future__ import annotations

from typing import Any

import msgspec
from jsonschema import Draft202012Validator

from dashboard_stream.live.hub import Hub
from drishti.contracts import asyncapi
from gateway.dashboard.frames import SharedFrame, merged
from gateway.dashboard.parameters import LEAST_HZ, MOST_HZ
from rigs.aggregates import NOW_MS, aggregate, second

DOCUMENT = asyncapi.document()
FRAME = Draft202012Validator({"$ref": "#/components/schemas/Frame", "components": DOCUMENT["components"]})


def check(text: str | bytes) -> Any:
    content = msgspec.json.decode(text)
    FRAME.validate(content)
    return content


def test_frames_are_as_the_document_says_also_those_that_are_merged() -> None:
    hub = Hub("e1")
    hub.take_aggregate(aggregate("requests", second(-3), {"count": 3}), NOW_MS)
    channel = hub.channel("default", "system_overview")
    assert channel is not None
    channel.watched = True
    assert check(channel.frame(None, {}, NOW_MS))["type"] == "snapshot"
    updates = []
    for number, start in enumerate((-3, -2, -2), start=1):
        hub.take_aggregate(aggregate("requests", second(start), {"count": 10 + number}, revision=1 + number), NOW_MS)
        channel.advance()
        updates.append(SharedFrame(channel.frame(channel.seq - 1, {}, NOW_MS).encode()))
        assert check(updates[-1].text)["type"] == "update"
    both = check(merged(updates).text)
    assert both["data"]["series"]["requests.rate"] == [[second(-3), 11], [second(-2), 13]]
    # The same as one frame that the service makes for who missed all of them.
    assert both == check(channel.frame(channel.seq - 3, {}, NOW_MS))


def test_the_parameters_of_a_socket_are_those_of_the_gateway() -> None:
    query = DOCUMENT["channels"]["frame"]["bindings"]["ws"]["query"]["properties"]
    assert set(query) == {"since", "hz", "panels"}
    assert (query["hz"]["minimum"], query["hz"]["maximum"]) == (LEAST_HZ, MOST_HZ)
