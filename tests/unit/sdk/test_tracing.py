"""Decorators and spans: what they record, and that they change nothing else."""

from __future__ import annotations

import asyncio
import inspect
import logging
import types
from collections.abc import AsyncGenerator, Generator
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.trace import StatusCode

from drishti import tracing
from drishti.telemetry import spans
from drishti.tracing import DharmaSpan, TracedSpan, trace_dharma_operation, trace_operation
from rigs.sdk_spans import Spans, current


async def test_the_sample_works_as_written(spans: Spans) -> None:
    @trace_dharma_operation("meditation_guidance")
    async def provide_guidance(user_query: str) -> str:
        with DharmaSpan("wisdom_processing", operation_type="spiritual_analysis"):
            await asyncio.sleep(0)
            return user_query.upper()

    assert await provide_guidance("peace") == "PEACE"
    assert spans.parent_of("wisdom_processing") == "meditation_guidance"
    assert spans["wisdom_processing"].attributes == {"drishti.operation.type": "spiritual_analysis"}
    assert spans["meditation_guidance"].status.status_code is StatusCode.UNSET


def test_the_neutral_names_are_the_same() -> None:
    assert TracedSpan is DharmaSpan
    assert trace_operation is trace_dharma_operation


def test_a_function_keeps_its_name_signature_and_kind() -> None:
    @trace_operation
    def plain(a: int, *, b: int = 2) -> int:
        """Adds."""
        return a + b

    @trace_operation()
    async def coroutine() -> None: ...

    @trace_operation("g")
    def generator() -> Generator[int, None, None]:
        yield 1

    @trace_operation("a")
    async def async_generator() -> AsyncGenerator[int, None]:
        yield 1

    assert (plain.__name__, plain.__doc__, str(inspect.signature(plain))) == (
        "plain",
        "Adds.",
        "(a: 'int', *, b: 'int' = 2) -> 'int'",
    )
    assert plain(1) == 3
    assert inspect.iscoroutinefunction(coroutine)
    assert inspect.isgeneratorfunction(generator)
    assert inspect.isasyncgenfunction(async_generator)


def test_a_bare_decorator_names_the_span_after_the_function(spans: Spans) -> None:
    @trace_operation
    def work() -> None: ...

    work()
    assert spans.all()[0].name.endswith("work")


def test_type_and_attributes_of_an_operation_are_on_its_span(spans: Spans) -> None:
    @trace_operation("op", operation_type="analysis", attributes={"model": "sage"})
    def work() -> None: ...

    work()
    assert spans["op"].attributes == {"drishti.operation.type": "analysis", "model": "sage"}


def test_an_error_is_recorded_by_type_and_stack_without_its_message(spans: Spans) -> None:
    @trace_operation("failing")
    def work() -> None:
        raise ValueError("what the user wrote")

    with pytest.raises(ValueError, match="what the user wrote"):
        work()
    span = spans["failing"]
    assert span.status.status_code is StatusCode.ERROR
    assert span.attributes is not None
    assert span.attributes["error.type"] == "ValueError"
    (event,) = span.events
    assert event.attributes is not None
    assert event.attributes["exception.type"] == "ValueError"
    assert "in work" in str(event.attributes["exception.stacktrace"])
    assert "the user wrote" not in span.to_json().replace('raise ValueError(\\"what the user wrote\\")', "")


def test_a_message_is_recorded_where_the_environment_allows_content(spans: Spans, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    with pytest.raises(KeyError), TracedSpan("s"):
        raise KeyError("lotus")
    assert spans["s"].events[0].attributes["exception.message"] == "'lotus'"


async def test_a_cancelled_operation_is_marked(spans: Spans) -> None:
    @trace_operation("waiting")
    async def wait() -> None:
        await asyncio.Event().wait()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert spans["waiting"].attributes == {"error.type": "CancelledError"}


async def test_a_span_works_as_async_with_and_takes_attributes_any_time(spans: Spans) -> None:
    span = DharmaSpan("s", attributes={"a": 1}).set_attribute("b", 2)
    async with span as inside:
        assert inside is span
        assert current() == "s"
        inside.set_attribute("c", 3).set_attribute("nothing", None)
    span.set_attribute("late", 4)
    assert spans["s"].attributes == {"a": 1, "b": 2, "c": 3}


def test_no_attribute_of_any_kind_breaks_the_block(spans: Spans) -> None:
    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError

    anything: Any = Unprintable()
    with TracedSpan("work", attributes={"huge": 10**5000, "before": 1}) as span:
        span.set_attribute("huge", 10**5000).set_attribute(anything, 1).set_attribute("after", 2)
    with TracedSpan("bare", attributes=anything):
        pass
    assert (spans["work"].attributes, spans["bare"].attributes) == ({"before": 1, "after": 2}, {})


def test_a_generators_span_is_current_in_it_and_never_in_its_caller(spans: Spans) -> None:
    seen: list[str] = []

    @trace_operation("numbers")
    def numbers() -> Generator[int, str, str]:
        with TracedSpan("inner"):
            seen.append(current())
            seen.append((yield 1))
            seen.append(current())
            yield 2
        seen.append(current())
        return "done"

    def caller() -> Generator[int, str, str]:
        return (yield from numbers())

    generator = caller()
    assert (next(generator), current()) == (1, "")
    with TracedSpan("callers"):
        assert (generator.send("sent"), current()) == (2, "callers")
    with pytest.raises(StopIteration) as stopped:
        next(generator)
    assert stopped.value.value == "done"
    assert seen == ["inner", "sent", "inner", "numbers"]
    assert spans.parent_of("inner") == "numbers"
    assert spans.parent_of("callers") is None
    assert spans["numbers"].status.status_code is StatusCode.UNSET


def test_a_generator_that_is_closed_early_is_no_error_and_cleans_up_inside_its_span(spans: Spans) -> None:
    seen: list[str] = []

    @trace_operation("numbers")
    def numbers() -> Generator[int, None, None]:
        try:
            yield 1
        finally:
            seen.append(current())

    generator = numbers()
    next(generator)
    generator.close()
    assert seen == ["numbers"]
    assert spans["numbers"].status.status_code is StatusCode.UNSET


def test_what_is_thrown_into_a_generator_arrives_there(spans: Spans) -> None:
    @trace_operation("numbers")
    def numbers() -> Generator[str, None, None]:
        try:
            yield "first"
        except KeyError as error:
            yield f"caught {error}"
        raise RuntimeError

    generator = numbers()
    next(generator)
    assert generator.throw(KeyError("k")) == "caught 'k'"
    with pytest.raises(RuntimeError):
        next(generator)
    assert spans["numbers"].attributes == {"error.type": "RuntimeError"}


def test_a_generator_that_is_never_started_leaves_no_span(spans: Spans) -> None:
    @trace_operation("numbers")
    def numbers() -> Generator[int, None, None]:
        yield 1

    numbers().close()
    assert spans.all() == []


async def test_an_async_generators_span_is_current_in_it_and_never_in_its_caller(spans: Spans) -> None:
    seen: list[str] = []

    @trace_operation("words")
    async def words() -> AsyncGenerator[str, str]:
        with TracedSpan("inner"):
            seen.append(current())
            await asyncio.sleep(0)
            seen.append((yield "a"))
            seen.append(current())
            yield "b"
        seen.append(current())

    generator = words()
    assert (await generator.__anext__(), current()) == ("a", "")
    with TracedSpan("callers"):
        assert (await generator.asend("sent"), current()) == ("b", "callers")
    with pytest.raises(StopAsyncIteration):
        await generator.__anext__()
    assert seen == ["inner", "sent", "inner", "words"]
    assert spans.parent_of("inner") == "words"
    assert spans.parent_of("callers") is None


async def test_an_async_generator_is_thrown_into_and_closed_as_without_the_decorator(spans: Spans) -> None:
    seen: list[str] = []

    @trace_operation("words")
    async def words() -> AsyncGenerator[str, None]:
        try:
            yield "first"
        except KeyError:
            yield "caught"
        finally:
            seen.append(current())

    generator = words()
    await generator.__anext__()
    assert await generator.athrow(KeyError()) == "caught"
    await generator.aclose()
    assert seen == ["words"]
    assert spans["words"].status.status_code is StatusCode.UNSET


async def test_an_async_generator_finished_by_another_task_logs_no_error(
    spans: Spans, caplog: pytest.LogCaptureFixture
) -> None:
    @trace_operation("words")
    async def words() -> AsyncGenerator[str, None]:
        with TracedSpan("inner"):
            yield "a"

    caplog.set_level(logging.INFO)
    generator = words()
    await asyncio.create_task(anext(generator))
    await asyncio.create_task(generator.aclose())
    assert {s.name for s in spans.all()} == {"words", "inner"}
    assert caplog.records == []


async def test_concurrent_operations_keep_their_own_children(spans: Spans) -> None:
    @trace_operation("outer")
    async def outer(name: str) -> None:
        await asyncio.sleep(0)
        with TracedSpan(name):
            await asyncio.sleep(0)

    await asyncio.gather(*(outer(f"inner{i}") for i in range(10)))
    parents = {s.parent.span_id for s in spans.all() if s.name.startswith("inner") and s.parent}
    assert len(parents) == 10


def test_without_a_provider_nothing_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace, "_TRACER_PROVIDER", None)
    monkeypatch.setattr(tracing, "_tracer", None)  # whoever used it would fail

    @trace_operation("numbers")
    def numbers() -> Generator[int, None, str]:
        yield 1
        return "done"

    @trace_operation("work")
    def work() -> int:
        with DharmaSpan("s") as span:
            span.set_attribute("a", 1)
            return 7

    assert not spans.enabled()
    assert work() == 7
    assert list(numbers()) == [1]


class Failing:
    """A tracer like those of a broken set-up."""

    def start_span(self, *_: object, **__: object) -> None:
        raise RuntimeError("sampler")


def test_a_broken_provider_does_not_break_the_application(
    spans: Spans, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tracing, "_tracer", Failing())

    @trace_operation("work")
    def work() -> int:
        return 7

    assert work() == 7
    assert "could not be started" in caplog.text


def test_a_group_of_exceptions_tells_the_types_in_it_and_of_causes_without_what_they_say(spans: Spans) -> None:
    said = "hush"

    def fail() -> None:
        try:
            raise LookupError(said)
        except LookupError as cause:
            inner = ExceptionGroup(said, [KeyError(said)])
            inner.add_note(said)
            raise ExceptionGroup(said, [ValueError(said), inner]) from cause

    with pytest.raises(ExceptionGroup):
        trace_operation("work")(fail)()
    (event,) = spans["work"].events
    stack = str((event.attributes or {})["exception.stacktrace"])
    assert all(name in stack for name in ("ExceptionGroup", "ValueError", "KeyError", "LookupError", "in fail"))
    assert "direct cause" in stack
    assert said not in spans["work"].to_json()


def test_a_circle_of_causes_and_a_group_of_thousands_are_told_in_bounds(spans: Spans) -> None:
    first, second = ValueError(), KeyError()
    first.__cause__, second.__cause__ = second, first
    deep: Exception = ValueError()
    for _ in range(50):
        deep = ExceptionGroup("", [deep, ValueError()])

    def fail(error: Exception) -> None:
        raise error

    for number, error in enumerate((first, ExceptionGroup("", [ValueError()] * 5_000), deep)):
        with pytest.raises(type(error)):
            trace_operation(f"work {number}")(fail)(error)
        (event,) = spans[f"work {number}"].events
        assert len(str((event.attributes or {})["exception.stacktrace"])) < 10_000


async def test_a_generator_that_is_awaited_is_traced_as_what_it_is(spans: Spans) -> None:
    @trace_operation("work")
    @types.coroutine
    def work() -> Any:
        yield
        return current()

    assert await work() == "work"
    assert spans.names() == ["work"]
