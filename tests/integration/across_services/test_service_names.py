"""The name of a service, however it was given: one token in every metric, and the given name beside it for people."""

from __future__ import annotations

import time

import pytest
from opentelemetry.proto.metrics.v1.metrics_pb2 import ResourceMetrics

from analytics.storage import store
from drishti.analytics import Analytics
from drishti.asgi import DrishtiMiddleware
from drishti.events import AnalyticsEvent, QueryAnswer
from drishti.messages import subjects
from drishti_local.servers import NatsServer
from rigs.analytics import event, request, rig
from rigs.asgi import call, empty_answer
from rigs.dashboard_service import frame_with, running, wait_ready
from rigs.nats_clients import settled
from rigs.waiting import wait_until

NAME, TOKEN = "Checkout Service.v2", "checkout-service-v2"
HOSTILE = "<img src=x onerror=alert(1)>\u202e\x1b[31m & Söhne"


def otlp(name: str) -> bytes:
    message = ResourceMetrics()
    message.resource.attributes.add(key="service.name").value.string_value = name
    point = message.scope_metrics.add().metrics.add(name="process.memory.usage").gauge.data_points.add(as_int=1024)
    point.time_unix_nano = time.time_ns()
    return message.SerializeToString()


async def serve_one(client: Analytics) -> None:
    """One request to an application that is instrumented."""
    await call(DrishtiMiddleware(empty_answer, service=NAME, sink=client), "/")


async def test_a_service_has_one_token_and_people_see_the_name_that_it_was_given(
    nats_server: NatsServer, nats_url: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES"):
        monkeypatch.delenv(variable, raising=False)
    async with (
        rig(nats_server, postgres_url) as world,
        world.running(),
        running(nats_server.settings("dashboard-stream")) as pages,
        Analytics(nats_url=nats_server.url("producer"), tenant=world.tenant, service=NAME) as client,
    ):
        await wait_ready(pages)

        async def say() -> None:
            await serve_one(client)
            assert client.track(AnalyticsEvent(event_id=f"own-{time.time_ns()}", event_type="named"))
            assert client.track(AnalyticsEvent(event_id=f"said-{time.time_ns()}", event_type="named", service="結帳"))
            await settled(client)
            await world.admin.publish(subjects.metrics(world.tenant, "x"), otlp(NAME))
            await world.admin.publish(subjects.metrics(world.tenant, "x"), otlp(HOSTILE))

        async def names(metric: str, aggregate: str) -> dict[str, str] | None:
            answer = await world.ask(metric, aggregate, group_by=["service"])
            assert isinstance(answer, QueryAnswer)
            found = {series.labels["service"] for series in answer.series}
            return answer.service_names if TOKEN in found else None

        await say()
        checkout = subjects.token("結帳")
        hostile = subjects.token(HOSTILE)
        assert await wait_until(lambda: names("requests", "count")) == {TOKEN: NAME}
        assert await wait_until(lambda: names("events", "count")) == {TOKEN: NAME, checkout: "結帳"}
        visible = "<img src=x onerror=alert(1)> [31m & Söhne"
        await wait_until(lambda: names("memory_usage_bytes", "max"))
        await world.wait_settled()
        assert await names("memory_usage_bytes", "max") == {TOKEN: NAME, hostile: visible}
        filtered = await world.ask("requests", "count", filters={"service": "CHECKOUT service/v2"})
        assert isinstance(filtered, QueryAnswer)
        assert (filtered.series[0].total, filtered.service_names) == (1, {TOKEN: NAME})

        async with pages.connect("system_overview", world.tenant) as socket:

            async def in_a_frame() -> bool:
                await say()
                got = await frame_with(socket, lambda frame: True)
                return got.data.service_names.get(TOKEN) == NAME and got.data.service_names.get(hostile) == visible

            await wait_until(in_a_frame)


async def test_names_of_one_tenant_are_bounded_counted_and_follow_the_newest(
    nats_server: NatsServer, nats_url: str, postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MAX_OF_TENANT", 3)
    async with rig(nats_server, postgres_url) as world, world.running():

        async def kept() -> dict[str, str]:
            answer = await world.ask("requests", "count", group_by=["service"])
            assert isinstance(answer, QueryAnswer)
            return answer.service_names

        for n in range(5):
            await world.publish_requests(request(service=f"s-{n}", service_name=f"S {n}"))
            await world.wait_settled()
        await wait_until(lambda: world.rows("requests"))
        assert await kept() == {"s-0": "S 0", "s-1": "S 1", "s-2": "S 2"}
        await world.publish_requests(
            request(service="s-0", service_name="S/0"), request(service="s-1", service_name="Payments")
        )
        await world.publish(event(service="s-3", service_name="S 3"))
        await world.wait_settled()
        assert await kept() == {"s-0": "S/0", "s-1": "S 1", "s-2": "S 2"}
        assert await world.fetchval("SELECT count(*) FROM service_names WHERE tenant = $1", world.tenant) == 3
