"""The bus's time is what the bus says, and a machine whose clock is wrong is logged."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from drishti.errors import BusUnavailable, QueryError
from drishti.rate_limited_log import RateLimitedLog
from predictor.replicas.bus_clock import READ_S, BusClock

START = 1_790_000_000.0


class Bus:
    """Says its time half way through the ``takes`` seconds that an answer needs; everything passes by ``elapsed``."""

    def __init__(self) -> None:
        self.elapsed = 500.0
        self.takes = 0.0
        self.answer: dict[str, object] | None = None

    async def request(self, _subject: str, _payload: bytes, *, timeout_s: float) -> Any:
        if self.takes > timeout_s:
            raise QueryError("no answer", code="timeout")
        self.elapsed += self.takes / 2
        reported = {"ts": datetime.fromtimestamp(START + self.elapsed, UTC)} if self.answer is None else self.answer
        self.elapsed += self.takes / 2
        return SimpleNamespace(data=msgspec.json.encode(reported))


@pytest.fixture
def bus() -> Bus:
    return Bus()


def clock_of(bus: Bus, *, ahead_s: float = 0.0) -> BusClock:
    anything: Any = bus
    return BusClock(anything, machine=lambda: START + bus.elapsed + ahead_s, clock=lambda: bus.elapsed)


@pytest.mark.parametrize("ahead_s", [-3600.0, -20.0, 0.0, 20.0, 3600.0])
async def test_machines_clock_does_not_matter(bus: Bus, ahead_s: float) -> None:
    clock = clock_of(bus, ahead_s=ahead_s)
    bus.takes = 1.5
    await clock.look()
    assert clock.now() == pytest.approx(START + bus.elapsed)
    bus.elapsed += READ_S
    assert clock.now() == pytest.approx(START + bus.elapsed)


@pytest.mark.parametrize(("ahead_s", "times"), [(0.0, 0), (-3.0, 0), (20.0, 1), (-20.0, 1)])
async def test_clocks_that_differ_are_logged_once(
    bus: Bus, caplog: pytest.LogCaptureFixture, ahead_s: float, times: int
) -> None:
    clock = clock_of(bus, ahead_s=ahead_s)
    for _ in range(10):
        await clock.look()
        bus.elapsed += READ_S
    assert [record.__dict__["ahead_s"] for record in caplog.records] == [ahead_s] * times


@pytest.mark.parametrize("answer", [{"error": {"code": 404}}, {"ts": "soon"}])
async def test_answer_without_a_time_is_none(bus: Bus, answer: dict[str, object]) -> None:
    bus.answer = answer
    with pytest.raises(BusUnavailable, match="does not say what time it is"):
        await clock_of(bus).look()


async def test_no_answer_leaves_the_last_one(bus: Bus) -> None:
    clock = clock_of(bus, ahead_s=100.0)
    await clock.look()
    bus.takes = 60.0
    with pytest.raises(BusUnavailable, match="no answer"):
        await clock.look()
    assert clock.now() == pytest.approx(START + bus.elapsed)


def test_what_goes_on_is_said_limited() -> None:
    now = 0.0
    limited = RateLimitedLog(10.0, clock=lambda: now)
    said = []
    for second in range(25):
        now = float(second)
        if limited.due():
            said.append((second, limited.skipped))
    assert said == [(0, 0), (10, 9), (20, 9)]
