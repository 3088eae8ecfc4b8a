"""Python's own logging through the OpenTelemetry SDK, gateway and analytics: found, counted, joined to its trace, an event."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import LoggerProvider, LoggingHandler
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider

from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs.waiting import wait_until

LOGS = "/api/analytics/logs"


class Product:
    """Gateway and analytics on one bus; ``get`` as a user does."""

    def __init__(self, gateway: gateway_rig.Rig, analytics: analytics_rig.Rig) -> None:
        self.gateway = gateway
        self.analytics = analytics

    async def get(self, path: str, key: str | None = None, **parameters: str) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {self.gateway.admin if key is None else key}"} if key != "" else {}
        async with self.gateway.http.get(self.gateway.url + path, params=parameters, headers=headers) as answer:
            return answer.status, await answer.json()

    async def totals(self, metric: str, group_by: str) -> dict[str, float]:
        """How many, by one label."""
        asked = {"metric": metric, "aggregate": "count", "group_by": group_by}
        status, answer = await self.get("/api/analytics/query", **asked)
        assert status == 200, answer
        return {one["labels"][group_by]: one["total"] for one in answer["series"]}

    async def found(self, **parameters: str) -> list[dict[str, Any]]:
        status, answer = await self.get(LOGS, **parameters)
        assert status == 200, answer
        return list(answer["records"])


@pytest.fixture
async def product(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[Product]:
    async with (
        analytics_rig.rig(own_nats, postgres_url) as analytics,
        analytics.running(),
        gateway_rig.running(own_nats) as gateway,
    ):
        yield Product(gateway, analytics)


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """One of Python's loggers, whose records go nowhere else."""
    logger = logging.getLogger("shop.checkout.of.this.test")
    logger.propagate = False
    logger.setLevel(logging.DEBUG)
    yield logger
    logger.handlers.clear()
    logger.propagate = True


async def test_what_an_application_logs_is_found_counted_and_an_event(product: Product, logger: logging.Logger) -> None:
    exporter = OTLPLogExporter(
        f"{product.gateway.url}/v1/logs", headers={"x-api-key": product.gateway.admin}, compression=Compression.Gzip
    )
    provider = LoggerProvider(resource=Resource({"service.name": "Shop"}), shutdown_on_exit=False)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
    with pytest.warns(DeprecationWarning, match="LoggingHandler"):
        logger.addHandler(LoggingHandler(logger_provider=provider))
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("shop")
    with tracer.start_as_current_span("pay") as span:
        for number in range(5):
            logger.info("cart %d of %s paid", number, f"user{number}@example.com")
        try:
            raise LookupError("no price of tea")
        except LookupError:
            logger.exception("cart not paid")
        paid = LogRecord(
            event_name="Cart.Paid",
            severity_number=SeverityNumber.INFO,
            attributes={"user.id": "alice", "session.id": "s1", "satisfaction": 4.5},
        )
        provider.get_logger("shop").emit(paid)
    trace_id = f"{span.get_span_context().trace_id:032x}"
    await asyncio.to_thread(provider.shutdown)

    await wait_until(lambda: _all_found(product, 7))
    of_trace = await product.found(trace_id=trace_id)
    assert len(of_trace) == 7, "all of them are records of the span's trace"
    (failed,) = await product.found(service="Shop", severity="error")
    assert (failed["body"], failed["attributes"]["exception.type"]) == ("cart not paid", "LookupError")
    assert await product.found(text="PRICE OF TEA") == [failed]

    status, answer = await product.get(f"{LOGS}/templates", steps="1")
    assert (status, answer["count"]) == (200, 7)
    counted = {one["text"]: one["count"] for one in answer["templates"]}
    assert counted == {"cart <*> of <*> paid": 5, "cart not paid": 1, "Cart.Paid": 1}
    assert answer["service_names"] == {"shop": "Shop"}
    (template,) = (one["id"] for one in answer["templates"] if one["count"] == 5)
    assert len(await product.found(template=template)) == 5

    assert await product.totals("log_records", "severity") == {"error": 1, "info": 6}
    assert await product.totals("events", "event_type") == {"cart-paid": 1}


async def test_logs_are_for_those_with_a_key_of_the_tenant(product: Product) -> None:
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": [{"body": {"stringValue": "mine"}}]}]}]}
    assert (await product.gateway.post("/v1/logs", body))[0] == 200
    await wait_until(lambda: _all_found(product, 1))
    other = await product.gateway.key("viewer", "globex")
    assert (await product.get(LOGS, other))[1]["records"] == []
    assert (await product.get(f"{LOGS}/templates", other))[1]["templates"] == []
    producer = await product.gateway.key("producer")
    assert (await product.get(LOGS, producer))[0] == 403
    assert (await product.get(LOGS, ""))[0] == 401
    for parameters, field in (({"severity": "loud"}, "severity"), ({"cursor": "x"}, "cursor"), ({"from": "then"}, "from")):
        status, answer = await product.get(LOGS, **parameters)
        assert (status, answer["field"]) == (422, field), answer
        assert answer["error"]


async def _all_found(product: Product, count: int) -> bool:
    return len(await product.found()) == count
