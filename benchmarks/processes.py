"""Programs that a benchmark starts: each in a process and session of its own, so that Ctrl-C reaches us alone and we end them.

Started through the local run's own launcher: a program also ends when this process is killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import http.client
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil

from drishti_local.spec import Spec

ROOT = Path(__file__).resolve().parent.parent
READY_S = 60.0
END_S = 20.0

T = TypeVar("T")


class BenchmarkFailed(Exception):
    """The measurement cannot be had; the text says why."""


class Running:
    """One program."""

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self.name = name
        self.pid = process.pid
        self._process = process
        self._log = log
        self._counters = psutil.Process(process.pid)

    def cpu_s(self) -> float:
        """Processor time so far, user's and system's."""
        times = self._counters.cpu_times()
        return float(times.user + times.system)

    def memory_mb(self) -> float:
        """Its resident memory."""
        return float(self._counters.memory_info().rss) / 1e6

    def check(self) -> None:
        """Raises :class:`BenchmarkFailed` with the end of the log when the program has ended."""
        if self._process.poll() is not None:
            said = self._log.read_text(errors="replace")[-2000:]
            raise BenchmarkFailed(f"{self.name} ended with status {self._process.returncode}:\n{said}")

    def end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@contextlib.contextmanager
def running(name: str, spec: Spec, folder: Path) -> Iterator[Running]:
    """Runs a program while the block lasts; ``folder`` gets its log and its description."""
    log = folder / f"{name}.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            spec.save(folder / f"{name}.json"),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    program = Running(name, process, log)
    try:
        yield program
    finally:
        program.end()


def postgres_s(pid: int) -> float:
    """Processor time of all processes of the PostgreSQL with this one, also of those that have ended: autovacuum's come and
    go."""
    root = psutil.Process(pid)
    own = root.cpu_times()
    there = [process.cpu_times() for process in root.children(recursive=True)]
    ended = own.children_user + own.children_system
    return float(own.user + own.system + ended + sum(times.user + times.system for times in there))


async def call(module: str, job: msgspec.Struct, answer: type[T]) -> T:
    """Runs ``python -m module`` with ``job`` as its input; its output is the answer."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", module,
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    try:
        output, errors = await process.communicate(msgspec.json.encode(job))
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise BenchmarkFailed(f"{module} failed:\n{errors.decode(errors='replace')[-2000:]}")
    return msgspec.json.decode(output, type=answer)


async def until(
    condition: Callable[[], Any] | Callable[[], Awaitable[Any]],
    what: str,
    *,
    every_s: float = 0.02,
    within_s: float = READY_S,
) -> None:
    """Waits until ``condition`` is true; raises :class:`BenchmarkFailed` after ``within_s``."""
    deadline = time.monotonic() + within_s
    while True:
        outcome = condition()
        if asyncio.iscoroutine(outcome):
            outcome = await outcome
        if outcome:
            return
        if time.monotonic() > deadline:
            raise BenchmarkFailed(f"{what}: not within {within_s:g} s")
        await asyncio.sleep(every_s)


async def ready(program: Running, port: int, path: str = "/readyz") -> None:
    """Returns when the program answers 2xx at ``path``, or 405 where that asks for another method."""

    def asks() -> bool:
        program.check()
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        try:
            connection.request("GET", path)
            return connection.getresponse().status in (200, 405)
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    await until(lambda: asyncio.to_thread(asks), f"{program.name} is ready")
