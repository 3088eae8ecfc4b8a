"""``drishti.llm_call``: a span and one event for each call, with tokens, times, retries, cost and errors."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from types import SimpleNamespace as Object
from typing import Any

import pytest
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.trace import StatusCode

import drishti
from drishti.analytics import Analytics
from drishti.capturing import Captured
from drishti.telemetry.nested_llm_calls import NestedLlmCalls
from rigs.sdk_spans import Spans

EVENT = "drishti.llm_call.event"
SAID = "hush"


@pytest.fixture
def captured() -> Iterator[Captured]:
    with drishti.capture() as captured:
        yield captured


def only(captured: Captured) -> dict[str, Any]:
    (event,) = captured.events
    assert captured.llm_calls == [event.data]
    assert event.event_type == "llm_call"
    return {key: value for key, value in event.data.items() if key not in ("duration_ms", "time_to_first_token_ms")}


def openai_answer() -> Any:
    return Object(
        id="chatcmpl-1",
        model="gpt-4o-2024-08-06",
        choices=[Object(finish_reason="stop", message=Object(content="hush"))],
        usage=Object(prompt_tokens=12, completion_tokens=3, prompt_tokens_details=Object(cached_tokens=4)),
    )


def openai_pieces() -> list[Any]:
    def piece(content: str | None, reason: str | None = None, usage: Any = None) -> Any:
        return Object(
            id="chatcmpl-1",
            model="gpt-4o-2024-08-06",
            choices=[Object(delta=Object(content=content), finish_reason=reason)],
            usage=usage,
        )

    last = Object(model="gpt-4o-2024-08-06", choices=[], usage=Object(prompt_tokens=12, completion_tokens=3))
    return [piece(""), piece("hush"), piece("!"), piece(None, "stop"), last]


def anthropic_pieces() -> list[Any]:
    started = Object(id="msg_1", model="claude", usage=Object(input_tokens=5, cache_read_input_tokens=7, output_tokens=1))
    return [
        Object(type="message_start", message=started),
        Object(type="content_block_delta", delta=Object(type="text_delta", text="hush")),
        Object(type="message_delta", delta=Object(stop_reason="end_turn"), usage=Object(output_tokens=9)),
        Object(type="message_stop"),
    ]


def test_a_call_is_a_span_by_the_conventions_and_an_event_of_its_trace(captured: Captured) -> None:
    with drishti.llm_call(model="gpt-4o", provider="openai", user_id="u", session_id="s") as call:
        assert call.answer("plain text") == "plain text"
        call.answer(openai_answer())
        call.record(cost_usd=0.002)
    span, (event,) = captured.span("chat gpt-4o"), captured.events
    assert span.kind is trace.SpanKind.CLIENT
    assert dict(span.attributes or {}) == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.response.model": "gpt-4o-2024-08-06",
        "gen_ai.response.id": "chatcmpl-1",
        "gen_ai.response.finish_reasons": ("stop",),
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.usage.cost": 0.002,
        EVENT: True,
    }
    assert (event.user_id, event.session_id) == ("u", "s")
    assert event.traceparent is not None
    assert int(event.traceparent.split("-")[2], 16) == span.context.span_id
    assert only(captured) == {
        "model": "gpt-4o",
        "provider": "openai",
        "operation": "chat",
        "response_model": "gpt-4o-2024-08-06",
        "input_tokens": 12,
        "output_tokens": 3,
        "cached_tokens": 4,
        "cost_usd": 0.002,
    }
    assert event.data["duration_ms"] >= 0
    assert "hush" not in str(captured.events) + span.to_json()


@pytest.mark.parametrize(
    ("pieces", "tokens", "first"),
    [(openai_pieces(), (12, 3), "hush"), (anthropic_pieces(), (12, 9), "hush"), (["", "hush", "!"], (None, None), "hush")],
    ids=["openai", "anthropic", "texts"],
)
@pytest.mark.parametrize("kind", ["list", "generator", "async generator", "client's stream"])
async def test_a_streamed_answer_is_read_as_it_passes(
    captured: Captured, pieces: list[Any], tokens: tuple[int | None, int | None], first: str, kind: str
) -> None:
    seen: list[tuple[bool, Any]] = []
    with drishti.llm_call(model="m") as call:
        if kind == "async generator":
            seen += [(call._first is not None, piece) async for piece in call.stream(later(pieces))]
        else:
            source = {"list": pieces, "generator": (p for p in pieces), "client's stream": ClientStream(pieces)}[kind]
            seen += [(call._first is not None, piece) for piece in call.stream(source)]
    assert [piece for _, piece in seen] == pieces
    (began,) = [piece for (is_first, piece), before in zip(seen, [(False, 0), *seen], strict=False) if is_first > before[0]]
    assert first in str(began)
    known = only(captured)
    assert (known.get("input_tokens"), known.get("output_tokens")) == tokens
    assert known["streamed"] is True
    assert "closed_early" not in known
    data = captured.events[0].data
    assert 0 < data["time_to_first_token_ms"] <= data["duration_ms"]
    attributes = captured.span("chat m").attributes or {}
    assert attributes["gen_ai.response.time_to_first_chunk"] == pytest.approx(data["time_to_first_token_ms"] / 1000)


async def later(pieces: list[Any]) -> AsyncIterator[Any]:
    for piece in pieces:
        await asyncio.sleep(0)
        yield piece


class ClientStream:
    """As the clients of models have it: an iterator with more to it, to be closed."""

    def __init__(self, pieces: list[Any]) -> None:
        self.request_id = "r"
        self.closed = False
        self._pieces = iter(pieces)

    def __iter__(self) -> ClientStream:
        return self

    def __next__(self) -> Any:
        return next(self._pieces)

    def __enter__(self) -> ClientStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.closed = True


def test_what_opens_a_stream_by_a_with_block_is_followed_into_it(captured: Captured, caplog: pytest.LogCaptureFixture) -> None:
    class Manager:
        def __enter__(self) -> ClientStream:
            return ClientStream(openai_pieces())

        def __exit__(self, *_: object) -> None: ...

    with drishti.llm_call(model="m") as call, call.stream(Manager()) as stream:
        assert len(list(stream)) == 5
    assert only(captured)["output_tokens"] == 3
    assert "closed_early" not in only(captured)
    assert caplog.messages == []


def test_a_stream_that_is_returned_ends_the_call_when_it_is_used_up(captured: Captured) -> None:
    def ask() -> Any:
        with drishti.llm_call(model="m") as call:
            return call.stream(ClientStream(["a", "b"]))

    stream = ask()
    assert stream.request_id == "r"
    assert captured.events == []
    assert list(stream) == ["a", "b"]
    assert only(captured) == {"model": "m", "operation": "chat", "streamed": True}
    assert captured.span("chat m").status.is_unset


@pytest.mark.parametrize("how", ["break", "close", "with", "drop", "async break", "async aclose"])
async def test_a_stream_that_is_closed_early_is_no_error(captured: Captured, how: str) -> None:
    source = ClientStream(["a", "b", "c"])
    with drishti.llm_call(model="m") as call:
        if how == "break":
            for _ in call.stream(source):
                break
        elif how == "close":
            stream = call.stream(source)
            next(stream)
            stream.close()
            assert source.closed
        elif how == "with":
            with call.stream(source) as stream:
                next(stream)
            assert source.closed
        elif how == "drop":
            next(call.stream(source))
        elif how == "async break":
            async for _ in call.stream(later(["a", "b"])):
                break
        else:
            stream = call.stream(later(["a", "b"]))
            await anext(stream)
            await stream.aclose()
    stream = None
    for _ in range(3):
        await asyncio.sleep(0)  # the loop closes an asynchronous generator that was dropped
    assert only(captured) == {"model": "m", "operation": "chat", "streamed": True, "closed_early": True}
    assert captured.span("chat m").status.is_unset


def test_a_stream_that_somebody_keeps_ends_with_what_was_read_of_it(captured: Captured) -> None:
    with drishti.llm_call(model="m") as call:
        stream = call.stream(["a", "b"])
        next(stream)
    until = time.time_ns()
    time.sleep(0.01)
    del stream
    (span,) = captured.spans
    assert span.end_time is not None
    assert span.end_time <= until + 5_000_000


def test_errors_and_retries_are_told_by_their_types(captured: Captured) -> None:
    def ask() -> None:
        with drishti.llm_call(model="m") as call:
            call.retry(ConnectionError(SAID))
            call.retry("rate_limit")
            raise TimeoutError(SAID)

    with pytest.raises(TimeoutError):
        ask()
    assert only(captured) == {"model": "m", "operation": "chat", "retries": 2, "error": "TimeoutError"}
    span = captured.span("chat m")
    assert span.status.status_code is trace.StatusCode.ERROR
    retries = [dict(e.attributes or {}) for e in span.events if e.name == "drishti.llm_call.retry"]
    assert retries == [{"error.type": "ConnectionError"}, {"error.type": "rate_limit"}]
    assert SAID not in span.to_json()


def test_a_stream_that_breaks_off_is_an_error(captured: Captured) -> None:
    def breaking() -> Iterator[str]:
        yield "a"
        raise ConnectionError

    with drishti.llm_call(model="m") as call:
        stream = call.stream(breaking())
    with pytest.raises(ConnectionError):
        list(stream)
    assert only(captured)["error"] == "ConnectionError"


def test_a_failure_that_the_block_handles_is_told_by_the_application(captured: Captured) -> None:
    with drishti.llm_call(model="m") as call:
        call.failed("overloaded")
    assert only(captured)["error"] == "overloaded"
    span = captured.span("chat m")
    assert (span.attributes or {})["error.type"] == "overloaded"
    assert span.status.status_code is StatusCode.ERROR


async def test_as_a_decorator_what_a_function_returns_is_the_answer(captured: Captured) -> None:
    @drishti.llm_call(model="sync")
    def ask() -> Any:
        return openai_answer()

    @drishti.llm_call(model="async")
    async def ask_later() -> Any:
        return openai_answer()

    @drishti.llm_call(model="generator")
    def pieces() -> Iterator[Any]:
        yield from openai_pieces()

    @drishti.llm_call(model="async generator")
    async def pieces_later() -> AsyncIterator[Any]:
        for piece in openai_pieces():
            yield piece

    @drishti.llm_call(model="stream")
    async def stream() -> Any:
        return later(openai_pieces())

    async def awaited() -> Any:
        return openai_answer()

    with drishti.llm_call(model="awaited") as call:
        await call.answer(awaited())
    ask()
    ask()
    await ask_later()
    assert len(list(pieces())) == len([p async for p in pieces_later()]) == len([p async for p in await stream()]) == 5
    told = [(event.data["model"], event.data["output_tokens"]) for event in captured.events]
    assert told == [(name, 3) for name in ("awaited", "sync", "sync", "async", "generator", "async generator", "stream")]


async def test_concurrent_calls_and_one_block_used_again_do_not_mix(captured: Captured) -> None:
    async def ask(number: int) -> None:
        async with drishti.llm_call(model=f"m{number}") as call:
            await asyncio.sleep(0)
            call.record(output_tokens=number)

    await asyncio.gather(*(ask(number) for number in range(5)))
    again = drishti.llm_call(model="again")
    for tokens in (7, None):
        with again as call:
            call.record(output_tokens=tokens)
    told = {(event.data["model"], event.data.get("output_tokens")) for event in captured.events}
    assert told == {*((f"m{number}", number) for number in range(5)), ("again", 7), ("again", None)}
    assert len({span.context.trace_id for span in captured.spans}) == 7


def test_what_is_recorded_counts_before_what_is_read(captured: Captured) -> None:
    with drishti.llm_call(model="m") as call:
        call.record(output_tokens=100)
        call.answer(openai_answer())
    assert only(captured)["output_tokens"] == 100


class Hostile:
    """An answer whose attributes fail."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def test_an_answer_that_cannot_be_read_reaches_the_application(captured: Captured) -> None:
    answer = Hostile()
    with drishti.llm_call(model="m") as call:
        assert call.answer(answer) is answer
        assert list(call.stream([answer])) == [answer]
        assert call.stream(None) is None
    assert only(captured)["model"] == "m"


def test_a_call_that_an_instrumentation_of_the_client_sees_too_counts_once(captured: Captured) -> None:
    trace.get_tracer_provider().add_span_processor(NestedLlmCalls())  # type: ignore[attr-defined]
    tracer = trace.get_tracer("openai")
    with drishti.llm_call(model="m"):
        assert otel_context.get_value("suppress_language_model_instrumentation")  # OpenLLMetry makes no span then
        with tracer.start_as_current_span("chat", attributes={"gen_ai.operation.name": "chat"}), tracer.start_span("POST"):
            pass
    with tracer.start_as_current_span("alone", attributes={"gen_ai.operation.name": "chat"}):
        pass
    marked = {span.name: bool((span.attributes or {}).get(EVENT)) for span in captured.spans}
    assert marked == {"chat m": True, "chat": True, "POST": False, "alone": False}


def test_where_no_event_can_be_sent_the_span_counts(spans: Spans) -> None:
    with drishti.llm_call(model="m", client=Analytics(url="ftp://nowhere")) as call:
        call.record(output_tokens=1)
    assert (spans["chat m"].attributes or {})["gen_ai.usage.output_tokens"] == 1
    assert EVENT not in (spans["chat m"].attributes or {})
