"""supervisord: its configuration for one run, its control socket, and what its log says about the programs.

Each program is started through :mod:`drishti_local.child`, so that passwords stand in private files and not in the
configuration, and so that nothing outlives a killed run.
"""

from __future__ import annotations

import contextlib
import http.client
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import xmlrpc.client
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from drishti_local.home import Home, write_private
from drishti_local.programs import GROUPS, Program, group_of, supervisor_environment
from drishti_local.spec import Spec, command

LOG_BYTES = 10 << 20
LOG_BACKUPS = 3
START_SECONDS = 3
"""A program that ends sooner is restarted after 1, 2, 3… seconds; one that lived longer, at once."""

START_RETRIES = 1_000_000
CONTROL_TIMEOUT_S = 5.0
RESTART_S = 20.0
NOT_RUNNING = 70
"""supervisord's number for a program that is to be stopped and does not run."""

KILL_S = 5.0
"""Who asks twice does not want to wait, but PostgreSQL should write down that it ended."""

_EVENT = re.compile(r" (?P<what>exited|spawned|stopped): '?(?P<name>[\w-]+)'?(?: with pid (?P<pid>\d+)| \((?P<how>.*)\))")


@dataclass(frozen=True)
class Event:
    """What happened to a program: ``spawned`` (with its pid), ``exited`` (by itself: how) or ``stopped`` (as asked)."""

    what: str
    name: str
    pid: int | None
    how: str


def parse_event(line: str) -> Event | None:
    """The event that a line of supervisord's log tells, if any."""
    match = _EVENT.search(line)
    if match is None:
        return None
    how = (match["how"] or "").removesuffix("; not expected").removesuffix("; expected")
    return Event(match["what"], match["name"], int(match["pid"]) if match["pid"] else None, how)


class Supervisor:
    """supervisord for the programs of one run. Programs are known by their names from the start and started by group."""

    def __init__(self, home: Home, programs: Sequence[tuple[str, str, int, signal.Signals]]) -> None:
        """``programs``: name, group, seconds to stop, signal to stop."""
        self.log = home.logs / "supervisord.log"
        self._home = home
        self._programs = programs
        self._socket = home.socket_folder("control") / "s"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts supervisord; no program runs yet."""
        config = self._home.run / "supervisord.conf"
        write_private(config, self._configuration())
        self._socket.unlink(missing_ok=True)
        argv = [sys.executable, "-m", "drishti_local.supervisord", "-c", str(config)]
        spec = Spec(argv=argv, env=supervisor_environment(), cwd=self._home.path)
        with (self._home.logs / "supervisord.err.log").open("wb") as errors:
            self._process = subprocess.Popen(
                spec.save(self._home.run / "supervisord.json"),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                start_new_session=True,  # Ctrl-C is for the run, which stops things in order
            )

    def listening(self) -> bool:
        """Whether the control socket answers."""
        with socket.socket(socket.AF_UNIX) as sock:
            sock.settimeout(CONTROL_TIMEOUT_S)
            try:
                sock.connect(str(self._socket))
            except OSError:
                return False
            return True

    def launch(self, program: Program) -> None:
        """Starts one program by its description; returns at once."""
        program.spec.save(self._spec_path(program.name))
        self._call("startProcess", f"{program.group}:{program.name}", False)

    def restart(self, name: str) -> None:
        """Starts a program anew, also one that is waiting for its next try. Returns once it was started."""
        full = f"{group_of(name)}:{name}"
        try:
            self._call("stopProcess", full, True, timeout_s=RESTART_S)
        except xmlrpc.client.Fault as fault:
            if fault.faultCode != NOT_RUNNING:
                raise
        self._call("startProcess", full, False)

    def owns(self, pid: int) -> bool:
        """Whether the process ``pid`` belongs to this run."""
        if self._process is None:
            return False
        with contextlib.suppress(psutil.Error):
            return any(parent.pid == self._process.pid for parent in psutil.Process(pid).parents())
        return False

    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def errors(self) -> str:
        return (self._home.logs / "supervisord.err.log").read_text(encoding="utf-8", errors="replace")

    def request_stop(self) -> None:
        """Asks for everything to be stopped, group by group, the last one started first."""
        if self._process is not None:
            self._process.terminate()

    def kill(self) -> None:
        """Ends supervisord at once. Every program gets its stop signal by its parent's death, and is killed where it lives
        :data:`KILL_S` later: nothing is left when this returns."""
        if self._process is None:
            return
        programs: list[psutil.Process] = []
        with contextlib.suppress(psutil.Error):  # it has just ended by itself
            programs = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        self._process.wait()
        _, alive = psutil.wait_procs(programs, timeout=KILL_S)
        for process in alive:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(alive, timeout=KILL_S)

    def _call(self, method: str, *arguments: Any, timeout_s: float = CONTROL_TIMEOUT_S) -> Any:
        with xmlrpc.client.ServerProxy("http://localhost/RPC2", transport=_UnixTransport(self._socket, timeout_s)) as proxy:
            return getattr(proxy.supervisor, method)(*arguments)

    def _spec_path(self, name: str) -> Path:
        return self._home.run / f"{name}.json"

    def _configuration(self) -> str:
        lines = [
            "[supervisord]",
            "nodaemon = true",
            "silent = true",
            "umask = 077",
            f"logfile = {_text(self.log)}",
            f"logfile_maxbytes = {LOG_BYTES}",
            f"logfile_backups = {LOG_BACKUPS}",
            f"pidfile = {_text(self._home.run / 'supervisord.pid')}",
            f"childlogdir = {_text(self._home.logs)}",
        ]
        if os.geteuid() == 0:
            lines.append("user = root")  # it asks to be told
        lines += [
            "[unix_http_server]",
            f"file = {_text(self._socket)}",
            "chmod = 0600",
            "[rpcinterface:supervisor]",
            "supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface",
        ]
        for priority, group in enumerate(GROUPS, start=1):
            names = [name for name, its_group, _, _ in self._programs if its_group == group]
            if names:
                lines += [f"[group:{group}]", f"programs = {','.join(names)}", f"priority = {priority * 100}"]
        for name, _, stop_timeout_s, stop_signal in self._programs:
            lines += [
                f"[program:{name}]",
                f"command = {_text(shlex.join(command(self._spec_path(name))))}",
                "autostart = false",
                "autorestart = true",
                f"startsecs = {START_SECONDS}",
                f"startretries = {START_RETRIES}",
                f"stopsignal = {stop_signal.name.removeprefix('SIG')}",
                f"stopwaitsecs = {stop_timeout_s}",
                "killasgroup = true",
                "redirect_stderr = true",
                f"stdout_logfile = {_text(self._home.logs / f'{name}.log')}",
                f"stdout_logfile_maxbytes = {LOG_BYTES}",
                f"stdout_logfile_backups = {LOG_BACKUPS}",
            ]
        return "\n".join(lines) + "\n"


class _UnixTransport(xmlrpc.client.Transport):
    """XML-RPC over a Unix socket."""

    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__()
        self._path = path
        self._timeout_s = timeout_s

    def make_connection(self, host: Any) -> http.client.HTTPConnection:
        return _UnixConnection(self._path, self._timeout_s)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout_s: float) -> None:
        super().__init__("localhost", timeout=timeout_s)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def _text(value: object) -> str:
    """A value as supervisord's configuration wants it: it expands per cent signs and begins comments with `` ;``."""
    return str(value).replace("%", "%%")
