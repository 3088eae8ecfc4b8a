"""Functions that return a stream, a coroutine or a future: their span lasts until that ends, and nothing else changes."""

from __future__ import annotations

import asyncio
import collections.abc
import concurrent.futures
import contextlib
import functools
import gc
import inspect
import io
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, cast
from unittest.mock import MagicMock

import pytest
from opentelemetry.trace import StatusCode
from starlette.responses import StreamingResponse

from drishti.tracing import TracedSpan, trace_operation
from rigs.sdk_spans import Spans, current

TOKENS = ["a", "b", "c"]


def tokens() -> Iterator[str]:
    for token in TOKENS:
        assert current() == "ask"
        with TracedSpan(f"token {token}"):
            pass
        yield token


async def tokens_async() -> AsyncIterator[str]:
    for token in tokens():
        await asyncio.sleep(0)
        yield token


class Stream:
    """As clients of LLMs have it: one-shot, iterated by a generator of its own, closed by hand or by ``with``."""

    def __init__(self) -> None:
        self._tokens = tokens()
        self.model = "sage"
        self.closed = False

    def __next__(self) -> str:
        return next(self._tokens)

    def __iter__(self) -> Iterator[str]:
        yield from self._tokens

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        assert current() == "ask"
        self.closed = True


class Plain(Stream):
    """Its own iterator."""

    def __iter__(self) -> Iterator[str]:
        return self


class AsyncStream:
    def __init__(self) -> None:
        self._tokens = tokens_async()
        self.model = "sage"
        self.closed = False

    async def __anext__(self) -> str:
        return await anext(self._tokens)

    async def __aiter__(self) -> AsyncIterator[str]:
        async for token in self._tokens:
            yield token

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        await asyncio.sleep(0)
        assert current() == "ask"
        self.closed = True


class PlainAsync(AsyncStream):
    def __aiter__(self) -> Any:
        return self


class Later:
    """An awaitable that is nothing else."""

    def __await__(self) -> Any:
        yield from asyncio.sleep(0).__await__()
        assert current() == "ask"
        return "later"


SYNC: list[Callable[[], Any]] = [tokens, Stream, Plain, lambda: map(str, tokens())]
ASYNC: list[Callable[[], Any]] = [tokens_async, AsyncStream, PlainAsync]


def check_children(spans: Spans) -> None:
    """One span for the work, ended after those that the work made, which are its children."""
    assert spans.names() == [*(f"token {token}" for token in TOKENS), "ask"]
    assert {spans.parent_of(f"token {token}") for token in TOKENS} == {"ask"}
    assert spans["ask"].status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("make", SYNC)
def test_a_returned_stream_is_traced_to_its_end(spans: Spans, make: Callable[[], Any]) -> None:
    @trace_operation("ask")
    def ask() -> Any:
        return make()

    seen = []
    for token in ask():
        assert current() == ""
        assert "ask" not in spans.names()
        seen.append(token)
    assert seen == TOKENS
    check_children(spans)


@pytest.mark.parametrize("make", ASYNC)
@pytest.mark.parametrize("awaited", [False, True])
async def test_a_returned_async_stream_is_traced_to_its_end(spans: Spans, make: Callable[[], Any], awaited: bool) -> None:
    @trace_operation("ask")
    def ask() -> Any:
        return make()

    @trace_operation("ask")
    async def ask_and_wait() -> Any:
        await asyncio.sleep(0)
        return make()

    seen = []
    async for token in await ask_and_wait() if awaited else ask():
        assert current() == ""
        assert "ask" not in spans.names()
        seen.append(token)
    assert seen == TOKENS
    check_children(spans)


@pytest.mark.parametrize("make", [tokens, Stream, Plain])
@pytest.mark.parametrize("leave", ["close", "drop", "never start"])
def test_a_stream_that_is_left_early_is_no_error_and_leaves_no_span_open(
    spans: Spans, make: Callable[[], Any], leave: str
) -> None:
    @trace_operation("ask")
    def ask() -> Any:
        return make()

    stream = ask()
    if leave != "never start":
        assert next(stream) == "a"
    assert "ask" not in spans.names()
    if leave == "close":
        stream.close()
    else:
        del stream
        gc.collect()
    assert spans["ask"].status.status_code is StatusCode.UNSET


@pytest.mark.parametrize("make", ASYNC)
@pytest.mark.parametrize("leave", ["close", "drop", "never start"])
async def test_an_async_stream_that_is_left_early_leaves_no_span_open(
    spans: Spans, make: Callable[[], Any], leave: str
) -> None:
    @trace_operation("ask")
    async def ask() -> Any:
        return make()

    stream = await ask()
    if leave != "never start":
        assert await anext(stream) == "a"
    if leave == "close":
        await (stream.aclose() if make is tokens_async else stream.close())
    else:
        del stream
        gc.collect()
        await asyncio.sleep(0.01)  # the loop closes what was collected
    assert spans["ask"].status.status_code is StatusCode.UNSET


def test_a_block_ends_the_span_of_its_stream(spans: Spans) -> None:
    @trace_operation("ask")
    def ask() -> Stream:
        return Stream()

    with ask() as stream:
        assert isinstance(stream, Stream)
        assert next(stream) == "a"
        assert current() == ""
    assert stream.closed
    assert spans["ask"].status.status_code is StatusCode.UNSET
    with pytest.raises(LookupError), ask() as stream:
        raise LookupError
    assert [s.status.status_code for s in spans.all() if s.name == "ask"] == [StatusCode.UNSET, StatusCode.ERROR]


async def test_an_async_block_ends_the_span_of_its_stream(spans: Spans) -> None:
    @trace_operation("ask")
    async def ask() -> AsyncStream:
        return AsyncStream()

    async with await ask() as stream:
        assert await anext(stream) == "a"
        assert current() == ""
    assert stream.closed
    assert spans["ask"].status.status_code is StatusCode.UNSET


async def test_what_is_made_by_contextmanager_is_traced_to_the_end_of_its_block(spans: Spans) -> None:
    @contextlib.contextmanager
    def block() -> Iterator[Any]:
        assert current() == "ask"
        yield tokens()
        assert current() == "ask"

    @contextlib.asynccontextmanager
    async def block_async() -> AsyncIterator[str]:
        assert current() == "ask"
        yield "inside"

    @trace_operation("ask")
    def ask(function: Any) -> Any:
        return function()

    with ask(block):
        assert current() == ""
        assert spans.names() == []
    async with ask(block_async) as value:
        assert (value, current()) == ("inside", "")
    assert spans.names() == ["ask", "ask"]


def test_a_manager_of_a_stream_is_traced_to_the_end_of_its_block(spans: Spans) -> None:
    class Manager:
        def __enter__(self) -> Stream:
            assert current() == "ask"
            self._stream = Stream()
            return self._stream

        def __exit__(self, *_: object) -> None:
            self._stream.close()

    @trace_operation("ask")
    def ask() -> Manager:
        return Manager()

    with ask() as stream:
        assert next(stream) == "a"
        assert (current(), spans.names()) == ("", ["token a"])
    assert spans.parent_of("token a") == "ask"


def test_a_stream_that_breaks_is_an_error(spans: Spans) -> None:
    class Broken(Plain):
        def __next__(self) -> str:
            raise ConnectionError

    def broken() -> Iterator[str]:
        yield "a"
        raise ConnectionError

    @trace_operation("ask")
    def ask(function: Any) -> Any:
        return function()

    for make in (Broken, broken):
        with pytest.raises(ConnectionError):
            list(ask(make))
    assert [s.attributes["error.type"] for s in spans.all() if s.attributes] == ["ConnectionError"] * 2


def test_a_stand_in_is_what_it_stands_for(spans: Spans) -> None:
    @trace_operation("ask")
    def ask(thing: Any) -> Any:
        return thing

    thing = Stream()
    stream = ask(thing)
    assert isinstance(stream, Stream)
    assert isinstance(stream, collections.abc.Iterator)
    assert not isinstance(stream, collections.abc.AsyncIterable)
    assert not isinstance(stream, collections.abc.Awaitable)
    assert (stream.model, repr(stream), stream == thing) == ("sage", repr(thing), True)
    stream.model = "oracle"
    assert thing.model == "oracle"
    assert isinstance(ask(AsyncStream()), collections.abc.AsyncIterable)
    assert not hasattr(ask(AsyncStream()), "__next__")
    assert not hasattr(stream, "nothing")


async def test_awaitables_of_every_kind_are_traced_to_their_end(spans: Spans) -> None:
    loop = asyncio.get_running_loop()

    async def later() -> str:
        await asyncio.sleep(0)
        assert current() == "ask"
        return "later"

    future: asyncio.Future[str] = loop.create_future()

    @trace_operation("ask")
    def ask(make: Callable[[], Any]) -> Any:
        return make()

    class Compiled(collections.abc.Coroutine[Any, Any, str]):
        """A coroutine as compilers make it."""

        def __init__(self) -> None:
            self._coroutine = later()

        def send(self, value: Any) -> Any:
            return self._coroutine.send(value)

        def throw(self, *error: Any) -> Any:
            return self._coroutine.throw(*error)

        def close(self) -> None:
            self._coroutine.close()

        def __await__(self) -> Any:
            return self._coroutine.__await__()

    for make in (later, Later, Compiled, lambda: asyncio.create_task(later()), lambda: future):
        before = len(spans.all())
        waiting = ask(make)
        assert len(spans.all()) == before
        loop.call_later(0.01, lambda: future.done() or future.set_result("later"))
        assert await waiting == "later"
        await asyncio.sleep(0)  # callbacks of a future come after
        assert len(spans.all()) == before + 1
        assert current() == ""
    assert ask(lambda: future) is future
    waiting = ask(later)
    assert inspect.iscoroutine(waiting)
    assert waiting.__name__ == "later"
    await waiting


async def test_a_coroutine_that_gives_a_stream_is_traced_to_the_streams_end(spans: Spans) -> None:
    async def create() -> Any:
        return AsyncStream()

    @trace_operation("ask")
    def ask() -> Any:
        return create()

    assert [token async for token in await ask()] == TOKENS
    check_children(spans)


async def test_failed_cancelled_and_dropped_awaitables_end_their_span(spans: Spans) -> None:
    async def fail() -> None:
        raise LookupError

    @trace_operation("ask")
    def ask(make: Callable[[], Any]) -> Any:
        return make()

    for make in (fail, lambda: asyncio.create_task(fail())):
        with pytest.raises(LookupError):
            await ask(make)
    task = ask(lambda: asyncio.create_task(asyncio.sleep(60)))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert [s.attributes["error.type"] for s in spans.all() if s.attributes] == ["LookupError", "LookupError", "CancelledError"]
    coroutine, later = ask(functools.partial(asyncio.sleep, 0)), ask(Later)
    coroutine.close()
    del coroutine, later
    gc.collect()
    assert len(spans.all()) == 5
    with pytest.warns(RuntimeWarning, match="never awaited") as warned:
        ask(functools.partial(asyncio.sleep, 0))
    assert len(warned) == 1


async def test_a_future_that_nobody_waits_for_still_tells_of_its_error(spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    @trace_operation("ask")
    def ask() -> Any:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        future.set_exception(LookupError())
        return future

    future = ask()
    await asyncio.sleep(0)
    assert spans["ask"].status.status_code is StatusCode.ERROR
    del future
    gc.collect()
    assert "exception was never retrieved" in caplog.text


def test_work_in_an_executor_is_traced_to_its_end(spans: Spans) -> None:
    with concurrent.futures.ThreadPoolExecutor(1) as executor:

        @trace_operation("ask")
        def ask() -> Any:
            return executor.submit(lambda: "later")

        future = ask()
        assert isinstance(future, concurrent.futures.Future)
        assert future.result(20) == "later"
    assert spans.names() == ["ask"]


async def test_two_tasks_that_share_a_stream_keep_their_own_context(spans: Spans) -> None:
    class Queue:
        def __init__(self) -> None:
            self.left = 6

        def __aiter__(self) -> Queue:
            return self

        async def __anext__(self) -> int:
            if not self.left:
                raise StopAsyncIteration
            self.left -= 1
            await asyncio.sleep(0.001 * (self.left % 3))
            return self.left

    @trace_operation("ask")
    def ask() -> Queue:
        return Queue()

    stream = ask()

    async def consume() -> None:
        async for _ in stream:
            assert current() == ""

    await asyncio.gather(consume(), consume())
    assert spans.names() == ["ask"]


async def test_a_stream_is_read_in_other_threads_and_tasks(spans: Spans) -> None:
    @trace_operation("ask")
    def ask() -> Any:
        return tokens()

    @trace_operation("ask async")
    def ask_async() -> Any:
        async def numbers() -> AsyncIterator[int]:
            yield 1
            yield 2

        return numbers()

    stream = ask()
    assert [await asyncio.to_thread(next, stream) for _ in TOKENS] == TOKENS
    stream.close()
    streaming = ask_async()
    assert [await asyncio.create_task(anext(streaming)) for _ in range(2)] == [1, 2]
    await asyncio.create_task(streaming.aclose())
    assert {"ask", "ask async"} <= set(spans.names())


async def test_a_streaming_response_is_traced_to_the_end_of_its_body(spans: Spans) -> None:
    @trace_operation("ask")
    async def ask() -> StreamingResponse:
        return StreamingResponse(tokens_async())

    response = await ask()
    assert type(response) is StreamingResponse
    assert spans.names() == []
    assert [part async for part in response.body_iterator] == TOKENS
    check_children(spans)


class Client:
    """A client that can be awaited to connect: a resource, not work."""

    def __await__(self) -> Any:
        return self.connect().__await__()

    async def connect(self) -> Client:
        return self

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: object) -> None: ...


@pytest.mark.parametrize(
    "thing",
    [
        [1],
        {1: 2},
        "text",
        b"bytes",
        (1,),
        range(3),
        None,
        io.StringIO("x"),
        Client(),
        threading.Lock(),
        MagicMock(),
        Stream,
        {1: 2}.items(),
        object(),
    ],
)
def test_everything_else_is_returned_as_it_is_and_ends_the_span(spans: Spans, thing: Any) -> None:
    @trace_operation("ask")
    def ask() -> Any:
        return thing

    assert ask() is thing
    assert spans.names() == ["ask"]


def test_methods_partials_and_callable_objects_are_traced(spans: Spans) -> None:
    class Oracle:
        @trace_operation("method")
        def method(self) -> str:
            return type(self).__name__

        @trace_operation("outside")
        @classmethod
        def outside(cls) -> str:
            return cls.__name__

        @classmethod
        @trace_operation("inside")
        def inside(cls) -> str:
            return cls.__name__

        @trace_operation
        @staticmethod
        def static() -> str:
            return "static"

        async def __call__(self, question: str) -> str:
            return question

    oracle = Oracle()
    assert [oracle.method(), oracle.outside(), Oracle.inside(), oracle.static()] == ["Oracle", "Oracle", "Oracle", "static"]
    assert asyncio.run(trace_operation(functools.partial(oracle, "asked"))()) == "asked"
    asking = trace_operation(functools.partial(asyncio.sleep, 0))
    assert inspect.iscoroutinefunction(asking)
    asyncio.run(asking())
    assert spans.names()[:3] == ["method", "outside", "inside"]
    assert [name.rpartition(".")[2] for name in spans.names()[3:]] == ["static", "Oracle", "sleep"]


def test_what_stands_for_a_function_in_a_class_is_traced(spans: Spans) -> None:
    class Shop:
        _name = "shop"

        @trace_operation
        @property
        def name(self) -> str:
            return self._name

        @trace_operation("renamed")
        @property
        def title(self) -> str:
            return self._name

        @title.setter
        def title(self, value: str) -> None:
            self._name = value

        @trace_operation
        @functools.cached_property
        def stock(self) -> list[int]:
            return [1]

        half = trace_operation("half")(functools.partialmethod(lambda self, a, b: (type(self), a, b), 1))

    shop = Shop()
    shop.title = "store"
    assert (shop.name, shop.title, shop.half(2)) == ("store", "store", (Shop, 1, 2))
    assert shop.stock is shop.stock
    assert [name.rpartition(".")[2] for name in spans.names()] == ["name", "renamed", "half", "stock"]


def test_a_cached_function_keeps_what_belongs_to_its_cache(spans: Spans) -> None:
    @trace_operation("price")
    @functools.lru_cache
    def price(item: int) -> int:
        return item * 2

    cached: Any = price
    assert (cached(2), cached(2), cached.cache_info().misses) == (4, 4, 1)
    assert spans.names() == ["price", "price"]


def test_what_is_no_function_is_left_as_it_is(spans: Spans, caplog: pytest.LogCaptureFixture) -> None:
    class Shop:
        @functools.singledispatchmethod
        def sell(self, item: object) -> str:
            return "thing"

        sell = trace_operation(sell)

    traced: Any = trace_operation(Shop)
    assert (traced, traced().sell(1), trace_operation("number")(cast("Any", 5))) == (Shop, "thing", 5)
    assert [r.getMessage().rpartition(" is no function")[0].rpartition(".")[2] for r in caplog.records] == [
        "not traced: singledispatchmethod", "Shop", "not traced: int",
    ]  # fmt: skip
    assert spans.names() == []


def test_the_end_of_an_iterator_of_the_applications_own_is_no_error(spans: Spans) -> None:
    class Numbers:
        left = 2

        def __iter__(self) -> Numbers:
            return self

        @trace_operation
        def __next__(self) -> int:
            self.left -= 1
            if self.left < 0:
                raise StopIteration
            return self.left

    assert list(Numbers()) == [1, 0]
    assert {span.status.status_code for span in spans.all()} == {StatusCode.UNSET}
