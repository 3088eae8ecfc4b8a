"""Frames of single panels hold what these ask and nothing else, and are kept like other choices."""

from __future__ import annotations

import msgspec

from dashboard_stream.live.channel import Channel
from dashboard_stream.live.hub import Hub
from dashboard_stream.live.tenant import VIEW_BYTES
from drishti.dashboards import document_reading
from drishti.dashboards.choices import Choice
from drishti.events import Frame
from rigs.aggregates import NOW_MS, aggregate, second

DOCUMENT = document_reading.given(
    {
        "name": "own",
        "title": "own",
        "panels": [
            {"kind": "time_series", "title": "Requests", "lines": [{"metric": "requests", "field": "count"}]},
            {"kind": "time_series", "title": "Errors", "lines": [{"metric": "requests", "field": "error_rate"}]},
            {"kind": "time_series", "title": "Calls", "lines": [{"metric": "llm_requests", "field": "count"}]},
        ],
        "feed": [{"metric": "requests", "field": "rate"}],
    }
)


def opened(hub: Hub, *panels: str) -> Channel | None:
    channel = hub.channel("acme", "own", Choice(panels=panels))
    if channel is not None:
        channel.watched = True
    return channel


def made(**settings: int) -> Hub:
    own = {"own": DOCUMENT}
    return Hub("e1", documents_of=lambda _tenant: own, **settings)


def read(channel: Channel, since: int | None = None) -> Frame:
    return msgspec.json.decode(channel.frame(since, {}, NOW_MS), type=Frame)


def test_frames_hold_what_the_chosen_panels_ask_and_others_go_on() -> None:
    hub = made()
    everything, errors, two = opened(hub), opened(hub, "errors"), opened(hub, "calls", "requests")
    assert everything is not None
    assert errors is not None
    assert two is not None
    changed = hub.take_aggregate(aggregate("llm_requests", second(-3), {"count": 2}, tenant="acme"), NOW_MS)
    assert len(changed) == 2
    assert errors not in changed, "nothing of it is in these frames"
    hub.take_aggregate(aggregate("requests", second(-3), {"count": 16, "errors": 4}, tenant="acme"), NOW_MS)
    assert set(read(errors).data.series) == {"requests.error_rate"}
    assert set(read(two).data.series) == {"requests.count", "llm_requests.count"}
    assert {"requests.count", "requests.error_rate", "llm_requests.count"} <= set(read(everything).data.series)
    assert "requests.rate" in read(everything).data.values
    assert "requests.rate" not in read(errors).data.values, "what no panel shows is for those who ask for everything"


def test_equal_choices_share_their_frames_and_those_of_nobody_give_way() -> None:
    hub = made(room_bytes=2 * VIEW_BYTES + 100_000)
    errors, calls = opened(hub, "errors"), opened(hub, "calls")
    assert errors is not None
    assert opened(hub, "errors") is errors
    assert calls is not None
    assert opened(hub, "requests") is None, "there is no room for one more"
    calls.watched = False
    assert opened(hub, "requests") is not None
    assert calls.gone


def test_who_opens_other_panels_changes_nothing_for_those_who_look_already() -> None:
    hub = made(room_bytes=2 * VIEW_BYTES + 200_000)
    everything, errors = opened(hub), opened(hub, "errors")
    assert everything is not None
    assert errors is not None
    assert read(errors).type == "snapshot"
    hub.take_aggregate(aggregate("requests", second(-3), {"count": 16, "errors": 4}, tenant="acme"), NOW_MS)
    errors.advance()
    since = errors.seq - 1
    assert read(errors, since).type == "update"
    everything.watched = False
    assert opened(hub, "calls") is not None
    assert everything.gone, "it gave way"
    assert read(errors, since).type == "update"
