"""The predictor against a real NATS: aggregates in, insights out, what was learnt kept."""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from importlib.metadata import version

import pytest
from nats.aio.msg import Msg

from conftest import BusFor
from drishti.bus import objects
from drishti.bus.connection import Bus, connect
from drishti.events import Aggregate, AggregateSeries, Insight
from drishti.messages import subjects
from drishti.settings import BusSettings
from predictor.anomalies.engine import Engine
from predictor.app import Predictor
from predictor.artefacts import encoding
from predictor.artefacts.store import ModelStore
from predictor.errors import UnfitArtefact
from predictor.forecasting.forecasts import Forecasts, Limits
from predictor.replicas import assignment
from rigs.predictor_service import insights_of, predictor_on, publish
from rigs.waiting import wait_until


@pytest.fixture
async def bus(nats_url: str) -> AsyncIterator[Bus]:
    bus = await connect(BusSettings(url=nats_url), name="predictor")
    await bus.js.purge_stream("AGGREGATES")  # or every predictor here learns what other tests published before
    yield bus
    await bus.close()


@pytest.fixture
def tenant() -> str:
    """A tenant of this test's own: the streams are shared with other tests."""
    return f"t{uuid.uuid4().hex[:10]}"


@pytest.fixture
async def no_artefacts(bus: Bus) -> None:
    await bus.js.purge_stream("OBJ_models")


def window(tenant: str, second: int, *, count: int = 10, errors: int = 0) -> Aggregate:
    labels: tuple[dict[str, str], ...] = ({}, {"service": "wisdom"})
    return Aggregate(
        tenant=tenant,
        metric="requests",
        unit="{request}",
        resolution="1s",
        window_start=second * 1000,
        revision=second * 1000 + 3000,
        final=True,
        published_at=second * 1000 + 3000,
        series=[AggregateSeries(labels=x, count=count, errors=errors) for x in labels],
    )


async def history(bus: Bus, tenant: str, until: int, seconds: int = 150) -> None:
    await publish(bus, [window(tenant, until - seconds + i, count=8 + i % 5) for i in range(seconds)])


def running(bus: Bus, *, ahead_s: float = 0.0, **settings: float) -> contextlib.AbstractAsyncContextManager[Predictor]:
    """A predictor on a machine whose clock is ``ahead_s`` of the bus's."""
    return predictor_on(bus, now=lambda: time.time() + ahead_s, watch=("requests",), **settings)


def opened(result: list[tuple[Insight, Msg]]) -> list[Insight]:
    return [insight for insight, _ in result if insight.phase == "opened"]


def learnt(predictor: Predictor, tenant: str, second: int) -> bool:
    engines = [partition.engine for partition in predictor.partitions.held]
    return any(engine.judged_until() >= second and any(key.tenant == tenant for key in engine.table.keys) for engine in engines)


def artefact(kind: str, tenant: str) -> str:
    """The name of the artefact with the requests of ``tenant``."""
    return encoding.name(kind, assignment.partition(subjects.aggregates(tenant, "1s", "requests")))


async def test_error_burst_in_the_aggregates_becomes_one_alarm_per_series(bus: Bus, tenant: str, no_artefacts: None) -> None:
    now = int(time.time())
    await history(bus, tenant, now - 14)
    async with insights_of(bus, tenant) as result, running(bus):
        await publish(bus, [window(tenant, now - 14 + i, errors=4) for i in range(13)])
        await wait_until(lambda: len(opened(result)) == 2, seen=result)
    alarms = opened(result)
    assert {tuple(a.labels.items()) for a in alarms} == {(), (("service", "wisdom"),)}
    alarm = alarms[0]
    assert (alarm.field, alarm.direction, alarm.state, alarm.severity) == ("error_rate", "up", "ready", "critical")
    assert alarm.score is not None
    assert alarm.score > 0.98
    assert alarm.value is not None
    assert alarm.upper is not None
    assert alarm.value > alarm.upper
    states = [i.state for i, _ in result if i.phase is None and i.field == "error_rate" and not i.labels]
    assert states == ["learning", "ready"]


@pytest.mark.parametrize("ahead_s", [20.0, 7200.0, -7200.0])
async def test_alarms_do_not_depend_on_the_machines_clock(
    bus: Bus, tenant: str, no_artefacts: None, caplog: pytest.LogCaptureFixture, ahead_s: float
) -> None:
    now = int(time.time())
    await history(bus, tenant, now - 14)
    async with insights_of(bus, tenant) as result, running(bus, ahead_s=ahead_s):
        await publish(bus, [window(tenant, now - 14 + i, errors=4) for i in range(13)])
        await wait_until(lambda: len(opened(result)) == 2, seen=result)
    (said,) = [record.__dict__ for record in caplog.records if "clock" in record.message]
    assert said["ahead_s"] == pytest.approx(ahead_s, abs=1.0)


async def test_history_is_learnt_without_alarms(bus: Bus, tenant: str, no_artefacts: None) -> None:
    now = int(time.time())
    await history(bus, tenant, now - 100)
    await publish(bus, [window(tenant, now - 100 + i, errors=5) for i in range(30)])
    await publish(bus, [window(tenant, now - 70 + i) for i in range(69)])
    async with insights_of(bus, tenant) as result, running(bus) as predictor:
        await wait_until(lambda: learnt(predictor, tenant, now - 3), seen=result)
        await wait_until(lambda: len(result) == 8, seen=result)  # two fields of two series: learning, then ready
    assert [i for i, _ in result if i.phase is not None] == []


async def test_restart_takes_up_what_was_learnt(bus: Bus, tenant: str, no_artefacts: None) -> None:
    now = int(time.time())
    await history(bus, tenant, now - 14)
    async with running(bus) as predictor:
        await wait_until(lambda: learnt(predictor, tenant, now - 15), seen=predictor.partitions.held)
    # nothing but what was saved can tell the second one what is normal
    await bus.js.purge_stream("AGGREGATES", subject=f"aggregates.v1.{tenant}.>")
    async with insights_of(bus, tenant) as result, running(bus):
        await publish(bus, [window(tenant, now - 14 + i, errors=4) for i in range(13)])
        await wait_until(lambda: len(opened(result)) == 2, seen=result)
    assert [i for i, _ in result if i.phase is None] == [], "a series that had learnt does not begin again"


async def test_restart_does_not_tell_an_open_incident_again(bus: Bus, tenant: str, no_artefacts: None) -> None:
    now = int(time.time())
    await history(bus, tenant, now - 14)
    async with insights_of(bus, tenant) as result:
        async with running(bus):
            await publish(bus, [window(tenant, now - 14 + i, errors=4) for i in range(12)])
            await wait_until(lambda: len(opened(result)) == 2, seen=result)
        async with running(bus) as predictor:
            await publish(bus, [window(tenant, now - 2 + i, errors=4) for i in range(2)])
            await wait_until(lambda: learnt(predictor, tenant, now - 1), seen=result)
        assert len(opened(result)) == 2


@pytest.mark.parametrize("payload", [b"", b"garbage", b'{"format": 1}\n', None], ids=["empty", "garbage", "no header", "cut"])
async def test_broken_artefact_is_replaced_by_learning_anew(
    bus: Bus, tenant: str, no_artefacts: None, payload: bytes | None
) -> None:
    store = await bus.objects("models")
    if payload is None:  # an artefact of another tenant, so that what follows is not of long ago
        await history(bus, f"{tenant}-before", int(time.time()))
        async with running(bus):
            pass
        payload = (await store.get(artefact(encoding.DETECTOR, f"{tenant}-before"))).data[:-200]
    for kind in (encoding.DETECTOR, encoding.FORECAST):
        await store.put(artefact(kind, tenant), payload)
    now = int(time.time())
    await history(bus, tenant, now - 14)
    async with insights_of(bus, tenant) as result, running(bus):
        await publish(bus, [window(tenant, now - 14 + i, errors=4) for i in range(13)])
        await wait_until(lambda: len(opened(result)) == 2, seen=result)
    saved = await ModelStore(bus).load(artefact(encoding.DETECTOR, tenant))
    assert saved is not None
    assert {key.tenant for key in encoding.decode_detector(saved, Engine).engine.table.keys} == {tenant}


async def test_the_predictors_own_rights_suffice_to_keep_and_read_its_models(bus_for: BusFor, no_artefacts: None) -> None:
    store = ModelStore(await bus_for("predictor"))
    assert await store.load(encoding.FORECAST) is None
    await store.save(encoding.FORECAST, b"learnt" * 50_000)
    assert await store.load(encoding.FORECAST) == b"learnt" * 50_000


async def test_bad_message_goes_to_dead_and_the_next_one_counts(bus: Bus, tenant: str, no_artefacts: None) -> None:
    now = int(time.time())
    letters: list[Msg] = []
    stop = asyncio.Event()

    async def take(msg: Msg) -> None:
        letters.append(msg)

    wanted = [f"dead.v1.aggregates.v1.{tenant}.>"]
    reading = asyncio.create_task(bus.replay("DEAD", subjects=wanted, start=datetime.now(UTC), handler=take, stop=stop))
    async with running(bus) as predictor:
        await bus.publish(subjects.aggregates(tenant, "1s", "requests"), b'{"tenant": 1}')
        await publish(bus, [window(tenant, now)])
        await wait_until(lambda: len(letters) == 1, seen=letters)
        await wait_until(lambda: learnt(predictor, tenant, now), seen=predictor.partitions.held)
    stop.set()
    await reading


async def test_models_of_another_scikit_learn_are_trained_anew(
    bus: Bus, tenant: str, no_artefacts: None, caplog: pytest.LogCaptureFixture
) -> None:
    now = int(time.time())
    await history(bus, tenant, now - 2)
    async with running(bus):
        pass
    store = ModelStore(bus)
    other = encoding.encode_forecasts(encoding.learnt(Forecasts(Limits())), now).replace(
        version("scikit-learn").encode(), b"0.1"
    )
    await store.save(artefact(encoding.FORECAST, tenant), other)
    with caplog.at_level("INFO"):
        async with running(bus) as predictor:
            assert [p.forecasts.models for p in predictor.partitions.held if p.restored] == [{}]
    (said,) = [r for r in caplog.records if r.levelname == "WARNING" and r.name == "predictor.replicas.partitions"]
    assert said.message == "saved models are of no use, training anew"
    assert "scikit_learn '0.1'" in said.__dict__["reason"]


async def test_forecaster_of_the_settings_speaks_and_the_next_one_begins_anew(
    bus: Bus, tenant: str, no_artefacts: None, caplog: pytest.LogCaptureFixture
) -> None:
    now = int(time.time())
    minutes = [window(tenant, now // 60 * 60 - 60 * (400 - i), count=480 + 60 * (i % 5)) for i in range(400)]
    for minute in minutes:
        minute.resolution = "1m"
    await publish(bus, minutes)
    await history(bus, tenant, now - 2)
    async with insights_of(bus, tenant) as result, running(bus, forecast_every_s=0.2, forecaster="seasonal-naive"):
        await wait_until(lambda: any(i.kind == "forecast" and i.horizon_ms == 900_000 for i, _ in result), seen=result)
    assert "blend" not in {i.model for i, _ in result}, "which learns from 400 minutes"
    with caplog.at_level("INFO"):
        async with running(bus) as predictor:
            assert [p.forecasts.models for p in predictor.partitions.held if p.restored] == [{}]
    (said,) = [r for r in caplog.records if r.levelname == "WARNING" and r.name == "predictor.replicas.partitions"]
    assert said.message == "saved models are of no use, training anew"
    assert "forecaster=seasonal-naive" in said.__dict__["reason"]


async def test_object_without_its_chunks_is_given_up(bus: Bus, no_artefacts: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects, "LOAD_S", 0.2)
    store = ModelStore(bus)
    await store.save("detector-00", b"learnt")
    await bus.js.purge_stream("OBJ_models", subject="$O.models.C.>")
    with pytest.raises(UnfitArtefact, match="lacks a part"):
        await store.load("detector-00")


async def test_minutes_of_the_past_are_read_where_nothing_was_saved(bus: Bus, tenant: str, no_artefacts: None) -> None:
    now = int(time.time())
    this_minute = now // 60 * 60
    minutes = [window(tenant, this_minute - 60 * (30 - i), count=600) for i in range(29)]
    for minute in minutes:
        minute.resolution = "1m"
    await publish(bus, minutes)
    await history(bus, tenant, now - 2)
    for _ in range(2):  # the second one has it from the artefact
        async with running(bus) as predictor:
            await wait_until(lambda: learnt(predictor, tenant, now - 3), seen=predictor.partitions.held)
            (result,) = [p for p in predictor.partitions.held if any(key.tenant == tenant for key in p.engine.table.keys)]
            values = result.engine.history.values("1m", 0)
            assert len(values) == 29
            assert set(values) == {10.0}
        await bus.js.purge_stream("AGGREGATES", subject=f"aggregates.v1.{tenant}.1m.>")


async def test_forecasts_are_published_and_their_models_survive(bus: Bus, tenant: str, no_artefacts: None) -> None:
    now = int(time.time())
    this_minute = now // 60 * 60
    minutes = [window(tenant, this_minute - 60 * (400 - i), count=480 + 60 * (i % 5)) for i in range(400)]
    for minute in minutes:
        minute.resolution = "1m"
    await publish(bus, minutes)
    await history(bus, tenant, now - 2)
    async with insights_of(bus, tenant) as result, running(bus, forecast_every_s=0.2, train_share=1.0) as predictor:
        await wait_until(
            lambda: {i.horizon_ms for i, _ in result if i.kind == "forecast"} == {900_000, 21_600_000}, seen=result
        )
        await wait_until(lambda: any(partition.forecasts.models for partition in predictor.partitions.held), seen=result)
    reported = {i.horizon_ms: i for i, _ in result if i.kind == "forecast" and i.field == "rate"}
    soon = reported[900_000]
    assert (soon.state, soon.interval, soon.outer_interval) == ("ready", 0.8, 0.95)
    assert reported[21_600_000].state == "learning"
    assert soon.points is not None
    assert len(soon.points) == 15
    assert soon.points[0][0] == this_minute * 1000 + 30_000, "the middle of the first minute to come"
    for at, (_, mean, lower, upper, outer_lower, outer_upper) in enumerate(soon.points):
        assert outer_lower <= lower <= mean <= upper <= outer_upper
        assert mean == pytest.approx(8 + at % 5, abs=0.5), "every fifth minute is the same"
    saved = await ModelStore(bus).load(artefact(encoding.FORECAST, tenant))
    assert saved is not None
    forecasts = encoding.decode_forecasts(saved, lambda: Forecasts(Limits()))
    assert {(pool[0], pool[3]) for pool in forecasts.models} == {(tenant, "15m"), (tenant, "6h")}
    assert all(trained.keys[0].tenant == tenant for trained in forecasts.models.values())
    assert {horizon for _, horizon in forecasts.scores.records()} == {"15m", "6h"}
