"""Waiting for a condition: what it returns, and what it says when the deadline has passed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from rigs.waiting import wait_until, wait_until_blocking


class Counter:
    """Gives 1, 2, 3 and so on."""

    def __init__(self) -> None:
        self.count = 0

    def next(self) -> int:
        self.count += 1
        return self.count

    async def later(self) -> int:
        await asyncio.sleep(0)
        return self.next()


async def wait(kind: str, *args: Any, **kwargs: Any) -> Any:
    return wait_until_blocking(*args, **kwargs) if kind == "blocking" else await wait_until(*args, **kwargs)


@pytest.mark.parametrize("kind", ["blocking", "async"])
async def test_what_the_condition_gave_is_returned(kind: str) -> None:
    counter = Counter()
    assert await wait(kind, lambda: counter.next() > 3 and f"after {counter.count}") == "after 4"
    assert await wait(kind, counter.next, equals=7) == 7


async def test_a_condition_may_be_a_coroutine_function() -> None:
    counter = Counter()
    assert await wait_until(counter.later, equals=3) == 3
    assert await wait_until(lambda: counter.later()) == 4


@pytest.mark.parametrize("kind", ["blocking", "async"])
async def test_the_failure_says_what_was_awaited_and_what_was_seen(kind: str) -> None:
    log = ["started"]
    with pytest.raises(
        AssertionError, match=r"(?s)waited 0\.02 s for .*lambda: len\(log\) > 1.*last: False\nseen: \['started'\]"
    ):
        await wait(kind, lambda: len(log) > 1, seen=log, within=0.02)
    with pytest.raises(AssertionError, match=r"waited 0 s for two lines to be 2\nlast: 1\nseen: 'started'$"):
        await wait(kind, lambda: len(log), "two lines", equals=2, seen=lambda: log[0], within=0)


async def test_a_coroutine_that_never_ends_is_given_up_at_the_deadline() -> None:
    with pytest.raises(AssertionError, match=r"Event\.wait\nlast: 'nothing yet'"):
        await wait_until(asyncio.Event().wait, within=0.02)


@pytest.mark.parametrize("error", [TimeoutError, OSError])
async def test_errors_of_the_condition_are_the_tests(error: type[Exception]) -> None:
    def fails() -> None:
        raise error("of its own")

    with pytest.raises(error, match="of its own"):
        await wait_until(fails)
    with pytest.raises(error, match="of its own"):
        wait_until_blocking(fails)
