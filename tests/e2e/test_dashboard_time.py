"""Time on a dashboard in a real browser: its address says what is shown, and what is shown is kept."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser

from drishti_local.servers import NatsServer
from rigs.browser import DEADLINE_MS, PHONE, Visit, launched, tell, visiting
from rigs.page_services import PageServices, page_services
from rigs.waiting import wait_until

MINUTE_NS = 60_000_000_000


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as result:
        yield result


def said(visit: Visit) -> dict[str, list[str]]:
    """What the address says."""
    return parse_qs(urlsplit(visit.page.url).query)


async def choose(visit: Visit, range_title: str) -> None:
    """Chooses an offered range of time."""
    await visit.page.locator(".chosen-range").click()
    await visit.page.get_by_role("group", name="Time shown").get_by_role("button", name=range_title, exact=True).click()


async def shot(visit: Visit, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await visit.page.screenshot(path=f"{folder}/time-{name}.png", full_page=True)


@pytest.fixture
async def services(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[PageServices]:
    """All services that a past needs, with half an hour of orders of three shops counted."""
    async with page_services(own_nats, postgres_url) as result:
        gateway = result.gateway
        key = await gateway.key("producer", tenant="default")
        status, answer = await gateway.post("/v1/metrics", orders(), authorization=f"Bearer {key}")
        assert (status, answer) == (200, {}), answer

        async def counted() -> bool:
            async with gateway.http.get(f"{gateway.url}/api/dashboard/analytics/metrics") as listed:
                return any(one["name"] == "orders" and one.get("series") for one in (await listed.json())["metrics"])

        await wait_until(counted)
        yield result


def orders() -> dict[str, Any]:
    """An export of half an hour: 60, 120 and 180 orders a minute."""
    now = time.time_ns() // MINUTE_NS * MINUTE_NS
    points = [
        {
            "startTimeUnixNano": str(now - back * MINUTE_NS),
            "timeUnixNano": str(now - (back - 1) * MINUTE_NS),
            "asInt": str(60 * n),
            "attributes": [{"key": "shop", "value": {"stringValue": f"shop {n}"}}],
        }
        for back in range(30, 0, -1)
        for n in (1, 2, 3)
    ]
    orders = {
        "name": "orders",
        "unit": "{order}",
        "sum": {"aggregationTemporality": 1, "isMonotonic": True, "dataPoints": points},
    }
    return {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"metrics": [orders]}]}]}


async def lines_drawn(visit: Visit, count: int = 1) -> None:
    await visit.wait_until("count => document.querySelectorAll('article.chart .js-line[d]').length >= count", count)


async def test_what_is_shown_stands_in_the_address_and_is_kept(chrome: Browser, services: PageServices) -> None:
    await tell(await services.connect("analytics"), 7, 1)
    async with visiting(chrome, services.gateway.url, color_scheme="light") as visit:
        await _kept(visit)
        assert visit.complaints == []


async def _kept(visit: Visit) -> None:
    await visit.open("system_overview")
    assert said(visit) == {}
    page = visit.page
    await choose(visit, "15 min")
    await page.wait_for_url("**?from=now-15m&to=now")
    legend = visit.chart("Latency").first.locator(".legend")
    await legend.get_by_role("button", name="p50").click()
    await legend.locator("button[aria-pressed=false]").wait_for()
    assert said(visit) == {"from": ["now-15m"], "to": ["now"], "hide": ["latency~request_duration_ms.p50"]}
    # Alone, and all of them again.
    await legend.get_by_role("button", name="p99").click(modifiers=["Alt"])
    await visit.wait_until("() => document.querySelectorAll('.legend button[aria-pressed=false]').length === 2")
    await legend.get_by_role("button", name="p99").dblclick()
    await visit.wait_until("() => document.querySelectorAll('.legend button[aria-pressed=false]').length === 0")
    await legend.get_by_role("button", name="p95").dblclick()
    await visit.wait_until("() => document.querySelectorAll('.legend button[aria-pressed=false]').length === 2")
    await page.get_by_role("button", name="Pause").click()
    await visit.wait_state("paused")
    (paused,) = said(visit)["paused"]
    await page.reload()
    await visit.wait_state("paused")
    # Another dashboard is shown at the same time; lines are hidden where they were.
    await page.get_by_role("link", name="User analytics").click()
    await page.get_by_role("heading", name="User analytics").wait_for(timeout=DEADLINE_MS)
    assert said(visit) == {"from": ["now-15m"], "to": ["now"], "paused": [paused]}
    await visit.wait_state("paused")
    await page.go_back()
    await page.get_by_role("heading", name="System overview").wait_for(timeout=DEADLINE_MS)
    assert len(said(visit)["hide"]) == 2
    await page.get_by_role("button", name="Resume").click()
    await visit.wait_until("() => document.querySelectorAll('.legend button[aria-pressed=false]').length === 2")
    # One step back from the range that was chosen.
    await page.evaluate("history.go(-1)")
    await page.get_by_role("button", name="Last 5 min").wait_for(timeout=DEADLINE_MS)
    assert said(visit) == {}


async def test_a_past_is_read_shown_and_left_again(chrome: Browser, services: PageServices) -> None:
    async with visiting(chrome, services.gateway.url, color_scheme="light") as visit:
        page = visit.page
        await visit.open("own_metrics", "?from=now-1h&to=now")
        await page.get_by_role("button", name="Last 1 h").wait_for(timeout=DEADLINE_MS)
        await lines_drawn(visit)
        chart = page.locator("article.chart").first
        assert "1 h, points of" in await chart.locator("h2").inner_text()
        # An absolute range, typed; what is none is said at its field.
        await page.locator(".chosen-range").click()
        dialog = page.get_by_role("dialog", name="Time range")
        await dialog.get_by_label("From").fill("last tuesday")
        await dialog.get_by_role("button", name="Show").click()
        await dialog.get_by_role("alert").wait_for()
        assert await dialog.get_by_label("From").get_attribute("aria-invalid") == "true"
        await shot(visit, "picker")
        await dialog.get_by_role("button", name="UTC").click()
        await page.wait_for_url("**tz=utc*")
        begin = time.strftime("%Y-%m-%d %H:%M", time.gmtime(time.time() - 1200))
        end = time.strftime("%Y-%m-%d %H:%M", time.gmtime(time.time() - 300))
        await dialog.get_by_label("From").fill(begin)
        await dialog.get_by_label("To").fill(end)
        await page.keyboard.press("Enter")
        await visit.wait_state("past")
        assert said(visit)["from"] == [begin.replace(" ", "T") + ":00Z"]
        await lines_drawn(visit)
        assert "ended" in await page.locator(".age").inner_text()
        # All three shops sell six a second, also where the range is read again from its link.
        await page.reload()
        await visit.wait_state("past")
        await chart.locator(".legend b", has_text="6.0").first.wait_for(timeout=DEADLINE_MS)
        await shot(visit, "past")
        await page.get_by_role("button", name="Back to live").click()
        await page.get_by_role("button", name="Pause").wait_for()
        assert visit.complaints == []


async def test_time_is_chosen_on_a_phone_without_pushing_the_page_aside(chrome: Browser, services: PageServices) -> None:
    phone = {**PHONE, "viewport": {"width": 360, "height": 780}}
    async with visiting(chrome, services.gateway.url, color_scheme="dark", **phone) as visit:
        await visit.open("own_metrics", "?from=now-1h&to=now-2m")
        await visit.wait_state("past")
        await lines_drawn(visit)
        await shot(visit, "phone")
        await visit.page.locator(".chosen-range").click()
        dialog = visit.page.get_by_role("dialog", name="Time range")
        await dialog.wait_for()
        await shot(visit, "phone-picker")
        assert await visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        box = await dialog.bounding_box()
        assert box is not None
        assert 0 <= box["x"] <= 360 - box["width"]
        await visit.page.keyboard.press("Escape")
        await dialog.wait_for(state="detached")
        assert visit.complaints == []


async def test_a_range_drawn_in_a_chart_is_the_pages_and_one_step_leads_back(chrome: Browser, services: PageServices) -> None:
    await tell(await services.connect("analytics"), 7, 1)
    async with visiting(chrome, services.gateway.url, color_scheme="light") as visit:
        page = visit.page
        await visit.open("system_overview")
        await visit.drawing("Requests by service")
        chart = visit.chart("Requests by service").first
        plot = chart.locator(".plot")
        box = await plot.bounding_box()
        assert box is not None
        middle = box["y"] + box["height"] / 2
        # Near the present there is something to point at; every chart has its line at the same instant.
        await page.mouse.move(box["x"] + box["width"] * 0.9, middle)
        await page.mouse.move(box["x"] + box["width"] - 30, middle)
        await chart.locator(".values b").first.wait_for(timeout=DEADLINE_MS)
        values = await chart.locator(".values span b").all_inner_texts()
        numbers = [float(text.removesuffix("/s")) for text in values]
        assert numbers == sorted(numbers, reverse=True)
        await visit.wait_until("() => document.querySelectorAll('.crosshair:not([hidden])').length > 3")
        await shot(visit, "crosshair")
        await page.mouse.move(box["x"] + box["width"] * 0.4, middle)
        await page.mouse.down()
        await page.mouse.move(box["x"] + box["width"] * 0.6, middle)
        await page.mouse.move(box["x"] + box["width"] * 0.8, middle)
        await chart.locator(".drawn-range:not([hidden])").wait_for()
        await page.mouse.up()
        await visit.wait_state("past")
        from_, to = said(visit)["from"][0], said(visit)["to"][0]
        assert from_ < to < time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        await page.keyboard.press("Escape")
        await page.get_by_role("button", name="Pause").wait_for(timeout=DEADLINE_MS)
        assert said(visit) == {}
        # Back to what was drawn, and by a double-click to the present again.
        await page.go_back()
        await visit.wait_state("past")
        assert said(visit) == {"from": [from_], "to": [to]}
        await plot.dblclick(position={"x": box["width"] / 2, "y": box["height"] / 2})
        await page.get_by_role("button", name="Pause").wait_for(timeout=DEADLINE_MS)
        assert visit.complaints == []
