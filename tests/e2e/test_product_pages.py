"""The pages of the product as ``make run`` starts it: through the gateway, with real events, without a complaint."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.async_api import Browser, Page

from dashboard_stream.boards.dashboards import dashboard_of
from dashboard_stream.boards.ready import ready
from drishti.measures.built_in import FED
from rigs.browser import DEADLINE_MS, PHONE, launched, visiting
from rigs.local_run import Running
from rigs.otlp_spans import resource_spans, span
from rigs.product import Product
from rigs.waiting import wait_until

SMALL: dict[str, Any] = {**PHONE, "viewport": {"width": 360, "height": 740}}


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


async def test_another_version_in_spans_is_a_deployment_by_itself_and_so_is_its_return(
    product: Product, chrome: Browser
) -> None:
    service, now_ms = f"shop-{uuid.uuid4().hex[:8]}", int(time.time() * 1000)
    for version, ago_s in (("1.4.1", 400), ("1.4.2", 240), ("1.4.1", 390), ("1.4.1", 60)):
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
        return sorted((one["at"], one["change"], one["version"]) for one in changes)

    def second(ago_s: int) -> int:
        return (now_ms - ago_s * 1000) // 1000 * 1000

    await wait_until(reported, equals=[(second(240), "deployment", "1.4.2"), (second(60), "deployment", "1.4.1")])
    deployed, back = f"{service} runs version 1.4.2; before: 1.4.1", f"{service} is back at version 1.4.1; before: 1.4.2"
    for shape in ({}, SMALL):
        async with visiting(chrome, product.url, **shape) as visit:
            page = visit.page
            await page.goto(f"{product.url}/api/dashboard/home")
            for said in (back, deployed):
                await page.locator(".changes li", has_text=f"Deployment {said}").wait_for(timeout=DEADLINE_MS)
            await fits(page)
            await shot(page, f"deployments-home-{len(shape)}")
            await page.keyboard.press("Control+k")
            await page.get_by_role("combobox").fill(f"{service} back")
            choice = page.locator("#commands [role=option]", has_text=f"{service} 1.4.1")
            await choice.wait_for(timeout=DEADLINE_MS)
            await shot(page, f"deployments-palette-{len(shape)}")
            await choice.click()
            await page.locator("article.chart").first.scroll_into_view_if_needed()
            await (
                page.locator("article.chart .annotation-text", has_text="▲")
                .nth(1)
                .wait_for(state="attached", timeout=DEADLINE_MS)
            )
            await fits(page)
            await shot(page, f"deployments-chart-{len(shape)}")
            assert visit.complaints == []


async def fits(page: Page) -> None:
    assert page.viewport_size is not None
    assert await page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


async def shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=f"{folder}/{name}.png")


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
