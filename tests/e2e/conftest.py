"""The product as ``make run`` starts it, once for all tests of this folder, with an OTLP receiver for its traces."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import psutil
import pytest

from drishti_local.ports import free_port
from rigs.local_run import PORTS, Running
from rigs.otlp_receiver import Receiver
from rigs.product import Product


@pytest.fixture(scope="session")
def traces() -> Iterator[Receiver]:
    """Where the product's spans go."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="session")
def run(traces: Receiver) -> Iterator[tuple[Running, dict[str, str]]]:
    """A run that is ready, and its environment."""
    folder = Path(tempfile.mkdtemp(prefix="drishti-tests-"))
    folder.chmod(0o711)
    passed = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    ports = {name: str(free_port()) for name in PORTS}
    endpoint = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": f"{traces.url}/v1/traces"}
    environment = {**passed, **ports, **endpoint, "DRISHTI_HOME": str(folder / "home")}
    running = Running(environment)
    try:
        running.ready()
        yield running, environment
    finally:
        status = running.stop()
        left = running.left()
        shutil.rmtree(folder)
    assert (status, left) == (0, []), running.seen[-20:]


@pytest.fixture(scope="session")
def demo() -> Iterator[Running]:
    """``make demo`` as a newcomer starts it, with a fault planted in it; other tests of this folder run meanwhile."""
    folder = Path(tempfile.mkdtemp(prefix="drishti-tests-"))
    folder.chmod(0o711)
    passed = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "DRISHTI_DATA") if name in os.environ}
    ports = {name: str(free_port()) for name in (*PORTS, "DEMO_PORT")}
    # Nothing is known in the first minute; the fault lasts longer than an alarm may take.
    fault = {"DEMO_FAULT": "errors", "DEMO_FAULT_AFTER": "80", "DEMO_FAULT_FOR": "60"}
    running = Running({**passed, **ports, **fault, "DRISHTI_HOME": str(folder / "home")}, "demo")
    try:
        running.ready()
        yield running
    finally:
        running.stop()
        shutil.rmtree(folder)


@dataclass(frozen=True)
class Fault:
    """What was seen of the planted fault: the demo's lines until its alarm, and how the demo ended, which was stopped by it."""

    lines: list[str]
    status: int
    left: list[psutil.Process]


@pytest.fixture(scope="session")
def planted_fault(demo: Running) -> Iterator[Future[Fault]]:
    """The demo is watched, and stopped as soon as its fault is found: it takes the processor from all other tests."""

    def watch() -> Fault:
        demo.wait_for("FAULT BEGINS: errors", within_s=110)
        demo.wait_for("requests error_rate .* phase=opened", within_s=60)
        until_alarm = demo.seen[:]
        return Fault(until_alarm, demo.stop(), demo.left())

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(watch)


@pytest.fixture
async def product(run: tuple[Running, dict[str, str]]) -> AsyncIterator[Product]:
    running, environment = run
    async with aiohttp.ClientSession() as http:
        yield Product(running, environment, http)
