"""What a traced function returned, and when its span ends: at once, or when the stream, coroutine or future it returned ends.

What is followed, and how:

=====================================  =============================================================================
generator, coroutine, async generator  one of the same kind around it
future, task                           itself, with a callback
one-shot iterator, awaitable object,   a stand-in that passes on everything else; ``isinstance`` says the same of it.
object for a ``with`` and no more      A stream of an LLM client is one: ``__next__``, ``close``, ``with``, attributes
streaming response (``body_iterator``) itself, with its body followed
=====================================  =============================================================================

All else ends the span at once: values, what can be iterated again (lists, mappings), files, cursors, connections.

The span is current while the work's own code runs, from one item to the next, and never while its consumer does. It ends
when the work is used up, closed, failed or cancelled, and when nobody holds it any more.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import contextlib
import functools
import inspect
import io
import logging
import weakref
from collections.abc import Callable, Coroutine
from types import AsyncGeneratorType, GeneratorType, TracebackType
from typing import Any

from drishti.sdk.traced_generators import OpenSpan, iterate, iterate_async

log = logging.getLogger(__name__)

VALUES = frozenset({type(None), bool, int, float, str, bytes, list, tuple, dict, set, frozenset})
"""Types whose objects are what they are: the span ends at once."""

_RESOURCES = ("readline", "execute")
"""Methods of files and cursors: iterators that are worked with in other ways, also by C code that knows their types."""

_BLOCKS = (contextlib._GeneratorContextManager, contextlib._AsyncGeneratorContextManager)
_CLOSING = frozenset({"close", "aclose"})

_NOT_FORWARDED = frozenset(
    {
        "__class__", "__new__", "__init__", "__del__", "__getattribute__", "__getattr__", "__setattr__", "__delattr__",
        "__init_subclass__", "__subclasshook__", "__class_getitem__", "__dict__", "__slots__", "__weakref__", "__doc__",
        "__module__", "__abstractmethods__", "__annotations__", "__orig_bases__", "__parameters__",
    }
)  # fmt: skip


def follow(span: OpenSpan, result: Any) -> Any:
    """What the traced function shall return in place of ``result``; sees to it that ``span`` ends."""
    if type(result) in VALUES or type(result).__module__ == "unittest.mock":  # a mock has whatever it is asked for
        span.end()
        return result
    try:
        return _follow(span, result)
    except Exception:
        # An object that does not even say what it is: it is the application's, and goes to it as it is.
        log.warning("a result could not be traced", exc_info=True)
        span.end()
        return result


def _follow(span: OpenSpan, result: Any) -> Any:
    kind = type(result)
    if kind is AsyncGeneratorType:
        return _named(iterate_async(span, result), result)
    if _is_coroutine(result):
        return _named(_awaited(span, _Held(result)), result)
    if kind is GeneratorType:
        return _named(iterate(span, result), result)
    if asyncio.isfuture(result) or isinstance(result, concurrent.futures.Future):
        result.add_done_callback(functools.partial(_done, span))
        return result
    if _is_work(kind) or _is_block(kind):
        return _stand_in(span, result)
    body = getattr(result, "body_iterator", None)
    if body is not None and hasattr(type(body), "__aiter__"):
        result.body_iterator = _over_async(span, aiter(body))
        return result
    span.end()
    return result


def _is_coroutine(result: Any) -> bool:
    """Whether ``result`` is a coroutine, of Python's or of a compiler's; one that is also a block is more than that."""
    if type(result) is GeneratorType:
        return inspect.isawaitable(result)
    return isinstance(result, Coroutine) and not hasattr(type(result), "__aenter__")


def _is_work(kind: type) -> bool:
    """Whether objects of ``kind`` are used up by being iterated or awaited."""
    if issubclass(kind, type | io.IOBase) or any(hasattr(kind, name) for name in _RESOURCES):
        return False
    if hasattr(kind, "__await__"):  # a client or a pool that can be awaited to connect is none: it is used afterwards
        return hasattr(kind, "send") or not hasattr(kind, "__aenter__")
    return (hasattr(kind, "__next__") and hasattr(kind, "__iter__")) or (
        hasattr(kind, "__anext__") and hasattr(kind, "__aiter__")
    )


def _is_block(kind: type) -> bool:
    """Whether objects of ``kind`` are for a ``with`` and nothing else; a lock, session or client has methods beside."""
    if not hasattr(kind, "__enter__") and not hasattr(kind, "__aenter__"):
        return False
    return issubclass(kind, _BLOCKS) or all(name.startswith("_") for name in dir(kind))


class _Held:
    """A coroutine that only its wrapper holds: closed with it, so that one that is never awaited is reported once."""

    __slots__ = ("coroutine",)

    def __init__(self, coroutine: Any) -> None:
        self.coroutine = coroutine

    def __del__(self) -> None:
        self.coroutine.close()


async def _awaited(span: OpenSpan, awaitable: Any) -> Any:
    token = span.attach()
    try:
        result = await (awaitable.coroutine if type(awaitable) is _Held else awaitable)
    except BaseException as error:
        span.detach(token)
        span.end(error)
        raise
    span.detach(token)
    return follow(span, result)


def _named(wrapper: Any, original: Any) -> Any:
    for name in ("__name__", "__qualname__"):
        setattr(wrapper, name, getattr(original, name, type(original).__name__))
    return wrapper


def _done(span: OpenSpan, future: Any) -> None:
    # Not by exception(): who asks for it is taken to have handled it, and asyncio logs those that nobody handles.
    span.end(asyncio.CancelledError() if future.cancelled() else getattr(future, "_exception", None))


def _over(span: OpenSpan, iterator: Any) -> Any:
    return iterate(span, iterator) if type(iterator) is GeneratorType else _stand_in(span, iterator)


def _over_async(span: OpenSpan, iterator: Any) -> Any:
    return iterate_async(span, iterator) if type(iterator) is AsyncGeneratorType else _stand_in(span, iterator)


def _stand_in(span: OpenSpan, wrapped: Any) -> Any:
    kind = type(wrapped)
    stand_in = _stand_ins.get(kind)
    if stand_in is None:
        stand_in = _stand_ins[kind] = _stand_in_type(kind)
    return stand_in(span, wrapped)


class _StandIn:
    """In place of ``_drishti_wrapped``, of which it is a part only how and when the span ends."""

    __slots__ = ("__weakref__", "_drishti_span", "_drishti_wrapped")

    _drishti_span: OpenSpan
    _drishti_wrapped: Any

    def __init__(self, span: OpenSpan, wrapped: Any) -> None:
        object.__setattr__(self, "_drishti_span", span)
        object.__setattr__(self, "_drishti_wrapped", wrapped)

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._drishti_wrapped, name)
        return _closing(self, value) if name in _CLOSING and callable(value) else value

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._drishti_wrapped, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(self._drishti_wrapped, name)


class _Step:
    """Around one call of the work's own code: the span is current, and an exception ends it."""

    __slots__ = ("_span", "_token")

    def __init__(self, stream: _StandIn) -> None:
        self._span = stream._drishti_span

    def __enter__(self) -> None:
        self._token = self._span.attach()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        try:
            if error is not None:
                self._span.end(error)
        finally:
            self._span.detach(self._token)


def _step(stream: _StandIn, function: Callable[[], Any]) -> Any:
    with _Step(stream):
        return function()


async def _step_async(stream: _StandIn, function: Callable[[], Any]) -> Any:
    with _Step(stream):
        return await function()


def _received(stream: _StandIn, item: Any) -> Any:
    received = getattr(stream._drishti_span, "received", None)
    if received is not None:
        received(item)
    return item


def _closing(stream: _StandIn, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def close(*args: Any, **kwargs: Any) -> Any:
        result = _step(stream, functools.partial(method, *args, **kwargs))
        if inspect.isawaitable(result):
            return _closed(stream, result)
        stream._drishti_span.end()
        return result

    return close


async def _closed(stream: _StandIn, awaitable: Any) -> Any:
    async def wait() -> Any:
        return await awaitable

    result = await _step_async(stream, wait)
    stream._drishti_span.end()
    return result


def _entered(stream: _StandIn, result: Any) -> Any:
    """What a block is given: the stream itself, or the one that it stands for, in the same span."""
    if result is stream._drishti_wrapped:
        return stream
    return _stand_in(stream._drishti_span, result) if _is_work(type(result)) else result


def _next(self: _StandIn) -> Any:
    return _received(self, _step(self, self._drishti_wrapped.__next__))


def _iter(self: _StandIn) -> Any:
    iterator = iter(self._drishti_wrapped)
    return self if iterator is self._drishti_wrapped else _over(self._drishti_span, iterator)


def _enter(self: _StandIn) -> Any:
    return _entered(self, _step(self, self._drishti_wrapped.__enter__))


def _exit(self: _StandIn, kind: Any, error: Any, traceback: Any) -> Any:
    result = _step(self, functools.partial(self._drishti_wrapped.__exit__, kind, error, traceback))
    self._drishti_span.end(error)
    return result


async def _anext(self: _StandIn) -> Any:
    return _received(self, await _step_async(self, self._drishti_wrapped.__anext__))


def _aiter(self: _StandIn) -> Any:
    iterator = aiter(self._drishti_wrapped)
    return self if iterator is self._drishti_wrapped else _over_async(self._drishti_span, iterator)


async def _aenter(self: _StandIn) -> Any:
    return _entered(self, await _step_async(self, self._drishti_wrapped.__aenter__))


async def _aexit(self: _StandIn, kind: Any, error: Any, traceback: Any) -> Any:
    result = await _step_async(self, functools.partial(self._drishti_wrapped.__aexit__, kind, error, traceback))
    self._drishti_span.end(error)
    return result


def _await(self: _StandIn) -> Any:
    waiting: Coroutine[Any, Any, Any] = _awaited(self._drishti_span, self._drishti_wrapped)
    return waiting.__await__()


_FOLLOWED: dict[str, Any] = {
    "__next__": _next,
    "__iter__": _iter,
    "__enter__": _enter,
    "__exit__": _exit,
    "__anext__": _anext,
    "__aiter__": _aiter,
    "__aenter__": _aenter,
    "__aexit__": _aexit,
    "__await__": _await,
}


def _forward(name: str) -> Callable[..., Any]:
    def forward(self: _StandIn, *args: Any, **kwargs: Any) -> Any:
        return getattr(self._drishti_wrapped, name)(*args, **kwargs)

    return forward


_stand_ins: weakref.WeakKeyDictionary[type, type[_StandIn]] = weakref.WeakKeyDictionary()


def _stand_in_type(kind: type) -> type[_StandIn]:
    """The stand-in for objects of ``kind``: it has the special methods that they have and no others."""
    special = [name for name in dir(kind) if name.startswith("__") and name.endswith("__") and name not in _NOT_FORWARDED]
    members = {name: _FOLLOWED.get(name) or _forward(name) for name in special if callable(getattr(kind, name, None))}
    members["__class__"] = property(lambda self: self._drishti_wrapped.__class__)
    return type(kind.__name__, (_StandIn,), {"__slots__": (), "__module__": kind.__module__, **members})
