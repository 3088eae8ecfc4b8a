"""The spans that the SDK and its middleware make while a test runs."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from drishti import asgi, tracing


class Spans:
    """The spans that ended, by name."""

    def __init__(self, exporter: InMemorySpanExporter) -> None:
        self._exporter = exporter

    def __getitem__(self, name: str) -> ReadableSpan:
        (span,) = [s for s in self.all() if s.name == name]
        return span

    def all(self) -> list[ReadableSpan]:
        return list(self._exporter.get_finished_spans())

    def names(self) -> list[str]:
        return [span.name for span in self.all()]

    def parent_of(self, name: str) -> str | None:
        parent = self[name].parent
        return None if parent is None else next(s.name for s in self.all() if s.context.span_id == parent.span_id)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[Spans]:
    monkeypatch.setenv("OTEL_PYTHON_DISABLED_INSTRUMENTATIONS", "*")  # they would stay on for all the tests that follow
    exporter = InMemorySpanExporter()
    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", provider)  # the public setter works once per process
    monkeypatch.setattr(tracing, "_tracer", provider.get_tracer("test"))
    monkeypatch.setattr(asgi, "_tracer", provider.get_tracer("test"))
    token = otel_context.attach(otel_context.Context())
    yield Spans(exporter)
    assert not trace.get_current_span().get_span_context().is_valid, "a span leaked into the caller"
    otel_context.detach(token)
    provider.shutdown()


def current() -> str:
    """The name of the span that is current here."""
    return getattr(trace.get_current_span(), "name", "")
