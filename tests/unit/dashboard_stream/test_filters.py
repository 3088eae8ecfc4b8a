"""Questions about some values of dimensions: live as those of everything, and named so that both are kept apart."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboard_stream.boards.dashboards import dashboard_of, describe
from dashboard_stream.live.channel import Channel
from dashboard_stream.live.hub import Hub
from dashboard_stream.live.tenant import VIEW_BYTES
from drishti.dashboards import document_reading
from drishti.dashboards.choices import Choice
from drishti.dashboards.documents import DashboardDocument
from drishti.events import Frame
from drishti.measures.built_in import FED
from drishti.measures.definition_checks import InvalidDefinition
from rigs.aggregates import NOW_MS, aggregate, second

SERIES = [
    ({}, {"count": 16, "errors": 4}),
    ({"service": "web"}, {"count": 9, "errors": 1}),
    ({"service": "agni"}, {"count": 4, "errors": 3}),
    ({"service": "a,b"}, {"count": 3}),
    ({"service": "web", "route": "/x"}, {"count": 7}),
    ({"service": "web", "route": "/y"}, {"count": 2}),
    ({"service": "agni", "route": "/x"}, {"count": 4}),
    ({"service": "a,b", "route": "/z"}, {"count": 3}),
]


def document(*lines: dict[str, Any]) -> DashboardDocument:
    panel = {"kind": "time_series", "title": "t", "lines": [{"metric": "requests", "field": "count"} | line for line in lines]}
    return document_reading.given({"name": "own", "title": "own", "panels": [panel]})


def opened(*lines: dict[str, Any]) -> tuple[Hub, Channel]:
    own = {"own": document(*lines)}
    hub = Hub("e1", documents_of=lambda _tenant: own)
    channel = hub.channel("acme", "own")
    assert channel is not None
    channel.watched = True
    return hub, channel


def shown(channel: Channel, since: int | None = None) -> dict[str, float | None]:
    frame = msgspec.json.decode(channel.frame(since, {}, NOW_MS), type=Frame)
    return {name: points[-1][1] for name, points in frame.data.series.items()}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ({"only": {"service": "web"}}, {"requests.count[service=web]": 9}),
        ({"only": {"service": ["web", "agni"]}}, {"requests.count[service=agni,web]": 13}),
        ({"without": {"service": "web"}}, {"requests.count[service!=web]": 7}),
        ({"only": {"service": "a,b"}}, {"requests.count[service=a%2Cb]": 3}),
        ({"only": {"service": "nobody"}}, {}),
        (
            {"only": {"service": "web"}, "by": "route"},
            {
                "requests.count[service=web]": 9,
                "requests.count[service=web]{route=/x}": 7,
                "requests.count[service=web]{route=/y}": 2,
            },
        ),
        (
            {"only": {"service": ["web", "agni"]}, "by": "route", "total": False},
            {"requests.count[service=agni,web]{route=/x}": 11, "requests.count[service=agni,web]{route=/y}": 2},
        ),
        (
            {"only": {"service": ["web", "agni"]}, "by": "service"},
            {
                "requests.count[service=agni,web]": 13,
                "requests.count[service=agni,web]{service=web}": 9,
                "requests.count[service=agni,web]{service=agni}": 4,
            },
        ),
        ({"only": {"service": "web"}, "without": {"route": "/x"}}, {"requests.count[route!=%2Fx;service=web]": 2}),
        ({"field": "error_rate", "only": {"service": ["web", "agni"]}}, {"requests.error_rate[service=agni,web]": 0.3077}),
    ],
)
def test_a_question_is_of_the_values_that_it_names(line: dict[str, Any], expected: dict[str, float]) -> None:
    hub, channel = opened(line)
    assert hub.take_aggregate(aggregate("requests", second(-3), SERIES, tenant="acme"), NOW_MS) == (
        [channel] if expected else []
    )
    assert shown(channel) == expected


def test_what_changes_goes_on_beside_the_question_of_everything() -> None:
    hub, channel = opened({}, {"only": {"service": "web"}}, {"only": {"service": "agni"}})
    hub.take_aggregate(aggregate("requests", second(-3), SERIES, tenant="acme", revision=1), NOW_MS)
    channel.advance()
    seq = channel.seq
    later = [({}, {"count": 17}), ({"service": "web"}, {"count": 10}), ({"service": "agni"}, {"count": 4, "errors": 3})]
    hub.take_aggregate(aggregate("requests", second(-3), later, tenant="acme", revision=2), NOW_MS)
    channel.advance()
    assert shown(channel, seq) == {"requests.count": 17, "requests.count[service=web]": 10}
    assert shown(channel)["requests.count[service=agni]"] == 4


def test_percentiles_of_several_values_are_not_put_together() -> None:
    lines = [{"metric": "request_duration_ms", "field": "p95", "only": {"service": one}} for one in ("web", ["web", "agni"])]
    hub, channel = opened(*lines)
    series = [({"service": "web"}, {"count": 9, "p95": 8.0}), ({"service": "agni"}, {"count": 4, "p95": 2.0})]
    hub.take_aggregate(aggregate("request_duration_ms", second(-3), series, tenant="acme"), NOW_MS)
    assert shown(channel) == {"request_duration_ms.p95[service=web]": 8, "request_duration_ms.p95[service=agni,web]": None}
    live = {entry["name"]: entry.get("live", True) for entry in describe(channel.dashboard)["series"]}
    assert live == {"request_duration_ms.p95[service=web]": True, "request_duration_ms.p95[service=agni,web]": False}


def test_what_is_asked_is_described_as_the_query_takes_it() -> None:
    wanted = document({"only": {"service": ["web", "agni"]}, "without": {"status": ["500", "404"]}})
    (entry,) = describe(dashboard_of(wanted, FED))["series"]
    assert entry["filters"] == [
        {"label": "service", "op": "in", "values": ["agni", "web"]},
        {"label": "status", "op": "!=", "value": "404"},
        {"label": "status", "op": "!=", "value": "500"},
    ]
    assert entry["live"] is False, "the metric does not go live by service and status together"


def test_what_contradicts_itself_or_names_no_value_is_refused() -> None:
    for line, field in [
        ({"only": {"service": "web"}, "without": {"service": "agni"}}, "panels[0].lines[0].without.service"),
        ({"only": {"service": []}}, "panels[0].lines[0].only[...]"),
        ({"only": {"service": ""}}, "panels[0].lines[0].only[...]"),
        ({"only": {"a": "1", "b": "1", "c": "1", "d": "1"}}, "panels[0].lines[0].only"),
    ]:
        with pytest.raises(InvalidDefinition) as refused:
            document(line)
        assert [fault.field for fault in refused.value.faults] == [field]


class Chosen:
    """A hub with one dashboard whose service is a variable."""

    def __init__(self, **settings: Any) -> None:
        variable = {"name": "service", "metric": "requests", "dimension": "service", "several": True}
        line = {"metric": "requests", "field": "count", "only": {"service": "$service"}}
        panel = {"kind": "time_series", "title": "Of $service", "lines": [line]}
        own = {"own": document_reading.given({"name": "own", "title": "o", "variables": [variable], "panels": [panel]})}
        self.hub = Hub("e1", documents_of=lambda _tenant: own, **settings)

    def open(self, *services: str) -> Channel | None:
        channel = self.hub.channel("acme", "own", Choice((("service", services),) if services else ()))
        if channel is not None:
            channel.watched = True
        return channel


def test_each_choice_of_values_has_its_own_frames_and_equal_choices_share_them() -> None:
    rig = Chosen()
    everything, web, both = rig.open(), rig.open("web"), rig.open("agni", "web")
    assert rig.open("web") is web
    assert web is not None
    assert both is not None
    assert everything is not None
    rig.hub.take_aggregate(aggregate("requests", second(-3), SERIES, tenant="acme"), NOW_MS)
    assert shown(everything) == {"requests.count": 16}
    assert shown(web) == {"requests.count[service=web]": 9}
    assert shown(both) == {"requests.count[service=agni,web]": 13}
    described = describe(web.dashboard)
    assert described["ws"] == "/api/dashboard/ws/own?var-service=web"
    assert [(one["values"], one["counted_by"]) for one in described["variables"]] == [(("web",), "count")]
    assert [panel["title"] for panel in described["panels"]] == ["Of web"]


def test_choices_that_nobody_looks_at_give_way_and_others_are_refused_where_there_is_no_room() -> None:
    rig = Chosen(room_bytes=3 * VIEW_BYTES + 100_000)
    first, second_, third = rig.open("a"), rig.open("b"), rig.open("c")
    assert None not in (first, second_, third)
    assert rig.open("d") is None
    assert first is not None
    assert second_ is not None
    first.watched = second_.watched = False
    assert rig.open("a") is first, "asked for again, it gives way after the other"
    first.watched = False
    assert rig.open("d") is not None
    assert second_.gone
    assert not first.gone
    assert len(rig.hub._channels) == 3
