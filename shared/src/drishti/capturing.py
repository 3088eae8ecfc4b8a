"""What an application would send to Drishti, kept in memory for its tests.

::

    with drishti.capture() as captured:
        client.post("/api/wisdom", json={"query": "…"})

    assert [event.event_type for event in captured.events] == ["wisdom_generated"]
    assert captured.span("wisdom_generation").attributes["topic"] == "peace"
    assert captured.llm_calls[0]["output_tokens"] == 12

Nothing is sent meanwhile: no event, no request and no span of this process, from any of its threads and tasks. It needs no
settings and no set-up of OpenTelemetry, and afterwards everything is as it was. Blocks may be nested; each keeps what
happens while it is open. Events are as they would have been sent, with what is left out of them left out.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from opentelemetry import trace
from opentelemetry.util._decorator import _agnosticcontextmanager

from drishti.events import AnalyticsEvent, RequestEvent
from drishti.sdk import recording

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan

__all__ = ["Captured", "capture"]


class Captured:
    """Everything in the order in which it was complete: a span when it ended, an event when it was tracked."""

    def __init__(self) -> None:
        self.events: list[AnalyticsEvent] = []
        self.requests: list[RequestEvent] = []
        self.spans: list[ReadableSpan] = []
        self.llm_calls: list[Mapping[str, Any]] = []
        """What the events of :func:`drishti.llm_call` say; the events are in ``events``, too."""

    def span(self, name: str) -> ReadableSpan:
        """The one span of this name. Raises ``LookupError``, with the names there are, where there is none or are several."""
        found = [span for span in self.spans if span.name == name]
        if len(found) != 1:
            raise LookupError(f"{len(found)} spans are called {name!r}; there are {[span.name for span in self.spans]}")
        return found[0]

    # What the SDK calls

    def take_event(self, event: AnalyticsEvent) -> None:
        self.events.append(event)

    def take_request(self, request: RequestEvent) -> None:
        self.requests.append(request)

    def take_llm_call(self, call: Mapping[str, Any]) -> None:
        self.llm_calls.append(call)

    def take_span(self, span: ReadableSpan) -> None:
        self.spans.append(span)


class capture:
    """``with capture() as captured``, or ``async with``."""

    def __init__(self) -> None:
        self._captured = Captured()

    def __enter__(self) -> Captured:
        self._captured = Captured()
        _open(self._captured)
        return self._captured

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        _close(self._captured)

    async def __aenter__(self) -> Captured:
        return self.__enter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.__exit__(kind, error, traceback)


_lock = threading.Lock()
_captures: tuple[Captured, ...] = ()
_diversion: _Diversion | _SwitchingProvider | None = None
_switching: _SwitchingProvider | None = None


def _open(captured: Captured) -> None:
    global _captures, _diversion
    with _lock:
        if not _captures:
            _diversion = _divert()
        _captures = (*_captures, captured)
        recording.add(captured)


def _close(captured: Captured) -> None:
    global _captures, _diversion
    with _lock:
        recording.remove(captured)
        _captures = tuple(each for each in _captures if each is not captured)
        if not _captures and _diversion is not None:
            _diversion.undo()
            _diversion = None


def _divert() -> _Diversion | _SwitchingProvider | None:
    """Takes the spans of this process's provider; where there is none, one is put in its place."""
    global _switching
    provider: Any = trace.get_tracer_provider()
    processors = getattr(provider, "_active_span_processor", None)
    if hasattr(processors, "_span_processors"):
        return _Diversion(processors)
    if isinstance(provider, trace.ProxyTracerProvider):
        if _switching is None:
            _switching = _SwitchingProvider()
        _switching.put()
        return _switching
    raise RuntimeError(f"spans of a {type(provider).__qualname__} cannot be captured, only those of OpenTelemetry's SDK")


def _keep(span: ReadableSpan) -> None:
    for captured in _captures:
        captured.take_span(span)


def _processor() -> Any:
    from opentelemetry.sdk.trace import SpanProcessor

    class Keeping(SpanProcessor):
        def on_end(self, span: ReadableSpan) -> None:
            _keep(span)

    return Keeping()


class _Diversion:
    """In place of the processors that export, one that keeps; those that do not export go on."""

    def __init__(self, processors: Any) -> None:
        from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor
        from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

        self._processors = processors
        self._before: tuple[Any, ...] = processors._span_processors
        staying = tuple(
            each
            for each in self._before
            if not isinstance(each, BatchSpanProcessor | SimpleSpanProcessor)
            or isinstance(getattr(each, "span_exporter", None), InMemorySpanExporter)
        )
        self._meanwhile = (*staying, _processor())
        processors._span_processors = self._meanwhile

    def undo(self) -> None:
        added = tuple(each for each in self._processors._span_processors if each not in self._meanwhile)
        self._processors._span_processors = self._before + added


class _SwitchingProvider(trace.TracerProvider):
    """Stands for no provider at all, but while something is captured. Whoever keeps a tracer of it later gets those of the
    provider that there is then."""

    def __init__(self) -> None:
        from opentelemetry.sdk.trace import TracerProvider

        self.kept = TracerProvider(shutdown_on_exit=False)
        self.kept.add_span_processor(_processor())

    def put(self) -> None:
        trace._TRACER_PROVIDER = self  # the public setter works once, and that is the application's to use

    def undo(self) -> None:
        if trace._TRACER_PROVIDER is self:
            trace._TRACER_PROVIDER = None

    def add_span_processor(self, processor: Any) -> None:
        self.kept.add_span_processor(processor)

    def get_tracer(self, *args: Any, **kwargs: Any) -> trace.Tracer:
        return _SwitchingTracer(self, args, kwargs)


class _SwitchingTracer(trace.Tracer):
    def __init__(self, provider: _SwitchingProvider, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._provider = provider
        self._args = args
        self._kwargs = kwargs

    def _tracer(self) -> trace.Tracer:
        current = trace.get_tracer_provider()
        provider = self._provider.kept if current is self._provider else current
        return provider.get_tracer(*self._args, **self._kwargs)

    def start_span(self, *args: Any, **kwargs: Any) -> trace.Span:
        return self._tracer().start_span(*args, **kwargs)

    @_agnosticcontextmanager
    def start_as_current_span(self, *args: Any, **kwargs: Any) -> Iterator[trace.Span]:
        with self._tracer().start_as_current_span(*args, **kwargs) as span:
            yield span
