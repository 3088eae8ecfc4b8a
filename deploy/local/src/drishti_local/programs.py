"""What a run starts, each with its own environment only: no service sees another's password or the user's other secrets."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drishti.messages import catalogue
from drishti.telemetry import rate_limited_sampler
from drishti_local.home import CLIENT_KEY, SERVICES_KEY, Secrets
from drishti_local.ports import reachable_host
from drishti_local.settings import LocalSettings
from drishti_local.spec import Spec

NATS, POSTGRES, DEMO = "nats", "postgres", "demo"

STORES, GATEWAY, SERVICES, PRODUCERS = GROUPS = ("stores", "gateway", "services", "producers")
"""Groups are stopped one after the other, the last one first: producers find the gateway open and services can send their last
metrics through it; the stores outlive all that write to them."""

_PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "LOG_LEVEL", "LOG_FORMAT", "DRISHTI_WATCHDOG_S",
)  # fmt: skip
_PASSED_PREFIXES = ("LC_", "PYTHON", "OTEL_", "SSL_CERT_", "OPENBLAS_", "DRISHTI_TEST_")
_NOT_PASSED = ("OTEL_SERVICE_NAME", "PYTHONWARNINGS", "PYTHONSTARTUP")

# One thread of linear algebra and few allocator arenas: a core each is not there, and both cost memory.
_LEAN = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2", "PYTHONUNBUFFERED": "1"}

METRIC_EXPORT_INTERVAL_MS = 5000
METRIC_EXPORT_TIMEOUT_S = 2
"""On one machine an answer takes milliseconds, or does not come."""

ENTRANCES = (catalogue.GATEWAY, catalogue.ANALYTICS)
"""Who decides which traces the services follow: the two through which they come in, over HTTP and by the bus."""


def group_of(name: str) -> str:
    """The group in which the program ``name`` is stopped."""
    return {NATS: STORES, POSTGRES: STORES, catalogue.GATEWAY: GATEWAY, DEMO: PRODUCERS}.get(name, SERVICES)


@dataclass(frozen=True)
class Program:
    """One process under supervision. ``ready_url`` answers 200 when it is ready; without one, listening at ``port`` will do."""

    name: str
    group: str
    port: int
    spec: Spec
    ready_url: str | None = None


class Programs:
    """Makes the programs of one run from its settings and secrets."""

    def __init__(
        self,
        settings: LocalSettings,
        secrets: Secrets,
        database_url: str,
        environ: Mapping[str, str],
        *,
        run_id: str = "",
        disk_folders: Sequence[Path] = (),
    ) -> None:
        """``run_id``: what health answers of this run's services carry; ``disk_folders``: whose disks must have room."""
        self._run_id = run_id
        self._disk_folders = disk_folders
        self._settings = settings
        self._secrets = secrets
        self._database_url = database_url
        self._environ = environ
        self._cwd = Path.cwd()

    def services(self) -> list[Program]:
        """The four services."""
        s = self._settings
        # Without it, every page and program of this machine could ask dashboard-stream for any tenant, past the gateway.
        secret = self._environ.get("DASHBOARD_STREAM_SECRET") or self._secrets.dashboard
        return [
            self._service(
                catalogue.GATEWAY,
                s.gateway_port,
                {
                    **self._own("DRISHTI_FORWARD_", "JAEGER_"),
                    "GATEWAY_HOST": s.gateway_host,
                    "GATEWAY_PORT": str(s.gateway_port),
                    **({} if s.otlp_grpc_port is None else {"GATEWAY_OTLP_GRPC_PORT": str(s.otlp_grpc_port)}),
                    "DASHBOARD_STREAM_URL": f"http://127.0.0.1:{s.dashboard_stream_port}",
                    "DASHBOARD_STREAM_SECRET": secret,
                },
            ),
            self._service(
                catalogue.ANALYTICS,
                s.analytics_port,
                {"ANALYTICS_HEALTH_PORT": str(s.analytics_port), "DATABASE_URL": self._database_url},
            ),
            self._service(catalogue.PREDICTOR, s.predictor_port, {"PREDICTOR_HEALTH_PORT": str(s.predictor_port)}),
            self._service(
                catalogue.DASHBOARD,
                s.dashboard_stream_port,
                {"DASHBOARD_STREAM_PORT": str(s.dashboard_stream_port), "DASHBOARD_STREAM_SECRET": secret},
            ),
        ]

    def demo(self) -> Program:
        """The sample application and its driver, a producer like any other."""
        port = self._settings.demo_port
        env = {
            **self._own("DEMO_", "WISDOM_", "DRISHTI_DATA"),
            **_LEAN,
            "DEMO_PORT": str(port),
            "DRISHTI_HOME": str(self._settings.home.expanduser().absolute()),
            **self.client_env(),
        }
        return Program(DEMO, PRODUCERS, port, self._python("wisdom", env))

    def client_env(self) -> dict[str, str]:
        """What a producer needs: the gateway with a key, and NATS as ``producer``."""
        return {
            "DRISHTI_URL": self._gateway_url(),
            "DRISHTI_API_KEY": self._secrets.keys[CLIENT_KEY],
            "DRISHTI_NATS_URL": self._nats_url(catalogue.PRODUCER),
        }

    def admin_env(self) -> dict[str, str]:
        """What ``drishti keys`` and ``drishti dead`` need."""
        return {"DRISHTI_NATS_URL": self._nats_url(catalogue.ADMIN)}

    def _service(self, name: str, port: int, env: dict[str, str]) -> Program:
        module = name.replace("-", "_")
        full = {
            **self._own(f"{module.upper()}_"),
            **self._traces(name),
            **self._metrics(),
            **_LEAN,
            "DRISHTI_NATS_URL": f"nats://127.0.0.1:{self._settings.nats_port}",
            "NATS_USER": name,
            "NATS_PASSWORD": self._secrets.nats[name],
            "OTEL_SERVICE_NAME": name,  # goes before a name in OTEL_RESOURCE_ATTRIBUTES, which is the user's own program's
            **({"DRISHTI_RUN_ID": self._run_id} if self._run_id else {}),
            **self._disk(),
            **env,
        }
        base = self._gateway_url() if name == catalogue.GATEWAY else f"http://127.0.0.1:{port}"
        return Program(name, group_of(name), port, self._python(module, full), f"{base}/readyz")

    def _disk(self) -> dict[str, str]:
        if not self._disk_folders:
            return {}
        folders = ",".join(map(str, self._disk_folders))
        return {"DRISHTI_DISK_FOLDERS": folders, "DRISHTI_DISK_RESERVE_MB": str(self._settings.disk_reserve_mb)}

    def _gateway_url(self) -> str:
        return f"http://{reachable_host(self._settings.gateway_host)}:{self._settings.gateway_port}"

    def _python(self, module: str, env: Mapping[str, str]) -> Spec:
        return Spec(argv=[sys.executable, "-m", module], env=env, cwd=self._cwd)

    def _nats_url(self, user: str) -> str:
        return f"nats://{user}:{self._secrets.nats[user]}@127.0.0.1:{self._settings.nats_port}"

    def _own(self, *prefixes: str) -> dict[str, str]:
        """The part of the user's environment that is meant for a program whose variables begin with ``prefixes``."""
        return {
            name: value
            for name, value in self._environ.items()
            if (name in _PASSED or name.startswith((*_PASSED_PREFIXES, *prefixes))) and name not in _NOT_PASSED
        }

    def _traces(self, name: str) -> dict[str, str]:
        """Where the services send their own spans: to the gateway as everybody, which forwards them with all others, unless the
        user named a place. Of a busy product some traces each second are followed, unless the user named a sampler."""
        if place_of_traces(self._environ):
            return {}
        sampler = {"OTEL_TRACES_SAMPLER": rate_limited_sampler.NAME} if name in ENTRANCES else {}
        return {
            "DRISHTI_URL": self._gateway_url(),
            "DRISHTI_API_KEY": self._secrets.keys[SERVICES_KEY],
            **({} if self._environ.get("OTEL_TRACES_SAMPLER") else sampler),
        }

    def _metrics(self) -> dict[str, str]:
        """Where the services send their metrics: to the gateway as any producer, unless the user named a place for metrics.

        A place for everything is a place for traces: the dashboards' charts of CPU and memory live on the metrics.
        """
        if self._environ.get("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"):
            return {}
        return {
            "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{self._gateway_url()}/v1/metrics",
            "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
            "OTEL_EXPORTER_OTLP_METRICS_HEADERS": f"authorization=Bearer%20{self._secrets.keys[SERVICES_KEY]}",
            "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT": str(METRIC_EXPORT_TIMEOUT_S),
            "OTEL_METRIC_EXPORT_INTERVAL": self._environ.get("OTEL_METRIC_EXPORT_INTERVAL", str(METRIC_EXPORT_INTERVAL_MS)),
        }


def place_of_traces(environ: Mapping[str, str]) -> str:
    """Where OpenTelemetry's variables say that spans go; "" where they do not."""
    return environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") or ""


def supervisor_environment() -> dict[str, str]:
    """What supervisord itself gets: nothing of the user's but what finds programs and speaks their language."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "TMPDIR") if name in os.environ}
