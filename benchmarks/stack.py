"""The whole product as its user starts it: how long until it is ready, and how much memory it has while the demo runs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import psutil

from benchmarks.processes import ROOT, BenchmarkFailed
from benchmarks.session import Session
from benchmarks.table import Result
from drishti_local.ports import free_port

START_AT_MOST_S = 15.0
MEMORY_AT_MOST_MB = 550.0
READY_S = 120.0
END_S = 60.0
SAMPLE_EVERY_S = 2.0

PORTS = (
    "NATS_PORT", "POSTGRES_PORT", "GATEWAY_PORT", "DASHBOARD_STREAM_PORT", "ANALYTICS_HEALTH_PORT", "PREDICTOR_HEALTH_PORT",
    "DEMO_PORT", "GATEWAY_OTLP_GRPC_PORT",
)  # fmt: skip
_OURS = ("DRISHTI_", "OTEL_", "NATS_", "POSTGRES_", "GATEWAY_", "DASHBOARD_", "ANALYTICS_", "PREDICTOR_", "DEMO_", "WISDOM_")
_KEPT = ("DRISHTI_DATA", "DRISHTI_POSTGRES_BIN")


class Stack:
    """One run: its ports by variable, its home, and the seconds from the command to ``ready``."""

    def __init__(self, process: asyncio.subprocess.Process, ports: Mapping[str, int], home: Path, seconds: float) -> None:
        self.process = process
        self.ports = ports
        self.home = home
        self.seconds = seconds

    def client_env(self) -> dict[str, str]:
        """What producers need, as the run wrote it down."""
        return dict(line.split("=", 1) for line in (self.home / "client.env").read_text().splitlines())

    def processes(self) -> list[psutil.Process]:
        root = psutil.Process(self.process.pid)
        return [root, *root.children(recursive=True)]


@contextlib.asynccontextmanager
async def running(command: Sequence[str], home: Path) -> AsyncIterator[Stack]:
    """``command`` with free ports and its state in ``home``, ready, while the block lasts; ended by Ctrl-C's signal."""
    ports = {name: free_port() for name in PORTS}
    env = {name: value for name, value in os.environ.items() if not name.startswith(_OURS) or name in _KEPT}
    env.pop("DATABASE_URL", None)
    env |= {name: str(port) for name, port in ports.items()} | {"DRISHTI_HOME": str(home)}
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        *command, cwd=ROOT, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True, limit=1 << 20,
    )  # fmt: skip
    seen: list[str] = []
    try:
        async with asyncio.timeout(READY_S):
            await _until_ready(process, seen)
        seconds = time.monotonic() - began
        reader = asyncio.create_task(_drain(process))
        yield Stack(process, ports, home, seconds)
    except TimeoutError:
        raise BenchmarkFailed(f"{' '.join(command)} was not ready within {READY_S:g} s:\n" + "\n".join(seen[-20:])) from None
    finally:
        await _end(process)
    await reader


async def _until_ready(process: asyncio.subprocess.Process, seen: list[str]) -> None:
    assert process.stdout is not None
    async for line in process.stdout:
        seen.append(line.decode(errors="replace").rstrip())
        if seen[-1].endswith("] ready"):
            return
    raise BenchmarkFailed("the run ended before it was ready:\n" + "\n".join(seen[-20:]))


async def _drain(process: asyncio.subprocess.Process) -> None:
    assert process.stdout is not None
    while await process.stdout.read(1 << 16):
        pass


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is None:
        process.send_signal(signal.SIGINT)
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def local(what: str) -> list[str]:
    """The command behind ``make run`` and ``make demo``."""
    return [sys.executable, "-m", "drishti_local", what]


def made(what: str) -> list[str]:
    """``make run`` itself, where the set-up is complete; else the command behind it: a set-up is not what is measured."""
    planned = subprocess.run(["make", "-n", what], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return ["make", what] if len([line for line in planned if line.strip()]) == 1 else local(what)


async def start(session: Session) -> Result:
    command = made("run")
    shown = " ".join(command) if command[0] == "make" else "python -m drishti_local run"
    home = session.folder("start") / "home"
    seconds = []
    for number in ("first start", "second start", "third start"):
        async with running(command, home) as stack:
            seconds.append(stack.seconds)
        session.say(f"start: {number} {seconds[-1]:.1f} s")
    return Result(
        name="start",
        what="`make run` to ready, after set-up",
        sizes=f"`{shown}`; first start: a database is made",
        ours=f"first start {seconds[0]:.1f} s, later ones {max(seconds[1:]):.1f} s",
        must_be=f"≤ {START_AT_MOST_S:g} s",
        met=max(seconds) <= START_AT_MOST_S,
    )


async def memory(session: Session) -> Result:
    options = session.options
    samples: list[dict[str, float]] = []
    async with running(local("demo"), session.folder("memory") / "home") as stack:
        deadline = time.monotonic() + options.demo_seconds
        while time.monotonic() < deadline:
            await asyncio.sleep(SAMPLE_EVERY_S)
            samples.append(_pss_mb(stack))
            if len(samples) % 5 == 0:
                session.say(f"memory: {sum(samples[-1].values()):.0f} MB in {len(stack.processes())} processes")
    most = max(samples, key=lambda sample: sum(sample.values()))
    total = sum(most.values())
    shares = ", ".join(f"{name} {mb:.0f}" for name, mb in sorted(most.items(), key=lambda item: -item[1]))
    return Result(
        name="memory",
        what="whole stack's memory during the demo (PSS of all processes)",
        sizes=f"most of {len(samples)} looks in {options.demo_seconds:g} s, no page open",
        ours=f"{total:.0f} MB",
        must_be=f"≤ {MEMORY_AT_MOST_MB:g} MB",
        met=total <= MEMORY_AT_MOST_MB,
        notes=[f"MB: {shares}"],
    )


def _pss_mb(stack: Stack) -> dict[str, float]:
    """Memory by program: proportional set size, so that what processes share counts once."""
    by_program: defaultdict[str, float] = defaultdict(float)
    for process in stack.processes():
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            command = process.cmdline()
            try:
                by_program[_name(command)] += process.memory_full_info().pss / 1e6
            except AttributeError:
                raise BenchmarkFailed("this system does not tell the proportional set size of a process") from None
    return dict(by_program)


def _name(command: Sequence[str]) -> str:
    """Which program of the stack a command line belongs to."""
    if "-m" in command:
        module = command[command.index("-m") + 1]
        return {"drishti_local": "run", "supervisor.supervisord": "supervisord", "wisdom": "sample app"}.get(
            module, module.replace("_", "-")
        )
    program = command[0] if command else ""
    return "postgresql" if "postgres" in program else "nats" if "nats" in program else program
