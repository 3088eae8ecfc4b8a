"""``python -m gateway``: settings, then the service."""

from __future__ import annotations

import asyncio
import os

from drishti import service, settings
from gateway.app import serve
from gateway.settings import GatewaySettings


async def _main(stop: asyncio.Event) -> None:
    await serve(settings.load(GatewaySettings, os.environ), stop)


if __name__ == "__main__":
    service.run(_main, name="gateway")
