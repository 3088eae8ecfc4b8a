"""Connections that mean no good, in a process of their own: ``python -m benchmarks.hostile.attackers`` reads a :class:`Job`.

It says ``open`` when all of them are, and at the end writes a :class:`Done`: how many the server closed, and after how many
seconds. None of them reads before the end; that a connection was closed is known from the system. This machine only; Linux.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import sys
import time
from collections.abc import Iterator

import msgspec
from msgspec import Struct

HALF_HEADER = b"POST /api/events HTTP/1.1\r\nHost: localhost\r\n"
HALF_HANDSHAKE = b"GET /api/dashboard/ws/system_overview HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
HANDSHAKE = (
    HALF_HANDSHAKE + b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)
FLOOD = b"GET / HTTP/1.1\r\nHost: localhost\r\nX: "
FLOOD_PIECE = b"a" * 262_144
FLOOD_AT_MOST = 64 * 1024 * 1024

END_S = 2.0
RECEIVE_BYTES = 4096
PAUSE_S = 0.003
"""Between two connections, so that what is measured is their being open and not their being opened."""


class Job(Struct, kw_only=True):
    """How many of each kind to open, and how long to watch them at most. ``floods``: one after the other, one a second."""

    port: int
    watch_s: float
    half_headers: int = 0
    websockets: int = 0
    half_handshakes: int = 0
    floods: int = 0


class Done(Struct, kw_only=True):
    """``seconds`` after which each was closed, of ``opened``; ``flooded`` is what the longest flood got rid of, in bytes."""

    opened: int
    seconds: list[float]
    flooded: int = 0


def hold(job: Job) -> Done:
    """Opens what is to be held open, and watches."""
    poll = select.epoll()
    began: dict[int, float] = {}
    with contextlib.ExitStack() as sockets:
        for first in _parts(job):
            connection = sockets.enter_context(socket.socket())
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BYTES)
            connection.connect(("127.0.0.1", job.port))
            connection.sendall(first)
            began[connection.fileno()] = time.monotonic()
            poll.register(connection, select.EPOLLRDHUP)
            time.sleep(PAUSE_S)
        _say_open()
        opened, seconds = len(began), []
        deadline = time.monotonic() + job.watch_s
        while began and time.monotonic() < deadline:
            for number, _ in poll.poll(0.5):
                poll.unregister(number)
                seconds.append(time.monotonic() - began.pop(number))
        for number, since in began.items():
            if _ends(number):
                seconds.append(time.monotonic() - since)
    return Done(opened=opened, seconds=seconds)


def _ends(number: int) -> bool:
    """Whether an end comes once what was sent before is read: the system tells nobody of it who does not read."""
    with socket.socket(fileno=os.dup(number)) as connection:
        connection.settimeout(END_S)
        try:
            deadline = time.monotonic() + END_S
            while time.monotonic() < deadline:
                if not connection.recv(65536):
                    return True
        except TimeoutError:
            return False
        except OSError:
            return True
    return False


def flood(job: Job) -> Done:
    """Sends one header without an end after the other."""
    seconds, most = [], 0
    _say_open()
    for _ in range(job.floods):
        began, sent = time.monotonic(), 0
        with socket.create_connection(("127.0.0.1", job.port), timeout=job.watch_s) as connection:
            with contextlib.suppress(OSError):
                connection.sendall(FLOOD)
                while sent < FLOOD_AT_MOST:
                    connection.sendall(FLOOD_PIECE)
                    sent += len(FLOOD_PIECE)
            if sent < FLOOD_AT_MOST:
                seconds.append(time.monotonic() - began)
        most = max(most, sent)
        time.sleep(max(0.0, 1 - (time.monotonic() - began)))
    return Done(opened=job.floods, seconds=seconds, flooded=most)


def _parts(job: Job) -> Iterator[bytes]:
    for count, first in (
        (job.half_headers, HALF_HEADER), (job.websockets, HANDSHAKE), (job.half_handshakes, HALF_HANDSHAKE),
    ):  # fmt: skip
        yield from [first] * count


def _say_open() -> None:
    sys.stdout.write("open\n")
    sys.stdout.flush()


if __name__ == "__main__":
    read = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    done = flood(read) if read.floods else hold(read)
    sys.stdout.buffer.write(msgspec.json.encode(done) + b"\n")
