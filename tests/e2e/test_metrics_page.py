"""The page of metrics in a real browser: what OpenTelemetry sent, through a real gateway and analytics, and what models say."""

from __future__ import annotations

import math
import os
import time
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser

from drishti.bus.connection import Bus
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs import analytics as analytics_rig
from rigs import gateway as gateway_rig
from rigs.browser import DEADLINE_MS, PHONE, Visit, launched, visiting
from rigs.dashboard_service import Service, running, wait_ready
from rigs.insights import QUARTER_MS, forecast, incident, predict
from rigs.page_services import page_services
from rigs.waiting import wait_until

MINUTE_NS = 60_000_000_000
DURATION = "http.server.request.duration"
PAGE = "/api/dashboard/metrics"


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as result:
        yield result


class House(NamedTuple):
    """The services that the page needs, on one bus, with the metrics of :func:`_sent` counted."""

    gateway: gateway_rig.Rig
    analytics: analytics_rig.Rig
    service: Service
    predictor: Bus


@pytest.fixture
async def house(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[House]:
    async with page_services(own_nats, postgres_url) as services:
        gateway = services.gateway
        key = await gateway.key("producer", tenant="default")
        status, answer = await gateway.post("/v1/metrics", _sent(), authorization=f"Bearer {key}")
        assert (status, answer) == (200, {}), answer

        async def seen() -> bool:
            async with gateway.http.get(f"{gateway.url}/api/dashboard/analytics/metrics") as listed:
                metrics = (await listed.json())["metrics"]
            return {DURATION, "orders", "room.temperature"} <= {one["name"] for one in metrics if one.get("series")}

        await wait_until(seen)
        yield House(gateway, services.analytics, services.dashboard, await services.connect("predictor"))


def _sent() -> dict[str, Any]:
    """An export of half an hour: a histogram of two routes, a counter of nine shops, and a gauge below nothing."""
    now = time.time_ns() // MINUTE_NS * MINUTE_NS
    minutes = [(now - back * MINUTE_NS, back) for back in range(30, 0, -1)]

    def point(at: int, **more: Any) -> dict[str, Any]:
        return {"startTimeUnixNano": str(at - MINUTE_NS), "timeUnixNano": str(at), **more}

    def labelled(key: str, value: str) -> list[dict[str, Any]]:
        return [{"key": key, "value": {"stringValue": value}}]

    def histogram(at: int, back: int, route: str) -> dict[str, Any]:
        slow = 20 + int(10 * math.sin(back / 4))
        counts = ["40", str(slow), "4"] if route == "/ask" else ["60", "8", "1"]
        total = sum(map(int, counts))
        bounds = {"explicitBounds": [0.1, 0.5], "bucketCounts": counts, "count": str(total), "sum": 0.2 * total}
        return point(at, attributes=labelled("http.route", route), **bounds)

    delta = {"aggregationTemporality": 1}
    metrics = [
        {
            "name": DURATION,
            "unit": "s",
            "description": "Duration of HTTP server requests.",
            "histogram": {
                **delta,
                "dataPoints": [histogram(at, back, route) for at, back in minutes for route in ("/ask", "/")],
            },
        },
        {
            "name": "orders",
            "unit": "{order}",
            "sum": {
                **delta,
                "isMonotonic": True,
                "dataPoints": [
                    point(at, asInt=str(60 + back + 20 * n), attributes=labelled("shop", f"shop {n}"))
                    for at, back in minutes
                    for n in range(9)
                ],
            },
        },
        {
            "name": "room.temperature",
            "unit": "Cel",
            "gauge": {"dataPoints": [point(at, asDouble=-18 + math.sin(back / 3)) for at, back in minutes]},
        },
    ]
    resource = {"attributes": labelled("service.name", "checkout")}
    return {"resourceMetrics": [{"resource": resource, "scopeMetrics": [{"metrics": metrics}]}]}


async def _shot(visit: Visit, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await visit.page.screenshot(path=f"{folder}/metrics-{name}.png", full_page=True)


async def _drawn(visit: Visit, lines: int) -> None:
    script = "count => document.querySelectorAll('.metric-chart .js-line[d]').length >= count"
    await visit.wait_until(script, lines)


@pytest.mark.parametrize(("shape", "scheme"), [({}, "light"), (PHONE, "dark")], ids=["desk", "phone"])
async def test_metrics_are_found_drawn_and_gone_back_from(
    chrome: Browser, house: House, shape: dict[str, Any], scheme: str
) -> None:
    about = {"metric": "http-server-request-duration", "field": "p95", "labels": {}}
    await predict(
        house.predictor,
        forecast(QUARTER_MS, 0.45, **about),
        incident(**about, value=0.49, expected=0.3, lower=0.2, upper=0.4, insight_id="slow"),
    )
    unwatched = "12 of 21 series of orders are not watched: budget. PREDICTOR_SERIES says for how many there is room in all"
    crowded = incident(
        metric="orders", field="", labels={}, phase=None, severity="info", insight_id="room",
        unjudged="not watched: budget", message=unwatched,
    )  # fmt: skip
    await predict(house.predictor, crowded)
    editor = await house.gateway.key("editor", tenant="default")
    url = f"{house.gateway.url}/api/analytics/metrics/orders"
    async with house.gateway.http.put(
        url,
        json={"kind": "counter", "unit": "{order}", "dimensions": ["service", "shop"], "max_series": 10, "watched": True},
        headers={"x-api-key": editor, "if-match": "*"},
    ) as changed:
        assert changed.status == 200, await changed.text()
    name = f"{'phone' if shape else 'desk'}-{scheme}"
    async with visiting(chrome, house.gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(house.gateway.url + PAGE)
        await visit.wait_state("current")
        result = page.get_by_role("status", name="Metrics found")
        await page.get_by_role("link", name=DURATION).wait_for()
        if shape:  # each metric has the whole width of the list, not that of a column
            row = page.get_by_role("row").filter(has=page.get_by_role("link", name=DURATION))
            spare = "row => row.getBoundingClientRect().width - row.querySelector('th').getBoundingClientRect().width"
            assert await row.evaluate(spare) < 1
        await _shot(visit, f"{name}-list")

        # `/` goes to the search, which finds as one types and is in the address, without steps to go back to.
        await page.locator("h1").click()
        await page.keyboard.press("/")
        await page.keyboard.type("request duration checkout")
        await result.get_by_text("1 of ").wait_for()
        assert "q=request+duration+checkout" in page.url
        await page.get_by_label("Search").fill("")
        await page.get_by_role("combobox", name="Origin").select_option("otlp")
        await page.get_by_role("combobox", name="Kind").select_option("gauge")
        await result.get_by_text("1 of ").wait_for()
        await page.get_by_label("Search").fill("nothing of this name")
        await page.get_by_text("No metric matches").wait_for()
        await page.get_by_role("button", name="Show all metrics").click()

        # By the keyboard alone: the field that the kind chooses, with what models say.
        await page.get_by_role("link", name=DURATION).focus()
        await page.keyboard.press("Enter")
        await page.get_by_role("heading", name=DURATION).wait_for()
        await _drawn(visit, 2)
        assert await page.get_by_role("combobox", name="Field").input_value() == "p95"
        legend = page.locator(".metric-chart .legend")
        assert "forecast of all" in " ".join((await legend.inner_text()).split())
        await page.locator(".metric-anomalies").get_by_text("drifts upwards").wait_for()
        assert "Duration of HTTP server requests." in await page.locator(".metric-chart").inner_text()
        assert "http.route" in await page.locator(".definition").inner_text()
        await _shot(visit, f"{name}-duration")

        # Split, another time and another field are steps in the address that the browser goes back.
        await page.get_by_role("combobox", name="Split by").select_option("http.route")
        await legend.get_by_role("button", name="/ask").wait_for()
        await page.get_by_role("button", name="24 h", exact=True).click()
        await page.get_by_role("combobox", name="Field").select_option("rate")
        assert {"by=http.route", "range=24h", "field=rate"} <= set(page.url.partition("?")[2].split("&"))
        for _ in range(3):
            await page.go_back()
        assert await page.get_by_role("combobox", name="Split by").input_value() == ""
        await page.go_back()
        assert "metric=" not in page.url
        orders = page.get_by_role("row").filter(has=page.get_by_role("link", name="orders"))
        await orders.get_by_text("partly watched").locator("visible=true").wait_for()
        await page.get_by_role("link", name="orders").click()
        await page.locator(".metric-anomalies").get_by_text(unwatched).wait_for()
        await page.locator(".metric-anomalies").get_by_text("start another predictor").wait_for()
        meter = page.get_by_role("meter")
        await meter.wait_for()
        assert await meter.get_attribute("aria-valuenow") == "9"
        await page.get_by_text("Near the limit").wait_for()
        await page.locator(".cardinality").get_by_text("shop has the most values").wait_for()
        await page.get_by_role("combobox", name="Split by").select_option("shop")
        await legend.get_by_role("button", name="other").wait_for()
        await _drawn(visit, 8)
        await _shot(visit, f"{name}-orders")

        # An address opens what it says; values below nothing are on the axis.
        await page.goto(f"{house.gateway.url}{PAGE}?metric=room.temperature&range=6h")
        await _drawn(visit, 1)
        assert any("−" in text or "-" in text for text in await page.locator(".ytick").all_text_contents())
        await _shot(visit, f"{name}-below")
        widths = await page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] == widths[1]
        if shape:
            small = """() => [...document.querySelectorAll(
                    "main button, main select, main input, main .back, .controls button")]
                .filter(one => one.offsetParent && !one.closest(".legend") && one.getBoundingClientRect().height < 43.5)
                .map(one => one.outerHTML)"""
            assert await page.evaluate(small) == []
        assert visit.complaints == []


async def test_what_is_missing_is_said_with_its_reason_and_comes_back(
    chrome: Browser, own_nats: NatsServer, server_folder: Any
) -> None:
    port = free_port()
    async with (
        running(own_nats.settings("dashboard-stream"), port=port) as service,
        gateway_rig.running(own_nats, dashboard_url=f"http://127.0.0.1:{port}", query_timeout_s=1.0) as gateway,
        visiting(chrome, gateway.url) as visit,
    ):
        await wait_ready(service)
        page = visit.page
        # Nothing by OpenTelemetry: where to send it.
        await page.goto(gateway.url + PAGE + "?origin=otlp")
        await page.get_by_text("No OpenTelemetry metric has arrived").wait_for()
        assert f"{gateway.url}/v1/metrics" in await page.locator(".metric-list .hint").inner_text()
        # Analytics is away: definitions are there, what was seen and the line are not, and both say why.
        await page.get_by_text("What was seen of the metrics is not known").wait_for()
        await page.get_by_role("button", name="Show all metrics").click()
        await page.get_by_role("link", name="requests", exact=True).click()
        await page.get_by_text("It cannot be drawn: analytics").wait_for()
        await page.get_by_role("button", name="Try again").wait_for()
        await _shot(visit, "away")
        await page.goto(gateway.url + PAGE + "?metric=no.such.metric")
        await page.get_by_text("There is no metric “no.such.metric”").wait_for()
        # The list stays, with its age, while the gateway is away.
        await page.route("**/analytics/metrics", lambda route: route.abort())
        await page.locator("[role=status]:text-is('stale')").wait_for(timeout=2 * DEADLINE_MS)
        await page.get_by_text("The gateway is not responding").wait_for()
        assert "Showing the list of" in await page.locator(".banner").last.inner_text()
        await page.unroute("**/analytics/metrics")
        await page.get_by_role("button", name="Try now").last.click()
        await visit.wait_state("current")
