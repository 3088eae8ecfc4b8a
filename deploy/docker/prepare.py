"""The step between the bus and the services: declares the catalogue on NATS and registers the API keys of ``.env``.

It may be repeated as often as one likes: what is there stays. Needs the rights of NATS' ``admin``.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from drishti import settings
from drishti.bus import keys, streams
from drishti.bus.connection import connect
from drishti.errors import DrishtiError
from drishti.messages import catalogue
from drishti.messages.subjects import DEFAULT_TENANT
from drishti.settings import BusSettings, Secret, group, setting

CONNECT_TIMEOUT_S = 60.0


@dataclass(frozen=True, kw_only=True)
class PrepareSettings:
    """The texts of the keys are made by ``make env``; the bus gets to know their digests only."""

    client_key: Secret = setting("DRISHTI_API_KEY", "API key of the user, with role admin")
    services_key: Secret = setting("DRISHTI_SERVICES_KEY", "API key by which the services send their metrics and spans")
    bus: BusSettings = group(BusSettings)

    def __post_init__(self) -> None:
        if self.client_key == self.services_key:
            raise ValueError("DRISHTI_SERVICES_KEY: must differ from DRISHTI_API_KEY, their roles do")


async def prepare(environ: Mapping[str, str]) -> list[str]:
    """Brings the bus to what the catalogue says; returns a line for each thing worth telling."""
    loaded = settings.load(PrepareSettings, environ)
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        bus = await connect(loaded.bus, name=catalogue.ADMIN)
    try:
        lines = await streams.declare(bus.js)
        kv = await bus.kv(catalogue.API_KEYS_BUCKET)
        wanted: tuple[tuple[str, keys.Role, Secret], ...] = (
            ("compose client", "admin", loaded.client_key),
            ("compose services", "service", loaded.services_key),
        )
        now = datetime.now(UTC)
        await keys.set_role(kv, text=loaded.services_key.reveal(), role="service")  # an earlier version made it a producer's
        for name, role, text in wanted:
            key, _ = await keys.create(kv, name=name, tenant=DEFAULT_TENANT, role=role, now=now, text=text.reveal())
            if key.revoked_at is not None:
                lines.append(f"{role} key {key.id} was revoked and stays so: empty it in .env and run make env for a new one")
            elif key.created_at == now:
                lines.append(f"{role} key {key.id}")
        return lines
    finally:
        await bus.close()


def main() -> int:
    try:
        lines = asyncio.run(prepare(os.environ))
    except (DrishtiError, TimeoutError) as error:
        sys.stderr.write(f"{error or 'NATS did not answer'}\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in lines or ["the bus is as the catalogue says"])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
