"""What waits for the bus: alarms are said in order and before all else, and none gives way to a forecast."""

from __future__ import annotations

import asyncio
from typing import Any, Literal

import pytest

from drishti.errors import BusUnavailable
from drishti.events import AnomalyInsight, ForecastInsight, InsightDecoder, SeriesInsight
from predictor.replicas import outbox as rules
from predictor.replicas.outbox import Outbox


class Bus:
    """Keeps what is published, in order; ``up`` says whether it confirms."""

    def __init__(self) -> None:
        self.published: list[str] = []
        self.up = True

    async def publish(self, _subject: str, payload: bytes, **_: object) -> int:
        if not self.up:
            raise BusUnavailable("down")
        self.published.append(InsightDecoder().decode(payload).insight_id)
        return 1


def insight(
    name: str, kind: Literal["anomaly", "forecast"], *, service: str = "chat", horizon_ms: int = 900_000
) -> SeriesInsight:
    about: dict[str, Any] = {
        "insight_id": name,
        "tenant": "acme",
        "metric": "requests",
        "field": "rate",
        "labels": {"service": service},
        "state": "ready",
        "at": 0,
        "model": "m",
    }
    return AnomalyInsight(**about) if kind == "anomaly" else ForecastInsight(**about, horizon_ms=horizon_ms)


@pytest.fixture
def bus() -> Bus:
    return Bus()


@pytest.fixture
def outbox(bus: Bus) -> Outbox:
    anything: Any = bus
    return Outbox(anything)


async def say(outbox: Outbox) -> None:
    task = asyncio.create_task(outbox.run())
    async with asyncio.timeout(5):
        await outbox.wait_empty()
    task.cancel()


async def test_no_alarm_gives_way_to_forecasts(bus: Bus, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "FORECASTS", 3)
    for name in ("opened", "ongoing"):
        outbox.put_nowait(1, insight(name, "anomaly"))
    for i in range(10):
        outbox.put_nowait(1, insight(f"forecast-{i}", "forecast", service=f"s{i}"))
    outbox.put_nowait(1, insight("resolved", "anomaly"))
    await say(outbox)
    assert bus.published == ["opened", "ongoing", "resolved", "forecast-7", "forecast-8", "forecast-9"]
    assert outbox.dropped == 7


async def test_of_each_series_and_horizon_only_the_newest_forecast_waits(bus: Bus, outbox: Outbox) -> None:
    for i in range(5):
        outbox.put_nowait(1, insight(f"soon-{i}", "forecast"))
        outbox.put_nowait(1, insight(f"late-{i}", "forecast", horizon_ms=21_600_000))
    await say(outbox)
    assert bus.published == ["soon-4", "late-4"]
    assert outbox.dropped == 0, "what a newer one says is said"


async def test_no_alarm_gives_way_to_alarms_either(bus: Bus, outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "OUTBOX", 3)
    for i in range(5):
        assert outbox.room.is_set() == (i < 3)
        outbox.put_nowait(1, insight(f"alarm-{i}", "anomaly"))
    await say(outbox)
    assert bus.published == [f"alarm-{i}" for i in range(5)]
    assert outbox.room.is_set()


async def test_forecasts_that_wait_hold_up_nothing(bus: Bus, outbox: Outbox) -> None:
    bus.up = False
    outbox.put_nowait(1, insight("forecast", "forecast"))
    async with asyncio.timeout(1):
        await outbox.wait_announced()
    assert outbox.discard({1}) == set(), "all that led up to an artefact is said"
    async with asyncio.timeout(1):
        await outbox.wait_empty()


async def test_forecast_that_is_replaced_while_it_is_published_is_followed_by_the_newer_one(outbox: Outbox, bus: Bus) -> None:
    publish = bus.publish

    async def slowly(subject: str, payload: bytes, **more: object) -> int:
        if not bus.published:
            outbox.put_nowait(1, insight("newer", "forecast"))
            outbox.put_nowait(1, insight("alarm", "anomaly"))
        return await publish(subject, payload, **more)

    bus.publish = slowly  # type: ignore[method-assign]  # the moment that matters is within the publishing
    outbox.put_nowait(1, insight("older", "forecast"))
    await say(outbox)
    assert bus.published == ["older", "alarm", "newer"]
