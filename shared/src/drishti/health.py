"""Health: ``/healthz`` says that the loop turns, ``/readyz`` that every dependency answers, and names those that do not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

PING_TIMEOUT_S = 2.0

Ping = Callable[[], Awaitable[None]]


class Health:
    """The dependencies of one service. Each brings its own ping, which raises when the dependency does not answer."""

    def __init__(self) -> None:
        self._pings: dict[str, Ping] = {}

    def add(self, name: str, ping: Ping) -> None:
        self._pings[name] = ping

    async def check(self) -> dict[str, str]:
        """What does not answer, by name, with the reason; empty when the service is ready."""
        results = await asyncio.gather(*(self._ask(ping) for ping in self._pings.values()))
        return {name: reason for name, reason in zip(self._pings, results, strict=True) if reason}

    def routes(self) -> list[Route]:
        return [Route("/healthz", self._healthz), Route("/readyz", self._readyz)]

    async def _ask(self, ping: Ping) -> str:
        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                await ping()
        except TimeoutError:
            return f"no answer within {PING_TIMEOUT_S:g} s"
        except Exception as error:
            # Whatever a dependency's client raises is the answer here, not a failure of this code.
            return str(error) or type(error).__name__
        return ""

    async def _healthz(self, _request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"})

    async def _readyz(self, _request: Request) -> JSONResponse:
        failing = await self.check()
        if failing:
            return JSONResponse({"status": "unavailable", "failing": failing}, status_code=503)
        return JSONResponse({"status": "ok", "checked": sorted(self._pings)})
