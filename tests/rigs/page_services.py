"""The services behind a page, on one bus: a gateway, analytics, and dashboard-stream."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple

from drishti.bus import connection
from drishti.bus.connection import Bus
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import dashboard_service
from rigs import gateway as gateway_rig


class PageServices(NamedTuple):
    """``connect`` gives a connection as one of the users of the bus, which ends with the services."""

    gateway: gateway_rig.Rig
    analytics: analytics_rig.Rig
    dashboard: dashboard_service.Service
    connect: Callable[[str], Awaitable[Bus]]


@contextlib.asynccontextmanager
async def page_services(nats: NatsServer, postgres_url: str, **settings: Any) -> AsyncIterator[PageServices]:
    """``settings`` are the gateway's."""
    port = free_port()
    async with contextlib.AsyncExitStack() as stack:

        async def connect(user: str) -> Bus:
            bus = await connection.connect(nats.settings(user), name=user)
            stack.push_async_callback(bus.close)
            return bus

        rig = analytics_rig.Rig(nats, postgres_url, await connect("admin"), await connect("gateway"))
        service = await stack.enter_async_context(dashboard_service.running(nats.settings("dashboard-stream"), port=port))
        url = f"http://127.0.0.1:{port}"
        gateway = await stack.enter_async_context(gateway_rig.running(nats, dashboard_url=url, **settings))
        await dashboard_service.wait_ready(service)
        async with rig.running():
            yield PageServices(gateway, rig, service, connect)
