"""A table of process life: what of an application's events arrives, however its processes begin, fork and end.

Each row is a program. ``track(name)`` tracks an event, which waits in memory for half a minute unless something sends it: so
what arrives was sent by the end of the process that the row is about, or by a flush of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from drishti_local.ports import free_port
from rigs.otlp_receiver import Receiver
from rigs.sdk_servers import Gateway
from rigs.waiting import DEADLINE_S, wait_until_blocking

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this platform does not fork")

ACCEPTED: tuple[int, dict[str, str], Any] = (202, {}, {"accepted": 1, "rejected": []})

PREAMBLE = """
import asyncio, atexit, concurrent.futures, multiprocessing, os, signal, sys, threading, time
from drishti.analytics import Analytics, AnalyticsEvent

analytics = Analytics(linger_s=30)

def track(name):
    assert analytics.track(AnalyticsEvent(event_id=name, event_type="feedback"))

def die(number):
    os.kill(os.getpid(), number)
    time.sleep(60)

def children(method, targets):
    context = multiprocessing.get_context(method)
    started = [context.Process(target=target, args=arguments) for target, *arguments in targets]
    for child in started:
        child.start()
    for child in started:
        child.join()
    return [child.exitcode for child in started]

def work(name):
    track(name)

def fail(name):
    track(name)
    raise LookupError(name)

def leave(name):
    track(name)
    sys.exit(3)

def work_and_flush(name):
    track(name)
    assert analytics.flush_blocking(20)
"""

ROWS: dict[str, tuple[str, list[str]]] = {
    "the interpreter ends": ('track("a")', ["a"]),
    "it ends by an exception": ('track("a"); raise LookupError', ["a"]),
    "sys.exit inside a running loop": (
        """
        async def main():
            track("a")
            sys.exit(0)
        asyncio.run(main())
        """,
        ["a"],
    ),
    "sys.exit in a thread ends the thread only": (
        """
        thread = threading.Thread(target=leave, args=("a",))
        thread.start()
        thread.join()
        track("b")
        """,
        ["a", "b"],
    ),
    "threads that began before and after the first event": (
        """
        go = threading.Event()
        def late():
            go.wait()
            track("a")
        before = threading.Thread(target=late)
        before.start()
        track("b")
        go.set()
        after = threading.Thread(target=track, args=("c",))
        after.start()
        """,
        ["a", "b", "c"],
    ),
    "a daemon thread that is busy at the end": (
        """
        def busy():
            while True:
                time.sleep(0.001)
        track("a")
        threading.Thread(target=busy, daemon=True).start()
        """,
        ["a"],
    ),
    "other exit handlers fail and track": (
        """
        def broken():
            raise LookupError
        atexit.register(broken)
        atexit.register(track, "a")
        track("b")
        """,
        ["a", "b"],
    ),
    "SIGINT": ('track("a"); die(signal.SIGINT)', ["a"]),
    "SIGTERM that the application turns into an exit": (
        'signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); track("a"); die(signal.SIGTERM)',
        ["a"],
    ),
    "SIGTERM that nobody handles: what was not sent is lost": (
        'work_and_flush("a"); track("lost"); die(signal.SIGTERM)',
        ["a"],
    ),
    "os._exit: what was not sent is lost": ('work_and_flush("a"); track("lost"); os._exit(0)', ["a"]),
    "fork: each sends its own": (
        """
        track("a")
        if os.fork() == 0:
            track("b")
            if os.fork() == 0:
                track("c")
                sys.exit()
            os.wait()
            sys.exit()
        os.wait()
        track("d")
        """,
        ["a", "b", "c", "d"],
    ),
    "fork: counts are each process's own": (
        """
        work_and_flush("a")
        if os.fork() == 0:
            assert analytics.statistics().sent == analytics.statistics().buffered == 0
            work_and_flush("b")
            os._exit(0 if analytics.statistics().sent == 1 else 1)
        assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
        """,
        ["a", "b"],
    ),
    "fork while other threads are inside the SDK": (
        """
        stop = threading.Event()
        def busy():
            while not stop.is_set():
                analytics.track(None)
                analytics.statistics()
        threads = [threading.Thread(target=busy) for _ in range(2)]
        for thread in threads:
            thread.start()
        for i in range(6):
            if os.fork() == 0:
                signal.alarm(30)
                track(f"c{i}")
                analytics.flush_blocking(20)
                os._exit(0)
        codes = [os.waitstatus_to_exitcode(os.wait()[1]) for i in range(6)]
        stop.set()
        assert codes == [0] * 6, codes
        """,
        [f"c{i}" for i in range(6)],
    ),
    "fork in a thread": (
        """
        track("a")
        def fork():
            if os.fork() == 0:
                track("b")
                analytics.close_blocking(20)
                os._exit(0)
            os.wait()
        thread = threading.Thread(target=fork)
        thread.start()
        thread.join()
        """,
        ["a", "b"],
    ),
    "workers that a master forks, as gunicorn --preload does": (
        """
        track("master")
        workers, read = [], 0
        wait, ready = os.pipe()
        for name in ("w1", "w2"):
            if (pid := os.fork()) == 0:
                def end(*_):
                    sys.exit(0)
                signal.signal(signal.SIGTERM, end)
                track(name)
                os.write(ready, b".")
                while True:
                    time.sleep(1)
            workers.append(pid)
        while len(os.read(wait, 2)) + read < 2:
            read = 1
        for pid in workers:
            os.kill(pid, signal.SIGTERM)
            os.waitpid(pid, 0)
        """,
        ["master", "w1", "w2"],
    ),
    "multiprocessing by fork": (
        """
        track("a")
        assert children("fork", [(work, "b"), (fail, "c"), (leave, "d")]) == [0, 1, 3]
        """,
        ["a", "b", "c", "d"],
    ),
    "multiprocessing by spawn": (
        """
        if __name__ == "__main__":
            track("a")
            assert children("spawn", [(work, "b"), (leave, "c")]) == [0, 3]
        """,
        ["a", "b", "c"],
    ),
    "multiprocessing by a server that forks": (
        """
        if __name__ == "__main__":
            track("a")
            multiprocessing.set_forkserver_preload(["drishti.analytics"])
            assert children("forkserver", [(work, "b"), (leave, "c")]) == [0, 3]
        """,
        ["a", "b", "c"],
    ),
    "a pool that is closed": (
        """
        track("a")
        pool = multiprocessing.get_context("fork").Pool(2)
        pool.map(work, ["b", "c", "d"])
        pool.close()
        pool.join()
        """,
        ["a", "b", "c", "d"],
    ),
    "a pool of concurrent.futures": (
        """
        track("a")
        with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
            list(pool.map(work, ["b", "c", "d"]))
        """,
        ["a", "b", "c", "d"],
    ),
    # Of what was not flushed nothing is promised: whether a worker ends by the signal or by its closed pipe is a race.
    "a pool that is terminated: what was flushed arrives": (
        """
        with multiprocessing.get_context("fork").Pool(1) as pool:
            pool.map(work_and_flush, ["a", "b"])
        """,
        ["a", "b"],
    ),
}


def environment(gateway: Gateway, **more: str) -> dict[str, str]:
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("DRISHTI_", "OTEL_", "NATS_"))}
    return {**clean, "DRISHTI_URL": gateway.url, **more}


def arrived(gateway: Gateway) -> list[str]:
    return sorted(event["event_id"] for body in gateway.bodies for event in body)


@pytest.mark.parametrize("row", ROWS)
def test_events_arrive_once_however_a_process_lives(row: str, tmp_path: Path) -> None:
    program, expected = ROWS[row]
    script = tmp_path / "program.py"
    script.write_text(PREAMBLE + textwrap.dedent(program))
    with Gateway(ACCEPTED) as gateway:
        done = subprocess.run(
            [sys.executable, str(script)],
            env=environment(gateway),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert arrived(gateway) == sorted(expected), done.stderr
        assert "drishti" not in done.stderr, done.stderr


SERVED = """
import asyncio
import os

from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

import drishti
from drishti.analytics import Analytics, AnalyticsEvent

analytics = Analytics(linger_s=30)


async def ask(request):
    analytics.track(AnalyticsEvent(event_id=request.query_params["id"], event_type="feedback"))
    return PlainTextResponse(str(os.getpid()))


app = drishti.instrument(Starlette(routes=[Route("/ask", ask)]), sink=analytics)
"""


def asked(port: int, event: str) -> bool:
    """Whether the server at ``port`` answered, and so tracked ``event``."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/ask?id={event}", timeout=20) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


@pytest.mark.parametrize("options", [(), ("--workers", "2"), ("--reload",)], ids=lambda options: " ".join(options) or "alone")
def test_an_instrumented_server_sends_its_last_events_and_spans_before_a_signal_ends_it(
    options: tuple[str, ...], tmp_path: Path, receiver: Receiver
) -> None:
    (tmp_path / "served.py").write_text(SERVED)
    port = free_port()
    with Gateway(ACCEPTED) as gateway:
        server = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "served:app", "--port", str(port), "--log-level", "warning", *options],
            cwd=tmp_path,
            env=environment(gateway, OTEL_EXPORTER_OTLP_ENDPOINT=receiver.url, OTEL_METRICS_EXPORTER="none"),
        )
        try:
            wait_until_blocking(lambda: asked(port, "first"), "the server to answer")
            for number in range(5):
                assert asked(port, f"e{number}")
            assert gateway.bodies == []
            server.terminate()
            server.wait(DEADLINE_S)
        finally:
            server.kill()
            server.wait()
        assert arrived(gateway) == ["e0", "e1", "e2", "e3", "e4", "first"]
        assert len(receiver.named("GET /ask")) == 6


MEASURED = """
import multiprocessing, os, sys, time
from starlette.applications import Starlette
import drishti
from drishti.tracing import TracedSpan

drishti.instrument(Starlette(), service="preloaded")

def work(name):
    with TracedSpan(name):
        pass

work("master")
for name in ("idle", "large", "busy"):
    if os.fork() == 0:
        held = bytearray(300_000_000 if name == "large" else 1)
        held[::4096] = b"x" * len(held[::4096])
        work(name)
        deadline = time.monotonic() + 2
        while time.monotonic() < deadline:
            if name != "busy":
                time.sleep(0.1)
        sys.exit()
child = multiprocessing.get_context("fork").Process(target=work, args=("short",))
child.start()
child.join()
for _ in range(3):
    os.wait()
"""


def test_each_forked_worker_reports_its_own_memory_cpu_and_spans(receiver: Receiver) -> None:
    with Gateway(ACCEPTED) as gateway:
        variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_METRIC_EXPORT_INTERVAL": "500"}
        done = subprocess.run(
            [sys.executable, "-c", MEASURED],
            env=environment(gateway, **variables),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr) == (0, "")
    memory: dict[str, float] = {}
    cpu: dict[str, float] = {}
    for resource, metric, value in receiver.measured:
        assert resource["service.name"] == "preloaded"
        seen, instance = memory if metric == "process.memory.usage" else cpu, resource["service.instance.id"]
        seen[instance] = max(seen.get(instance, 0.0), value)
    assert len(memory) == len(cpu) == 5, "the master and four workers, each by a name of its own"
    assert sum(value >= 300_000_000 for value in memory.values()) == 1
    assert max(cpu.values()) > 0.05, "the master, which all others would report, only waits"
    assert sorted(span.name for span in receiver.spans) == ["busy", "idle", "large", "master", "short"]
