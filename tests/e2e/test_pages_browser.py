"""The built pages in a real browser, before a real dashboard-stream on a real NATS."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime

import msgspec
import pytest
from playwright.async_api import Browser

import gateway_rig
from browser_rig import PHONE, Visit, alarm, launched, tell, visiting
from dashboard_service import Service, running, wait_ready
from dashboard_stream.dashboards import DASHBOARDS
from dashboard_stream.routes import STATIC
from drishti import bus as drishti_bus
from drishti import keys
from drishti.bus import Bus
from drishti_local.servers import NatsServer, free_port

USER = "dashboard-stream"

CHARTS = {
    "system_overview": (
        "requests.rate",
        ["Requests by service", "Latency", "Errors by service", "LLM latency by model", "CPU", "Memory"],
    ),
    "user_analytics": ("events.rate", ["Events by type", "People", "Satisfaction"]),
    "dharma_insights": ("llm_requests.rate", ["Topics", "LLM latency by model", "Tokens", "Wisdom score"]),
}
"""Of each page a value with a tile, and charts that are drawn of what :func:`browser_rig.everything` tells."""

MOVED = """
    before => [...document.querySelectorAll("article.chart .js-line")].some(line => {
        const path = line.getAttribute("d");
        return path && !before.includes(path);
    })
"""

Connect = Callable[[str], Awaitable[Bus]]


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as found:
        yield found


@pytest.fixture(autouse=True)
def built() -> None:
    assert (STATIC / "index.html").is_file(), "the page is not built: `make setup` builds it"


@pytest.fixture
async def connect(own_nats: NatsServer) -> AsyncIterator[Connect]:
    """Connects to the test's own NATS as one of its users."""
    async with contextlib.AsyncExitStack() as stack:

        async def connected(user: str) -> Bus:
            bus = await drishti_bus.connect(own_nats.settings(user), name=user)
            stack.push_async_callback(bus.close)
            return bus

        yield connected


@pytest.fixture
async def service(own_nats: NatsServer) -> AsyncIterator[Service]:
    async with running(own_nats.settings(USER)) as found:
        await wait_ready(found)
        yield found


@pytest.fixture
async def visit(chrome: Browser, service: Service) -> AsyncIterator[Visit]:
    """A visit that must leave nothing in the console."""
    async with visiting(chrome, _origin(service), color_scheme="light") as found:
        yield found
        assert found.complaints == []


def _origin(service: Service) -> str:
    return f"http://127.0.0.1:{service.port}"


@pytest.mark.parametrize("name", DASHBOARDS)
async def test_a_page_shows_the_numbers_of_the_socket_and_moves_with_them(visit: Visit, connect: Connect, name: str) -> None:
    value, charts = CHARTS[name]
    analytics = await connect("analytics")
    await tell(analytics, 7, 1)
    await visit.open(name)
    await visit.wait_state("live")
    await visit.wait_number(value, "7.0")
    before = {chart: await visit.drawing(chart) for chart in charts}
    await tell(analytics, 30, 2)
    await visit.wait_number(value, "30.0")
    await visit.wait_until(MOVED, "".join(before.values()))


async def test_a_page_without_data_says_that_it_waits(visit: Visit) -> None:
    await visit.open("system_overview")
    await visit.wait_state("waiting")
    await visit.wait_number("requests.rate", "–")
    assert "waiting for the first data" in (await visit.page.locator(".banner").inner_text())
    assert "Waiting for the first data" in await visit.chart("Requests by service").inner_text()


async def test_an_alarm_is_told_in_words_and_marked_in_its_chart_until_it_is_over(visit: Visit, connect: Connect) -> None:
    predictor = await connect("predictor")
    await tell(await connect("analytics"), 7, 1)
    await visit.open("system_overview")
    await visit.wait_state("live")
    await visit.drawing("Latency")
    assert await visit.chart("Latency").locator(".shapelayer path").count() == 0
    await alarm(predictor)
    item = visit.page.locator(".insights li.bad")
    await item.wait_for()
    assert "Request duration p95" in await item.inner_text()
    assert "1.9 s, expected 200 ms to 600 ms: 4.8 times as much" in await item.inner_text()
    assert "Unwell" in await visit.page.locator(".health").inner_text()
    await visit.chart("Latency").locator(".shapelayer path").first.wait_for(state="attached")
    await alarm(predictor, phase="resolved", severity="info", value=410.0)
    await visit.page.locator(".insights li.over").wait_for()
    assert "Unwell" not in await visit.page.locator(".health").inner_text()


async def test_a_page_outlives_its_service(chrome: Browser, own_nats: NatsServer, connect: Connect) -> None:
    port = free_port()
    await tell(await connect("analytics"), 7, 1)
    async with visiting(chrome, f"http://127.0.0.1:{port}") as visit:
        async with running(own_nats.settings(USER), port=port):
            await visit.open("system_overview")
            await visit.wait_state("live")
            await visit.wait_number("requests.rate", "7.0")
        await visit.wait_state("reconnecting")
        assert "Shown is what was known at" in await visit.page.locator(".banner").inner_text()
        await tell(await connect("analytics"), 30, 2)
        async with running(own_nats.settings(USER), port=port, epoch="e2"):
            await visit.wait_state("live")
            await visit.wait_number("requests.rate", "30.0")
            await visit.wait_until("() => !document.querySelector('.banner')")
        # The browser itself tells of connections that nobody took; the page must not add to that.
        assert [
            text for text in visit.complaints if "ERR_CONNECTION_REFUSED" not in text and "WebSocket connection" not in text
        ] == []


async def test_a_page_says_so_while_its_service_has_lost_the_bus(visit: Visit, own_nats: NatsServer, connect: Connect) -> None:
    analytics = await connect("analytics")
    await tell(analytics, 7, 1)
    await visit.open("user_analytics")
    await visit.wait_state("live")
    own_nats.stop()
    await visit.wait_state("stale")
    assert "lost the bus" in await visit.page.locator(".banner").inner_text()
    own_nats.start()
    await tell(analytics, 30, 2)
    await visit.wait_state("live")
    await visit.wait_number("events.rate", "30.0")


async def test_dashboards_change_without_a_reload_and_leave_nothing_behind(
    visit: Visit, service: Service, connect: Connect
) -> None:
    await tell(await connect("analytics"), 7, 1)
    page = visit.page
    await visit.open("system_overview")
    cdp = await page.context.new_cdp_session(page)

    async def round_trip() -> list[int]:
        for title, value in (("User analytics", "sessions.uniques"), ("System overview", "requests.rate")):
            await page.get_by_role("link", name=title).click()
            await page.locator(f"[data-value='{value}']").wait_for()
            await page.locator(".js-line[d]").first.wait_for(state="attached")
        await cdp.send("HeapProfiler.collectGarbage")
        counters = await cdp.send("Memory.getDOMCounters")
        return [counters["jsEventListeners"], counters["nodes"]]

    await page.evaluate("window.notReloaded = true")
    counted = [await round_trip() for _ in range(9)]
    # The least of three: now and then the page before is not collected yet.
    first, last = (list(map(min, zip(*some, strict=True))) for some in (counted[:3], counted[-3:]))
    assert await page.evaluate("window.notReloaded")
    assert last[0] <= first[0] + 10, f"{first[0]} listeners became {last[0]}"
    assert last[1] <= first[1] * 1.2, f"{first[1]} nodes became {last[1]}"
    _, _, state = await service.get("/api/dashboard/state/system_overview")
    assert msgspec.json.decode(state)["data"]["values"]["stream.clients"] == 1
    await page.go_back()
    await page.locator("[data-value='sessions.uniques']").wait_for()
    assert page.url.endswith("/user_analytics")


async def test_the_chosen_theme_is_remembered(visit: Visit, connect: Connect) -> None:
    await tell(await connect("analytics"), 7, 1)
    page = visit.page
    background = "() => getComputedStyle(document.body).backgroundColor"
    await visit.open("system_overview")
    await visit.wait_state("live")
    await visit.drawing("Latency")
    light = await page.evaluate(background)
    await page.get_by_role("button", name="Change to dark theme").click()
    dark = await page.evaluate(background)
    assert light != dark
    await page.reload()
    assert await page.evaluate(background) == dark
    await page.get_by_role("button", name="Change to light theme").click()
    assert await page.evaluate(background) == light


async def test_a_paused_page_stands_still_and_goes_on(visit: Visit, connect: Connect) -> None:
    analytics = await connect("analytics")
    await tell(analytics, 7, 1)
    await visit.open("system_overview")
    await visit.wait_number("requests.rate", "7.0")
    frames: list[int] = []
    visit.page.on("websocket", lambda _: frames.append(1))
    await visit.page.get_by_role("button", name="Pause").click()
    await visit.wait_state("paused")
    await tell(analytics, 30, 2)
    await visit.page.get_by_role("button", name="Resume").click()
    await visit.wait_number("requests.rate", "30.0")
    assert frames == []  # the socket that was open stayed open


@pytest.mark.parametrize("name", DASHBOARDS)
async def test_a_page_fits_a_phone(chrome: Browser, service: Service, connect: Connect, name: str) -> None:
    predictor = await connect("predictor")
    await tell(await connect("analytics"), 70_000, 1)
    await alarm(predictor)
    async with visiting(chrome, _origin(service), **PHONE) as visit:
        await visit.open(name)
        await visit.wait_state("live")
        for chart in CHARTS[name][1]:
            await visit.drawing(chart)
        widths = await visit.page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert widths == [390, 390]
        assert visit.complaints == []


async def _forgotten(gateway: gateway_rig.Rig, key: str) -> bool:
    return not await gateway.knows(key)


async def test_a_key_opens_the_page_and_one_that_ends_is_asked_for_again(
    chrome: Browser, own_nats: NatsServer, connect: Connect
) -> None:
    port = free_port()
    analytics, admin = await connect("analytics"), await connect("admin")
    kv = await admin.kv("api_keys")
    door = gateway_rig.running(own_nats, host="0.0.0.0", dashboard_url=f"http://127.0.0.1:{port}")
    async with door as gateway, visiting(chrome, gateway.url) as visit:
        first = await gateway.key("viewer", tenant="default")
        async with running(own_nats.settings(USER), port=port):
            await tell(analytics, 7, 1)
            await visit.open("system_overview")
            assert await visit.page.get_by_text("A key is needed").is_visible()
            await visit.open("system_overview", f"?token={first}")
            await visit.wait_state("live")
            assert "token" not in visit.page.url
            [known] = [key for key in await keys.list_keys(kv) if key.role == "viewer"]
            await keys.revoke(kv, known.id, now=datetime.now(UTC))
            await gateway_rig.until(lambda: _forgotten(gateway, first))
        async with running(own_nats.settings(USER), port=port, epoch="e2"):
            await visit.wait_state("refused")
            assert "need a key" in await visit.page.locator("form.banner").inner_text()
            await visit.page.get_by_label("API key").fill("wrong")
            await visit.page.get_by_role("button", name="Open").click()
            await visit.page.get_by_text("This key does not open it.").wait_for()
            await visit.page.get_by_label("API key").fill(await gateway.key("viewer", tenant="default"))
            await visit.page.get_by_role("button", name="Open").click()
            await tell(analytics, 30, 2)
            await visit.wait_state("live")
            await visit.wait_number("requests.rate", "30.0")
