"""What can be set for a local run. Every port has a variable; those that nobody outside needs to know are free ones by default,
so that two runs stand side by side with another ``DRISHTI_HOME``, ``GATEWAY_PORT`` and ``NATS_PORT``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from drishti.service.disk import reserve_setting
from drishti.settings import Secret, setting

GATEWAY_PORT = 8000
OTLP_GRPC_PORT = 4317
"""Where every exporter of OTLP/gRPC sends to that is told nothing else."""


@dataclass(frozen=True, kw_only=True)
class LocalSettings:
    """Settings of ``python -m drishti_local``."""

    home: Path = setting("DRISHTI_HOME", "folder of a local run: secrets, logs, data of NATS and PostgreSQL", Path(".drishti"))
    gateway_host: str = setting("GATEWAY_HOST", "address on which the gateway listens", "127.0.0.1")
    gateway_port: int = setting("GATEWAY_PORT", "port that is open to the public", GATEWAY_PORT)
    otlp_grpc_port: int | None = setting(
        "GATEWAY_OTLP_GRPC_PORT",
        "port that takes OTLP/gRPC; unset: 4317, or a free one where that is taken or GATEWAY_PORT is set",
        None,
    )
    dashboard_stream_port: int = setting(
        "DASHBOARD_STREAM_PORT", "port of dashboard-stream, behind the gateway; 0: a free one", 0
    )
    analytics_port: int = setting("ANALYTICS_HEALTH_PORT", "port of analytics' health checks; 0: a free one", 0)
    predictor_port: int = setting("PREDICTOR_HEALTH_PORT", "port of the predictor's health checks; 0: a free one", 0)
    demo_port: int = setting("DEMO_PORT", "port of the sample wisdom application", 8010)
    nats_port: int = setting("NATS_PORT", "port of the local NATS", 4222)
    nats_monitor_port: int | None = setting("NATS_MONITOR_PORT", "port of NATS' own monitoring pages; unset: none", None)
    postgres_port: int = setting("POSTGRES_PORT", "port of the local PostgreSQL; 0: a free one", 0)
    postgres_bin: Path | None = setting("DRISHTI_POSTGRES_BIN", "folder with PostgreSQL's programs; unset: found", None)
    disk_reserve_mb: int = reserve_setting()
    database_url: Secret = setting("DATABASE_URL", "a PostgreSQL that runs already; then none is started", Secret())
    start_timeout_s: float = setting("DRISHTI_START_TIMEOUT_S", "seconds after which a start that is not ready gives up", 90.0)

    def with_free_ports(self, free: Callable[[], int], is_free: Callable[[str, int], bool]) -> LocalSettings:
        """These settings with a port of ``free`` wherever any free one will do; never one that they name already.

        ``is_free``: whether nobody listens on a host and port.
        """
        named = set(self.ports(demo=True).values())

        def another() -> int:
            while (port := free()) in named:
                pass
            return port

        grpc_port = self.otlp_grpc_port
        if grpc_port is None:
            # A run on other ports stands beside one that has the usual ones, or is about to have them.
            usual = self.gateway_port == GATEWAY_PORT and is_free(self.gateway_host, OTLP_GRPC_PORT)
            grpc_port = OTLP_GRPC_PORT if usual and OTLP_GRPC_PORT not in named else another()
        return replace(
            self,
            otlp_grpc_port=grpc_port,
            dashboard_stream_port=self.dashboard_stream_port or another(),
            analytics_port=self.analytics_port or another(),
            predictor_port=self.predictor_port or another(),
            postgres_port=self.postgres_port or another(),
        )

    def ports(self, *, demo: bool) -> dict[str, int]:
        """The ports that this run listens on, by variable."""
        ports = {
            "NATS_PORT": self.nats_port,
            "POSTGRES_PORT": self.postgres_port,
            "GATEWAY_PORT": self.gateway_port,
            **({} if self.otlp_grpc_port is None else {"GATEWAY_OTLP_GRPC_PORT": self.otlp_grpc_port}),
            "DASHBOARD_STREAM_PORT": self.dashboard_stream_port,
            "ANALYTICS_HEALTH_PORT": self.analytics_port,
            "PREDICTOR_HEALTH_PORT": self.predictor_port,
        }
        if self.database_url:
            del ports["POSTGRES_PORT"]
        if self.nats_monitor_port is not None:
            ports["NATS_MONITOR_PORT"] = self.nats_monitor_port
        if demo:
            ports["DEMO_PORT"] = self.demo_port
        return ports
