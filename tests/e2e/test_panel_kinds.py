"""Every kind of panel in a real browser, on a dashboard that a tenant made: drawn of what came, on a desk and on a phone."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import time
from collections.abc import AsyncIterator
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser

from drishti.bus import connection
from drishti.bus.connection import Bus
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs import gateway as gateway_rig
from rigs.aggregates import aggregate
from rigs.browser import PHONE, Visit, alarm, launched, tell, visiting
from rigs.dashboard_service import publish, running, wait_ready

RATE = {"metric": "requests", "field": "rate"}
BY_SERVICE = {**RATE, "by": "service"}
HOSTILE = "<img src=x onerror=alert(1)> [x](javascript:alert(1))"
WORDS = f"# On call\n\nAsk **first**, then read [the metrics](/api/dashboard/metrics).\n\n- one\n- `two`\n\n{HOSTILE}"

BY_MODEL = {"metric": "llm_requests", "field": "rate", "by": "model"}

TOLD_EVERY_S = 20.0

LAST_REVISION = 1_000
"""Later than whatever was told before."""

PANELS: list[dict[str, Any]] = [
    {"kind": "stat", "title": "Requests", "value": RATE, "limits": {"target": 10, "warn": 5, "bad": 1}},
    {"kind": "gauge", "title": "Load", "value": RATE, "max": 50, "limits": {"direction": "down", "warn": 25, "bad": 40}},
    {"kind": "gauge", "title": "Cache hits", "value": {"metric": "cache_requests", "field": "hit_rate"}},
    {"kind": "time_series", "title": "Stacked", "style": "stacked", "lines": [{**RATE, "name": "all"}, BY_SERVICE]},
    {"kind": "time_series", "title": "Area", "style": "area", "lines": [RATE], "thresholds": [{"value": 30, "word": "full"}]},
    {"kind": "time_series", "title": "Barred", "style": "bars", "lines": [BY_SERVICE],
     "bands": [{"lower": 10, "upper": 30, "word": "usual"}]},
    {"kind": "table", "title": "Services", "by": "service", "head": "Service", "columns": [
        {**RATE, "title": "requests"}, {"metric": "requests", "field": "error_rate", "title": "errors"}]},
    {"kind": "bar", "title": "Requests by service", "bars": BY_SERVICE},
    {"kind": "pie", "title": "Share of services", "parts": BY_SERVICE},
    {"kind": "pie", "title": "Share of models", "style": "treemap", "parts": BY_MODEL},
    {"kind": "bar", "title": "Nothing yet", "bars": {"metric": "topics", "field": "count", "by": "event_type", "span": "1h"}},
    {"kind": "text", "title": "Words", "text": WORDS},
    {"kind": "events", "title": "Events", "all_metrics": True},
    {"kind": "incidents", "title": "Incidents"},
    {"kind": "forecast_scores", "title": "Scores"},
    {"kind": "traces", "title": "Search"},
]  # fmt: skip


@contextlib.asynccontextmanager
async def connected(nats: NatsServer, user: str) -> AsyncIterator[Bus]:
    bus = await connection.connect(nats.settings(user), name=user)
    try:
        yield bus
    finally:
        await bus.close()


class House(NamedTuple):
    """What all tests here look at: who publishes, the gateway in front of the pages, and a browser. There is no analytics."""

    bus: Bus
    predictor: Bus
    gateway: gateway_rig.Rig
    chrome: Browser


@pytest.fixture(scope="module")
async def house(module_nats: NatsServer) -> AsyncIterator[House]:
    port = free_port()
    async with (
        running(module_nats.settings("dashboard-stream"), port=port) as service,
        gateway_rig.running(module_nats, dashboard_url=f"http://127.0.0.1:{port}") as gateway,
        connected(module_nats, "analytics") as bus,
        connected(module_nats, "predictor") as predictor,
        launched() as chrome,
    ):
        await wait_ready(service)
        yield House(bus, predictor, gateway, chrome)


async def _shot(visit: Visit, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await visit.page.screenshot(path=f"{folder}/panels-{name}.png", full_page=True)


async def test_every_kind_is_drawn_of_what_came(house: House) -> None:
    editor = await house.gateway.key("editor", tenant="default")
    async with house.gateway.http.put(
        f"{house.gateway.url}/api/dashboard/dashboards/kinds",
        json={"name": "kinds", "title": "Kinds", "panels": PANELS},
        headers={"x-api-key": editor},
    ) as stored:
        assert stored.status == 201, await stored.text()
    telling = asyncio.create_task(_go_on_telling(house.bus))
    try:
        for shape, scheme in (({}, "light"), (PHONE, "dark")):
            await alarm(house.predictor)
            async with visiting(house.chrome, house.gateway.url, color_scheme=scheme, **shape) as visit:
                await _look(visit, f"{'phone' if shape else 'desk'}-{scheme}")
                await _use_the_frame(visit, f"{'phone' if shape else 'desk'}-{scheme}")
    finally:
        telling.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await telling


async def _go_on_telling(bus: Bus) -> None:
    """What is older than a minute and a half is no number of now, and a busy machine may need longer for all steps."""
    for revision in count(1):
        await tell(bus, 20, revision)
        await asyncio.sleep(TOLD_EVERY_S)


def _panel(visit: Visit, title: str) -> Any:
    return visit.page.locator("article").filter(has=visit.page.get_by_role("heading", name=title)).first


async def _look(visit: Visit, name: str) -> None:
    page = visit.page
    await visit.open("kinds")
    await visit.wait_number("requests.rate", "20.0")
    await _panel(visit, "Requests").get_by_text("on target").wait_for()
    gauge = page.get_by_role("meter", name="Load")
    assert await gauge.get_attribute("aria-valuetext") == "20.0/s"
    assert await page.get_by_role("meter", name="Cache hits").get_attribute("aria-valuetext") == "50.0 %"
    assert await _panel(visit, "Requests by service").locator("li").count() == 2
    ring = _panel(visit, "Share of services").get_by_role("img")
    assert await ring.get_attribute("aria-label") == "Share of services: gateway 50.0 %, wisdom 50.0 %"
    assert await _panel(visit, "Share of models").locator(".areas > div").count() == 2
    await _panel(visit, "Nothing yet").get_by_text("Waiting for the first data").wait_for()
    for title, filled in ("Stacked", 2), ("Area", 1), ("Barred", 2):
        await visit.drawing(title)
        assert await visit.chart(title).locator(".js-fill").count() >= filled
    await visit.chart("Area").get_by_text("full 30.0/s").wait_for()
    await visit.chart("Barred").get_by_text("usual").wait_for()
    table = _panel(visit, "Services")
    assert await table.locator("tbody th").all_inner_texts() == ["gateway", "wisdom"]
    for _ in range(2):
        await table.get_by_role("button", name="Service").click()
    await table.locator("th[aria-sort=descending]").get_by_text("Service").wait_for()
    assert await table.locator("tbody th").all_inner_texts() == ["wisdom", "gateway"]
    await _panel(visit, "Events").get_by_text("1 open").wait_for()
    await _panel(visit, "Events").get_by_text("expected 200 ms to 600 ms").wait_for()
    # What the dashboard does not show is in a panel that says so alone.
    await _panel(visit, "Incidents").get_by_text("No incidents reported").wait_for()
    await _panel(visit, "Scores").get_by_text("No forecast has been scored yet").wait_for()
    await _panel(visit, "Search").scroll_into_view_if_needed()
    await _panel(visit, "Search").get_by_role("button", name="Try again").wait_for()
    words = _panel(visit, "Words")
    assert HOSTILE in await words.inner_text()
    assert await words.get_by_role("link").evaluate_all("links => links.map(link => link.getAttribute('href'))") == [
        "/api/dashboard/metrics"
    ]
    assert await page.locator("img").count() == 0
    await _shot(visit, name)
    assert await page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
    _forget_analytics(visit)
    assert visit.complaints == []


def _forget_analytics(visit: Visit) -> None:
    """There is no analytics here: what is asked of it is answered with 503, which the console says too."""
    visit.complaints[:] = [one for one in visit.complaints if "503" not in one]


async def _choose(visit: Visit, title: str, item: str) -> None:
    await visit.page.get_by_role("button", name=f"Menu of {title}", exact=True).click()
    await visit.page.get_by_role("menuitem", name=item).click()


async def _downloaded(visit: Visit, title: str, item: str) -> tuple[str, bytes]:
    async with visit.page.expect_download() as download:
        await _choose(visit, title, item)
    file = await download.value
    return file.suggested_filename, await asyncio.to_thread(Path(await file.path()).read_bytes)


async def _use_the_frame(visit: Visit, name: str) -> None:
    """What every panel has around it: alone, as a table, as files and in words, by pointer and by keys."""
    page = visit.page
    assert await page.locator(".framed").count() == len(PANELS)
    await _choose(visit, "Area", "Full screen")
    await page.wait_for_url("**?panel=area")
    back = page.get_by_role("button", name="Back to all panels")
    assert await back.evaluate("button => button === document.activeElement")
    assert await page.locator(".framed").count() == 1
    await visit.drawing("Area")
    await _shot(visit, f"alone-{name}")
    await page.reload()
    await visit.drawing("Area")
    await page.keyboard.press("Escape")
    await page.locator(".framed").nth(len(PANELS) - 1).wait_for()
    menu = page.get_by_role("button", name="Menu of Area", exact=True)
    await visit.wait_until("() => document.activeElement?.getAttribute('aria-label') === 'Menu of Area'")
    await page.keyboard.press("v")
    await back.wait_for()
    await page.keyboard.press("v")
    await menu.wait_for()

    await menu.focus()
    await page.keyboard.press("Enter")
    await visit.wait_until("() => document.activeElement?.getAttribute('role') === 'menuitem'")
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Enter")
    table = page.get_by_role("region", name="Area as a table")
    await table.get_by_role("cell", name="20.0/s").first.wait_for()
    await _choose(visit, "Area", "Show as drawn")
    await visit.drawing("Area")

    file, rows = await _downloaded(visit, "Requests by service", "Download CSV")
    assert (file, rows) == ("requests-by-service.csv", b"service,rate ({request}/s)\r\ngateway,20\r\nwisdom,20\r\n")
    file, picture = await _downloaded(visit, "Area", "Download PNG")
    assert file == "area.png"
    assert picture.startswith(b"\x89PNG\r\n")

    await _choose(visit, "Stacked", "Explain")
    dialog = page.get_by_role("dialog", name="What Stacked shows")
    await dialog.get_by_text("Live: data").wait_for()
    await _shot(visit, f"explain-{name}")
    await page.keyboard.press("Escape")
    await dialog.wait_for(state="detached")
    await visit.wait_number("requests.rate", "20.0")
    _forget_analytics(visit)
    assert visit.complaints == []


WORD = "w" * 10_000
VALUES = ("<script>alert(1)</script>", "\u202egnp.exe\u0645\u0631\u062d\u0628\u0627", "=HYPERLINK(1)", "v" * 200)
"""Markup, text that runs from right to left, a formula, and a word that is as long as a value may be."""

RIGHT_TO_LEFT = VALUES[1].lstrip("\u202e")
"""What a document may have of it: not the character that turns around what stands beside."""

COUNT = {"metric": "topics", "field": "count", "by": "topic", "resolution": "1m"}


def _hostile_panels() -> list[dict[str, Any]]:
    asked = {
        "stat": {"value": RATE, "out_of": VALUES[0]},
        "gauge": {"value": RATE},
        "time_series": {"lines": [COUNT], "measures": VALUES[0], "bands": [{"upper": 9, "word": "<b>band</b>"}]},
        "heatmap": {"rows": COUNT},
        "table": {"by": "topic", "head": VALUES[0], "columns": [{**COUNT, "title": RIGHT_TO_LEFT}]},
        "bar": {"bars": COUNT},
        "pie": {"parts": COUNT},
        "text": {"text": f"{HOSTILE}\n\n{WORD[:9_000]}"},
        "events": {"all_metrics": True},
        "incidents": {"all_metrics": True},
        "forecast_scores": {},
        "traces": {"service": VALUES[0]},
        "errors": {"text": RIGHT_TO_LEFT},
        "service_map": {"service": VALUES[2]},
        "histogram": {"values": {"metric": "request_duration_ms", "only": {"service": VALUES[0]}}},
        "query": {"queries": [{"name": WORD[:200], "expression": f"count(topics where topic = {json.dumps(VALUES[0])})"}]},
    }
    titles = (VALUES[0], RIGHT_TO_LEFT * 8, WORD[:290])
    return [
        {"kind": kind, "title": f"{titles[place % 3]} {place}", "description": WORD[:2_000], **rest}
        for place, (kind, rest) in enumerate(asked.items())
    ]


TOO_WIDE = """() => {
  const clips = (one) =>
    one && (getComputedStyle(one).overflowX !== "visible" || clips(one.parentElement.closest("main *")));
  if (document.documentElement.scrollWidth <= 390) return [];
  const reaching = [...document.querySelectorAll("main *")].filter(
    (one) => one.getBoundingClientRect().right > 400 && !clips(one.parentElement));
  return reaching.slice(0, 5).map((one) => `${one.className} in ${one.parentElement.className}`);
}"""
"""What reaches beyond the screen of a phone, where the page does."""


async def test_no_text_breaks_a_panel_of_any_kind(house: House) -> None:
    panels = _hostile_panels()
    async with house.gateway.http.put(
        f"{house.gateway.url}/api/dashboard/dashboards/hostile",
        json={"name": "hostile", "title": VALUES[0], "description": WORD[:2_000], "panels": panels},
        headers={"x-api-key": await house.gateway.key("editor", tenant="default")},
    ) as stored:
        assert stored.status == 201, await stored.text()
    await tell(house.bus, 20, LAST_REVISION)
    minute = int(time.time() // 60) * 60_000
    series = [({}, {"count": 40}), *(({"topic": value}, {"count": 10}) for value in VALUES)]
    await publish(
        house.bus,
        *(
            aggregate("topics", minute - back * 60_000, series, resolution="1m", revision=LAST_REVISION + 1)
            for back in range(5)
        ),
    )
    await alarm(house.predictor, message=f"{HOSTILE} {WORD}", value=None, expected=None, lower=None, upper=None)
    async with visiting(house.chrome, house.gateway.url, **PHONE) as visit:
        page = visit.page
        await visit.open("hostile")
        await page.locator("article.pie li").nth(len(VALUES) - 1).wait_for()
        assert await page.locator(".framed").count() == len(panels)
        for place in range(len(panels)):
            await page.locator(".framed").nth(place).scroll_into_view_if_needed()
            if folder := os.environ.get("SCREENSHOTS"):
                await page.screenshot(path=f"{folder}/hostile-{place}.png")
        await page.locator(".asked").last.get_by_role("button", name="Try again").wait_for()
        await page.locator(".feed li").first.wait_for()
        assert await page.evaluate(TOO_WIDE) == []
        assert await page.locator("main script, main img, main b:text-is('band')").count() == 0
        _, rows = await _downloaded(visit, panels[5]["title"], "Download CSV")
        assert b"\r\n'=HYPERLINK(1),10\r\n" in rows
        await _choose(visit, panels[3]["title"], "Full screen")
        await page.get_by_role("button", name="Back to all panels").wait_for()
        assert await page.locator(".framed").count() == 1
        _forget_analytics(visit)
        assert visit.complaints == []
