"""Services alone, each started with the very environment and command that the local run gives it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from benchmarks.processes import Running, ready, running
from drishti.bus.connection import Bus, connect
from drishti.messages import catalogue
from drishti_local.home import CLIENT_KEY, Secrets
from drishti_local.ports import free_port
from drishti_local.prepare import prepare
from drishti_local.programs import Program, Programs
from drishti_local.servers import NatsServer
from drishti_local.settings import LocalSettings


@dataclass(frozen=True)
class House:
    """A NATS with everything declared and the run's API keys made."""

    nats: NatsServer
    secrets: Secrets
    admin: Bus

    @property
    def key(self) -> str:
        """The API key that ``make run`` makes for its user."""
        return self.secrets.keys[CLIENT_KEY]

    def program(
        self, name: str, *, database_url: str = "", environ: Mapping[str, str], dashboard_port: int | None = None
    ) -> Program:
        """The service ``name`` as the local run would start it, on a free port; the gateway with OTLP/gRPC on another, and
        with the dashboard-stream of ``dashboard_port``."""
        port = free_port()
        settings = LocalSettings(
            home=self.nats.home.path,
            nats_port=self.nats.port,
            gateway_port=port,
            otlp_grpc_port=free_port(),
            analytics_port=port,
            dashboard_stream_port=dashboard_port or port,
            predictor_port=port,
        )
        programs = Programs(settings, self.secrets, database_url, environ).services()
        return next(program for program in programs if program.name == name)

    @contextlib.asynccontextmanager
    async def service(self, program: Program) -> AsyncIterator[Running]:
        """The service, ready, while the block lasts."""
        with running(program.name, program.spec, self.nats.home.logs) as process:
            await ready(process, program.port)
            yield process


@contextlib.asynccontextmanager
async def house(folder: Path) -> AsyncIterator[House]:
    server = NatsServer(folder)
    secrets = server.home.secrets(catalogue.USERS)
    server.passwords = secrets.nats
    with _started(server):
        await prepare(server.settings(), secrets)
        admin = await connect(server.settings(), name="admin")
        try:
            yield House(server, secrets, admin)
        finally:
            await admin.close()


@contextlib.contextmanager
def _started(server: NatsServer) -> Iterator[None]:
    server.start()
    try:
        yield
    finally:
        server.stop()
