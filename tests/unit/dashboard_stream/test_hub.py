"""From the bus to frames: what a snapshot and an update hold."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboard_stream.live import channel as channel_module
from dashboard_stream.live.channel import MEMORY, Channel
from dashboard_stream.live.hub import MAX_TENANTS, QUIET_MS, Hub
from dashboard_stream.live.insights import POINTS, SHOWN
from drishti.bus.entries import Entry
from drishti.events import Frame, IncidentInsight, Insight, SeriesName
from drishti.measures.built_in import FED
from drishti.measures.registry import MetricRegistry
from rigs.aggregates import NOW_MS, aggregate, second
from rigs.insights import HORIZONS_MS, HOURS_MS, QUARTER_MS, STANDING, WEEK_MS, breach, forecast, incident


@pytest.fixture
def hub() -> Hub:
    return Hub("e1")


@pytest.fixture
def channel(hub: Hub) -> Channel:
    result = hub.channel("default", "system_overview")
    assert result is not None
    result.watched = True
    return result


def take(hub: Hub, metric: str, offset_s: int, numbers: Any, **more: Any) -> list[Channel]:
    return hub.take_aggregate(aggregate(metric, second(offset_s), numbers, **more), second(offset_s))


def frame(channel: Channel, since: int | None, now_ms: int = NOW_MS) -> Frame:
    return msgspec.json.decode(channel.frame(since, {"stream.clients": 1}, now_ms), type=Frame)


def insight(n: int, kind: Any = "anomaly", **more: Any) -> Insight:
    fields: dict[str, Any] = (
        {"phase": "opened"} if kind == "anomaly" else {"points": [[NOW_MS, 1.0, 0.5, 1.5]], "interval": 0.9}
    )
    about: dict[str, Any] = {
        "insight_id": f"{kind}-{n}",
        "tenant": "default",
        "kind": kind,
        "metric": "requests",
        "field": "rate",
        "labels": {"service": f"s{n}"},
        "state": "ready",
        "at": NOW_MS + n,
        "model": "m",
        **fields,
        **more,
    }
    decoded: Insight = msgspec.convert(about, type=Insight)
    return decoded


def test_a_snapshot_holds_all_points_and_values(hub: Hub, channel: Channel) -> None:
    for offset in range(-5, 0):
        take(hub, "requests", offset, [({}, {"count": 5}), ({"service": "gateway"}, {"count": 2})])
    got = frame(channel, None)
    assert (got.type, got.dashboard, got.epoch, got.seq, got.ts) == ("snapshot", "system_overview", "e1.1", 0, NOW_MS)
    assert got.data.series["requests.rate{service=gateway}"] == [(second(offset), 2) for offset in range(-5, 0)]
    assert got.data.values["requests.rate"] == 5
    assert got.data.values["stream.clients"] == 1
    assert got.data.values["freshness_ms"] == 1000


def test_an_update_holds_only_new_points_and_all_values(hub: Hub, channel: Channel) -> None:
    take(hub, "requests", -2, [({}, {"count": 5}), ({"service": "gateway"}, {"count": 2})])
    channel.advance()
    assert take(hub, "requests", -1, [({}, {"count": 6}), ({"service": "gateway"}, {"count": 2})]) == [channel]
    channel.advance()
    got = frame(channel, 1)
    assert (got.type, got.seq) == ("update", 2)
    assert got.data.series["requests.rate"] == [(second(-1), 6)]
    assert set(got.data.values) == set(frame(channel, None).data.values)


def test_a_receiver_that_missed_frames_gets_all_it_missed_in_one(hub: Hub, channel: Channel) -> None:
    for offset in (-4, -3, -2):
        take(hub, "requests", offset, {"count": 5 - offset})
        channel.advance()
    take(hub, "requests", -3, {"count": 9}, revision=2)
    channel.advance()
    got = frame(channel, 1)
    assert (got.type, got.seq) == ("update", 4)
    assert got.data.series["requests.rate"] == [(second(-3), 9), (second(-2), 7)]


def test_a_receiver_further_behind_than_the_memory_gets_a_snapshot(hub: Hub, channel: Channel) -> None:
    for offset in range(MEMORY + 2):
        take(hub, "requests", offset, {"count": 1})
        channel.advance()
    assert frame(channel, 2, second(200)).type == "update"
    assert frame(channel, 1, second(200)).type == "snapshot"


def test_receivers_that_are_level_share_one_encoded_frame(hub: Hub, channel: Channel) -> None:
    take(hub, "requests", -1, {"count": 1})
    channel.advance()
    assert channel.frame(0, {}, NOW_MS) is channel.frame(0, {}, NOW_MS)
    take(hub, "requests", 0, {"count": 1})
    channel.advance()
    assert msgspec.json.decode(channel.frame(1, {}, NOW_MS), type=Frame).seq == 2


def test_updates_applied_to_a_snapshot_make_the_next_snapshot(hub: Hub, channel: Channel) -> None:
    take(hub, "requests", -9, {"count": 1})
    picture = {name: dict(points) for name, points in frame(channel, None).data.series.items()}
    revision = 1
    for offset in (-8, -7, -8, -6, -7, -9):
        revision += 1
        numbers = [({}, {"count": revision}), ({"service": f"s{revision % 2}"}, {"count": revision})]
        take(hub, "requests", offset, numbers, revision=revision)
        hits = [({}, {"count": 9}), ({"result": "hit"}, {"count": revision})]
        take(hub, "cache_requests", offset, hits, revision=revision)
        channel.advance()
        for name, points in frame(channel, channel.seq - 1).data.series.items():
            picture.setdefault(name, {}).update(points)
    # An update says None where a number was taken back; a snapshot has no point there.
    known = {name: {at: v for at, v in points.items() if v is not None} for name, points in picture.items()}
    latest = {name: {at: v for at, v in points if v is not None} for name, points in frame(channel, None).data.series.items()}
    assert known == latest


def test_what_a_dashboard_does_not_show_does_not_touch_it(hub: Hub, channel: Channel) -> None:
    assert take(hub, "wisdom_score", -1, {"count": 1, "sum": 0.5}) == []
    assert not channel.changed


def test_a_running_total_touches_the_dashboards_that_show_it(hub: Hub, channel: Channel) -> None:
    assert take(hub, "events", 0, {"count": 7}, resolution="1h") == [channel]
    channel.advance()
    got = frame(channel, 0)
    assert got.data.values["events.count.24h"] == 7
    assert "events.count.24h" not in got.data.series


def test_nothing_is_remembered_for_a_channel_that_nobody_watches(hub: Hub, channel: Channel) -> None:
    channel.watched = False
    assert take(hub, "requests", -1, {"count": 1}) == []
    assert not channel.changed
    assert "requests.rate" in frame(channel, None).data.series


def test_tenants_are_apart(hub: Hub, channel: Channel) -> None:
    take(hub, "requests", -1, {"count": 1}, tenant="other")
    assert not channel.changed
    assert "requests.rate" not in frame(channel, None).data.values


def test_tenants_are_bounded_and_refusals_are_counted(hub: Hub) -> None:
    for n in range(MAX_TENANTS + 2):
        take(hub, "requests", -1, {"count": 1}, tenant=f"t{n}")
    assert hub.refused_tenants == 2


def test_who_is_looked_at_gets_the_place_of_the_quietest_whom_nobody_watches(hub: Hub) -> None:
    take(hub, "requests", -20, {"count": 1}, tenant="watched")
    watched = hub.channel("watched", "system_overview")
    assert watched is not None
    watched.watched = True
    for n in range(MAX_TENANTS - 1):
        take(hub, "requests", n - 19 - MAX_TENANTS, {"count": 1}, tenant=f"made-up-{n}")
    ours = hub.channel("ours", "system_overview")
    assert ours is not None
    ours.watched = True
    assert take(hub, "requests", -1, {"count": 1}, tenant="ours") == [ours]
    assert take(hub, "requests", -1, {"count": 1}, tenant="made-up-0") == [], "it gave way, and everybody else was heard of"
    assert hub.refused_tenants == 1
    assert take(hub, "requests", -1, {"count": 1}, tenant="watched") == [watched]


def test_a_tenant_that_was_quiet_gives_its_place_to_one_of_which_something_new_comes(hub: Hub) -> None:
    quiet_s = QUIET_MS // 1000
    for n in range(MAX_TENANTS):
        take(hub, "requests", -1 - (quiet_s if n == 7 else 0), {"count": 1}, tenant=f"t{n}")
    channel = hub.channel("t7", "system_overview")
    take(hub, "requests", 0, {"count": 1}, tenant="new")
    assert hub.refused_tenants == 0
    assert hub.channel("t7", "system_overview") is not channel, "what it had is forgotten"


def test_nobody_who_is_watched_gives_way(hub: Hub) -> None:
    for n in range(MAX_TENANTS):
        channel = hub.channel(f"t{n}", "system_overview")
        assert channel is not None
        channel.watched = True
    assert hub.channel("one-more", "system_overview") is None
    assert hub.refused_tenants == 1


def test_a_snapshot_with_many_lines_stays_below_a_megabyte(hub: Hub, channel: Channel) -> None:
    labelled = [
        ({"service": f"service-{n}"}, {"count": 123, "errors": 45, "sum": 6789.1234, "p95": 123.4567}) for n in range(16)
    ]
    for metric in ("requests", "request_duration_ms", "cpu_utilization", "memory_usage_bytes"):
        for offset in range(-899, 1):
            take(hub, metric, offset, [({}, {"count": 1, "p50": 1.1234, "p95": 2.1234, "p99": 3.1234}), *labelled])
    text = channel.frame(None, {}, NOW_MS)
    got = msgspec.json.decode(text, type=Frame)
    assert len(text) < 1_000_000
    assert sum(map(len, got.data.series.values())) <= channel_module.MAX_POINTS
    assert got.data.series["requests.rate{service=service-7}"][-1][0] == NOW_MS


def test_insights_come_new_in_updates_and_newest_in_snapshots(hub: Hub, channel: Channel) -> None:
    assert hub.take_insight(insight(1)) == [channel]
    channel.advance()
    hub.take_insight(insight(1, phase="resolved", at=NOW_MS + 5))
    channel.advance()
    [event] = frame(channel, 1).data.events
    assert (event["phase"], event["series"], event["key"]) == ("resolved", "requests.rate{service=s1}", "anomaly-1")
    assert frame(channel, 2).data.events == []
    assert frame(channel, None).data.events == [event]


def test_an_older_word_on_an_insight_is_not_reported(hub: Hub, channel: Channel) -> None:
    hub.take_insight(insight(1, phase="resolved", at=NOW_MS + 5))
    assert hub.take_insight(insight(1, at=NOW_MS)) == []


def test_a_new_forecast_of_a_series_replaces_the_old_one(hub: Hub, channel: Channel) -> None:
    hub.take_insight(insight(1, "forecast", insight_id="f1"))
    hub.take_insight(insight(1, "forecast", insight_id="f2", at=NOW_MS + 60_000))
    [event] = frame(channel, None).data.events
    assert (event["insight_id"], event["key"]) == ("f2", "forecast:requests.rate{service=s1}")
    assert event["points"] == [[NOW_MS, 1.0, 0.5, 1.5]]


def test_forecasts_of_several_horizons_stand_beside_each_other(hub: Hub, channel: Channel) -> None:
    for horizon_ms in HORIZONS_MS:
        hub.take_insight(forecast(horizon_ms, at=NOW_MS))
        hub.take_insight(forecast(horizon_ms, at=NOW_MS + 60_000))
    hub.take_insight(forecast(None, at=NOW_MS))
    events = frame(channel, None).data.events
    assert sorted(event["key"] for event in events) == [
        "forecast:requests.rate",
        *sorted(f"forecast:requests.rate@{horizon_ms}" for horizon_ms in HORIZONS_MS),
    ]
    assert {event["at"] for event in events if "horizon_ms" in event} == {NOW_MS + 60_000}


def test_forecasts_made_often_do_not_push_out_those_made_seldom(hub: Hub, channel: Channel) -> None:
    for n in range(200):
        hub.take_insight(forecast(WEEK_MS, labels={"service": f"s{n}"}, at=NOW_MS))
        hub.take_insight(forecast(QUARTER_MS, labels={"service": f"s{n}"}, at=NOW_MS + 60_000 + n))
    hub.take_insight(forecast(WEEK_MS, labels={"service": "full"}, at=NOW_MS, breach=breach(9.0, 42, 30, 65)))
    hub.take_insight(forecast(WEEK_MS, at=NOW_MS))
    events = frame(channel, None).data.events
    assert [sum(e["horizon_ms"] == horizon_ms for e in events) for horizon_ms in (QUARTER_MS, WEEK_MS)] == [15, 15]
    assert any("breach" in e for e in events), "what warns comes before what does not"
    assert any("labels" not in e for e in events), "a total comes before its parts"


def test_a_forecast_has_as_many_points_and_digits_as_a_screen_shows(hub: Hub, channel: Channel) -> None:
    hub.take_insight(forecast(HOURS_MS, level=1_234_567.891, points=360, at=NOW_MS))
    [event] = frame(channel, None).data.events
    assert len(event["points"]) == POINTS
    assert event["points"][-1][0] == NOW_MS + HOURS_MS
    assert all(value == float(f"{value:.5g}") for point in event["points"] for value in point[1:])


def test_a_snapshot_full_of_forecasts_is_what_a_client_takes(hub: Hub, channel: Channel) -> None:
    for n in range(100):
        for horizon_ms in HORIZONS_MS:
            hub.take_insight(forecast(horizon_ms, level=1e6 / 7, points=168, labels={"service": f"s{n}"}, standing=STANDING))
    assert len(channel.frame(None, {}, NOW_MS)) < 250_000


def test_an_incident_keeps_what_only_an_earlier_phase_said(hub: Hub, channel: Channel) -> None:
    hub.take_insight(incident(at=NOW_MS))
    hub.take_insight(incident(at=NOW_MS + 30_000, phase="ongoing", severity="critical", escalated=True))
    hub.take_insight(incident(at=NOW_MS + 60_000, phase="ongoing", severity="warning", anomaly="shift"))
    hub.take_insight(incident(at=NOW_MS + 90_000, phase="resolved", severity="info", anomaly=None))
    [event] = frame(channel, None).data.events
    assert (event["severity"], event["gravest"], event["escalated_at"]) == ("info", "critical", NOW_MS + 30_000)
    assert event["anomaly"] == "shift"
    assert "escalated" not in event


def test_an_incident_that_is_adapted_to_keeps_its_severity_and_says_so(hub: Hub, channel: Channel) -> None:
    hub.take_insight(incident(at=NOW_MS, severity="critical"))
    hub.take_insight(incident(at=NOW_MS + 300_000, phase="resolved", adapted=True, severity="critical", anomaly="shift"))
    [event] = frame(channel, None).data.events
    assert (event["phase"], event["adapted"], event["severity"], event["since"]) == ("resolved", True, "critical", NOW_MS)


def test_an_incident_keeps_the_instant_at_which_it_was_told_first(hub: Hub, channel: Channel) -> None:
    hub.take_insight(insight(1))
    hub.take_insight(insight(1, phase="ongoing", at=NOW_MS + 30_000))
    hub.take_insight(insight(1, phase="resolved", at=NOW_MS + 50_000))
    [event] = frame(channel, None).data.events
    assert (event["since"], event["at"]) == (NOW_MS + 1, NOW_MS + 50_000)


def test_a_series_that_is_learnt_is_no_longer_learning(hub: Hub, channel: Channel) -> None:
    hub.take_insight(insight(1, phase=None, state="learning", insight_id="a"))
    hub.take_insight(insight(1, phase=None, state="ready", insight_id="b", at=NOW_MS + 60_000))
    [event] = frame(channel, None).data.events
    assert (event["state"], event["key"]) == ("ready", "state:requests.rate{service=s1}")
    assert "since" not in event


def test_a_snapshot_carries_a_hundred_insights_at_most_and_no_sort_pushes_another_out(hub: Hub, channel: Channel) -> None:
    for n in range(200):
        hub.take_insight(insight(n))
        hub.take_insight(insight(n, phase=None, state="learning", insight_id=f"state-{n}"))
        hub.take_insight(insight(n, phase=None, field="", insight_id=f"budget-{n}"))
        hub.take_insight(insight(n, "forecast", at=NOW_MS + 1000 + n))
    events = frame(channel, None).data.events
    assert sum("since" in e for e in events) == SHOWN["incident"]
    assert sum(e["key"].startswith("state:") and bool(e["field"]) for e in events) == SHOWN["state"]
    assert sum(e["kind"] == "forecast" for e in events) == SHOWN["other"]
    assert len(events) == sum(SHOWN.values()) == 100
    assert max(e["at"] for e in events) == NOW_MS + 1199


def test_insights_about_metrics_of_other_dashboards_are_not_shown(hub: Hub, channel: Channel) -> None:
    assert hub.take_insight(insight(1, metric="wisdom_score", field="avg")) == []
    assert frame(channel, None).data.events == []


def test_a_frame_continues_the_traces_of_what_it_carries(hub: Hub, channel: Channel) -> None:
    for n in range(20):
        channel.trace(f"t{n}")
    assert len(channel.advance()) == channel_module.MAX_TRACES
    assert channel.advance() == []


def test_frames_carry_the_names_that_services_were_given_where_services_are_shown(hub: Hub, channel: Channel) -> None:
    reported = aggregate("requests", second(-3), [({}, {"count": 3}), ({"service": "cafe"}, {"count": 3})])
    reported.service_names = {"cafe": "Café", "not-shown": "Not shown"}
    hub.take_aggregate(reported, NOW_MS)
    assert frame(channel, None).data.service_names == {"cafe": "Café"}
    take(hub, "requests", -2, [({}, {"count": 3}), ({"service": "cafe"}, {"count": 3})])
    assert frame(channel, None).data.service_names == {"cafe": "Café"}, "a message without names takes none away"
    reported = aggregate("requests", second(-1), [({}, {"count": 3}), ({"service": "cafe"}, {"count": 3})])
    reported.service_names = {"cafe": "CAFÉ"}
    hub.take_aggregate(reported, NOW_MS)
    assert frame(channel, None).data.service_names == {"cafe": "CAFÉ"}
    other = hub.channel("other", "system_overview")
    assert other is not None
    assert frame(other, None).data.service_names == {}


def test_a_metric_that_its_tenant_switched_off_has_no_value_now_and_other_tenants_have_theirs() -> None:
    registry = MetricRegistry()
    hub = Hub("e1", metrics_of=registry.of)
    channels = {tenant: hub.channel(tenant, "system_overview") for tenant in ("acme", "other")}
    off = msgspec.structs.replace(FED["requests"], enabled=False)
    registry.take(Entry("acme.requests", 1, msgspec.json.encode(off), 0.0))
    for tenant, channel in channels.items():
        assert channel is not None
        for resolution in ("1s", "1h"):
            take(hub, "requests", -1, {"count": 5, "errors": 0}, tenant=tenant, resolution=resolution)
    now = {tenant: frame(channel, None).data.values for tenant, channel in channels.items() if channel is not None}
    assert (now["acme"]["requests.rate"], now["other"]["requests.rate"]) == (None, 5)
    assert now["acme"]["requests.count.1h"] == now["other"]["requests.count.1h"] == 5, "what was counted stays"


def test_severities_of_a_later_version_end_nothing(hub: Hub, channel: Channel) -> None:
    hub.take_insight(incident(at=NOW_MS, severity="notice"))
    hub.take_insight(incident(at=NOW_MS + 1000, phase="ongoing", severity="warning"))
    hub.take_insight(incident(at=NOW_MS + 2000, phase="acknowledged", severity="fatal"))
    (event,) = frame(channel, None).data.events
    assert (event["gravest"], event["severity"], event["phase"]) == ("warning", "fatal", "acknowledged")


def test_what_is_about_no_series_is_on_every_dashboard_that_shows_one_of_its_metrics(hub: Hub, channel: Channel) -> None:
    about: dict[str, Any] = {"tenant": "default", "model": "m", "at": NOW_MS}
    system = IncidentInsight(**about, insight_id="i1", phase="opened", since=NOW_MS - 5000)
    other = IncidentInsight(**about, insight_id="i2", phase="opened", about=[SeriesName(metric="wisdom_score")])
    assert hub.take_insight(system) == [channel]
    assert hub.take_insight(other) == []
    (event,) = frame(channel, None).data.events
    assert (event["key"], event["series"], event["since"], event["kind"]) == ("i1", "", NOW_MS - 5000, "incident")
