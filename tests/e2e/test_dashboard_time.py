"""Time on a dashboard in a real browser: its address says what is shown, and what is shown is kept."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.async_api import Browser

from drishti.bus import connection
from drishti.bus.connection import Bus
from drishti_local.servers import NatsServer
from rigs.browser import DEADLINE_MS, Visit, launched, tell, visiting
from rigs.dashboard_service import running, wait_ready

USER = "dashboard-stream"
Connect = Callable[[str], Awaitable[Bus]]


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as result:
        yield result


@pytest.fixture
async def connect(own_nats: NatsServer) -> AsyncIterator[Connect]:
    """Connects to the test's own NATS as one of its users."""
    async with contextlib.AsyncExitStack() as stack:

        async def connected(user: str) -> Bus:
            bus = await connection.connect(own_nats.settings(user), name=user)
            stack.push_async_callback(bus.close)
            return bus

        yield connected


@pytest.fixture
async def visit(chrome: Browser, own_nats: NatsServer) -> AsyncIterator[Visit]:
    """A visit to a service of its own; it must leave nothing in the console."""
    async with running(own_nats.settings(USER)) as service:
        await wait_ready(service)
        async with visiting(chrome, f"http://127.0.0.1:{service.port}", color_scheme="light") as result:
            yield result
            assert result.complaints == []


def said(visit: Visit) -> dict[str, list[str]]:
    """What the address says."""
    return parse_qs(urlsplit(visit.page.url).query)


async def shot(visit: Visit, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await visit.page.screenshot(path=f"{folder}/time-{name}.png", full_page=True)


async def test_what_is_shown_stands_in_the_address_and_is_kept(visit: Visit, connect: Connect) -> None:
    analytics = await connect("analytics")
    await tell(analytics, 7, 1)
    await visit.open("system_overview")
    await visit.wait_number("requests.rate", "7.0")
    assert said(visit) == {}
    page = visit.page
    await page.get_by_role("button", name="15 min", exact=True).click()
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
    await legend.locator("button[aria-pressed=false]").first.wait_for()
    assert await legend.locator("button[aria-pressed=false]").count() == 2
    # Another dashboard is shown at the same time; lines are hidden where they were.
    await page.get_by_role("link", name="User analytics").click()
    await page.get_by_role("heading", name="User analytics").wait_for(timeout=DEADLINE_MS)
    assert said(visit) == {"from": ["now-15m"], "to": ["now"], "paused": [paused]}
    await visit.wait_state("paused")
    await page.go_back()
    await page.get_by_role("heading", name="System overview").wait_for(timeout=DEADLINE_MS)
    assert len(said(visit)["hide"]) == 2
    await page.get_by_role("button", name="Resume").click()
    await visit.wait_state("live")
    # One step back from the range that was chosen.
    await page.evaluate("history.go(-1)")
    await page.get_by_role("button", name="5 min", exact=True, pressed=True).wait_for(timeout=DEADLINE_MS)
    assert said(visit) == {}
