"""``drishti.capture()``: what an application would send is kept for its tests, and nothing leaves the process."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
import threading
from typing import Any

import pytest
from fastapi import FastAPI
from opentelemetry import trace

import drishti
from drishti.analytics import Analytics, AnalyticsEvent, analytics
from drishti.tracing import TracedSpan, trace_operation
from rigs.asgi import call
from rigs.sdk_spans import Spans


def event(event_id: str, **data: Any) -> AnalyticsEvent:
    return AnalyticsEvent(event_id=event_id, event_type="feedback", data=data)


@trace_operation("work")
def work() -> None:
    analytics.track(event("e", score=1))


def test_events_and_spans_are_kept_without_any_setting() -> None:
    with drishti.capture() as captured:
        work()
        assert not analytics.track(AnalyticsEvent(event_id="", event_type="feedback"))  # as it would be refused
    (kept,) = captured.events
    assert (kept.event_id, kept.data) == ("e", {"score": 1})
    assert kept.traceparent is not None
    assert int(kept.traceparent.split("-")[2], 16) == captured.span("work").context.span_id
    work()
    assert (len(captured.events), len(captured.spans)) == (1, 1)
    with pytest.raises(LookupError, match=r"0 spans are called 'play'; there are \['work'\]"):
        captured.span("play")


def test_events_are_as_they_would_have_been_sent() -> None:
    client = Analytics(url="http://127.0.0.1:9", service="Corner Shop")
    with drishti.capture() as captured:
        assert client.track(event("e", price=3, callback=print))
    (kept,) = captured.events
    assert (kept.service, kept.service_name, kept.data) == ("corner-shop", "Corner Shop", {"price": 3})
    assert client.statistics().buffered == client.statistics().sent == 0


def test_blocks_within_each_other_keep_what_happens_while_they_are_open() -> None:
    with drishti.capture() as outer:
        work()
        with drishti.capture() as inner:
            work()
        work()
    assert (len(outer.spans), len(inner.spans)) == (3, 1)
    assert (len(outer.events), len(inner.events)) == (3, 1)


async def test_requests_tasks_and_threads_are_kept() -> None:
    app = FastAPI()

    @app.get("/items/{item}")
    async def read(item: str) -> str:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(asyncio.to_thread(work))
        return item

    async with drishti.capture() as captured:
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        await call(drishti.instrument(app, service="shop"), "/items/7")
    assert [(request.route, request.service) for request in captured.requests] == [("/items/{item}", "shop")]
    assert [span.name for span in captured.spans] == ["work", "work", "GET /items/{item}"]
    assert captured.spans[1].parent is not None
    assert captured.spans[1].parent.span_id == captured.span("GET /items/{item}").context.span_id


def test_a_provider_of_the_applications_exports_nothing_meanwhile_and_goes_on_afterwards(spans: Spans) -> None:
    with drishti.capture() as captured, TracedSpan("inside"):
        pass
    with TracedSpan("outside"):
        pass
    assert [span.name for span in captured.spans] == ["inside"]
    assert spans.names() == ["inside", "outside"]  # an exporter in memory is no network


def test_an_error_in_the_block_restores_everything() -> None:
    with pytest.raises(ZeroDivisionError), drishti.capture():
        _ = 1 / 0
    assert isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)
    assert not analytics.track(event("e"))


PROGRAM = """
import logging
logging.basicConfig()
import drishti
from drishti.tracing import TracedSpan
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SimpleSpanProcessor, SpanExporter, SpanExportResult

library = trace.get_tracer("library")

class Printing(SpanExporter):
    def export(self, spans):
        print("exported", *(span.name for span in spans))
        return SpanExportResult.SUCCESS

def work(name):
    with TracedSpan(name), library.start_as_current_span("library " + name):
        pass

work("nobody")
with drishti.capture() as captured:
    work("kept")
print([span.name for span in captured.spans])
work("nobody either")
provider = TracerProvider()
provider.add_span_processor(SimpleSpanProcessor(Printing()))
trace.set_tracer_provider(provider)
work("after")
with drishti.capture() as captured:
    work("kept again")
    provider.add_span_processor(BatchSpanProcessor(Printing()))
print([span.name for span in captured.spans])
work("last")
"""


def test_libraries_are_kept_too_and_the_applications_own_set_up_comes_later(tmp_path: Any) -> None:
    (tmp_path / "program.py").write_text(textwrap.dedent(PROGRAM))
    done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == [
        "['library kept', 'kept']",
        "exported library after",
        "exported after",
        "['library kept again', 'kept again']",
        "exported library last",
        "exported last",
        "exported library last last",
    ]
    assert done.stderr == ""
