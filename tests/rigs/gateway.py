"""A gateway for the tests: the real one, on a free port, with keys of a tenant of its own, and eyes on the streams."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import time
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import aiohttp
import pytest
from nats.js import JetStreamContext, api

from drishti.bus import keys
from drishti.bus.connection import Bus, connect
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from gateway.app import Gateway, build_app, on_the_bus, serve_ports
from gateway.settings import GatewaySettings
from rigs.programs import program
from rigs.waiting import DEADLINE_S, wait_until


def event(event_id: str | None = None, event_type: str = "dharma_query", **fields: Any) -> dict[str, Any]:
    return {"event_id": event_id or uuid.uuid4().hex, "event_type": event_type, **fields}


class Rig:
    """One running gateway and its tenant. ``key(role)`` makes a key; ``post`` and ``get`` speak as an admin of the tenant.
    ``grpc``: where it takes OTLP/gRPC."""

    def __init__(self, url: str, http: aiohttp.ClientSession, bus: Bus, gateway: Gateway | None = None) -> None:
        self.url = url
        self.http = http
        self.bus = bus
        self.tenant = f"t{uuid.uuid4().hex[:10]}"
        self.gateway = gateway
        self.admin = ""
        self.grpc = ""

    async def key(self, role: keys.Role, tenant: str | None = None) -> str:
        """A key's text, once the gateway knows it."""
        kv = await self.bus.kv("api_keys")
        _, text = await keys.create(kv, name="test", tenant=tenant or self.tenant, role=role, now=datetime.now(UTC))
        await wait_until(lambda: self.knows(text))
        return text

    async def key_until(self, expires_at: datetime, role: keys.Role) -> str:
        """A key's text, once the gateway knows it, that opens nothing from ``expires_at`` on."""
        kv, now = await self.bus.kv("api_keys"), datetime.now(UTC)
        _, text = await keys.create(kv, name="test", tenant=self.tenant, role=role, now=now, expires_at=expires_at)
        await wait_until(lambda: self.knows(text))
        return text

    def advance(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        """Sets the clock by which the gateway's keys expire forward, until the test ends."""
        assert self.gateway is not None
        monkeypatch.setattr(self.gateway.ring, "_now", lambda: time.time() + seconds)

    async def knows(self, text: str) -> bool:
        if self.gateway is not None:
            return self.gateway.ring.check(text) is not None
        async with self.http.get(f"{self.url}/api/analytics/query", headers={"x-api-key": text}) as answer:
            return answer.status not in (401, 503)

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Status and JSON of the answer; ``body`` is JSON where it is not bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"authorization": f"Bearer {self.admin}", "content-type": "application/json"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.http.post(self.url + path, data=data, headers=sent) as answer:
            return answer.status, await answer.json(content_type=None)

    async def messages(self, stream: str, subject: str) -> list[Any]:
        """Everything on ``subject`` (with wildcards), oldest first."""
        return await messages(self.bus.js, stream, subject)

    async def events(self) -> list[dict[str, Any]]:
        """All events of the tenant in EVENTS, batches taken apart."""
        result: list[dict[str, Any]] = []
        for message in await self.messages("EVENTS", f"events.v1.{self.tenant}.>"):
            payload = json.loads(message.data)
            result += payload if isinstance(payload, list) else [payload]
        return result


async def messages(js: JetStreamContext, stream: str, subject: str) -> list[Any]:
    config = api.ConsumerConfig(deliver_policy=api.DeliverPolicy.ALL, ack_policy=api.AckPolicy.NONE, filter_subject=subject)
    info = await js.add_consumer(stream, config)
    subscription = await js.pull_subscribe_bind(info.name, stream)
    result: list[Any] = []
    while len(result) < info.num_pending:
        result += await subscription.fetch(min(500, info.num_pending - len(result)), timeout=DEADLINE_S)
    await subscription.unsubscribe()
    await js.delete_consumer(stream, info.name)
    return result


@contextlib.asynccontextmanager
async def running(nats: NatsServer, *, know_keys: bool = True, **settings: Any) -> AsyncIterator[Rig]:
    """A gateway in this process, on ``nats``."""
    port = free_port()
    settings = {"otlp_grpc_port": free_port(), **settings}
    gateway = build_app(GatewaySettings(bus=nats.settings("gateway"), port=port, **settings))
    stop, ready = asyncio.Event(), asyncio.Event()

    async def serve() -> None:
        async with on_the_bus(gateway):
            await serve_ports(gateway, stop, ready=ready)

    bus = await connect(nats.settings("admin"), name="admin")
    task = asyncio.create_task(serve())
    try:
        await wait_until(lambda: ready.is_set() or task.done())
        async with aiohttp.ClientSession() as http:
            rig = Rig(f"http://127.0.0.1:{port}", http, bus, gateway)
            rig.grpc = f"127.0.0.1:{gateway.settings.otlp_grpc_port}"
            if know_keys:
                rig.admin = await rig.key("admin")
            yield rig
    finally:
        stop.set()
        async with asyncio.timeout(DEADLINE_S):
            await task
        await bus.close()


@contextlib.asynccontextmanager
async def running_process(nats: NatsServer, **environ: str) -> AsyncIterator[tuple[Rig, asyncio.subprocess.Process]]:
    """``python -m gateway`` as it is deployed; ends by SIGTERM."""
    port = int(environ.get("GATEWAY_PORT") or free_port())
    bus_settings = nats.settings("gateway")
    env = {
        **os.environ,
        "GATEWAY_PORT": str(port),
        "DRISHTI_NATS_URL": bus_settings.url,
        "NATS_USER": bus_settings.user,
        "NATS_PASSWORD": bus_settings.password.reveal(),
        **environ,
    }
    bus = await connect(nats.settings("admin"), name="admin")
    try:
        async with program(sys.executable, "-m", "gateway", env=env) as process, aiohttp.ClientSession() as http:
            rig = Rig(f"http://127.0.0.1:{port}", http, bus)

            async def is_ready() -> bool:
                assert process.returncode is None, f"the gateway ended with {process.returncode}"
                with contextlib.suppress(aiohttp.ClientError):
                    async with http.get(f"{rig.url}/readyz") as answer:
                        return answer.status == 200
                return False

            await wait_until(is_ready)
            rig.admin = await rig.key("admin")
            yield rig, process
    finally:
        await bus.close()
