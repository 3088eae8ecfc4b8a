"""NATS and PostgreSQL alone, for tests and benchmarks: start, stop, kill and restart on the same port with the same data.

Each server dies with the process that started it.
"""

from __future__ import annotations

import contextlib
import secrets
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from drishti.messages.catalogue import USERS
from drishti.settings import BusSettings, Secret
from drishti_local import nats, postgres
from drishti_local.errors import LocalError
from drishti_local.home import Home, write_private
from drishti_local.ports import free_port
from drishti_local.spec import Spec

START_S = 30.0
STOP_S = 20.0
POLL_S = 0.01


class _Server:
    """One process that can be taken down and brought back."""

    def __init__(self, name: str, home: Home, port: int | None) -> None:
        self.name = name
        self.home = home
        self.port = port or free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def kill(self) -> None:
        """SIGKILL: as a crash."""
        self._end(signal.SIGKILL)

    def _launch(self, spec: Spec, ready: Callable[[], bool]) -> None:
        if self.process is not None:
            raise RuntimeError(f"{self.name} runs already")
        log = self.home.logs / f"{self.name}.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                spec.save(self.home.run / f"{self.name}.json"),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_S
        while not ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                status = self.process.poll()
                self._end(signal.SIGKILL)
                raise LocalError(f"{self.name} did not start (status {status}):\n{log.read_text(errors='replace')[-2000:]}")
            time.sleep(POLL_S)

    def _end(self, signum: signal.Signals) -> None:
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signum)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class NatsServer(_Server):
    """A NATS server with the users and permissions of the catalogue; nothing is declared on it."""

    def __init__(self, folder: Path, *, port: int | None = None) -> None:
        super().__init__("nats", Home(folder), port)
        self.passwords = {user: secrets.token_urlsafe(16) for user in USERS}

    def start(self) -> None:
        nats.adopt_store(self.home.nats)
        config = self.home.run / "nats.conf"
        write_private(config, nats.configuration(self.home.nats, self.port, self.passwords))
        spec = Spec(argv=[str(nats.find_binary()), "-c", str(config)], env={"PATH": "/usr/bin:/bin"}, cwd=self.home.path)
        self._launch(spec, lambda: nats.answers(self.port))

    def stop(self) -> None:
        self._end(signal.SIGTERM)

    def restart(self) -> None:
        self.stop()
        self.start()

    def url(self, user: str = "admin") -> str:
        """The address with the credentials of ``user``."""
        return nats.url(self.port, user, self.passwords[user])

    def settings(self, user: str = "admin") -> BusSettings:
        """The same as settings for :func:`drishti.bus.connection.connect`."""
        return BusSettings(url=f"nats://127.0.0.1:{self.port}", user=user, password=Secret(self.passwords[user]))


class PostgresServer(_Server):
    """A PostgreSQL made by the local run's launcher."""

    def __init__(self, folder: Path, *, port: int | None = None, binaries: Path | None = None) -> None:
        super().__init__("postgres", Home(folder), port)
        self.cluster = postgres.cluster(self.home, secrets.token_urlsafe(16), binaries)

    def start(self) -> None:
        self.cluster.prepare()
        self._launch(self.cluster.spec(self.port), self.cluster.ready)

    def stop(self) -> None:
        self._end(postgres.STOP_SIGNAL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def url(self, database: str = postgres.DATABASE) -> str:
        return self.cluster.url(self.port, database)
