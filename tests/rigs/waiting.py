"""Waiting for a condition, with a deadline that a busy machine keeps and a failure that says what was seen.

Every test waits here for what it is not notified of. Do not sleep for a fixed time and then check: wait until it is so. To show
that something does *not* happen, wait for something else that is sure to come after it.
"""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any

DEADLINE_S = 60.0
"""How long a test waits for what takes a moment: a broken program fails late, a busy machine not at all."""

Condition = Callable[[], Any] | Callable[[], Awaitable[Any]]

_TRUE = object()


async def wait_until(
    condition: Condition, what: str = "", *, equals: Any = _TRUE, seen: Any = None, within: float = DEADLINE_S
) -> Any:
    """Calls ``condition`` (a function, or a coroutine function) until it gives something true, and returns that.

    With ``equals`` it waits until the condition gives just that. The failure names ``what`` was awaited (by default the source
    of the condition), what the condition gave last, and ``seen``: an object, or a function that is called then and gives one.
    An error that the condition raises ends the wait. A coroutine that is still running at the deadline is cancelled.
    """
    began = time.monotonic()
    last: Any = "nothing yet"
    try:
        async with asyncio.timeout(within) as deadline:
            while True:
                result = condition()
                last = await result if inspect.isawaitable(result) else result
                if _holds(last, equals):
                    return last
                await asyncio.sleep(_pause(time.monotonic() - began))
    except TimeoutError:
        if not deadline.expired():
            raise
    raise AssertionError(_failure(condition, what, equals, last, seen, within))


def wait_until_blocking(
    condition: Callable[[], Any], what: str = "", *, equals: Any = _TRUE, seen: Any = None, within: float = DEADLINE_S
) -> Any:
    """The same for a test without an event loop."""
    began = time.monotonic()
    while True:
        last = condition()
        if _holds(last, equals):
            return last
        waited = time.monotonic() - began
        if waited > within:
            raise AssertionError(_failure(condition, what, equals, last, seen, within))
        time.sleep(_pause(waited))


def _holds(value: Any, equals: Any) -> bool:
    return bool(value) if equals is _TRUE else bool(value == equals)


def _pause(waited_s: float) -> float:
    """Short at first, and at most a tenth of a second: a long wait leaves the processor to what is awaited."""
    return min(0.1, 0.01 + waited_s / 20)


def _failure(condition: Condition, what: str, equals: Any, last: Any, seen: Any, within: float) -> str:
    wanted = "" if equals is _TRUE else f" to be {equals!r}"
    lines = [f"waited {within:g} s for {what or _source(condition)}{wanted}", f"last: {last!r}"]
    if seen is not None:
        lines.append(f"seen: {seen() if callable(seen) else seen!r}")
    return "\n".join(lines)


def _source(condition: Condition) -> str:
    name: str = getattr(condition, "__qualname__", repr(condition))
    if not name.endswith("<lambda>"):
        return name
    try:
        return inspect.getsource(condition).strip()
    except OSError:
        return name
