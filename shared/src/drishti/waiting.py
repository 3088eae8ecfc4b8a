"""Waiting that ends when the service does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

FIRST_S = 0.25
MOST_S = 5.0
"""The longest pause between two tries on the bus: what comes back is used again within moments."""


class Backoff:
    """Growing pauses between tries; ``reset`` after a success."""

    def __init__(self) -> None:
        self._delay = 0.0

    def reset(self) -> None:
        self._delay = 0.0

    async def wait(self) -> None:
        self._delay = min(MOST_S, self._delay * 2 or FIRST_S)
        await asyncio.sleep(self._delay)


async def pause(stop: asyncio.Event, seconds: float) -> None:
    """Waits ``seconds``, or less when the service ends."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await stop.wait()


async def until(stop: asyncio.Event, work: Coroutine[Any, Any, T]) -> T | None:
    """The result of ``work``; ``None`` when ``stop`` comes first, and the work is cancelled."""
    task = asyncio.ensure_future(work)
    stopped = asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((task, stopped), return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        stopped.cancel()
        if not task.done():
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
