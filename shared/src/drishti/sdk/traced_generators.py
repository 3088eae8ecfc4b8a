"""Generators, each step of which is inside a span.

The span is current while the generator's own code runs, and never while its consumer does.
"""

from __future__ import annotations

import functools
from collections.abc import AsyncGenerator, Callable, Generator
from contextvars import Token
from typing import Any, Protocol

from opentelemetry.context import Context


class OpenSpan(Protocol):
    """What is needed of a :class:`drishti.tracing.TracedSpan` that has started.

    ``end`` is given what ended the work: ``StopIteration`` or ``StopAsyncIteration`` where it was used up. What has a method
    ``received``, too, is given each item that passes.
    """

    def resume(self) -> None: ...
    def suspend(self) -> None: ...
    def attach(self) -> Token[Context] | None: ...
    def detach(self, token: Token[Context] | None) -> None: ...
    def end(self, error: BaseException | None = None) -> None: ...


def iterate(span: OpenSpan, generator: Any) -> Generator[Any, Any, Any]:
    """``generator``, each step of it inside ``span``."""
    step: Callable[[], Any] = functools.partial(next, generator)
    received = getattr(span, "received", None)
    try:
        while True:
            span.resume()
            try:
                value = step()
            except StopIteration as stop:
                span.suspend()
                span.end(stop)
                return stop.value
            finally:
                span.suspend()
            if received is not None:
                received(value)
            try:
                sent = yield value
            except GeneratorExit:
                span.resume()
                generator.close()
                raise
            except BaseException as thrown:
                step = functools.partial(generator.throw, thrown)
            else:
                step = functools.partial(generator.send, sent)
    except BaseException as error:
        span.suspend()
        span.end(error)
        raise


def iterating_async(function: Callable[..., Any], begin: Callable[[], OpenSpan]) -> Callable[..., AsyncGenerator[Any, Any]]:
    """An async generator function like ``function``; of each of its generators every step is inside a span of ``begin``'s."""

    @functools.wraps(function)
    async def traced(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        generator = function(*args, **kwargs)
        span = begin()
        step: Callable[[], Any] = generator.__anext__
        received = getattr(span, "received", None)
        try:
            while True:
                span.resume()
                try:
                    value = await step()
                except StopAsyncIteration as stop:
                    span.suspend()
                    span.end(stop)
                    return
                finally:
                    span.suspend()
                if received is not None:
                    received(value)
                try:
                    sent = yield value
                except GeneratorExit:
                    span.resume()
                    await generator.aclose()
                    raise
                except BaseException as thrown:
                    step = functools.partial(generator.athrow, thrown)
                else:
                    step = functools.partial(generator.asend, sent)
        except BaseException as error:
            span.suspend()
            span.end(error)
            raise

    return traced


def iterate_async(span: OpenSpan, generator: Any) -> AsyncGenerator[Any, Any]:
    return iterating_async(lambda: generator, lambda: span)()
