"""Programs that tests start: each has ended when the block that started it ends, whatever happens in between."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
from collections.abc import AsyncIterator, Iterator
from typing import Any

from rigs.waiting import DEADLINE_S


@contextlib.asynccontextmanager
async def program(*command: str, **options: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """``command`` as a child, with the options of :func:`asyncio.create_subprocess_exec`; ended by :func:`end` at the end."""
    process = await asyncio.create_subprocess_exec(*command, **options)
    try:
        yield process
    finally:
        await end(process)


async def end(process: asyncio.subprocess.Process, within_s: float = DEADLINE_S) -> None:
    """Ends ``process`` by SIGTERM, as people do, where it has not ended. One that goes on is killed, and fails the test."""
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGCONT)  # a stopped process does not take notice of the other
            process.send_signal(signal.SIGTERM)
    try:
        async with asyncio.timeout(within_s):
            await process.wait()
    except BaseException as error:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        if isinstance(error, TimeoutError):
            raise AssertionError(f"process {process.pid} did not end within {within_s:g} s of SIGTERM") from None
        raise


async def outcome(*command: str, within_s: float = DEADLINE_S, **options: Any) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of a command that ends by itself."""
    pipe = asyncio.subprocess.PIPE
    async with program(*command, **{"stdout": pipe, "stderr": pipe, **options}) as process:
        try:
            async with asyncio.timeout(within_s):
                output, errors = await process.communicate()
        except TimeoutError:
            raise AssertionError(f"{command} did not end within {within_s:g} s") from None
    assert process.returncode is not None
    return process.returncode, (output or b"").decode(), (errors or b"").decode()


@contextlib.contextmanager
def blocking_program(*command: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
    """As :func:`program`, without an event loop and with the options of :class:`subprocess.Popen`."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        end_blocking(process)


def end_blocking(process: subprocess.Popen[Any], by: signal.Signals = signal.SIGTERM, within_s: float = DEADLINE_S) -> int:
    """As :func:`end`; gives the exit status."""
    process.send_signal(by)  # nothing is sent to one that has ended
    try:
        return process.wait(within_s)
    except BaseException as error:
        process.kill()
        process.wait()
        if isinstance(error, subprocess.TimeoutExpired):
            raise AssertionError(f"process {process.pid} did not end within {within_s:g} s of {by.name}") from None
        raise
