"""The order of a run: what is started when, how it is known to be ready, and how everything ends.

How this works. supervisord is started with a description of every program and runs none of them. NATS comes first; beside it
the database is made and started, and a step of its own declares the catalogue on the bus. Then all services at once, and last
the sample application. From then on this process shows the logs and tells what was restarted, until SIGINT or SIGTERM: then
producers are stopped first, services second, NATS and PostgreSQL last, so that what was accepted is still carried on.
"""

from __future__ import annotations

import http.client
import json
import os
import secrets as secrets_module
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
import xmlrpc.client
from collections import Counter, deque
from collections.abc import Callable, Mapping
from types import FrameType

from drishti.messages import catalogue
from drishti.service.disk import MIB, Room
from drishti.settings import RUN_HEADER
from drishti_local import nats, ports, postgres
from drishti_local.errors import LocalError, explain, explain_output, telling_line
from drishti_local.home import Home, write_env, write_private
from drishti_local.postgres import Cluster
from drishti_local.programs import DEMO, NATS, POSTGRES, STORES, Program, Programs, group_of, place_of_traces
from drishti_local.recovery import Recovery
from drishti_local.settings import LocalSettings
from drishti_local.spec import Spec
from drishti_local.supervision import Event, Supervisor, parse_event
from drishti_local.terminal import Tail, Terminal

POLL_START_S = 0.05
POLL_RUN_S = 0.2
STOP_TIMEOUT_S = 60.0
ENDS_WHILE_STARTING = 3
"""After so many ends of one program the start gives up: waiting longer would not help."""

LOOK_AT_DISK_S = 0.2
STORED_BY = (NATS, POSTGRES)

KEPT_AT_MOST = sum(message.max_bytes for message in catalogue.MESSAGES)
"""What the streams may hold on disk."""

REMEMBERED_LINES = 20
"""Of each log, to say why its program ended."""

DASHBOARDS = ("system_overview", "user_analytics", "dharma_insights")
PAGES = (
    "dashboards-list",
    "metrics",
    "traces",
    "service-map",
    "logs",
    "incidents",
    "errors",
    "bottlenecks",
    "root-cause",
    "users",
    "sessions",
    "funnels",
    "retention",
    "journeys",
    "activity",
    "engagement",
    "experience",
    "cohorts",
)


class Stopped(Exception):
    """SIGINT or SIGTERM came."""


def run(settings: LocalSettings, *, demo: bool, environ: Mapping[str, str], terminal: Terminal) -> int:
    """Runs until a signal; returns the process' exit status: 0 after a signal, 1 when it could not start or go on."""
    try:
        home = Home(settings.home)
        with home.locked():
            return Run(settings, home, demo=demo, environ=environ, terminal=terminal).main()
    except OSError as error:
        terminal.problem(str(explain(error)))
    except LocalError as error:
        terminal.problem(str(error))
    return 1


class Run:
    """One run of the whole product in one home, which the caller holds locked."""

    def __init__(
        self, settings: LocalSettings, home: Home, *, demo: bool, environ: Mapping[str, str], terminal: Terminal
    ) -> None:
        self._settings = settings.with_free_ports(ports.free_port, ports.is_free)
        self._home = home
        self._id = secrets_module.token_hex(8)
        self._demo = demo
        self._environ = environ
        self._terminal = terminal
        self._signals = 0
        self._starting = True
        self._ends: Counter[str] = Counter()
        self._disk_folders = [home.path]
        self._recovery: Recovery | None = None
        self._disk_looked_at = 0.0
        names = [NATS, *([] if settings.database_url else [POSTGRES]), *catalogue.SERVICES, *([DEMO] if demo else [])]
        self._tails = {name: Tail(home.logs / f"{name}.log") for name in names}
        self._last = {name: deque[str](maxlen=REMEMBERED_LINES) for name in names}
        self._supervisor = Supervisor(home, [_supervised(name) for name in names])
        self._events = Tail(self._supervisor.log)

    def main(self) -> int:
        """Start, watch, stop."""
        ports.check(
            self._settings.ports(demo=self._demo),
            dict.fromkeys(("GATEWAY_PORT", "GATEWAY_OTLP_GRPC_PORT"), self._settings.gateway_host),
        )
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self._on_signal)
        try:
            self._start()
            self._starting = False
            while True:
                self._tick()
                time.sleep(POLL_RUN_S)
        except Stopped:
            return 0
        finally:
            self._stop()
            for tail in (*self._tails.values(), self._events):
                tail.close()

    def _start(self) -> None:
        self._terminal.progress(f"starting in {self._home.path}")
        secrets = self._home.secrets(catalogue.USERS)
        cluster = None
        if not self._settings.database_url:
            cluster = postgres.cluster(self._home, secrets.postgres, self._settings.postgres_bin)
            self._disk_folders.append(cluster.base)
        self._check_disk()
        self._supervisor.start()
        self._wait(self._supervisor.listening, "supervisord")
        if nats.adopt_store(self._home.nats):
            self._terminal.progress("the streams of an earlier version are where this one looks for them")
        self._supervisor.launch(self._nats(secrets.nats))
        prepare = self._prepare(secrets.nats[catalogue.ADMIN])
        try:
            if cluster is not None:
                self._start_postgres(cluster)
            self._wait(lambda: nats.answers(self._settings.nats_port, self._nats_name), "NATS")
            self._terminal.progress(f"NATS is ready on port {self._settings.nats_port}")
            self._wait(lambda: prepare.poll() is not None, "the declaration of the bus")
            output = prepare.communicate()[0]
        finally:
            if prepare.poll() is None:
                prepare.terminate()
                prepare.communicate()
        if prepare.returncode != 0:
            raise explain_output("declaring the bus failed", output)
        for line in output.splitlines():
            self._terminal.progress(f"made {line}")

        secrets = self._home.secrets(catalogue.USERS)  # the step may have made a key anew
        url = self._settings.database_url.reveal() if cluster is None else cluster.url(self._settings.postgres_port)
        programs = Programs(
            self._settings, secrets, url, self._environ, run_id=self._id, disk_folders=list(dict.fromkeys(self._disk_folders))
        )
        write_env(self._home.client_env, programs.client_env())
        write_env(self._home.admin_env, programs.admin_env())
        services = programs.services()
        for program in services:
            self._supervisor.launch(program)
        if cluster is not None:
            self._wait(cluster.ready, "PostgreSQL")
            self._terminal.progress(f"PostgreSQL {cluster.binaries.version} is ready on port {self._settings.postgres_port}")
        self._await_all(services)
        if self._demo:
            self._supervisor.launch(programs.demo())
            self._await_all([programs.demo()])
        self._announce()

    @property
    def _nats_name(self) -> str:
        return f"{nats.NAME}-{self._id}"

    def _check_disk(self) -> None:
        """Says before anything is started what a small disk means."""
        room = Room.of(str(self._home.path))
        reserve = room.reserve(self._settings.disk_reserve_mb)
        self._recovery = Recovery(reserve // 2)
        if room.free < reserve:
            raise LocalError(
                f"the disk is nearly full ({self._home.path}): {room.free // MIB} MiB are free and {reserve // MIB} are kept "
                "free: make room, put DRISHTI_HOME on another disk, or set DRISHTI_DISK_RESERVE_MB"
            )
        if room.free - reserve < KEPT_AT_MOST:
            self._terminal.progress(
                f"the disk has {room.free // MIB} MiB free and the bus may keep up to {KEPT_AT_MOST // MIB}: with less than "
                f"{reserve // MIB} MiB free nothing more is taken in (503) until there is room"
            )

    def _recover(self) -> None:
        """After the disk was full: starts again what does not work on by itself, once there is room."""
        if self._recovery is None or self._starting or time.monotonic() - self._disk_looked_at < LOOK_AT_DISK_S:
            return
        self._disk_looked_at = time.monotonic()
        try:
            free = min(Room.of(str(folder)).free for folder in self._disk_folders)
            if not self._recovery.due(free, self._disk_looked_at):
                return
            self._terminal.problem(
                f"the disk was full and has room again ({free // MIB} MiB): NATS and PostgreSQL are started anew"
            )
            for name in STORED_BY:
                if name in self._tails:
                    self._supervisor.restart(name)
        except (OSError, xmlrpc.client.Error) as error:
            self._recovery.needed = True
            self._terminal.problem(f"NATS and PostgreSQL could not be started anew, it is tried again: {error}")

    def _nats(self, passwords: Mapping[str, str]) -> Program:
        config = self._home.run / "nats.conf"
        s = self._settings
        write_private(
            config, nats.configuration(self._home.nats, s.nats_port, passwords, s.nats_monitor_port, name=self._nats_name)
        )
        spec = Spec(argv=[str(nats.find_binary()), "-c", str(config)], env={"PATH": "/usr/bin:/bin"}, cwd=self._home.path)
        return Program(NATS, STORES, s.nats_port, spec)

    def _start_postgres(self, cluster: Cluster) -> None:
        if cluster.prepare():
            self._terminal.progress(f"made a database with PostgreSQL {cluster.binaries.version} in {cluster.base}")
        port = self._settings.postgres_port
        self._supervisor.launch(Program(POSTGRES, STORES, port, cluster.spec(port)))

    def _prepare(self, password: str) -> subprocess.Popen[str]:
        env = {
            "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
            "LOG_LEVEL": "ERROR",
            "DRISHTI_HOME": str(self._home.path),
            "DRISHTI_NATS_URL": f"nats://127.0.0.1:{self._settings.nats_port}",
            "NATS_USER": catalogue.ADMIN,
            "NATS_PASSWORD": password,
        }
        return subprocess.Popen(
            [sys.executable, "-m", "drishti_local.prepare"],
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def _await_all(self, programs: list[Program]) -> None:
        waiting = {program.name: program for program in programs}
        reasons: dict[str, str] = {}

        def all_ready() -> bool:
            for name, program in list(waiting.items()):
                reasons[name] = self._unready(program)
                if not reasons[name]:
                    del waiting[name]
                    self._terminal.progress(f"{name} is ready on port {program.port}")
            return not waiting

        self._wait(all_ready, "the services", lambda: "; ".join(f"{n}: {reasons[n]}" for n in waiting))

    def _wait(self, condition: Callable[[], bool], what: str, reason: Callable[[], str] = lambda: "") -> None:
        deadline = time.monotonic() + self._settings.start_timeout_s
        while not condition():
            self._tick()
            name, ends = next(iter(self._ends.most_common(1)), ("", 0))
            if ends >= ENDS_WHILE_STARTING:
                self._show()
                output = "\n".join(self._last[name])
                raise explain_output(f"{name} ended {ends} times while starting", output, self._home.logs / f"{name}.log")
            if time.monotonic() > deadline:
                why = f"not ready within {self._settings.start_timeout_s:g} s ({reason() or 'no answer'})"
                raise LocalError(f"{what}: {why}: see {self._home.logs}")
            time.sleep(POLL_START_S)

    def _tick(self) -> None:
        """Shows what is new; raises when it is time to end."""
        self._show()
        if self._signals:
            raise Stopped
        if not self._supervisor.alive():
            raise explain_output("supervisord failed", self._supervisor.errors(), self._supervisor.log)
        self._recover()

    def _unready(self, program: Program) -> str:
        """Why ``program`` is not ready, in its own words where it answers; empty when it is. A foreign answer never counts."""
        if program.ready_url is None:
            with socket.socket() as sock:
                sock.settimeout(1)
                if sock.connect_ex(("127.0.0.1", program.port)) != 0:
                    return "does not listen yet"
            holder = ports.listener(program.port)
            return "" if holder is None or self._supervisor.owns(holder) else self._foreign(program.port)
        parts = urllib.parse.urlsplit(program.ready_url)
        connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", program.port, timeout=3)
        try:
            connection.request("GET", parts.path)
            response = connection.getresponse()
            body = response.read()
        except (OSError, http.client.HTTPException):
            return "does not answer yet"
        finally:
            connection.close()
        if response.getheader(RUN_HEADER) != self._id:
            return self._foreign(program.port)
        if response.status == http.client.OK:
            return ""
        try:
            return "waits for " + ", ".join(f"{name} ({why})" for name, why in json.loads(body)["failing"].items())
        except (ValueError, KeyError, AttributeError):
            return f"answers {response.status}"

    def _foreign(self, port: int) -> str:
        holder = ports.listener(port)
        whose = f" (process {holder})" if holder else ""
        return f"a program that is not of this run answers at port {port}{whose}"

    def _show(self) -> None:
        for name, tail in self._tails.items():
            for line in tail.lines():
                self._terminal.log(name, line)
                self._last[name].append(line)
                if self._recovery is not None and name in STORED_BY:
                    self._recovery.heard(line)
        for line in self._events.lines():
            event = parse_event(line)
            if event is None:
                continue
            if event.what == "exited":
                self._ends[event.name] += 1
                self._terminal.problem(self._ended(event))
            elif event.what == "spawned" and self._ends[event.name]:
                self._terminal.progress(f"{event.name} was started again (process {event.pid})")
            elif event.what == "stopped":
                self._terminal.progress(f"{event.name} has stopped")

    def _ended(self, event: Event) -> str:
        """How a program ended, and its last words, unless it was killed; how often, where it goes on like that."""
        ends = self._ends[event.name]
        often = f", for the {ends}th time" if ends > ENDS_WHILE_STARTING else ""
        words = "" if event.how.startswith("terminated by") else telling_line(self._last[event.name])
        return f"{event.name} ended ({event.how}){often}; it is started again" + (f"; its last words: {words}" if words else "")

    def _announce(self) -> None:
        base = f"http://{_shown(self._settings.gateway_host)}:{self._settings.gateway_port}"
        self._terminal.progress("ready")
        lines = [f"  {'home':<16} {base}/", *(f"  {name:<16} {base}/api/dashboard/dashboard/{name}" for name in DASHBOARDS)]
        lines += [f"  {name.replace('-', ' '):<16} {base}/api/dashboard/{name}" for name in PAGES]
        lines.append(f"  {'OTLP/gRPC':<16} {base.rpartition(':')[0]}:{self._settings.otlp_grpc_port}")
        if self._demo:
            lines.append(f"  {'sample app':<16} http://127.0.0.1:{self._settings.demo_port}")
        endpoint = place_of_traces(self._environ) or self._environ.get("DRISHTI_FORWARD_OTLP", "")
        if endpoint.startswith("http"):
            host = urllib.parse.urlsplit(endpoint).hostname or "localhost"
            pages = self._environ.get("JAEGER_UI_URL") or f"http://{host}:16686 by default"
            lines.append(f"  {'Jaeger':<16} gets traces at {endpoint}; its pages are at {pages}")
        lines.append(f"  {'for producers':<16} {self._home.client_env}")
        lines.append(f"  {'logs':<16} {self._home.logs}")
        self._terminal.text("\n".join(["", *lines, "  Ctrl-C stops all", ""]))

    def _on_signal(self, signum: int, _frame: FrameType | None) -> None:
        self._signals += 1

    def _stop(self) -> None:
        if not self._supervisor.alive():
            return
        self._terminal.progress("stopping; once more Ctrl-C does not wait")
        self._signals = 0
        self._supervisor.request_stop()
        deadline = time.monotonic() + STOP_TIMEOUT_S
        while self._supervisor.alive():
            self._show()
            if self._signals or time.monotonic() > deadline:
                self._supervisor.kill()
            time.sleep(POLL_START_S)
        self._show()
        self._terminal.progress("everything has stopped")


def _supervised(name: str) -> tuple[str, str, int, signal.Signals]:
    if name == POSTGRES:
        return name, group_of(name), 30, postgres.STOP_SIGNAL
    return name, group_of(name), 15, signal.SIGTERM


def _shown(host: str) -> str:
    return "localhost" if ports.reachable_host(host) in ("127.0.0.1", "[::1]") else host
