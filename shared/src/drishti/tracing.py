"""Trace the application's own work.

::

    from drishti.tracing import DharmaSpan, trace_dharma_operation

    @trace_dharma_operation("meditation_guidance")
    async def provide_guidance(user_query):
        with DharmaSpan("wisdom_processing", operation_type="spiritual_analysis"):
            ...

``trace_operation`` and ``TracedSpan`` are the same under neutral names. Spans go where the OpenTelemetry provider of the
process sends them (:func:`drishti.instrument` or the application's own set-up); without one, nothing is made and the cost is
one check per call. Nothing here raises into the application.

Errors are recorded on the span by type and stack, as the event ``exception`` and the attribute ``error.type``. Messages of
exceptions are left out, since they often quote what a user wrote; ``OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true``
adds them.

How generators are traced: one span covers the whole iteration. The span is current only while the generator's own code
runs: it is attached before each step and taken off before the value reaches the caller, so that it never becomes the parent
of what the caller does in between. A consumer that stops early is not an error. The same holds for a function that *returns*
a generator, a stream, a coroutine or a future: its span ends with that (:mod:`drishti.sdk.traced_results`).
"""

from __future__ import annotations

import functools
import inspect
import logging
import os
from collections.abc import Callable, Generator, Mapping
from contextvars import Token
from types import TracebackType
from typing import Any, ParamSpec, TypeVar, overload

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from drishti.messages import attributes as names
from drishti.sdk.json_values import attribute, text
from drishti.sdk.stack_texts import stack_text
from drishti.sdk.traced_generators import iterate, iterating_async
from drishti.sdk.traced_results import VALUES, follow
from drishti.telemetry import spans

__all__ = ["DharmaSpan", "TracedSpan", "trace_dharma_operation", "trace_operation"]

log = logging.getLogger(__name__)

P = ParamSpec("P")
R = TypeVar("R")

CAPTURE_CONTENT = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT"

_NO_FAILURES = (GeneratorExit, StopIteration, StopAsyncIteration)
"""How a consumer that stops early, and a ``__next__`` of the application's at its end, say so."""

_CACHED = type(functools.lru_cache(lambda: None))

_tracer = trace.get_tracer("drishti.tracing")


class TracedSpan:
    """A span around a block, as ``with`` and as ``async with``. One object serves one block at a time.

    ``operation_type`` becomes the attribute ``drishti.operation.type``.
    """

    __slots__ = ("_attributes", "_context", "_name", "_span", "_token")

    def __init__(self, name: str, *, operation_type: str | None = None, attributes: Mapping[str, Any] | None = None) -> None:
        self._name = name
        self._attributes: dict[str, Any] = {}
        if attributes is not None:
            try:
                self._attributes.update(attributes)
            except Exception:
                # No mapping, or one whose own code fails: the block is traced without.
                log.warning("the attributes of a span are no mapping of names to values", exc_info=True)
        if operation_type is not None:
            self._attributes[names.OPERATION_TYPE] = operation_type
        self._span: Span | None = None
        self._context: Context | None = None
        self._token: Token[Context] | None = None

    def set_attribute(self, key: str, value: Any) -> TracedSpan:
        """Adds one attribute, before or during the block; ``None`` is left out.

        Numbers of numpy and the like become Python's, objects JSON text (:func:`drishti.sdk.json_values.attribute`).
        """
        try:
            if self._span is None:
                if value is not None:
                    self._attributes[key] = value
            elif (converted := attribute(value)) is not None:
                self._span.set_attribute(text(str(key)), converted)
        except Exception:
            # A key whose own code fails: the block goes on without this attribute.
            log.warning("an attribute of a span could not be set", exc_info=True)
        return self

    def add_event(self, name: str, attributes: Mapping[str, Any]) -> None:
        """Adds what happened now; nothing where nobody collects spans."""
        try:
            if self._span is not None:
                self._span.add_event(name, attributes)
        except Exception:
            # As in set_attribute().
            log.warning("an event of a span could not be added", exc_info=True)

    def fail(self, description: str) -> None:
        """Marks the span as failed where no exception says so; ``description`` says what went wrong, without content."""
        try:
            if self._span is not None:
                self._span.set_status(Status(StatusCode.ERROR, text(description)))
        except Exception:
            # As in set_attribute().
            log.warning("a span could not be marked as failed", exc_info=True)

    def __enter__(self) -> TracedSpan:
        if self.start():
            self.resume()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self.suspend()
        self.end(error)

    async def __aenter__(self) -> TracedSpan:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)

    @classmethod
    def of(cls, span: Span, context: Context) -> TracedSpan:
        """For a span that has begun, and is current in ``context``."""
        traced = cls("")
        traced._span, traced._context = span, context
        return traced

    def start(self, kind: SpanKind = SpanKind.INTERNAL, parent: Context | None = None) -> bool:
        """Begins the span without making it current; ``False`` where nobody collects spans."""
        if not spans.enabled():
            return False
        self._span = _started(self._name, self._attributes, kind, parent)
        if self._span is None:
            return False
        self._context = trace.set_span_in_context(self._span, parent)
        return True

    def attach(self) -> Token[Context] | None:
        """Makes the span current here, until :meth:`detach` is given what this returns."""
        return None if self._context is None else otel_context.attach(self._context)

    def detach(self, token: Token[Context] | None) -> None:
        """Makes current again what was so before :meth:`attach`."""
        if token is not None:
            detach(token)

    def resume(self) -> None:
        """Makes current what was current at :meth:`suspend`, at first the span itself."""
        if self._context is not None:
            self._token = otel_context.attach(self._context)

    def suspend(self) -> None:
        """Makes current again what was so before :meth:`resume`, and remembers what is now."""
        token, self._token = self._token, None
        if token is not None:
            self._context = otel_context.get_current()
            detach(token)

    def end(self, error: BaseException | None = None, end_time: int | None = None) -> None:
        """Ends the span, now or at ``end_time`` (nanoseconds of the epoch); ``error`` marks it as failed, unless it only says
        that a consumer stopped early or that there was no more."""
        span, self._span = self._span, None
        self._context = None
        if span is not None:
            _end(span, error, end_time)

    def __del__(self) -> None:
        # Whoever had the span's work in hand dropped it: a stream that was never read, a coroutine never awaited.
        if getattr(self, "_span", None) is not None:
            self.end()


def _started(
    name: str, attributes: Mapping[str, Any] | None, kind: SpanKind = SpanKind.INTERNAL, parent: Context | None = None
) -> Span | None:
    """A new span, the caller's to make current and to end; ``None`` where it cannot be made."""
    try:
        known = _converted(attributes) if attributes else None
        return _tracer.start_span(text(str(name)), context=parent, kind=kind, attributes=known)
    except Exception:
        # A sampler or span processor of the application's failed; its work goes on without this span.
        log.warning("a span could not be started", exc_info=True)
        return None


def _converted(attributes: Mapping[str, Any]) -> dict[str, Any]:
    converted = ((text(str(key)), attribute(value)) for key, value in attributes.items())
    return {key: value for key, value in converted if value is not None}


def _end(span: Span, error: BaseException | None = None, end_time: int | None = None) -> None:
    try:
        if error is not None and not isinstance(error, _NO_FAILURES):
            record_exception(span, error)
        span.end(end_time)
    except Exception:
        # As in start(): never the application's problem.
        log.warning("a span could not be ended", exc_info=True)


def record_exception(span: Span, error: BaseException) -> None:
    """Marks ``span`` as failed: type and stack of ``error``, its message only where the environment allows content."""
    if not span.is_recording():
        return
    spans.record_error(span, error)
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    content = os.environ.get(CAPTURE_CONTENT, "").lower() == "true"
    event = {"exception.type": name, "exception.stacktrace": text(stack_text(error, messages=content))}
    if content:
        event["exception.message"] = text(str(error))
    span.add_event("exception", event)


def detach(token: Token[Context]) -> None:
    """Takes off what ``token`` stands for; nothing happens where another execution context took it over.

    OpenTelemetry's own ``detach`` logs an error then, though a generator that is finalised elsewhere is no fault.
    """
    try:
        token.var.reset(token)
    except (ValueError, RuntimeError):
        log.debug("a span ended in another context than it began in")


@overload
def trace_operation(name: Callable[P, R]) -> Callable[P, R]: ...


@overload
def trace_operation(
    name: str | None = None, *, operation_type: str | None = None, attributes: Mapping[str, Any] | None = None
) -> Callable[[Callable[P, R]], Callable[P, R]]: ...


def trace_operation(
    name: str | Callable[..., Any] | None = None,
    *,
    operation_type: str | None = None,
    attributes: Mapping[str, Any] | None = None,
) -> Any:
    """Traces every call of a function, coroutine function, generator function or async generator function.

    ``name`` is the span's, by default the function's qualified name. The wrapped function keeps its kind, its signature and
    its results; a stream or the like that it returns is traced until that ends. Methods of all kinds, properties, partials and
    callable objects are functions too. Classes and whatever else is none are returned as they are, and the log says so.
    """
    if callable(name) or hasattr(type(name), "__get__"):  # a function, or what stands for one in a class
        function: Any = name
        return trace_operation()(function)

    def decorate(function: Any) -> Any:
        if isinstance(function, type | staticmethod) or not callable(function):
            return _traced_member(function, decorate)
        title = name or _name_of(function)

        plain = operation_type is None and attributes is None

        def begin() -> TracedSpan:
            return TracedSpan(title, operation_type=operation_type, attributes=attributes)

        def start() -> Span | None:
            return _started(title, None if plain else begin()._attributes)

        if inspect.iscoroutinefunction(function):
            return _traced_coroutine(function, start)

        def started() -> TracedSpan:
            span = begin()
            span.start()
            return span

        if inspect.isasyncgenfunction(function):
            return iterating_async(function, started)
        if inspect.isgeneratorfunction(function) and not _is_awaited(function):
            return _traced_generator(function, begin)
        return _with_methods(_traced_function(function, start), function)

    return decorate


def _traced_member(member: Any, decorate: Callable[[Any], Any]) -> Any:
    """What stands for functions in a class, with these traced; anything else as it is."""
    if isinstance(member, classmethod | staticmethod):
        return type(member)(decorate(member.__func__))
    if isinstance(member, property):
        for part, replaced in ((member.fget, "getter"), (member.fset, "setter"), (member.fdel, "deleter")):
            if part is not None:
                member = getattr(member, replaced)(decorate(part))
        return member
    if isinstance(member, functools.cached_property):
        member.func = decorate(member.func)
        return member
    if isinstance(member, functools.partialmethod):
        return functools.partialmethod(decorate(member.func), *member.args, **member.keywords)
    log.warning("not traced: %s is no function", getattr(member, "__qualname__", type(member).__qualname__))
    return member


def _with_methods(traced: Any, function: Any) -> Any:
    """``traced`` with the public methods of a callable object, such as ``cache_clear`` of ``functools.lru_cache``."""
    if not inspect.isroutine(function) or isinstance(function, _CACHED):
        for name in dir(type(function)):
            if not name.startswith("_") and callable(inspect.getattr_static(function, name, None)):
                traced.__dict__.setdefault(name, getattr(function, name))
    return traced


def _is_awaited(function: Any) -> bool:
    """Whether a generator function is one for ``await``: made by ``types.coroutine``."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    return code is not None and bool(code.co_flags & inspect.CO_ITERABLE_COROUTINE)


def _name_of(function: Any) -> str:
    while isinstance(function, functools.partial):
        function = function.func
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def _traced_function(function: Callable[..., Any], start: Callable[[], Span | None]) -> Callable[..., Any]:
    @functools.wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Any:
        if not spans.enabled() or (span := start()) is None:
            return function(*args, **kwargs)
        token = otel_context.attach(trace.set_span_in_context(span))
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            detach(token)
            _end(span, error)
            raise
        return _returned(span, token, result)

    return traced


def _traced_coroutine(function: Callable[..., Any], start: Callable[[], Span | None]) -> Callable[..., Any]:
    @functools.wraps(function)
    async def traced(*args: Any, **kwargs: Any) -> Any:
        if not spans.enabled() or (span := start()) is None:
            return await function(*args, **kwargs)
        token = otel_context.attach(trace.set_span_in_context(span))
        try:
            result = await function(*args, **kwargs)
        except BaseException as error:
            detach(token)
            _end(span, error)
            raise
        return _returned(span, token, result)

    return traced


def _returned(span: Span, token: Token[Context], result: Any) -> Any:
    """What the traced function returns in place of ``result``; the span ends, or goes on with a stream or the like."""
    if type(result) in VALUES:
        detach(token)
        _end(span)
        return result
    within = otel_context.get_current()
    detach(token)
    return follow(TracedSpan.of(span, within), result)


def _traced_generator(function: Callable[..., Any], begin: Callable[[], TracedSpan]) -> Callable[..., Any]:
    @functools.wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        generator = function(*args, **kwargs)
        if not spans.enabled() or not (span := begin()).start():
            return (yield from generator)
        return (yield from iterate(span, generator))

    return traced


trace_dharma_operation = trace_operation
DharmaSpan = TracedSpan
