"""Whether the ports of a run are free, checked before anything is started."""

from __future__ import annotations

import errno
import random
import socket
from collections.abc import Mapping

from drishti_local.errors import LocalError

CHOSEN_FROM, TRIES = (15_000, 30_000), 100

_RANDOM = random.SystemRandom()  # a test that seeds the others does not choose the same ports again
_given: set[int] = set()


def check(ports: Mapping[str, int], hosts: Mapping[str, str]) -> None:
    """Raises :class:`LocalError` that names every port that cannot be had, its holder where known, and its variable."""
    problems = []
    taken: dict[int, str] = {}
    for variable, port in ports.items():
        if port in taken:
            problems.append(f"{variable} and {taken[port]} are both {port}: give one of them another port")
            continue
        taken[port] = variable
        problem = _problem(hosts.get(variable, "127.0.0.1"), port)
        if problem:
            problems.append(f"port {port} {problem}: set {variable} to another one")
    if problems:
        raise LocalError("; ".join(problems))


def free_port() -> int:
    """A port that nobody listens on, another one at each call of a process.

    It lies below those from which the kernel takes the ports of outgoing connections, so that none of these has it
    between the choice and the start of its server.
    """
    for _ in range(TRIES):
        port = _RANDOM.randrange(*CHOSEN_FROM)
        if port not in _given and not _problem("127.0.0.1", port):
            _given.add(port)
            return port
    raise LocalError(f"no port from {CHOSEN_FROM[0]} to {CHOSEN_FROM[1]} is free: set the ports by hand")


def is_free(host: str, port: int) -> bool:
    """Whether a server could listen on ``host`` and ``port`` now."""
    return not _problem(host, port)


def listener(port: int) -> int | None:
    """The process that listens at ``port``, where this user may know."""
    import psutil  # only needed here, and costly to have

    try:
        for connection in psutil.net_connections(kind="tcp"):
            if connection.status == psutil.CONN_LISTEN and tuple(connection.laddr)[1:] == (port,):
                return connection.pid
    except psutil.Error:
        return None  # other users' connections are not shown everywhere
    return None


def reachable_host(host: str) -> str:
    """The address by which this machine reaches a server that listens on ``host``."""
    return "127.0.0.1" if host in ("", "0.0.0.0") else "[::1]" if host == "::" else host


def _problem(host: str, port: int) -> str:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((host, port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            return f"is in use{_holder(port)}"
        if error.errno == errno.EACCES:
            return "may not be used by this user"
        return f"cannot be used on {host} ({error.strerror})"
    except OverflowError:
        return "is not a port number (0 to 65535)"
    return ""


def _holder(port: int) -> str:
    import psutil  # only needed here, and costly to have

    pid = listener(port)
    try:
        return f" by {psutil.Process(pid).name()} (process {pid})" if pid else ""
    except psutil.Error:
        return ""
