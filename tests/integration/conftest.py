"""What tests of several services start from: a connection to the test's own NATS, and what an analytics runs on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from drishti.bus.connection import Bus, connect
from drishti_local.servers import NatsServer
from rigs.analytics import Rig, rig


@pytest.fixture
async def admin(own_nats: NatsServer) -> AsyncIterator[Bus]:
    """A connection to the test's own NATS that may do everything."""
    bus = await connect(own_nats.settings("admin"), name="admin")
    yield bus
    await bus.close()


@pytest.fixture
async def world(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Rig]:
    """A bus, a database and a tenant, all the test's own; ``running`` and ``process`` start an analytics on them."""
    async with rig(own_nats, postgres_url) as result:
        yield result
