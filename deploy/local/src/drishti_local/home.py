"""``DRISHTI_HOME``: the one folder of a local run.

::

    secrets.json   passwords and keys, made once (0600)      logs/      <program>.log, rotating
    client.env     what a producer needs (0600)               nats/      JetStream's files
    admin.env      NATS as admin (0600)                       postgres/  the database, or a link to it
    lock           held while the run lives                   run/       configuration made at each start
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from drishti_local.errors import LocalError, explain

SOCKET_FOLDER_MAX = 107 - len("/.s.PGSQL.65535.lock")
"""Bytes that the name of a folder for sockets may have: the kernel allows 107 for the whole name."""


CLIENT_KEY, SERVICES_KEY = "client", "services"
KEYS = {CLIENT_KEY: "admin", SERVICES_KEY: "service"}
"""The API keys that a run makes, with their roles: the user's first one, and that by which services send their metrics and
spans."""


class Home:
    """The folder at ``path``, made if it is missing. Folders inside are ours; the folder itself keeps the mode it has."""

    def __init__(self, path: Path) -> None:
        self.path = path.expanduser().absolute()
        self.logs = self.path / "logs"
        self.run = self.path / "run"
        self.nats = self.path / "nats"
        self.client_env = self.path / "client.env"
        self.admin_env = self.path / "admin.env"
        try:
            if not self.path.exists():
                # Root's PostgreSQL runs as another user, who must pass through; the secrets are closed one by one.
                self.path.mkdir(parents=True, mode=0o711 if os.geteuid() == 0 else 0o700)
            for folder in (self.logs, self.run, self.nats):
                folder.mkdir(mode=0o700, exist_ok=True)
            self.path = self.path.resolve()
        except OSError as error:
            raise explain(error) from error

    @property
    def digest(self) -> str:
        """A short name for this folder's path, for what has to lie elsewhere."""
        return hashlib.sha256(str(self.path).encode()).hexdigest()[:16]

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the folder for this process; raises :class:`LocalError` when another run has it."""
        try:
            file = open(self.path / "lock", "a+", encoding="utf-8")  # noqa: SIM115 - closed by the with below
        except OSError as error:
            raise explain(error) from error
        with file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.seek(0)
                holder = file.read().strip()
                raise LocalError(
                    f"{self.path} is in use by a run that is alive (process {holder or 'unknown'}): "
                    "stop that one, or set DRISHTI_HOME and the ports for a second one"
                ) from None
            file.truncate(0)
            file.write(f"{os.getpid()}\n")
            file.flush()
            yield

    def socket_folder(self, name: str) -> Path:
        """A folder for Unix sockets, only ours: inside the home, or in the temporary folder where that path is too long."""
        folder = self.run / name
        if len(os.fsencode(folder)) > SOCKET_FOLDER_MAX:
            folder = Path(tempfile.gettempdir()) / f"drishti-{os.geteuid()}-{self.digest}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.is_symlink() or folder.stat().st_uid != os.geteuid():
            raise LocalError(f"{folder} belongs to another user: remove it, or set TMPDIR to a folder of your own")
        return folder

    def secrets(self, nats_users: tuple[str, ...]) -> Secrets:
        """The passwords and keys of this home; what is missing is made and saved."""
        return Secrets(self.path / "secrets.json", nats_users)


class Secrets:
    """Passwords of NATS' users and of PostgreSQL, what the gateway shows to dashboard-stream, and the first API keys."""

    def __init__(self, path: Path, nats_users: tuple[str, ...]) -> None:
        self._path = path
        known: dict[str, Any] = {}
        if path.exists():
            try:
                known = json.loads(path.read_text(encoding="utf-8"))
            except ValueError as error:
                raise LocalError(f"{path} is damaged ({error}): restore it, or remove it to have new secrets made") from None
            except OSError as error:
                raise explain(error) from error
        nats = known.get("nats", {})
        self.nats: dict[str, str] = {user: nats.get(user) or secrets.token_urlsafe(24) for user in nats_users}
        self.postgres: str = known.get("postgres") or secrets.token_urlsafe(24)
        self.dashboard: str = known.get("dashboard") or secrets.token_urlsafe(24)
        keys = known.get("keys", {})
        self.keys: dict[str, str] = {name: keys.get(name) or new_key() for name in KEYS}
        self.save()

    def save(self) -> None:
        made = {"nats": self.nats, "postgres": self.postgres, "dashboard": self.dashboard, "keys": self.keys}
        write_private(self._path, json.dumps(made, indent=2) + "\n")


def new_key() -> str:
    """The text of a new API key, in the form that :mod:`drishti.bus.keys` gives its own."""
    return f"dk_{secrets.token_hex(4)}_{secrets.token_urlsafe(32)}"


def write_env(path: Path, values: Mapping[str, str]) -> None:
    """``values`` as lines that a shell and ``--env-file`` read alike, for the owner's eyes only."""
    write_private(path, "".join(f"{name}={value}\n" for name, value in values.items()))


def write_private(path: Path, text: str) -> None:
    """Replaces the file at ``path`` in one step; it is never readable by others, not even for a moment."""
    new = path.with_name(f".{path.name}.new")
    try:
        with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
            file.write(text)
        new.replace(path)
    except OSError as error:
        raise explain(error) from error
