"""``drishti.propagated``: the trace goes along to other threads, executors and processes."""

from __future__ import annotations

import contextvars
import multiprocessing
import subprocess
import sys
import textwrap
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import drishti
from drishti.tracing import TracedSpan, trace_operation
from rigs.sdk_spans import current

variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")


def inside(number: int = 0) -> tuple[str, str, int]:
    return current(), variable.get(), number


@pytest.fixture(autouse=True)
def _collected() -> Iterator[None]:
    with drishti.capture():
        yield


def in_thread(function: object) -> object:
    with ThreadPoolExecutor(1) as executor:
        return executor.submit(function).result()  # type: ignore[arg-type]


def test_a_function_runs_in_the_context_in_which_it_was_taken_along() -> None:
    token = variable.set("set")
    with TracedSpan("work"):
        function = drishti.propagated(inside)
    variable.reset(token)
    assert in_thread(function) == in_thread(function) == ("work", "set", 0)
    assert (in_thread(inside), inside()) == (("", "unset", 0), ("", "unset", 0))
    assert function.__name__ == "inside"


def test_what_one_call_sets_no_other_sees() -> None:
    def change() -> str:
        before = variable.get()
        variable.set("changed")
        return before

    function = drishti.propagated(change)
    assert [in_thread(function), in_thread(function)] == ["unset", "unset"]


def test_an_executor_takes_along_the_context_of_each_submission() -> None:
    with drishti.propagated(ThreadPoolExecutor(2)) as executor:
        with TracedSpan("first"):
            first = executor.submit(inside, 1)
        with TracedSpan("second"):
            mapped = executor.map(inside, [2, 3])
        assert [first.result(), *mapped] == [("first", "unset", 1), ("second", "unset", 2), ("second", "unset", 3)]
        assert executor._max_workers == 2
    with pytest.raises(RuntimeError, match="shutdown"):
        executor.submit(inside)


async def test_coroutines_and_generators_take_the_trace_along() -> None:
    async def later() -> str:
        return current()

    def steps() -> Iterator[str]:
        received = yield current()
        yield f"{received} {current()}"

    async def steps_later() -> AsyncIterator[str]:
        yield current()
        yield current()

    with TracedSpan("work"):
        taken, generator, generator_later = (
            drishti.propagated(later),
            drishti.propagated(steps),
            drishti.propagated(steps_later),
        )
    assert await taken() == "work"
    running = generator()
    assert (next(running), running.send("sent")) == ("work", "sent work")
    running.close()
    items = []
    async for item in generator_later():
        items.append((item, current()))  # noqa: PERF401 - looked at between the steps
    assert items == [("work", ""), ("work", "")]


def test_nested_operations_in_threads_are_one_trace() -> None:
    @trace_operation("inner")
    def inner() -> None: ...

    with drishti.capture() as captured, TracedSpan("outer"):
        thread = threading.Thread(target=drishti.propagated(inner))
        thread.start()
        thread.join()
    parent = captured.span("inner").parent
    assert parent is not None
    assert parent.span_id == captured.span("outer").context.span_id


PROCESSES = """
from concurrent.futures import ProcessPoolExecutor
import multiprocessing

from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

import drishti
from drishti.tracing import TracedSpan


def trace_id(number):
    return number, format(trace.get_current_span().get_span_context().trace_id, "032x")


if __name__ == "__main__":
    trace.set_tracer_provider(TracerProvider())
    with drishti.propagated(ProcessPoolExecutor(1, multiprocessing.get_context("{method}"))) as executor:
        with TracedSpan("work"):
            _, here = trace_id(0)
            found = [executor.submit(trace_id, 1).result(), *executor.map(trace_id, [2, 3])]
        found.append(executor.submit(trace_id, 4).result())
    print(found == [(1, here), (2, here), (3, here), (4, "0" * 32)])
"""


@pytest.mark.parametrize("method", sorted(set(multiprocessing.get_all_start_methods()) - {"forkserver"}))
def test_the_trace_crosses_to_other_processes(method: str, tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(textwrap.dedent(PROCESSES).replace("{method}", method))
    done = subprocess.run([sys.executable, "program.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout, done.stderr) == ("True\n", "")
