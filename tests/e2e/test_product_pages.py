"""The pages of the product as ``make run`` starts it: through the gateway, with real events, without a complaint."""

from __future__ import annotations

import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.async_api import Browser

from dashboard_stream.boards.dashboards import dashboard_of
from dashboard_stream.boards.ready import ready
from drishti.measures.built_in import FED
from rigs.browser import launched, visiting
from rigs.local_run import Running
from rigs.otlp_spans import resource_spans, span
from rigs.product import Product
from rigs.waiting import wait_until


@pytest.fixture
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


async def test_every_page_comes_alive_without_a_word_on_the_console(product: Product, chrome: Browser) -> None:
    # Of a kind that no test of this folder counts.
    asked = [
        {
            "event_id": f"page-{n}",
            "event_type": "wisdom_generated",
            "user_id": f"u{n}",
            "session_id": f"s{n}",
            "data": {"wisdom_score": 0.9},
        }
        for n in range(9)
    ]
    status, answer = await product.post("/api/events", asked)
    assert (status, answer["accepted"]) == (202, 9)
    for name in (document.name for document in ready(FED) if dashboard_of(document, FED).readings):
        async with visiting(chrome, product.url) as visit:
            await visit.open(name)
            await visit.wait_state("live")
            await visit.wait_until(
                "() => [...document.querySelectorAll('[data-value]')].some(e => /[1-9]/.test(e.textContent))"
            )
            assert visit.complaints == [], name


async def test_the_page_of_metrics_lists_and_draws_what_the_product_counts(product: Product, chrome: Browser) -> None:
    async with visiting(chrome, product.url) as visit:
        await visit.page.goto(f"{product.url}/api/dashboard/metrics")
        await visit.wait_state("current")
        await visit.page.get_by_role("link", name="requests", exact=True).click()
        await visit.page.locator(".metric-chart .js-line[d]").first.wait_for(state="attached", timeout=150_000)
        assert visit.page.url.endswith("?metric=requests")
        assert visit.complaints == []


async def test_another_version_in_spans_is_a_deployment_by_itself(product: Product) -> None:
    service, now_ms = f"shop-{uuid.uuid4().hex[:8]}", int(time.time() * 1000)
    for version, ago_s in (("1.4.1", 300), ("1.4.2", 60), ("1.4.1", 61)):
        trace = uuid.uuid4().bytes
        at = (now_ms - ago_s * 1000) * 1_000_000
        message = resource_spans(service, [span(trace, trace[:8], "GET /tea", start_ns=at)], **{"service.version": version})
        body = ExportTraceServiceRequest(resource_spans=[message]).SerializeToString()
        status, answer = await product.post("/v1/traces", body, Content_Type="application/x-protobuf")
        assert status == 200, answer

    async def reported() -> list[Any]:
        history = await product.get(
            "/api/dashboard/insight-history", **{"from": str(now_ms - 3_600_000), "to": str(now_ms + 60_000)}
        )
        changes = [one for one in history["insights"] if one["kind"] == "change" and one["services"] == [service]]
        return [(one["change"], one["version"], one["at"]) for one in changes]

    await wait_until(reported, equals=[("deployment", "1.4.2", (now_ms - 60_000) // 1000 * 1000)])


async def test_dashboard_stream_listens_to_the_gateway_alone(run: tuple[Running, dict[str, str]], product: Product) -> None:
    _, environment = run
    path = "/api/dashboard/dashboards"
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{product.url}{path}") as answer:
            assert answer.status == 200
        async with http.get(
            f"http://127.0.0.1:{environment['DASHBOARD_STREAM_PORT']}{path}", headers={"X-Drishti-Tenant": "acme"}
        ) as answer:
            assert answer.status == 403
