"""Request events: batched by tenant, bounded, sent again under the same id when the bus did not confirm."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest

from drishti.errors import BusUnavailable
from drishti.events import BatchDecoder, RequestEvent
from gateway.request_log import BATCH, RequestLog
from rigs.waiting import wait_until


class Publisher:
    def __init__(self) -> None:
        self.sent: list[tuple[str, str, list[RequestEvent]]] = []
        self.failing = False
        self.tried: list[str] = []

    async def requests(self, tenant: str, service: str, payload: bytes, ident: str) -> None:
        self.tried.append(ident)
        if self.failing:
            raise BusUnavailable("no ack")
        assert service == "gateway"
        self.sent.append((tenant, ident, BatchDecoder(RequestEvent).decode(payload)))


def record(log: RequestLog, count: int = 1, tenant: str = "acme", **more: Any) -> None:
    for _ in range(count):
        log.add(tenant, "GET", "/x", 200, duration_s=0.25, **more)


@pytest.fixture
def publisher() -> Publisher:
    return Publisher()


@pytest.fixture
def log(publisher: Publisher) -> RequestLog:
    return RequestLog(publisher, service="gateway", capacity=1000)  # type: ignore[arg-type]


async def test_requests_become_one_message_a_tenant(log: RequestLog, publisher: Publisher) -> None:
    before = datetime.now(UTC)
    for tenant in ("b", "a", "b"):
        record(log, tenant=tenant)
    await log.flush()
    assert [(tenant, len(events)) for tenant, _, events in publisher.sent] == [("a", 1), ("b", 2)]
    event = publisher.sent[0][2][0]
    assert (event.method, event.route, event.status, event.duration_ms, event.service) == ("GET", "/x", 200, 250, "gateway")
    assert event.timestamp is not None
    assert before <= event.timestamp <= datetime.now(UTC)


async def test_no_message_holds_more_than_a_batch_and_every_id_is_its_own(log: RequestLog, publisher: Publisher) -> None:
    record(log, 2 * BATCH + 5)
    await log.flush()
    assert [len(events) for _, _, events in publisher.sent] == [BATCH, BATCH, 5]
    assert len({e.event_id for _, _, events in publisher.sent for e in events}) == 2 * BATCH + 5


async def test_unconfirmed_message_is_sent_again_under_its_id_before_newer_ones(log: RequestLog, publisher: Publisher) -> None:
    record(log)
    publisher.failing = True
    with pytest.raises(BusUnavailable):
        await log.flush()
    record(log)
    publisher.failing = False
    await log.flush()
    assert publisher.tried[0] == publisher.tried[1] == publisher.sent[0][1]
    assert len(publisher.sent) == 2
    assert len(log) == 0


async def test_when_full_the_newest_is_dropped_and_counted(log: RequestLog, publisher: Publisher) -> None:
    publisher.failing = True
    record(log, 600)
    with pytest.raises(BusUnavailable):
        await log.flush()
    record(log, 500)
    assert (len(log), log.dropped) == (1000, 100)


async def test_run_publishes_soon_and_at_once_when_there_are_enough(log: RequestLog, publisher: Publisher) -> None:
    stop = asyncio.Event()
    task = asyncio.create_task(log.run(stop))
    for count in (1, BATCH):
        before = len(publisher.sent)
        record(log, count)
        await wait_until(lambda before=before: len(publisher.sent) > before)
    stop.set()
    await task
