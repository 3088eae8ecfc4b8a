"""Dashboards that a tenant made: kept while somebody looks, with a past of their own, and gone when they are deleted."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboard_stream.boards.dashboards import dashboard_of, describe
from dashboard_stream.live.channel import Channel
from dashboard_stream.live.history import History, Missing, Needs, TableKey
from dashboard_stream.live.hub import Hub
from dashboard_stream.live.tenant import REFRESH_MS, VIEW_BYTES
from drishti.dashboards import document_reading
from drishti.dashboards.documents import DashboardDocument
from drishti.events import Frame
from drishti.measures.built_in import METRICS
from rigs.aggregates import NOW_MS, aggregate, second


def document(name: str, *lines: dict[str, Any]) -> DashboardDocument:
    return document_reading.given(
        {"name": name, "title": name, "panels": [{"kind": "time_series", "title": "t", "lines": list(lines)}]}
    )


class Rig:
    def __init__(self, **settings: Any) -> None:
        self.documents: dict[str, dict[str, DashboardDocument]] = {}
        self.hub = Hub("e1", documents_of=lambda tenant: self.documents.get(tenant, NONE), **settings)

    def store(self, *documents: DashboardDocument, tenant: str = "acme") -> None:
        self.documents[tenant] = {document.name: document for document in documents}

    def open(self, name: str, tenant: str = "acme") -> Channel:
        channel = self.hub.channel(tenant, name)
        assert channel is not None
        channel.watched = True
        return channel


NONE: dict[str, DashboardDocument] = {}


def frame(channel: Channel, since: int | None = None, now_ms: int = NOW_MS) -> Frame:
    return msgspec.json.decode(channel.frame(since, {}, now_ms), type=Frame)


def test_a_dashboard_that_a_tenant_made_is_live_for_that_tenant_alone() -> None:
    rig = Rig()
    rig.store(document("own", {"metric": "llm_tokens", "field": "sum", "by": "direction"}))
    channel = rig.open("own")
    assert rig.hub.channel("other", "own") is None
    assert rig.hub.names("acme")[-1] == "own"
    assert "own" not in rig.hub.names("other")
    series = [({}, {"count": 2, "sum": 9.0}), ({"direction": "in"}, {"count": 2, "sum": 9.0})]
    assert channel in rig.hub.take_aggregate(aggregate("llm_tokens", second(-3), series, tenant="acme"), NOW_MS)
    assert frame(channel).data.series["llm_tokens.sum{direction=in}"] == [(second(-3), 9)]


def test_nothing_is_kept_for_a_dashboard_before_somebody_looks() -> None:
    rig = Rig()
    rig.store(document("own", {"metric": "wisdom_score", "field": "avg", "resolution": "1s"}))
    assert rig.hub.channel("acme", "system_overview") is not None
    assert rig.hub.take_missing() == []
    rig.open("own")
    assert [(tenant, missing[:2]) for tenant, missing in rig.hub.take_missing()] == [("acme", ("wisdom_score", "1s"))]
    assert rig.hub.take_missing() == []


def test_the_past_that_was_missing_comes_beside_what_is_shown_meanwhile() -> None:
    rig = Rig()
    overview = rig.open("system_overview")
    earlier = aggregate("events", second(-9), [({}, {"count": 4}), ({"event_type": "a"}, {"count": 4})], tenant="acme")
    rig.hub.take_aggregate(earlier, NOW_MS)
    rig.store(document("own", {"metric": "events", "field": "rate", "by": "service"}))
    own = rig.open("own")
    ((tenant, missing),) = rig.hub.take_missing()
    again = aggregate(
        "events",
        second(-9),
        [({}, {"count": 4}), ({"service": "web"}, {"count": 3}), ({"event_type": "a"}, {"count": 4})],
        tenant="acme",
    )
    rig.hub.take_aggregate(again, NOW_MS)
    assert [v for _, v in frame(overview).data.series["events.rate"]] == [4]
    assert "events.rate{service=web}" not in frame(own).data.series
    seq = own.seq
    rig.hub.filled(tenant, missing)
    filled = frame(own, seq)
    assert (filled.type, filled.data.series["events.rate{service=web}"]) == ("snapshot", [(second(-9), 3)])
    assert [v for _, v in frame(overview).data.series["events.rate"]] == [4]


def test_a_change_of_a_dashboard_is_a_snapshot_and_its_end_an_end() -> None:
    rig = Rig()
    rig.store(document("own", {"metric": "events", "field": "rate"}))
    channel = rig.open("own")
    channel.advance()
    rig.store(document("own", {"metric": "requests", "field": "rate"}))
    changed = frame(channel, channel.seq, NOW_MS + REFRESH_MS)
    assert (changed.type, "requests.rate" in {reading.name for reading in channel.dashboard.readings}) == ("snapshot", True)
    rig.store()
    assert frame(channel, channel.seq, NOW_MS + 2 * REFRESH_MS).data.series == {}
    assert channel.gone
    assert rig.hub.channel("acme", "own") is None
    rig.store(document("own", {"metric": "events", "field": "rate"}))
    assert rig.open("own") is not channel


def test_where_there_is_no_room_a_dashboard_that_nobody_looks_at_gives_way() -> None:
    one = {"metric": "wisdom_score", "field": "avg", "resolution": "1s"}
    other = {"metric": "satisfaction", "field": "avg", "by": "service"}
    rig = Rig(room_bytes=2 * VIEW_BYTES + 300_000)  # a table of seconds with one dimension takes up to 245 kB
    rig.store(document("one", one), document("other", other), document("large", *(one | {"by": f"l{n}"} for n in range(9))))
    first, second_ = rig.open("one"), rig.open("other")
    assert rig.hub.channel("acme", "large") is None
    first.watched = second_.watched = False
    rig.open("one")
    assert first.watched
    third = {"metric": "wisdom_score", "field": "avg", "by": "model"}
    rig.store(document("one", one), document("other", other), document("third", third))
    rig.open("third")
    assert rig.hub.channel("acme", "one") is first
    assert rig.hub.channel("acme", "other") is None  # whoever looks at the third keeps it
    rig.hub.channel("acme", "third").watched = False  # type: ignore[union-attr]
    assert rig.hub.channel("acme", "other") not in (None, second_)


@pytest.mark.parametrize("resolution", ["1s", "1m"])
def test_a_table_is_kept_where_less_is_needed_and_read_again_where_more(resolution: str) -> None:
    key = TableKey("requests", resolution)
    total, by_service = (
        Needs(frozenset({()}), frozenset({"errors"})),
        Needs(frozenset({(), ("service",)}), frozenset({"errors"})),
    )
    history = History({key: total})
    table = history.table(*key)
    (missing,) = history.require({key: by_service})
    assert missing == Missing("requests", resolution, 1)
    assert history.require({key: by_service}) == []
    assert history.table(*key) is table
    assert not history.filled(Missing("requests", resolution, 7))
    assert history.filled(missing)
    fuller = history.table(*key)
    assert fuller is not table
    assert history.require({key: total}) == []
    assert history.table(*key) is fuller
    assert not history.filled(missing)
    assert history.require({}) == []
    assert history.require({key: total}) == [Missing("requests", resolution, 2)]


def test_what_is_not_shown_is_said_with_its_metrics_and_units_are_those_of_the_metrics() -> None:
    content = {
        "name": "own",
        "title": "Own",
        "panels": [
            {"kind": "stat", "title": "Orders", "value": {"metric": "orders", "field": "rate"}},
            {"kind": "histogram", "title": "Baskets", "values": {"metric": "baskets"}},
            {"kind": "time_series", "title": "Calls", "lines": [{"metric": "llm_duration_ms", "field": "rate"}]},
        ],
    }
    described = describe(dashboard_of(document_reading.given(content), METRICS))
    assert [panel["title"] for panel in described["panels"]] == ["Calls"]
    assert described["left_out"] == {"Orders": ("orders",), "Baskets": ("baskets",)}
    assert described["units"] == {"llm_duration_ms": "ms"}
