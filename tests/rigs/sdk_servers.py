"""Servers that the SDK's tests start, kill and start again: a NATS on a fixed port, and a gateway that answers as told."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import nats

from drishti.bus import streams
from drishti_local.nats import find_binary
from drishti_local.ports import free_port
from rigs.posts import PostServer
from rigs.waiting import DEADLINE_S, wait_until_blocking


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
            self._process = subprocess.Popen([str(find_binary()), *arguments], stdout=log, stderr=log)
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
        result: list[dict[str, Any]] = []
        for message in await self.stored(stream):
            payload = json.loads(message.data)
            result += payload if isinstance(payload, list) else [payload]
        return result


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
        self._server = PostServer(self._post)
        self.url = self._server.url

    def _post(self, path: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], Any]:
        self.times.append(time.monotonic())
        self.bodies.append(json.loads(body))
        self.headers.append({"path": path, **headers})
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def __enter__(self) -> Gateway:
        return self

    def __exit__(self, *_: Any) -> None:
        self._server.close()
