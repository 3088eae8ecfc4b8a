"""The current trace, taken along to where Python leaves it behind: other threads, executors and processes.

::

    executor.submit(drishti.propagated(work), item)              # one function
    with drishti.propagated(ThreadPoolExecutor(8)) as executor:  # or all that an executor is given
        executor.submit(work, item)

``asyncio.to_thread`` and tasks take it along by themselves. Where ``opentelemetry-instrumentation-threading`` is installed,
:func:`drishti.instrument` has every thread do so.
"""

from __future__ import annotations

import contextvars
import functools
import inspect
from collections.abc import AsyncGenerator, Callable, Generator, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from typing import Any, TypeVar, overload

from opentelemetry import context as otel_context
from opentelemetry import propagate

from drishti.tracing import detach

__all__ = ["propagated"]

E = TypeVar("E", bound=Executor)
F = TypeVar("F", bound=Callable[..., Any])


@overload
def propagated(target: E) -> E: ...


@overload
def propagated(target: F) -> F: ...


def propagated(target: Any) -> Any:
    """``target``, a function or an executor, for another thread.

    A function runs in a copy of the context of this call (the current span, baggage and every other context variable), as
    often as it is called. A coroutine function or a generator takes the trace along, not the other variables. An executor runs
    each function in the context in which it was submitted; of a :class:`ProcessPoolExecutor` only the trace crosses, as
    :mod:`opentelemetry.propagate` carries it. What else the executor has, the result has, too.
    """
    if isinstance(target, Executor):
        return _PropagatingExecutor(target)
    if inspect.iscoroutinefunction(target) or inspect.isgeneratorfunction(target) or inspect.isasyncgenfunction(target):
        return _attached(target)
    captured = contextvars.copy_context()

    @functools.wraps(target)
    def run(*args: Any, **kwargs: Any) -> Any:
        # A copy for each call: one context cannot be entered by two threads at once.
        return captured.copy().run(target, *args, **kwargs)

    return run


def _attached(function: Any) -> Any:
    """``function`` with the trace of now current while it runs; its other context variables are those of its caller."""
    captured = otel_context.get_current()
    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def run(*args: Any, **kwargs: Any) -> Any:
            token = otel_context.attach(captured)
            try:
                return await function(*args, **kwargs)
            finally:
                detach(token)

        return run
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def steps(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
            return (yield from _InContext(captured, function(*args, **kwargs)))

        return steps

    @functools.wraps(function)
    async def steps_async(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        items = function(*args, **kwargs)
        try:
            while True:
                token = otel_context.attach(captured)
                try:
                    item = await anext(items)
                except StopAsyncIteration:
                    return
                finally:
                    detach(token)
                yield item
        finally:
            await items.aclose()

    return steps_async


class _InContext:
    """A generator each step of which runs in ``captured``."""

    def __init__(self, captured: otel_context.Context, generator: Any) -> None:
        self._captured = captured
        self._generator = generator

    def __iter__(self) -> _InContext:
        return self

    def _step(self, step: Callable[..., Any], *args: Any) -> Any:
        token = otel_context.attach(self._captured)
        try:
            return step(*args)
        finally:
            detach(token)

    def __next__(self) -> Any:
        return self._step(next, self._generator)

    def send(self, value: Any) -> Any:
        return self._step(self._generator.send, value)

    def throw(self, *error: Any) -> Any:
        return self._step(self._generator.throw, *error)

    def close(self) -> None:
        self._step(self._generator.close)


class _PropagatingExecutor(Executor):
    def __init__(self, executor: Executor) -> None:
        self._executor = executor

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        if isinstance(self._executor, ProcessPoolExecutor):
            return self._executor.submit(_in_trace, _carrier(), fn, *args, **kwargs)
        return self._executor.submit(propagated(fn), *args, **kwargs)

    def map(self, fn: Callable[..., Any], *iterables: Iterable[Any], **options: Any) -> Iterator[Any]:
        if isinstance(self._executor, ProcessPoolExecutor):
            return self._executor.map(functools.partial(_in_trace, _carrier(), fn), *iterables, **options)
        return self._executor.map(propagated(fn), *iterables, **options)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._executor.shutdown(wait, cancel_futures=cancel_futures)

    def __getattr__(self, name: str) -> Any:
        if name == "_executor":  # not initialised, as in a copy that is being made
            raise AttributeError(name)
        return getattr(self._executor, name)


def _carrier() -> dict[str, str]:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    return carrier


def _in_trace(carrier: dict[str, str], function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Runs ``function`` in another process, in the trace that ``carrier`` names."""
    token = otel_context.attach(propagate.extract(carrier))
    try:
        return function(*args, **kwargs)
    finally:
        detach(token)
