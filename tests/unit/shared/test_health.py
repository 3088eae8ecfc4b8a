"""Ready means that every dependency answers; what does not is named, with its reason."""

from __future__ import annotations

import asyncio

import pytest
from starlette.applications import Starlette

from drishti.errors import BusUnavailable
from drishti.service import health
from drishti.service.health import Health
from rigs.asgi import get_json


async def answers() -> None:
    """A dependency that is there."""


async def away() -> None:
    raise BusUnavailable("not connected to NATS")


async def speechless() -> None:
    raise ConnectionResetError


async def silent() -> None:
    await asyncio.Event().wait()


def app_of(**pings: health.Ping) -> Starlette:
    result = Health()
    for name, ping in pings.items():
        result.add(name, ping)
    return Starlette(routes=result.routes())


async def test_a_service_is_ready_when_all_answer() -> None:
    assert await get_json(app_of(nats=answers, postgresql=answers), "/readyz") == (
        200,
        {"status": "ok", "checked": ["nats", "postgresql"]},
    )


async def test_what_does_not_answer_is_named_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "PING_TIMEOUT_S", 0.05)
    status, body = await get_json(app_of(a=answers, nats=away, peer=speechless, database=silent), "/readyz")
    assert status == 503
    assert body == {
        "status": "unavailable",
        "failing": {
            "nats": "not connected to NATS",
            "peer": "ConnectionResetError",
            "database": "no answer within 0.05 s",
        },
    }


async def test_all_are_asked_at_once() -> None:
    """Each waits for the other: one after the other they would wait for ever."""
    meeting = asyncio.Barrier(2)

    async def meet() -> None:
        await meeting.wait()

    result = Health()
    result.add("a", meet)
    result.add("b", meet)
    assert await result.check() == {}


async def test_the_loop_turns_whatever_is_away() -> None:
    assert await get_json(app_of(nats=away), "/healthz") == (200, {"status": "ok"})


async def catching_up() -> str:
    return "catching up: 12,000 messages wait"


async def test_a_note_is_reported_and_changes_nothing() -> None:
    status, body = await get_json(app_of(consumers=catching_up), "/readyz")
    assert (status, body["notes"]) == (200, {"consumers": "catching up: 12,000 messages wait"})


async def test_readiness_at_another_path_may_leave_one_check_out() -> None:
    result = Health(run_id="r1")
    result.add("nats", answers)
    result.add("consumers", away)
    app = Starlette(routes=[*result.routes(), result.route("/readyz/accept", without="consumers")])
    assert (await get_json(app, "/readyz"))[0] == 503
    assert await get_json(app, "/readyz/accept") == (200, {"status": "ok", "checked": ["nats"]})
