"""The compose stack: its files as they are written, and a running one under a name, secrets and ports of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from drishti_local.ports import free_port

ROOT = Path(__file__).resolve().parents[2]
ENV_MAKER = ROOT / "deploy" / "compose" / "env.py"
PORTS = ("GATEWAY_PORT", "GATEWAY_OTLP_GRPC_PORT", "NATS_PORT", "POSTGRES_PORT", "JAEGER_PORT", "JAEGER_OTLP_PORT", "DEMO_PORT")
ASKED = os.environ.get("DRISHTI_TEST_COMPOSE", "")
WAIT_S = 240
BUILD_S = 1800


def texts() -> dict[str, str]:
    """The text of ``compose.yaml`` and of every file that it includes."""
    result = {"compose.yaml": (ROOT / "compose.yaml").read_text()}
    for entry in yaml.safe_load(result["compose.yaml"])["include"]:
        result[entry["path"]] = (ROOT / entry["path"]).read_text()
    return result


def services() -> dict[str, dict[str, Any]]:
    """Every service of the stack, by name."""
    result: dict[str, dict[str, Any]] = {}
    for text in texts().values():
        result |= yaml.safe_load(text).get("services", {})
    return result


def variables(text: str) -> Iterator[tuple[str, str]]:
    """Every ``${NAME…}`` of ``text``, as its name and what follows it (``:-8000``, ``:?run make env``)."""
    yield from re.findall(r"\$\{([A-Z0-9_]+)([^}]*)\}", text)


def with_defaults(text: str) -> str:
    """``text`` as it is where no variable is set."""
    return re.sub(r"\$\{[A-Z0-9_]+:-([^}]*)\}", r"\1", text)


def make_env(path: Path) -> subprocess.CompletedProcess[str]:
    """What ``make env`` does, for another file."""
    return subprocess.run([sys.executable, "-I", str(ENV_MAKER), str(path)], capture_output=True, text=True, check=False)


def read_env(path: Path) -> dict[str, str]:
    lines = path.read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def reason_to_skip() -> str | None:
    """Why the stack cannot be started here; ``None`` where it can."""
    if ASKED not in ("all", "without-jaeger"):
        return "set DRISHTI_TEST_COMPOSE to `all` or `without-jaeger` to start the stack of compose.yaml with Docker"
    if shutil.which("docker") is None:
        return "Docker is not installed"
    for command in (["docker", "info"], ["docker", "compose", "version"]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            return f"`{' '.join(command)}` fails: {done.stderr.strip().splitlines()[-1:]}"
    return None


class Stack:
    """A running stack that shares nothing with another one on this machine but the images' layers."""

    def __init__(self, folder: Path) -> None:
        self.project = f"drishti-test-{uuid.uuid4().hex[:8]}"
        self._file = folder / "env"
        assert make_env(self._file).returncode == 0
        with self._file.open("a") as file:
            file.writelines(f"{name}={free_port()}\n" for name in PORTS)
            if ASKED == "without-jaeger":
                file.write("OTEL_TRACES_EXPORTER=none\nDRISHTI_FORWARD_OTLP=none\n")
        self.env = read_env(self._file)
        self.url = f"http://localhost:{self.env['GATEWAY_PORT']}"
        self.authorized = {"Authorization": f"Bearer {self.env['DRISHTI_API_KEY']}"}

    def compose(self, *arguments: str, timeout_s: float = WAIT_S) -> str:
        """``docker compose`` on this stack; its output. A failure is raised with all that it said."""
        command = ["docker", "compose", "--project-directory", str(ROOT), "--project-name", self.project]
        command += ["--env-file", str(self._file), "--profile", "demo", *arguments]
        # Nothing of the tests' own environment may take the place of what the file says.
        own = {name: value for name, value in os.environ.items() if name not in self.env}
        done = subprocess.run(command, env=own, capture_output=True, text=True, timeout=timeout_s, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(arguments)} failed:\n{done.stdout[-4000:]}{done.stderr[-4000:]}")
        return done.stdout

    def build(self) -> None:
        self.compose("build", "--quiet", timeout_s=BUILD_S)

    def up(self, *names: str) -> None:
        """Starts ``names``, or all but the sample application, and waits until they are healthy."""
        names = names or tuple(name for name, service in services().items() if "profiles" not in service)
        if ASKED == "without-jaeger":
            names = tuple(name for name in names if name != "jaeger")
        self.compose("up", "--detach", "--wait", "--wait-timeout", str(WAIT_S), *names, timeout_s=2 * WAIT_S)

    def states(self) -> dict[str, dict[str, Any]]:
        """What Docker says of each container, ended ones too, by service."""
        lines = self.compose("ps", "--all", "--format", "json").splitlines()
        result = [json.loads(line) for line in lines]
        return {state["Service"]: state for state in result}

    def inspect(self, service: str) -> dict[str, Any]:
        container = self.states()[service]["ID"]
        done = subprocess.run(["docker", "inspect", container], capture_output=True, text=True, check=True)
        result: dict[str, Any] = json.loads(done.stdout)[0]
        return result

    def left(self) -> list[str]:
        """Containers, volumes and networks of this stack that are still there."""
        label = f"label=com.docker.compose.project={self.project}"
        result = []
        for kind in (["ps", "--all"], ["volume", "ls"], ["network", "ls"]):
            command = ["docker", *kind, "--quiet", "--filter", label]
            result += subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()
        return result
