"""Health: ``/healthz`` says that the loop turns, ``/readyz`` that every dependency answers, and names those that do not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from drishti.settings import RUN_HEADER

PING_TIMEOUT_S = 2.0

Ping = Callable[[], Awaitable[str | None]]
"""Raises when its dependency does not answer; may return a note for people, such as that it is catching up."""


class Health:
    """The dependencies of one service. Each brings its own ping, which raises when the dependency does not answer."""

    def __init__(self, *, run_id: str = "") -> None:
        self._pings: dict[str, Ping] = {}
        self._headers = {RUN_HEADER: run_id} if run_id else {}

    def add(self, name: str, ping: Ping) -> None:
        self._pings[name] = ping

    async def check(self) -> dict[str, str]:
        """What does not answer, by name, with the reason; empty when the service is ready."""
        return (await self._check(list(self._pings)))[0]

    async def _check(self, names: list[str]) -> tuple[dict[str, str], dict[str, str]]:
        results = await asyncio.gather(*(self._ask(self._pings[name]) for name in names))
        failing = {name: reason for name, (reason, _) in zip(names, results, strict=True) if reason}
        notes = {name: note for name, (_, note) in zip(names, results, strict=True) if note}
        return failing, notes

    def routes(self) -> list[Route]:
        return [Route("/healthz", self._healthz), self.route("/readyz")]

    def route(self, path: str, *, without: str = "") -> Route:
        """Readiness at ``path``, where one check is left out."""

        async def answer(_request: Request) -> JSONResponse:
            return await self._readiness([name for name in self._pings if name != without])

        return Route(path, answer)

    async def _ask(self, ping: Ping) -> tuple[str, str]:
        """Why it does not answer, and what it says where it does."""
        try:
            async with asyncio.timeout(PING_TIMEOUT_S):
                return "", await ping() or ""
        except TimeoutError:
            return f"no answer within {PING_TIMEOUT_S:g} s", ""
        except Exception as error:
            # Whatever a dependency's client raises is the answer here, not a failure of this code.
            return str(error) or type(error).__name__, ""

    async def _healthz(self, _request: Request) -> JSONResponse:
        return JSONResponse({"status": "ok"}, headers=self._headers)

    async def _readiness(self, names: list[str]) -> JSONResponse:
        failing, notes = await self._check(names)
        if failing:
            return JSONResponse({"status": "unavailable", "failing": failing}, status_code=503, headers=self._headers)
        content = {"status": "ok", "checked": sorted(names), **({"notes": notes} if notes else {})}
        return JSONResponse(content, headers=self._headers)
