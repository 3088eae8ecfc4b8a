"""The local run as a whole, from the terminal: real NATS, PostgreSQL and supervisord, with small stand-ins for the services."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncpg
import nats
import psutil
import pytest

from drishti.messages import catalogue
from drishti_local.servers import free_port
from rigs.local_run import HTTP_PORTS, PORTS, Running, read_env
from rigs.waiting import DEADLINE_S

Start = Callable[[dict[str, str]], Running]

# Answers /readyz at its port and tells, at /env, what it was given.
STAND_IN = """
import http.server, json, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = json.dumps(dict(os.environ)).encode() if self.path == "/env" else b"{}"
        self.send_response(200); self.send_header("Drishti-Run", os.environ["DRISHTI_RUN_ID"])
        self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *args): print("asked for", self.path, flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
http.server.HTTPServer(("127.0.0.1", int(os.environ[%r])), Handler).serve_forever()
"""


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    """The environment of a run in a folder and on ports of its own."""
    folder = Path(tempfile.mkdtemp(prefix="drishti-tests-"))
    folder.chmod(0o711)
    ports = {name: str(free_port()) for name in PORTS}
    modules = folder / "modules"
    for service in catalogue.SERVICES:
        package = modules / service.replace("-", "_")
        package.mkdir(parents=True)
        variable = next(name for name in HTTP_PORTS if name.startswith(service.replace("-", "_").upper()))
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(STAND_IN % variable)
    passed = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    yield {**passed, **ports, "PYTHONPATH": str(modules), "DRISHTI_HOME": str(folder / "home"), "A_SECRET_OF_THE_USER": "x"}
    shutil.rmtree(folder)


@pytest.fixture
def start(environment: dict[str, str]) -> Iterator[Start]:
    """Starts a run; whatever becomes of the test, it has ended after it."""
    with contextlib.ExitStack() as ending:
        yield lambda given: ending.enter_context(Running(given))


@pytest.fixture
def started(start: Start, environment: dict[str, str]) -> Running:
    run = start(environment)
    run.ready()
    return run


def test_sigterm_leaves_no_process_and_stops_stores_last(start: Start, environment: dict[str, str]) -> None:
    run = start(environment)
    run.ready()
    assert len(run.processes) >= 7

    assert run.stop() == 0

    assert run.left() == []
    stopped = [line.split()[-3] for line in run.seen if line.endswith("has stopped") and "everything" not in line]
    assert set(stopped[-2:]) == {"nats", "postgres"}
    assert stopped[-3] == "gateway"
    assert set(stopped[:-3]) == {"analytics", "predictor", "dashboard-stream"}


def test_second_signal_ends_what_does_not_end_by_itself(start: Start, environment: dict[str, str]) -> None:
    stubborn = Path(environment["PYTHONPATH"]) / "gateway" / "__main__.py"
    stubborn.write_text(stubborn.read_text().replace("lambda *_: sys.exit(0)", "signal.SIG_IGN"))
    run = start(environment)
    run.ready()
    run.process.send_signal(signal.SIGINT)
    run.wait_for("once more Ctrl-C does not wait")

    assert run.stop(signal.SIGINT) == 0

    assert [p for p in run.processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE] == []
    assert run.seen[-1].endswith("everything has stopped")


def test_killed_run_leaves_no_process(start: Start, environment: dict[str, str]) -> None:
    run = start(environment)
    run.ready()

    run.stop(signal.SIGKILL)

    assert run.left() == []


def test_dead_service_is_started_again_and_the_run_says_so(started: Running) -> None:
    gateway = started.child("-m gateway")

    gateway.kill()

    started.wait_for(r"gateway ended \(terminated by SIGKILL\)")
    pid = int(started.wait_for(r"gateway was started again \(process (\d+)\)")[1])
    assert pid != gateway.pid
    assert psutil.pid_exists(pid)


async def test_second_start_finds_its_data(start: Start, environment: dict[str, str]) -> None:
    home = Path(environment["DRISHTI_HOME"])
    run = start(environment)
    run.ready()
    client_env = read_env(home / "client.env")
    client = await nats.connect(client_env["DRISHTI_NATS_URL"])
    await client.jetstream().publish("events.v1.default.kept", b"[]")
    await client.close()
    url = analytics_environment(environment)["DATABASE_URL"]
    connection = await asyncpg.connect(url)
    await connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    await connection.close()
    assert run.stop(signal.SIGINT) == 0

    again = start(environment)
    again.ready()
    assert read_env(home / "client.env") == client_env
    connection = await asyncpg.connect(analytics_environment(environment)["DATABASE_URL"])
    assert await connection.fetchval("SELECT answer FROM kept") == 42
    await connection.close()
    client = await nats.connect(read_env(home / "admin.env")["DRISHTI_NATS_URL"])
    assert (await client.jetstream().stream_info("EVENTS")).state.messages == 1
    await client.close()


def test_services_see_their_own_environment_only(started: Running, environment: dict[str, str]) -> None:
    for service, port in zip(("gateway", "predictor"), ("GATEWAY_PORT", "PREDICTOR_HEALTH_PORT"), strict=True):
        given = ask_environment(int(environment[port]))
        assert given["NATS_USER"] == service
        assert not {"DATABASE_URL", "A_SECRET_OF_THE_USER"} & set(given)
        of_user = read_env(Path(environment["DRISHTI_HOME"]) / "client.env")["DRISHTI_API_KEY"]
        assert of_user not in given.values(), "services have a key of their own"
        assert given["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"].endswith(f":{environment['GATEWAY_PORT']}/v1/metrics")
    assert analytics_environment(environment)["NATS_USER"] == "analytics"


def test_secrets_are_closed_to_others(started: Running, environment: dict[str, str]) -> None:
    home = Path(environment["DRISHTI_HOME"])
    for name in ("secrets.json", "client.env", "admin.env", "run/nats.conf", "run/analytics.json"):
        assert (home / name).stat().st_mode & 0o077 == 0, name
    secrets = json.loads((home / "secrets.json").read_text())
    words = [*secrets["nats"].values(), secrets["postgres"], *secrets["keys"].values()]
    commands = [" ".join(process.cmdline()) for process in started.processes]
    assert not [word for word in words for command in commands if word in command]


def test_second_run_in_the_same_home_is_refused(start: Start, started: Running, environment: dict[str, str]) -> None:
    other = start(environment | {name: str(free_port()) for name in PORTS})
    assert other.stop_by_itself() == 1
    assert "is in use by a run that is alive" in other.seen[-1]
    assert str(started.process.pid) in other.seen[-1]


def test_port_in_use_is_named_with_its_variable_and_holder(start: Start, environment: dict[str, str]) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", int(environment["NATS_PORT"])))
        holder.listen()
        run = start(environment)
        assert run.stop_by_itself() == 1
    assert re.search(rf"port {environment['NATS_PORT']} is in use by .* \(process {os.getpid()}\): set NATS_PORT", run.seen[-1])
    assert len(run.seen) == 1


def test_service_that_cannot_start_ends_the_start_with_its_log(start: Start, environment: dict[str, str]) -> None:
    broken = Path(environment["PYTHONPATH"]) / "predictor" / "__main__.py"
    broken.write_text("raise SystemExit('PREDICTOR_X: is wrong')\n")
    run = start(environment)
    assert run.stop_by_itself() == 1
    assert any("predictor | PREDICTOR_X: is wrong" in line for line in run.seen)
    reported = "predictor ended (exit status 1); it is started again; its last words: PREDICTOR_X: is wrong"
    assert any(reported in line for line in run.seen)
    assert re.search(
        r"predictor ended 3 times while starting: PREDICTOR_X: is wrong \(more in .*predictor\.log\)", run.seen[-1]
    )


def analytics_environment(environment: dict[str, str]) -> dict[str, str]:
    return ask_environment(int(environment["ANALYTICS_HEALTH_PORT"]))


def ask_environment(port: int) -> dict[str, str]:
    with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE_S) as connection:
        connection.sendall(b"GET /env HTTP/1.0\r\n\r\n")
        with connection.makefile("rb") as answer:
            result: dict[str, str] = json.loads(answer.read().split(b"\r\n\r\n", 1)[1])
            return result


def test_two_runs_stand_side_by_side_with_two_ports_and_a_home_of_their_own(start: Start, environment: dict[str, str]) -> None:
    """Everything else is found free; each waits for its own services, and says where they are."""
    folder = Path(environment["DRISHTI_HOME"]).parent
    first = {name: value for name, value in environment.items() if name not in PORTS}
    first |= {name: environment[name] for name in ("NATS_PORT", "GATEWAY_PORT")}
    second = first | {"NATS_PORT": str(free_port()), "GATEWAY_PORT": str(free_port()), "DRISHTI_HOME": str(folder / "second")}
    runs = []
    for given in (first, second):  # one after the other: the second sees which ports the first has found
        runs.append(start(given))
        runs[-1].ready()
    assert not any(" ended " in line for run in runs for line in run.seen)


def test_a_foreign_program_that_answers_for_a_service_is_never_taken_for_it(start: Start, environment: dict[str, str]) -> None:
    """It comes between the look at the ports and the start of the service, which then cannot have its port."""
    package = Path(environment["PYTHONPATH"]) / "predictor"
    port = int(environment["PREDICTOR_HEALTH_PORT"])
    foreign = package.parent / "foreign.py"
    foreign.write_text(
        (STAND_IN % "PREDICTOR_HEALTH_PORT").replace('"Drishti-Run", os.environ["DRISHTI_RUN_ID"]', '"Other", "1"')
    )
    steal = f"""
import os, subprocess, sys, time
if not os.path.exists({str(foreign)!r} + ".pid"):
    child = subprocess.Popen([sys.executable, {str(foreign)!r}], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                             start_new_session=True)
    open({str(foreign)!r} + ".pid", "w").write(str(child.pid))
time.sleep(60)
"""
    (package / "__main__.py").write_text(steal)
    run = start(environment | {"DRISHTI_START_TIMEOUT_S": "10"})
    try:
        assert run.stop_by_itself() == 1
        assert f"a program that is not of this run answers at port {port}" in run.seen[-1]
    finally:
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            os.kill(int(Path(f"{foreign}.pid").read_text()), signal.SIGKILL)
