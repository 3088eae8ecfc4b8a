"""A real Jaeger for the tests, with the configuration of the compose stack: OTLP in and the query API, without its page.

``DRISHTI_TEST_JAEGER`` names a program; without it, one is built from the Go module proxy where Go is installed, once: it stays
in the user's cache folder. The first build takes some minutes of both cores, so where ``CI`` is set none is built.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp

from drishti_local.ports import free_port
from rigs.programs import blocking_program
from rigs.waiting import wait_until

VERSION = "v1.76.0"
MODULE = "github.com/jaegertracing/jaeger/cmd/jaeger"
BUILD_S = 420
"""For all steps of a build. Go keeps what it has compiled: one that was too slow goes on from there the next time."""

CONFIGURATION = Path(__file__).resolve().parents[2] / "deploy" / "jaeger" / "config.yaml"


class NoJaeger(Exception):
    """There is none to test against; says why."""


def program() -> Path:
    """The program; raises :class:`NoJaeger`."""
    if given := os.environ.get("DRISHTI_TEST_JAEGER"):
        if not os.access(given, os.X_OK):
            raise NoJaeger(f"DRISHTI_TEST_JAEGER: {given} is no program")
        return Path(given)
    built = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "drishti" / f"jaeger-{VERSION}"
    if built.exists():
        return built
    if os.environ.get("CI"):
        raise NoJaeger(f"there is none at {built}, and building one takes too long here: DRISHTI_TEST_JAEGER names one")
    if shutil.which("go") is None:
        raise NoJaeger("Go is not installed, and DRISHTI_TEST_JAEGER names no Jaeger")
    built.parent.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + BUILD_S
    with tempfile.TemporaryDirectory(dir=built.parent) as folder:
        for command in (
            ["go", "mod", "init", "jaegertool"],
            ["go", "get", "-tool", f"{MODULE}@{VERSION}"],
            ["go", "build", "-o", "jaeger", MODULE],
        ):
            _run(command, folder, deadline - time.monotonic())
        (Path(folder) / "jaeger").replace(built)
    return built


def _run(command: list[str], folder: str, within_s: float) -> None:
    shown = " ".join(command)
    pipes: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with blocking_program(*command, cwd=folder, start_new_session=True, **pipes) as process:
        try:
            _, errors = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)  # its compilers, too, which would go on beside the tests
            raise NoJaeger(f"`{shown}` is not done after {BUILD_S} s; the next run goes on where it was") from None
    if process.returncode != 0:
        raise NoJaeger(f"`{shown}` fails: {errors.decode().strip()[-500:]}")


class Jaeger:
    """A Jaeger on free ports, which stay the same when it is started again; it forgets its traces then."""

    def __init__(self, binary: Path) -> None:
        self._binary = binary
        self._otlp, self._query, self._health = free_port(), free_port(), free_port()
        self._others = {name: free_port() for name in ("receivers.otlp.protocols.grpc", "extensions.jaeger_query.grpc")}
        self.otlp = f"http://127.0.0.1:{self._otlp}"

    @contextlib.contextmanager
    def running(self) -> Iterator[subprocess.Popen[bytes]]:
        ports = {
            **self._others,
            "receivers.otlp.protocols.http": self._otlp,
            "extensions.jaeger_query.http": self._query,
            "extensions.healthcheckv2.http": self._health,
        }
        own = [f"--set={name}.endpoint=127.0.0.1:{port}" for name, port in ports.items()]
        command = [str(self._binary), "--config", str(CONFIGURATION), *own, "--set=service.telemetry.metrics.level=none"]
        with blocking_program(*command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            try:
                yield process
            finally:
                process.kill()  # it keeps nothing, and takes ten seconds to end when asked

    async def wait_ready(self, http: aiohttp.ClientSession) -> None:
        async def healthy() -> bool:
            with contextlib.suppress(aiohttp.ClientError):
                async with http.get(f"http://127.0.0.1:{self._health}/status") as answer:
                    return answer.status == 200
            return False

        await wait_until(healthy, "Jaeger is ready")

    async def trace(self, http: aiohttp.ClientSession, trace_id: str) -> dict[str, Any]:
        """The trace as the query API has it; empty where there is none."""
        async with http.get(f"http://127.0.0.1:{self._query}/api/traces/{trace_id}") as answer:
            found = await answer.json(content_type=None)
        return dict((found.get("data") or [{}])[0])

    async def dependencies(self, http: aiohttp.ClientSession, end_ms: int, lookback_ms: int) -> dict[tuple[str, str], int]:
        """Calls by the names of caller and callee, in traces of so long before ``end_ms``."""
        asked = f"http://127.0.0.1:{self._query}/api/dependencies?endTs={end_ms}&lookback={lookback_ms}"
        async with http.get(asked) as answer:
            found = await answer.json(content_type=None)
        return {(one["parent"], one["child"]): one["callCount"] for one in found.get("data") or ()}

    async def services_of(self, http: aiohttp.ClientSession, trace_id: str) -> set[str]:
        trace = await self.trace(http, trace_id)
        return {process["serviceName"] for process in trace.get("processes", {}).values()}


@contextlib.asynccontextmanager
async def running(binary: Path) -> AsyncIterator[Jaeger]:
    """A Jaeger that is ready."""
    jaeger = Jaeger(binary)
    with jaeger.running():
        async with aiohttp.ClientSession() as http:
            await jaeger.wait_ready(http)
        yield jaeger
