"""The frame around every service: how it starts, what it says where it cannot, and the order in which it leaves."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from drishti_local.servers import free_port
from otlp_receiver import Receiver

DEADLINE_S = 30.0

PROGRAM = """
import asyncio, os
from dataclasses import dataclass
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from drishti import service, settings, telemetry
from drishti.settings import setting

@dataclass(frozen=True, kw_only=True)
class ExampleSettings:
    port: int = setting("EX_PORT", "port of the example")
    ratio: float = setting("EX_RATIO", "a ratio", 0.5)

async def main(stop):
    known = settings.load(ExampleSettings, os.environ)

    async def slow(_request):
        print("asked", flush=True)
        await stop.wait()
        print("stopping", flush=True)
        while True:  # until nobody else can come in
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", known.port)
            except ConnectionRefusedError:
                break
            writer.close()
        print("nobody else", flush=True)
        return PlainTextResponse("finished")

    app = Starlette(routes=[Route("/slow", slow)])
    await service.serve_http(app, host="127.0.0.1", port=known.port, stop=stop, websockets=False)
    with telemetry.span("last work"):
        print("served", flush=True)

service.run(main, name="example")
print("returned", flush=True)
"""


@contextlib.asynccontextmanager
async def program(**environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program in a process of its own; killed where the test did not end it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("EX_", "OTEL_", "LOG_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        env=clean | environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(DEADLINE_S):
            yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()


async def listening(process: asyncio.subprocess.Process) -> None:
    assert process.stderr is not None
    while b"listening" not in (line := await process.stderr.readline()):
        assert line, "it ended before it listened"


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
async def test_it_lets_nobody_in_finishes_what_is_open_flushes_its_spans_and_leaves(
    how: signal.Signals, receiver: Receiver
) -> None:
    port = free_port()
    async with (
        program(EX_PORT=str(port), OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"{receiver.url}/v1/traces") as process,
        aiohttp.ClientSession() as http,
    ):
        await listening(process)
        assert process.stdout is not None
        asking = asyncio.create_task(http.get(f"http://127.0.0.1:{port}/slow"))
        assert await process.stdout.readline() == b"asked\n"
        process.send_signal(how)
        async with await asking as answer:
            assert (answer.status, await answer.text()) == (200, "finished")
        output, errors = await process.communicate()
    assert output == b"stopping\nnobody else\nserved\nreturned\n"
    assert process.returncode == 0
    assert errors.decode().splitlines()[-1].endswith("stopped service=example")
    assert [(span.service, span.span.name) for span in receiver.received] == [("example", "last work")]


async def test_every_wrong_setting_is_told_and_ends_the_start() -> None:
    async with program(EX_RATIO="half") as process:
        _, errors = await process.communicate()
    assert process.returncode == 2
    told = errors.decode()
    assert told.endswith("wrong settings:\n  - EX_PORT is not set: port of the example\n  - EX_RATIO: 'half' is not a number\n")
    assert "Traceback" not in told


async def test_a_port_in_use_is_told_by_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with program(EX_PORT=str(port)) as process:
            output, errors = await process.communicate()
    assert process.returncode not in (0, None)
    assert b"served" not in output
    told = errors.decode()
    assert f"('127.0.0.1', {port}): address already in use" in told
    assert "Traceback" not in told
