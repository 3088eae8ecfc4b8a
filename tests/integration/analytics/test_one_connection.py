"""Questions are answered on the connection that the service has; FastStream opens none and closes none."""

from __future__ import annotations

import json
from typing import Any

import nats
import pytest

from analytics.overflow import Overflows
from analytics.query.api import api, broker
from drishti.bus.connection import connect
from drishti.errors import QueryError
from drishti.events import Query, QueryAnswer
from drishti_local.servers import NatsServer


class Echo:
    async def answer(self, asked: Query) -> QueryAnswer:
        return QueryAnswer(
            metric=asked.metric,
            aggregate=asked.aggregate,
            unit="1",
            from_ms=1,
            to_ms=2,
            resolution="1s",
            source="rollup_1s",
            as_of=3,
            series=[],
        )


async def test_the_broker_works_on_the_services_connection_and_leaves_it_open(
    own_nats: NatsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    service = await connect(own_nats.settings("analytics"), name="analytics")
    gateway = await connect(own_nats.settings("gateway"), name="gateway")

    async def refused(**_: Any) -> None:
        raise AssertionError("a second connection")

    monkeypatch.setattr(nats, "connect", refused)
    echo: Any = Echo()
    payload = json.dumps({"tenant": "t", "metric": "events", "aggregate": "count", "from": 1, "to": 2}).encode()
    try:
        for _ in range(2):  # it can be started again
            answering = broker(service.nc, api(echo, echo, echo, {}, Overflows()))
            await answering.start()
            await service.ping()  # the subscription is with the server
            reply = await gateway.request("query.v1.metrics", payload, timeout_s=30)
            assert reply.headers is not None
            assert reply.headers["Drishti-Status"] == "ok"
            await answering.stop()
            await service.ping()
            with pytest.raises(QueryError, match="nobody answers"):
                await gateway.request("query.v1.metrics", payload, timeout_s=30)
    finally:
        await gateway.close()
        await service.close()
