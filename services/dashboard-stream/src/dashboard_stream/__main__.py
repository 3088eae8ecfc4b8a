"""``python -m dashboard_stream``: settings, then the service."""

from __future__ import annotations

import asyncio
import os
import secrets

from dashboard_stream.app import serve
from dashboard_stream.settings import DashboardSettings
from drishti import service, settings


async def _work(stop: asyncio.Event) -> None:
    await serve(settings.load(DashboardSettings, os.environ), stop, epoch=secrets.token_hex(4))


def main() -> None:
    service.run(_work, name="dashboard-stream")


if __name__ == "__main__":
    main()
