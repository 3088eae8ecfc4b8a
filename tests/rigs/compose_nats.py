"""NATS as the compose stack has it: its own files and start script, with another store and ports, and no container."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from drishti.settings import BusSettings, Secret
from drishti_local import nats
from drishti_local.ports import free_port
from rigs.compose import ROOT, make_env, read_env
from rigs.programs import end_blocking
from rigs.waiting import DEADLINE_S, wait_until_blocking


class ComposeNats:
    """The server of ``deploy/nats``. Its monitoring page listens where it does in the container: on the loopback address."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "data"
        self._config = folder / "etc"
        shutil.copytree(ROOT / "deploy" / "nats", self._config)
        self.port, self.monitor_port = free_port(), free_port()
        text = (self._config / "nats.conf").read_text()
        for written, here in (
            ('"0.0.0.0:4222"', f'"127.0.0.1:{self.port}"'),
            ('"127.0.0.1:8222"', f'"127.0.0.1:{self.monitor_port}"'),
            ('"/data"', f'"{self.store}"'),
        ):
            assert text.count(written) == 1, written
            text = text.replace(written, here)
        (self._config / "nats.conf").write_text(text)
        assert make_env(folder / "env").returncode == 0
        self._env = read_env(folder / "env")
        self._log = folder / "nats.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        process = self._process = self._launch()

        def listens() -> bool:
            assert process.poll() is None, self._log.read_text()
            return nats.answers(self.port)

        wait_until_blocking(listens, "NATS to listen", seen=self._log.read_text)

    def fail(self) -> str:
        """Starts it where it must not start; what it says."""
        process = self._launch()
        try:
            assert process.wait(DEADLINE_S) != 0
        finally:
            end_blocking(process)
        return self._log.read_text()

    def stop(self) -> None:
        if self._process is not None:
            end_blocking(self._process)
            self._process = None

    def password(self, user: str) -> str:
        return self._env[f"NATS_PASSWORD_{user.upper().replace('-', '_')}"]

    def url(self, user: str = "admin") -> str:
        return nats.url(self.port, user, self.password(user))

    def settings(self, user: str = "admin") -> BusSettings:
        return BusSettings(url=f"nats://127.0.0.1:{self.port}", user=user, password=Secret(self.password(user)))

    def _launch(self) -> subprocess.Popen[bytes]:
        env = self._env | {"PATH": f"{nats.find_binary().parent}:{os.environ.get('PATH', '/usr/bin:/bin')}"}
        command = ["sh", str(self._config / "start.sh"), str(self.store), str(self._config / "nats.conf")]
        with self._log.open("ab") as log:
            return subprocess.Popen(command, env=env, stdout=log, stderr=log, start_new_session=True)
