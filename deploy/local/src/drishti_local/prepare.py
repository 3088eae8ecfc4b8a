"""The step between the bus and the services: declares the catalogue on it and makes the run's API keys.

A process of its own (``python -m drishti_local.prepare``), so that the run, which stays, need not keep a NATS client.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from drishti.bus import keys, streams
from drishti.bus.connection import connect
from drishti.errors import DrishtiError
from drishti.messages import catalogue
from drishti.settings import BusSettings, load
from drishti_local.home import KEYS, Home, Secrets, new_key

CONNECT_TIMEOUT_S = 60.0


async def prepare(settings: BusSettings, secrets: Secrets) -> list[str]:
    """Brings the bus to what the catalogue says; returns a line for each thing that was made."""
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        bus = await connect(settings, name="admin")
    try:
        made = await streams.declare(bus.js)
        kv = await bus.kv(catalogue.API_KEYS_BUCKET)
        for name, role in KEYS.items():
            made += await _ensure_key(kv, secrets, name, cast("keys.Role", role))
        return made
    finally:
        await bus.close()


async def _ensure_key(kv: keys.Bucket, secrets: Secrets, name: str, role: keys.Role) -> list[str]:
    """Registers the key that the secrets hold. One that somebody revoked stays revoked; a new one takes its place."""
    now = datetime.now(UTC)
    key, _ = await keys.create(kv, name=f"local {name}", tenant="default", role=role, now=now, text=secrets.keys[name])
    if key.revoked_at is not None:
        secrets.keys[name] = new_key()
        secrets.save()
        key, _ = await keys.create(kv, name=f"local {name}", tenant="default", role=role, now=now, text=secrets.keys[name])
    return [f"{role} key {key.id}"] if key.created_at == now else []


def main() -> int:
    home = Home(Path(os.environ["DRISHTI_HOME"]))
    secrets = home.secrets(catalogue.USERS)
    try:
        made = asyncio.run(prepare(load(BusSettings, os.environ), secrets))
    except (DrishtiError, TimeoutError) as error:
        sys.stderr.write(f"{error or 'NATS did not answer'}\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
