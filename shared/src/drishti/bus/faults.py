"""What NATS and its client raise, as Drishti's own errors: no other package knows another."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Awaitable, Callable, Iterator
from typing import ParamSpec, TypeVar

import nats.errors

from drishti.errors import BusUnavailable

P = ParamSpec("P")
R = TypeVar("R")

FAULTS = (nats.errors.Error, TimeoutError)


def reason_of(error: BaseException) -> str:
    """What ``error`` says; its type where it says nothing."""
    return str(error) or type(error).__name__


@contextlib.contextmanager
def own_errors(doing: str = "") -> Iterator[None]:
    """Raises :class:`BusUnavailable` for what NATS refuses or does not answer in time; the message begins with ``doing``."""
    try:
        yield
    except FAULTS as error:
        raise BusUnavailable(f"{doing}: {reason_of(error)}" if doing else reason_of(error)) from error


def with_own_errors(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
    """``function``, within :func:`own_errors`."""

    @functools.wraps(function)
    async def within(*args: P.args, **kwargs: P.kwargs) -> R:
        with own_errors():
            return await function(*args, **kwargs)

    return within
