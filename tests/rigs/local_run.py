"""``python -m drishti_local`` as a child of a test, on ports of its own."""

from __future__ import annotations

import contextlib
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest

from rigs.waiting import DEADLINE_S

HTTP_PORTS = ("GATEWAY_PORT", "DASHBOARD_STREAM_PORT", "ANALYTICS_HEALTH_PORT", "PREDICTOR_HEALTH_PORT")
PORTS = ("NATS_PORT", "POSTGRES_PORT", "GATEWAY_OTLP_GRPC_PORT", *HTTP_PORTS)


class Running:
    """``python -m drishti_local`` as a child, its output line by line; as a context manager it has ended afterwards."""

    def __init__(self, environment: dict[str, str], what: str = "run") -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "drishti_local", what],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.seen: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read)
        self._reader.start()
        self.processes: list[psutil.Process] = []

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *exception: object) -> None:
        if self.process.poll() is not None:
            return
        try:
            self.stop()
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.stop_by_itself()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as output:
            for line in output:
                self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def wait_for(self, pattern: str, within_s: float = DEADLINE_S) -> re.Match[str]:
        """The first line from here on that has ``pattern``."""
        deadline = time.monotonic() + within_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            if line is None:
                pytest.fail(f"no line with {pattern!r} in:\n" + "\n".join(self.seen))
            self.seen.append(line)
            if match := re.search(pattern, line):
                return match

    def ready(self) -> None:
        self.wait_for(r"\] ready$")
        self.wait_for("Ctrl-C stops all")
        self.processes = psutil.Process(self.process.pid).children(recursive=True)

    def child(self, fragment: str) -> psutil.Process:
        children = psutil.Process(self.process.pid).children(recursive=True)
        return next(child for child in children if fragment in " ".join(child.cmdline()))

    def stop(self, signum: signal.Signals = signal.SIGTERM) -> int:
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signum)
        return self.stop_by_itself()

    def stop_by_itself(self) -> int:
        """The exit status, of a run that ends without being asked."""
        status = self.process.wait(DEADLINE_S)
        self._reader.join(DEADLINE_S)
        while not self._lines.empty():
            if (line := self._lines.get()) is not None:
                self.seen.append(line)
        return status

    def left(self) -> list[psutil.Process]:
        """What lives on of the processes that were there when it was ready."""
        _, alive = psutil.wait_procs(self.processes, timeout=DEADLINE_S / 2)
        return alive


def read_env(path: Path) -> dict[str, str]:
    """The variables of ``client.env`` and the like."""
    return dict(line.split("=", 1) for line in path.read_text().splitlines())
