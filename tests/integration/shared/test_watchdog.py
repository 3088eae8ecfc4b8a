"""A service whose event loop is blocked ends itself and says where; one that merely gets no time goes on."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from drishti.service.watchdog import STATUS
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs.gateway import running_process
from rigs.programs import program
from rigs.waiting import DEADLINE_S

AFTER_S = 2

PROGRAM = """
import re
import threading
import time
from dataclasses import dataclass
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from drishti.service import lifecycle
from drishti.settings import setting

@dataclass(frozen=True, kw_only=True)
class ExampleSettings:
    port: int = setting("EX_PORT", "port of the example")

def compute_for_ever():
    while True:
        pass

def wait_for_ever():
    lock = threading.Lock()
    lock.acquire()
    lock.acquire()

def match_for_ever():
    re.match("(a*)*b", "a" * 100)

def now_and_then_for_ever():
    while True:
        time.sleep(0.05)
        sum(range(100_000))

async def serve(known, stop):
    async def hang(request):
        globals()[request.path_params["how"]]()

    async def hello(_request):
        return PlainTextResponse("hello")

    app = Starlette(routes=[Route("/hang/{how}", hang), Route("/hello", hello)])
    await lifecycle.serve_http(app, host="127.0.0.1", port=known.port, stop=stop, websockets=False)

lifecycle.run(serve, ExampleSettings, name="example", about="An example.")
"""


class Example:
    """The program, and what it writes to standard error."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process = process
        self.url = url

    async def ended(self) -> tuple[int, str]:
        async with asyncio.timeout(DEADLINE_S):
            _, errors = await self.process.communicate()
        assert self.process.returncode is not None
        return self.process.returncode, errors.decode()


@contextlib.asynccontextmanager
async def example(after_s: float = AFTER_S) -> AsyncIterator[Example]:
    port = free_port()
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LOG_"))}
    environ = clean | {"EX_PORT": str(port), "DRISHTI_WATCHDOG_S": str(after_s)}
    async with program(
        sys.executable, "-c", PROGRAM, env=environ, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        async with asyncio.timeout(DEADLINE_S):
            while b"listening" not in (line := await process.stderr.readline()):
                assert line, "it ended before it listened"
        yield Example(process, f"http://127.0.0.1:{port}")


async def hang(url: str) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(aiohttp.ClientError):
            async with asyncio.timeout(DEADLINE_S), http.get(url):
                pass


@pytest.mark.parametrize(
    ("how", "status"),
    [
        ("compute_for_ever", STATUS),
        ("wait_for_ever", STATUS),
        ("now_and_then_for_ever", STATUS),
        ("match_for_ever", -signal.SIGPROF),  # the expression keeps Python's lock
    ],
)
async def test_a_loop_that_stands_still_ends_the_process_which_says_where(how: str, status: int) -> None:
    async with example() as running:
        await hang(f"{running.url}/hang/{how}")
        ended, errors = await running.ended()
    assert ended == status
    assert f"in {how}\n" in errors
    if status == STATUS:
        assert "CRITICAL drishti.service.watchdog the event loop of example has computed or waited for" in errors


async def test_a_process_that_was_stopped_goes_on_however_long_that_was() -> None:
    async with example(1) as running, aiohttp.ClientSession() as http:
        for _ in range(2):
            running.process.send_signal(signal.SIGSTOP)
            await asyncio.sleep(2)  # twice the time after which a loop is stuck
            running.process.send_signal(signal.SIGCONT)
            async with asyncio.timeout(DEADLINE_S), http.get(f"{running.url}/hello") as answer:
                assert await answer.text() == "hello"
        running.process.send_signal(signal.SIGTERM)
        ended, errors = await running.ended()
    assert ended == 0
    assert "watchdog" not in errors


async def test_a_wrong_setting_is_reported() -> None:
    environ = os.environ | {"EX_PORT": "1", "DRISHTI_WATCHDOG_S": "-1"}
    pipe = asyncio.subprocess.PIPE
    async with program(sys.executable, "-c", PROGRAM, env=environ, stdout=pipe, stderr=pipe) as process:
        _, errors = await process.communicate()
    assert (process.returncode, errors.decode()) == (2, "wrong settings:\n  - DRISHTI_WATCHDOG_S: -1 is no number of seconds\n")


PLUG = """
import signal
import threading

def plugged(*_):
    threading.Event().wait()

signal.signal(signal.SIGUSR1, plugged)
"""


async def test_a_real_service_that_hangs_ends(own_nats: NatsServer, tmp_path: Path) -> None:
    """The gateway, with a plug that only this test's environment puts into it."""
    (tmp_path / "sitecustomize.py").write_text(PLUG)
    async with running_process(own_nats, PYTHONPATH=str(tmp_path), DRISHTI_WATCHDOG_S=str(AFTER_S)) as (_, process):
        process.send_signal(signal.SIGUSR1)
        async with asyncio.timeout(DEADLINE_S):
            assert await process.wait() == STATUS
