"""NATS away, back, restarted; SIGTERM with requests in flight: nothing accepted is lost, nothing unconfirmed is accepted."""

from __future__ import annotations

import asyncio
import contextlib
import signal

import aiohttp
import pytest

from drishti.service.lifecycle import serve_http
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from gateway.app import build_app, on_the_bus
from gateway.settings import GatewaySettings
from rigs.gateway import Rig, event, running, running_process
from rigs.waiting import wait_until


async def status_of(rig: Rig, path: str) -> int:
    async with rig.http.get(rig.url + path) as answer:
        return answer.status


async def test_gateway_starts_before_nats_and_says_so(own_nats: NatsServer) -> None:
    own_nats.stop()
    port = free_port()
    gateway = build_app(GatewaySettings(bus=own_nats.settings("gateway"), port=port))
    stop, ready = asyncio.Event(), asyncio.Event()
    async with on_the_bus(gateway), aiohttp.ClientSession(f"http://127.0.0.1:{port}") as http:
        serving = asyncio.create_task(serve_http(gateway.app, host="127.0.0.1", port=port, stop=stop, ready=ready))
        await ready.wait()
        for path, status in (("/healthz", 200), ("/readyz", 503)):
            async with http.get(path) as answer:
                assert answer.status == status
        async with http.post("/api/events", json=event()) as answer:
            assert answer.status == 503
            assert int(answer.headers["retry-after"]) >= 1
        own_nats.start()

        async def is_ready() -> bool:
            async with http.get("/readyz") as answer:
                return answer.status == 200

        await wait_until(is_ready)
        stop.set()
        await serving


async def test_while_nats_is_down_nothing_is_accepted_and_afterwards_all_is_well(own_nats: NatsServer) -> None:
    async with running(own_nats) as rig:
        assert (await rig.post("/api/events", event("before")))[0] == 202
        own_nats.kill()
        during = [rig.post("/api/events", event(f"single{i}")) for i in range(5)]
        during.append(rig.post("/api/events", [event("batch1"), event("batch2", "other")]))
        answers = await asyncio.gather(*during)
        assert {status for status, _ in answers} == {503}
        assert await status_of(rig, "/readyz") == 503
        assert await status_of(rig, "/healthz") == 200
        own_nats.start()

        async def is_ready() -> bool:
            return await status_of(rig, "/readyz") == 200

        await wait_until(is_ready)
        assert (await rig.post("/api/events", event("after")))[0] == 202
        later = await rig.key("producer")
        assert (await rig.post("/api/events", event("with a new key"), authorization=f"Bearer {later}"))[0] == 202
        result = {e["event_id"] for e in await rig.events()}
        assert {"before", "after", "with a new key"} <= result


async def test_every_accepted_event_survives_restarts_of_nats_once(own_nats: NatsServer) -> None:
    accepted: set[str] = set()
    async with running(own_nats) as rig:
        stop = asyncio.Event()

        async def send(sender: int) -> None:
            number = 0
            while not stop.is_set():
                ids = [f"{sender}-{number}-{i}" for i in range(3)]
                number += 1
                body = [event(i) for i in ids] if sender % 2 else event(ids[0])
                while True:  # the same ids until they are accepted, as a producer does
                    status, _ = await rig.post("/api/events", body)
                    if status == 202:
                        accepted.update(ids if sender % 2 else ids[:1])
                        break
                    assert status in (429, 503), status

        senders = [asyncio.create_task(send(i)) for i in range(6)]
        for restart in (own_nats.restart, lambda: (own_nats.kill(), own_nats.start())):
            before = len(accepted)
            await wait_until(lambda b=before: len(accepted) > b + 50)
            await asyncio.to_thread(restart)
        before = len(accepted)
        await wait_until(lambda: len(accepted) > before + 50)
        stop.set()
        await asyncio.gather(*senders)
        stored = [e["event_id"] for e in await rig.events()]
    assert accepted <= set(stored)
    assert len(stored) - len(set(stored)) <= 600, "what was confirmed too late may be there twice; analytics counts it once"


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
async def test_on_a_signal_the_requests_that_are_in_are_answered_and_stored(
    own_nats: NatsServer, signum: signal.Signals
) -> None:
    async with running_process(own_nats) as (rig, process):
        sent: list[str] = []
        accepted: list[str] = []

        async def send(sender: int) -> None:
            for number in range(10_000):
                ident = f"{sender}-{number}"
                sent.append(ident)
                try:
                    status, _ = await rig.post("/api/events", event(ident))
                except aiohttp.ClientError:
                    return  # the port is closed
                assert status == 202
                accepted.append(ident)

        senders = [asyncio.create_task(send(i)) for i in range(20)]
        await wait_until(lambda: len(accepted) > 200)
        process.send_signal(signum)
        assert await asyncio.wait_for(process.wait(), 15) == 0
        await asyncio.gather(*senders)
        stored = {e["event_id"] for e in await rig.events()}
        assert set(accepted) <= stored
        recorded = [m for m in await rig.messages("REQUESTS", f"requests.v1.{rig.tenant}.drishti--gateway")]
        assert sum(m.data.count(b'"event_id"') for m in recorded) >= len(accepted), "the last request events went out too"


async def test_request_that_is_being_sent_when_the_signal_comes_is_still_taken(own_nats: NatsServer) -> None:
    async with running_process(own_nats) as (rig, process):
        half = asyncio.Event()

        async def body() -> object:
            yield b'{"event_id":"last",'
            half.set()
            await wait_until(lambda: closed.is_set())
            yield b'"event_type":"x"}'

        closed = asyncio.Event()
        headers = {"x-api-key": rig.admin, "content-type": "application/json"}
        asking = asyncio.create_task(rig.http.post(f"{rig.url}/api/events", data=body(), headers=headers))
        await half.wait()
        process.send_signal(signal.SIGTERM)

        async def port_is_closed() -> bool:
            async with aiohttp.ClientSession() as other:
                with contextlib.suppress(aiohttp.ClientConnectorError):
                    async with other.get(f"{rig.url}/healthz"):
                        return False
            return True

        await wait_until(port_is_closed)
        closed.set()
        async with await asking as answer:
            assert answer.status == 202
        assert await asyncio.wait_for(process.wait(), 15) == 0
        assert [e["event_id"] for e in await rig.events()] == ["last"]
