"""``drishti.profile``: blocks in microseconds, added up by name, on the span that they are in."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry import trace

import drishti
from drishti.profiling import MAX_NAMES
from drishti.tracing import TracedSpan, trace_operation


def rows(span: Any) -> dict[str, dict[str, Any]]:
    """What the span says of each block, without the prefix of its attributes."""
    events = [dict(event.attributes) for event in span.events if event.name == "drishti.profile"]
    return {
        event.pop("drishti.profile.name"): {key.removeprefix("drishti.profile."): value for key, value in event.items()}
        for event in events
    }


def test_blocks_of_one_name_are_one_row() -> None:
    with drishti.capture() as captured, TracedSpan("work"):
        for _ in range(3):
            with drishti.profile("parse"):
                time.sleep(0.002)
    (row,) = rows(captured.span("work")).values()
    assert row["count"] == 3
    assert 2_000 <= row["min_us"] <= row["mean_us"] <= row["max_us"] <= row["total_us"]
    assert row["total_us"] == pytest.approx(3 * row["mean_us"], abs=0.01)
    assert row["self_us"] == row["total_us"]


def test_a_block_within_another_is_not_its_own_time() -> None:
    with drishti.capture() as captured, TracedSpan("work"), drishti.profile("outer"):
        with drishti.profile("inner"):
            time.sleep(0.002)
        with drishti.profile("inner"):
            pass
    found = rows(captured.span("work"))
    assert found["inner"]["count"] == 2
    assert found["outer"]["self_us"] == pytest.approx(found["outer"]["total_us"] - found["inner"]["total_us"], abs=0.01)


def test_a_block_belongs_to_the_span_that_it_began_in() -> None:
    with drishti.capture() as captured, TracedSpan("outer"), drishti.profile("block"):
        with TracedSpan("inner"), drishti.profile("block"):
            time.sleep(0.001)
        time.sleep(0.001)
    outer, inner = (rows(captured.span(name))["block"] for name in ("outer", "inner"))
    assert (outer["count"], inner["count"]) == (1, 1)
    assert outer["self_us"] == outer["total_us"] > inner["total_us"]


async def test_tasks_do_not_mix_their_blocks() -> None:
    @trace_operation("task")
    async def work(number: int) -> None:
        async with drishti.profile("block"):
            await asyncio.sleep(0)
            with drishti.profile(f"inner {number}"):
                await asyncio.sleep(0)

    with drishti.capture() as captured:
        await asyncio.gather(*(work(number) for number in range(5)))
    assert [sorted(rows(span)) for span in captured.spans] == [["block", f"inner {number}"] for number in range(5)]


def test_threads_of_one_span_are_added_up() -> None:
    def work() -> None:
        for _ in range(2_000):
            with drishti.profile("block"):
                pass

    with drishti.capture() as captured, TracedSpan("work"):
        threads = [threading.Thread(target=drishti.propagated(work)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert rows(captured.span("work"))["block"]["count"] == 8_000


async def test_functions_are_blocks_too(caplog: pytest.LogCaptureFixture) -> None:
    @drishti.profile("sync")
    def add(a: int, b: int) -> int:
        return a + b

    @drishti.profile("async")
    async def add_later(a: int, b: int) -> int:
        return a + b

    @drishti.profile
    def bare(a: int) -> int:
        return a

    @drishti.profile("generator")
    def numbers() -> Iterator[int]:
        yield 1

    with drishti.capture() as captured, TracedSpan("work"):
        assert (add(1, 2), add(1, 2), await add_later(1, 2), bare(1), list(numbers())) == (3, 3, 3, 1, [1])
    counts = {name.rpartition(".")[2]: row["count"] for name, row in rows(captured.span("work")).items()}
    assert counts == {"sync": 2, "async": 1, "bare": 1}
    assert "not profiled" in caplog.text


def test_an_error_ends_the_block_and_goes_on() -> None:
    with drishti.capture() as captured, pytest.raises(ZeroDivisionError), TracedSpan("work"), drishti.profile("block"):
        _ = 1 / 0
    assert rows(captured.span("work"))["block"]["count"] == 1


def test_names_are_bounded() -> None:
    with drishti.capture() as captured, TracedSpan("work"):
        for number in range(MAX_NAMES + 10):
            with drishti.profile(f"block {number}"):
                pass
    found = rows(captured.span("work"))
    assert len(found) == MAX_NAMES + 1
    assert found["(other)"]["count"] == 10


def test_a_span_of_any_tracer_has_its_blocks() -> None:
    with drishti.capture() as captured:
        with trace.get_tracer("library").start_as_current_span("library"), drishti.profile("block"):
            pass
        span = trace.get_tracer("library").start_span("by hand")
        with trace.use_span(span), drishti.profile("block"):
            pass
        span.end()
    assert [list(rows(span)) for span in captured.spans] == [["block"], ["block"]]


def test_without_a_span_nothing_is_measured() -> None:
    with drishti.capture() as captured, drishti.profile("block"):
        pass
    with drishti.profile("block"), TracedSpan("work"):
        pass
    assert captured.spans == []
