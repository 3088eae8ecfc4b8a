"""The running product as its users meet it: the gateway, NATS for producers, WebSockets of browsers."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import nats
from nats.aio.client import Client
from websockets.asyncio.client import ClientConnection
from websockets.asyncio.client import connect as websocket_connect

from rigs.local_run import Running, read_env
from rigs.waiting import DEADLINE_S


class Product:
    """One run. ``client_env`` is what it gives to producers."""

    def __init__(self, running: Running, environment: dict[str, str], http: aiohttp.ClientSession) -> None:
        self.running = running
        self.client_env = read_env(Path(environment["DRISHTI_HOME"]) / "client.env")
        self.url = self.client_env["DRISHTI_URL"]
        self._http = http
        self._authorized = {"Authorization": f"Bearer {self.client_env['DRISHTI_API_KEY']}"}

    async def post(self, path: str, body: Any, **headers: str) -> tuple[int, Any]:
        """Status and JSON of the answer; ``body`` is JSON where it is not bytes."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {**self._authorized, "Content-Type": "application/json", **{k.replace("_", "-"): v for k, v in headers.items()}}
        async with self._http.post(self.url + path, data=data, headers=sent) as answer:
            return answer.status, await answer.json(content_type=None)

    async def get(self, path: str, **parameters: str) -> Any:
        """JSON of the answer, which must be 200."""
        async with self._http.get(self.url + path, params=parameters, headers=self._authorized) as answer:
            body = await answer.json(content_type=None)
            assert answer.status == 200, body
            return body

    async def query(self, metric: str, aggregate: str, **parameters: str) -> list[dict[str, Any]]:
        """The series of the answer, over the last hour and a bit where nothing else is said."""
        to_ms = int(time.time() * 1000) + 60_000
        asked = {"metric": metric, "aggregate": aggregate, "from": str(to_ms - 5_400_000), "to": str(to_ms), **parameters}
        result: list[dict[str, Any]] = (await self.get("/api/analytics/query", **asked))["series"]
        return result

    async def total(self, metric: str, aggregate: str, **parameters: str) -> float | None:
        """The total of the one series of the answer; ``None`` where there is none yet."""
        series = await self.query(metric, aggregate, **parameters)
        return series[0]["total"] if series else None

    @contextlib.asynccontextmanager
    async def nats(self) -> AsyncIterator[Client]:
        """Any NATS client, as ``client.env`` lets one in."""
        client = await nats.connect(self.client_env["DRISHTI_NATS_URL"])
        try:
            yield client
        finally:
            await client.close()

    def socket(self, dashboard: str) -> Any:
        """A plain WebSocket, without any handshake of ours."""
        return websocket_connect(f"{self.url.replace('http', 'ws', 1)}/api/dashboard/ws/{dashboard}", compression=None)


async def values_with(socket: ClientConnection, wanted: dict[str, float]) -> None:
    """Reads frames until one has the ``wanted`` values; fails with the last ones seen."""
    seen: dict[str, Any] = {}
    try:
        async with asyncio.timeout(DEADLINE_S):
            while any(seen.get(name) != value for name, value in wanted.items()):
                seen = json.loads(await socket.recv())["data"]["values"]
    except TimeoutError:
        raise AssertionError(f"{ {name: seen.get(name) for name in wanted} } and not {wanted}") from None
