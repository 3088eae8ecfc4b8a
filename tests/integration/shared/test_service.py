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

from drishti_local.ports import free_port
from rigs.otlp_receiver import Receiver
from rigs.programs import outcome
from rigs.waiting import DEADLINE_S

PROGRAM = """
import asyncio
import os
import resource
from dataclasses import dataclass
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from drishti.service import lifecycle
from drishti.telemetry import spans
from drishti.settings import setting

@dataclass(frozen=True, kw_only=True)
class ExampleSettings:
    port: int = setting("EX_PORT", "port of the example")
    ratio: float = setting("EX_RATIO", "a ratio", 0.5)

async def serve(known, stop):
    async def slow(_request):
        print("asked", flush=True)
        await stop.wait()
        print("stopping", flush=True)
        while True:  # until nobody else can come in
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", known.port)
            except ConnectionRefusedError:
                break
            except ConnectionResetError:  # it waited while the port was closed
                continue
            writer.close()
        print("nobody else", flush=True)
        return PlainTextResponse("finished")

    app = Starlette(routes=[Route("/slow", slow)])
    await lifecycle.serve_http(app, host="127.0.0.1", port=known.port, stop=stop, websockets=False)
    with spans.span("last work"):
        print("served", flush=True)

if files := int(os.environ.get("EX_FILES", 0)):
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
lifecycle.run(serve, ExampleSettings, name="example", about="An example.")
print("returned", flush=True)
"""


@contextlib.asynccontextmanager
async def program(*arguments: str, **environ: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The program in a process of its own; killed where the test did not end it."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("EX_", "OTEL_", "LOG_"))}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        PROGRAM,
        *arguments,
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


async def test_every_wrong_setting_is_reported_and_ends_the_start() -> None:
    async with program(EX_RATIO="half") as process:
        _, errors = await process.communicate()
    assert process.returncode == 2
    reported = errors.decode()
    assert reported.endswith(
        "wrong settings:\n  - EX_PORT is not set: port of the example\n  - EX_RATIO: 'half' is not a number\n"
    )
    assert "Traceback" not in reported


async def test_a_wrong_level_and_form_of_the_log_are_reported_like_other_settings() -> None:
    async with program(EX_PORT="1", LOG_LEVEL="loud", LOG_FORMAT="xml") as process:
        _, errors = await process.communicate()
    assert process.returncode == 2
    assert errors.decode() == (
        "wrong settings:\n"
        "  - LOG_LEVEL: 'loud' is none of DEBUG, INFO, WARNING, ERROR, CRITICAL\n"
        "  - LOG_FORMAT: 'xml' is none of text, json\n"
    )


async def test_help_tells_what_it_is_and_every_setting_and_starts_nothing() -> None:
    async with program("--help") as process:
        output, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
    reported = output.decode()
    assert "An example." in reported
    for line in ("EX_PORT", "port of the example (must be set)", "a ratio [0.5]", "LOG_LEVEL, LOG_FORMAT"):
        assert line in reported


async def test_an_unknown_argument_starts_nothing() -> None:
    async with program("--port", "1") as process:
        output, errors = await process.communicate()
    assert (process.returncode, output) == (2, b"")
    assert b"unrecognized arguments: --port 1" in errors


async def test_a_port_in_use_is_reported_by_its_number() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with program(EX_PORT=str(port)) as process:
            output, errors = await process.communicate()
    assert process.returncode not in (0, None)
    assert b"served" not in output
    reported = errors.decode()
    assert f"('127.0.0.1', {port}): address already in use" in reported
    assert "Traceback" not in reported


async def test_port_in_use_ends_a_service_with_one_line_and_no_traceback() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        code = PORT_IN_USE.format(port=port)
        status, output, _ = await outcome(sys.executable, "-c", code, stderr=asyncio.subprocess.STDOUT)
    assert status == 1
    assert "Traceback" not in output
    assert f"cannot listen on 127.0.0.1:{port}: another program uses this port" in output


PORT_IN_USE = """
import asyncio
from dataclasses import dataclass
from drishti.service.lifecycle import run, serve_http

@dataclass(frozen=True)
class Nothing:
    pass

async def app(scope, receive, send):
    pass

async def serve(settings, stop):
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(serve_http(app, host="127.0.0.1", port={port}, stop=stop))
        tasks.create_task(stop.wait())

run(serve, Nothing, name="x", about="")
"""


async def test_it_goes_on_serving_where_more_connect_than_it_may_open_files_for() -> None:
    port = free_port()
    async with program(EX_PORT=str(port), EX_FILES="200") as process:
        await listening(process)
        hostile = []
        try:
            for _ in range(400):
                with contextlib.suppress(ConnectionError):
                    hostile.append(await asyncio.open_connection("127.0.0.1", port))
                    hostile[-1][1].write(b"GET / HTTP/1.1\r\n")
            async with aiohttp.ClientSession() as http, http.get(f"http://127.0.0.1:{port}/") as answer:
                assert answer.status == 404
        finally:
            for _, writer in hostile:
                writer.transport.abort()
        process.send_signal(signal.SIGTERM)
        _, errors = await process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in errors.decode()
