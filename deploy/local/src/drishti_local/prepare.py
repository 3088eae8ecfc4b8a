"""The step between the bus and the services: declares the catalogue on it, makes the run's API keys, and applies the
definitions of metrics that lie in ``DRISHTI_HOME/metrics``.

A process of its own (``python -m drishti_local.prepare``), so that the run, which stays, need not keep a NATS client.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import cast

from drishti.bus import keys, streams
from drishti.bus.connection import connect
from drishti.errors import DrishtiError
from drishti.measures import definition_files, registry
from drishti.measures.applying import apply
from drishti.measures.definition_files import Wanted
from drishti.messages import catalogue
from drishti.settings import BusSettings, load
from drishti_local.home import KEYS, Home, Secrets, new_key

CONNECT_TIMEOUT_S = 60.0
METRICS = "metrics"
"""The folder of a run's home that holds definitions of metrics."""


async def prepare(settings: BusSettings, secrets: Secrets, metrics: Sequence[Wanted] = ()) -> list[str]:
    """Brings the bus to what the catalogue says, and its metrics to what ``metrics`` says.

    Returns a line for each thing that was made or changed. Raises :class:`~drishti.measures.definition_files.WrongFiles`.
    """
    async with asyncio.timeout(CONNECT_TIMEOUT_S):
        bus = await connect(settings, name="admin")
    try:
        made = await streams.declare(bus.js)
        kv = await bus.kv(catalogue.API_KEYS_BUCKET)
        for name, role in KEYS.items():
            made += await _ensure_key(kv, secrets, name, cast("keys.Role", role))
        if metrics:
            async with registry.opened(bus) as metric_registry:
                made += [line for line in await apply(metric_registry, metrics) if not line.startswith("unchanged")]
        return made
    finally:
        await bus.close()


async def _ensure_key(kv: keys.Bucket, secrets: Secrets, name: str, role: keys.Role) -> list[str]:
    """Registers the key that the secrets hold. One that somebody revoked stays revoked; a new one takes its place."""
    now = datetime.now(UTC)
    if role == "service":
        await keys.set_role(kv, text=secrets.keys[name], role=role)  # an earlier version made it a producer's
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
        folder = home.path / METRICS
        metrics = definition_files.read([folder]) if folder.is_dir() else []
        made = asyncio.run(prepare(load(BusSettings, os.environ), secrets, metrics))
    except (DrishtiError, TimeoutError) as error:
        sys.stderr.write(f"{error or 'NATS did not answer'}\n")
        return 1
    sys.stdout.writelines(f"{line}\n" for line in made)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
