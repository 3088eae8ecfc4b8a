"""The pages of errors, bottlenecks, logs and root causes in a real browser: spans and log records through a real gateway."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.async_api import Browser, Page, expect

from drishti_local.servers import NatsServer
from rigs import gateway as gateway_rig
from rigs import log_records
from rigs import otlp_spans as making
from rigs.axe import violations
from rigs.browser import DEADLINE_MS, PHONE, Visit, launched, visiting
from rigs.page_services import page_services
from rigs.waiting import wait_until

MS = making.MS
MINUTE_NS = 60_000 * MS
PAGES = "/api/dashboard"
JAEGER = "http://jaeger.example:16686"

QUIET, TROUBLE = 12, 3
"""Minutes without and with a slow kitchen."""

EACH_MINUTE = 20
SMALL_PHONE = {**PHONE, "viewport": {"width": 360, "height": 740}}
SHAPES = pytest.mark.parametrize(("shape", "scheme"), [({}, "light"), (SMALL_PHONE, "dark")], ids=["desk", "phone"])

STACK = """Traceback (most recent call last):
  File "/app/kitchen/kettle.py", line 17, in boil
    raise KettleCold(f"kettle {kettle} is cold")
kitchen.KettleCold: kettle 4 is cold
"""


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as result:
        yield result


@pytest.fixture(scope="module")
async def gateway(module_nats: NatsServer, module_postgres_url: str) -> AsyncIterator[gateway_rig.Rig]:
    async with page_services(module_nats, module_postgres_url, jaeger_ui_url=JAEGER) as services:
        gateway = services.gateway
        key = await gateway.key("producer", tenant="default")
        headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
        spans, logs = _sent()
        for path, body in (("traces", spans), ("logs", logs)):
            async with gateway.http.post(f"{gateway.url}/v1/{path}", data=body, headers=headers) as answer:
                assert answer.status == 200, await answer.text()

        async def asked(path: str) -> Any:
            async with gateway.http.get(f"{gateway.url}/api/dashboard/analytics/{path}") as found:
                return await found.json()

        async def seen() -> bool:
            walked = (await asked("bottlenecks")).get("traces_walked", 0)
            found = (await asked("root-cause?from=now-4m")).get("traces", 0)
            return walked >= (QUIET + TROUBLE - 1) * EACH_MINUTE and found > 0

        await wait_until(seen)
        yield gateway


def _sent() -> tuple[bytes, bytes]:
    """Requests of a quarter of an hour: shop asks the kitchen, which asks its database once for each leaf. In the last
    minutes the kitchen is slow, and one request in five fails there."""
    now = time.time_ns() // MINUTE_NS * MINUTE_NS
    spans: dict[str, list[Any]] = {"Tea Shop": [], "kitchen": []}
    records = []
    count = (QUIET + TROUBLE) * EACH_MINUTE
    for place, (trace, root) in enumerate(making.random_ids(7, count)):
        minute, second = divmod(place, EACH_MINUTE)
        at = now - (QUIET + TROUBLE - minute) * MINUTE_NS + second * 2_900 * MS
        slow = minute >= QUIET
        fails = slow and place % 5 == 0
        boil = 600 if slow else 60 + place % 7
        error = f"kettle {place} is cold" if fails else None
        leaves = 6
        ms = 40 + boil + leaves * 10
        spans["Tea Shop"] += [
            making.span(trace, root, "POST /tea", start_ns=at, duration_ms=ms, error=error,
                        attributes={"http.request.method": "POST", "http.route": "/tea", "user.id": f"guest-{place % 5}"}),
            making.span(trace, b"\1" * 8, "POST", parent=root, kind="client", start_ns=at + 5 * MS, duration_ms=ms - 10,
                        error=error, attributes={"http.request.method": "POST", "server.address": "kitchen"}),
        ]  # fmt: skip
        brew = making.span(trace, b"\2" * 8, "POST /brew", parent=b"\1" * 8, start_ns=at + 8 * MS, duration_ms=ms - 16,
                           error=error, attributes={"http.request.method": "POST", "http.route": "/brew"})  # fmt: skip
        if fails:
            event = brew.events.add(name="exception", time_unix_nano=at + 20 * MS)
            event.attributes.extend(making.pairs({
                "exception.type": "kitchen.KettleCold", "exception.message": error, "exception.stacktrace": STACK,
            }))  # fmt: skip
            records.append(log_records.record(f"kettle {place} is cold, order {place * 3} has to wait", severity_number=17,
                                              time_unix_nano=at + 21 * MS, trace_id=trace, span_id=b"\2" * 8))  # fmt: skip
        records.append(log_records.record(f"brewing order {place * 3} for guest {place % 5}", time_unix_nano=at + 9 * MS,
                                          trace_id=trace, span_id=b"\2" * 8))  # fmt: skip
        spans["kitchen"] += [
            brew,
            *(making.span(trace, bytes([16 + leaf]) * 8, "SELECT leaves", parent=b"\2" * 8, kind="client",
                          start_ns=at + (12 + 10 * leaf) * MS, duration_ms=9,
                          attributes={"db.system.name": "postgresql", "db.operation.name": "SELECT",
                                      "db.collection.name": "leaves"}) for leaf in range(leaves)),
        ]  # fmt: skip
    resources = [making.resource_spans(service, some, **{"service.version": "1.2"}) for service, some in spans.items()]
    (trace, root), *_ = making.random_ids(11, 1)
    own = making.span(trace, root, "GET /metrics", start_ns=now - 3 * MINUTE_NS, duration_ms=5, error="the bus is away")
    resources.append(making.resource_spans("gateway", [own], **{"service.namespace": "drishti"}))
    logs = [
        log_records.message(*records, service="kitchen"),
        log_records.message(
            log_records.record("the bus is away", time_unix_nano=now - 3 * MINUTE_NS),
            service="gateway", service_namespace="drishti",
        ),
    ]  # fmt: skip
    return (
        ExportTraceServiceRequest(resource_spans=resources).SerializeToString(),
        ExportLogsServiceRequest(resource_logs=logs).SerializeToString(),
    )


async def _shot(visit: Visit, name: str, shape: dict[str, Any]) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await visit.page.screenshot(path=f"{folder}/{name}-{'phone' if shape else 'desk'}.png", full_page=True)


async def _fits(page: Page) -> None:
    """The page is no wider than the screen."""
    assert page.viewport_size is not None
    assert await page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


@SHAPES
async def test_from_an_error_to_its_traces_and_back(
    chrome: Browser, gateway: gateway_rig.Rig, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/errors")
        row = page.locator(".error-list tbody tr")
        await row.first.wait_for(timeout=DEADLINE_MS)
        assert await row.count() == 1
        text = " ".join((await row.inner_text()).split())
        assert "kitchen.KettleCold: kettle <*> is cold" in text
        assert "1.2" in text
        assert "12 errors" in (await row.locator(".sparkline").get_attribute("aria-label") or "")
        await _shot(visit, "errors", shape)
        await row.locator("[data-label=Service] bdi").evaluate("name => { name.textContent = 'x'.repeat(256); }")
        await _fits(page)
        await row.get_by_role("link").first.click()
        await page.locator(".frames li").first.wait_for(timeout=DEADLINE_MS)
        assert "boil" in await page.locator(".frames").inner_text()
        await page.locator(".findings li").first.wait_for(timeout=DEADLINE_MS)
        await page.locator(".trace-link a").first.wait_for(timeout=DEADLINE_MS)
        await _shot(visit, "error", shape)
        await _fits(page)
        jaeger = await page.get_by_role("link", name="Jaeger").first.get_attribute("href")
        assert str(jaeger).startswith(f"{JAEGER}/trace/")
        await page.locator("section[aria-label='Traces'] .trace-link a").first.click()
        await page.locator(".waterfall .line").first.wait_for(timeout=DEADLINE_MS)
        await page.locator(".log-records li").nth(1).wait_for(timeout=DEADLINE_MS)
        assert "has to wait" in await page.locator(".log-records").inner_text()
        await _shot(visit, "trace", shape)
        await _fits(page)
        await page.locator(".trace-head").get_by_role("link", name="KettleCold").click()
        await page.locator(".frames li").first.wait_for(timeout=DEADLINE_MS)
        assert visit.complaints == []


@SHAPES
async def test_bottlenecks_say_what_is_waited_for_and_show_traces(
    chrome: Browser, gateway: gateway_rig.Rig, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/bottlenecks")
        root = page.locator(".root-operation").first
        await root.locator(".parts tbody tr").first.wait_for(timeout=DEADLINE_MS)
        assert "POST /brew" in await root.locator(".parts tbody tr").first.inner_text()
        assert "N + 1 calls" in await root.locator(".patterns").inner_text()
        assert "kitchen: POST /brew" in (await root.locator(".shares").first.get_attribute("aria-label") or "")
        await _shot(visit, "bottlenecks", shape)
        await _fits(page)
        await root.locator(".patterns .trace-link a").first.click()
        await page.locator(".waterfall .line").first.wait_for(timeout=DEADLINE_MS)
        await page.go_back()
        await page.get_by_label("Service").fill("nobody")
        await page.get_by_role("button", name="Search").click()
        await page.get_by_role("link", name="Clear conditions").click()
        await root.locator(".parts tbody tr").first.wait_for(timeout=DEADLINE_MS)
        assert visit.complaints == []


@SHAPES
async def test_log_records_are_found_by_what_they_say(
    chrome: Browser, gateway: gateway_rig.Rig, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/logs")
        templates = page.locator(".error-list tbody tr")
        await templates.nth(1).wait_for(timeout=DEADLINE_MS)
        records = page.locator(".log-records li")
        await records.nth(99).wait_for(timeout=DEADLINE_MS)
        await _shot(visit, "logs", shape)
        await _fits(page)
        await page.get_by_role("button", name="Show more").click()
        await records.nth(100).wait_for(timeout=DEADLINE_MS)
        await templates.filter(has_text="has to wait").get_by_role("link").click()
        await visit.wait_until("() => document.querySelectorAll('.log-records li').length === 12")
        await records.first.locator(".body").click()
        await page.locator(".details").wait_for(timeout=DEADLINE_MS)
        assert "app.orders" in await page.locator(".details").inner_text()
        await page.get_by_label("Severity").select_option("fatal")
        await page.get_by_role("button", name="Clear conditions").click()
        await records.nth(99).wait_for(timeout=DEADLINE_MS)
        await records.first.locator(".trace-link a").first.click()
        await page.locator(".waterfall .line.open").first.wait_for(timeout=DEADLINE_MS)
        assert visit.complaints == []


@SHAPES
async def test_the_root_cause_of_a_window_is_named_with_its_evidence(
    chrome: Browser, gateway: gateway_rig.Rig, shape: dict[str, Any], scheme: str
) -> None:
    end = int(time.time() // 60 * 60_000)
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/root-cause?from={end - TROUBLE * 60_000 - 60_000}&to={end}")
        suspect = page.locator(".suspect").first
        await suspect.wait_for(timeout=DEADLINE_MS)
        text = await suspect.inner_text()
        assert "kitchen" in text
        assert "instead of" in text
        await page.locator(".shared .findings li, .shared .muted").first.wait_for(timeout=DEADLINE_MS)
        await _shot(visit, "root-cause", shape)
        await _fits(page)
        await suspect.get_by_role("link", name="Slowest traces").click()
        await page.locator(".trace-list tbody tr").first.wait_for(timeout=DEADLINE_MS)
        assert f"to={end}" in page.url, "the window goes along"
        assert visit.complaints == []


@pytest.mark.parametrize("path", ["errors", "bottlenecks", "logs", "root-cause"])
async def test_a_page_without_data_says_what_to_do_and_a_wrong_question_what_is_wrong(
    chrome: Browser, gateway: gateway_rig.Rig, path: str
) -> None:
    async with visiting(chrome, gateway.url, **SMALL_PHONE) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/{path}?from=1000000000000&to=1000000060000")
        await page.locator(".empty, .panel:has-text('No clear suspect')").first.wait_for(timeout=DEADLINE_MS)
        await _fits(page)
        await _shot(visit, f"{path}-empty", SMALL_PHONE)
        assert visit.complaints == []


async def test_an_error_is_resolved_by_an_editor_only(chrome: Browser, gateway: gateway_rig.Rig) -> None:
    editor = await gateway.key("editor", tenant="default")
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/errors")
        await page.locator(".error-list tbody").get_by_role("link").first.click()
        await page.get_by_role("button", name="Give an editor's key").click()
        await page.get_by_label("Editor's key").fill(editor)
        await page.get_by_role("button", name="Use it").click()
        await page.get_by_role("button", name="Resolve").click()
        await page.locator(".trace-head .tag", has_text="resolved").wait_for(timeout=DEADLINE_MS)
        await page.get_by_role("button", name="Reopen").click()
        await page.locator(".trace-head .tag", has_text="open").wait_for(timeout=DEADLINE_MS)
        assert visit.complaints == []


EVERY_PAGE = {
    "dashboard/system_overview": "article.chart",
    "dashboard/user_analytics": "article.chart",
    "dashboard/dharma_insights": "article.chart",
    "dashboards-list": ".dashboard-list li",
    "dashboard-editor?copy=system_overview": ".card",
    "metrics": "main table tbody tr",
    "metrics?metric=requests": "article.chart, main h2",
    "traces": ".trace-list tbody tr",
    "service-map": "main svg",
    "logs": ".log-records li",
    "errors": ".error-list tbody tr",
    "bottlenecks": ".root-operation",
    "root-cause": "main .panel",
    "home": ".services li",
    "incidents": ".incidents .calm",
    "compare-traces": "main .empty",
    "settings": ".settings tbody tr td",
}
"""Each page, and what is there once it has something to show."""


@pytest.mark.parametrize("path", [*EVERY_PAGE, "trace", "error"])
async def test_pages_break_no_rule_of_axe_and_have_titles(chrome: Browser, gateway: gateway_rig.Rig, path: str) -> None:
    async with visiting(chrome, gateway.url, color_scheme="light", reduced_motion="reduce") as visit:
        page = visit.page
        if path in EVERY_PAGE:
            await page.goto(f"{gateway.url}{PAGES}/{path}")
            await page.locator(EVERY_PAGE[path]).first.wait_for(timeout=DEADLINE_MS)
        else:
            await page.goto(f"{gateway.url}{PAGES}/{path}s")
            await page.locator("main tbody tr").get_by_role("link").first.click()
            await page.locator(".waterfall .line, .frames li").first.wait_for(timeout=DEADLINE_MS)
        assert await violations(page) == []
        await page.emulate_media(color_scheme="dark")
        assert await violations(page, "color-contrast") == []
        assert (await page.title()).endswith(" · Drishti")
        assert await page.locator("h1").count() == 1
        assert await page.locator("nav [aria-current=page]").count() == 1
        await _walks_by_keyboard(page)
        assert visit.complaints == []


MOST_TABS = 70

RECORD_FOCUS = """() => {
    // What was clicked last is where Tab goes on: from here on the page's beginning.
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute('tabindex');
    window.focused = [];
    const outlined = ({ outlineStyle, outlineWidth, boxShadow }) =>
        (outlineStyle !== 'none' && parseFloat(outlineWidth) > 0) || boxShadow !== 'none';
    addEventListener('focusin', ({ target }) => {
        const styles = [null, '::before', '::after'].map((part) => getComputedStyle(target, part));
        const tile = target.closest('.tile');
        if (tile) styles.push(getComputedStyle(tile));
        const box = target.getBoundingClientRect();
        window.focused.push({
            what: target.outerHTML.slice(0, 120),
            again: window.focused.some((one) => one.target === target),
            seen: styles.some(outlined) && box.width > 0 && box.height > 0,
            target,
        });
    });
}"""
"""Remembers what gets the focus, whether that is seen, and whether it had it before."""


async def _walks_by_keyboard(page: Page) -> None:
    """Tab leads on, each stop is seen, the first one leads past the navigation."""
    await page.evaluate(RECORD_FOCUS)
    for _ in range(MOST_TABS):
        await page.keyboard.press("Tab")
    walked = await page.evaluate("focused.map(({ what, again, seen }) => ({ what, again, seen }))")
    assert "skip" in walked[0]["what"]
    assert [stop["what"] for stop in walked if not stop["seen"]] == []
    first_again = next((place for place, stop in enumerate(walked) if stop["again"]), len(walked))
    # At its end the walk begins anew, or leaves the page: nothing holds the focus.
    assert first_again == len(walked) or walked[first_again]["what"] == walked[0]["what"], walked[first_again]
    await page.locator("a.skip").focus()
    await page.keyboard.press("Enter")
    assert await page.evaluate("document.activeElement?.tagName") == "MAIN"


@SHAPES
async def test_two_traces_are_compared_step_by_step(
    chrome: Browser, gateway: gateway_rig.Rig, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/traces?order=slowest&operation=POST+%2Ftea")
        slow = await page.locator(".trace-list tbody a").first.get_attribute("href")
        async with gateway.http.get(f"{gateway.url}/api/dashboard/analytics/traces?max_duration_ms=300&root=true") as found:
            usual = (await found.json())["traces"][0]["trace_id"]
        await page.goto(f"{gateway.url}{slow!s}")
        await page.get_by_role("link", name="Compare with another trace").click()
        await page.get_by_label("is compared with").fill(usual)
        await page.get_by_role("button", name="Compare", exact=True).click()
        rows = page.locator(".compared tbody tr")
        await rows.first.wait_for(timeout=DEADLINE_MS)
        said = page.locator("section[aria-label='Difference'] li").first
        await expect(said).to_contain_text("POST /brew")
        await expect(said).to_contain_text("−")
        await page.get_by_role("button", name="Swap").click()
        await expect(said).to_contain_text("+")
        assert await violations(page) == []
        await _shot(visit, "compare", shape)
        await _fits(page)
        assert visit.complaints == []


@SHAPES
@pytest.mark.parametrize("path", ["errors", "bottlenecks", "logs"])
async def test_drishtis_own_services_are_hidden_until_they_are_asked_for(
    chrome: Browser, gateway: gateway_rig.Rig, path: str, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/{path}")
        main = page.get_by_role("main")
        await expect(main).to_contain_text("kitchen", timeout=DEADLINE_MS)
        own = {"errors": "the bus is away", "bottlenecks": "GET /metrics", "logs": "the bus is away"}[path]
        await expect(main).not_to_contain_text(own)
        switch = page.get_by_role("button", name="Drishti's own services")
        await expect(switch).to_have_attribute("aria-pressed", "false")
        await switch.click()
        await expect(main).to_contain_text(own, timeout=DEADLINE_MS)
        assert page.url.endswith("?own=1")
        await expect(switch).to_have_attribute("aria-pressed", "true")
        await _fits(page)
        assert visit.complaints == []


async def test_a_root_cause_may_be_one_of_drishtis_own_services(chrome: Browser, gateway: gateway_rig.Rig) -> None:
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/root-cause")
        async with page.expect_request(lambda request: "/root-cause?" in request.url and "own=true" in request.url):
            await page.get_by_role("button", name="Drishti's own services").click()
        await expect(page.get_by_role("link", name="this answer")).to_have_attribute("href", re.compile("own=true"))
        assert page.url.endswith("?own=1")
        assert visit.complaints == []


@SHAPES
async def test_home_says_how_services_are_and_what_changed_and_leads_on(
    chrome: Browser, gateway: gateway_rig.Rig, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/home")
        services = page.locator(".services li")
        await expect(services).to_have_count(3, timeout=DEADLINE_MS)
        watched = page.locator(".services").first
        await expect(watched).to_contain_text("Tea Shop")
        await expect(watched).to_contain_text("kitchen")
        await expect(watched).not_to_contain_text("drishti/gateway")
        await expect(page.locator(".own-services")).to_contain_text("drishti/gateway")
        await expect(page.locator(".whole")).to_contain_text("service")
        await expect(page.locator(".changes")).to_contain_text("KettleCold")
        onwards = page.get_by_role("region", name="Go to")
        for name in ("users", "activity", "retention", "funnels"):
            link = onwards.get_by_role("link", name=name.capitalize(), exact=True)
            await expect(link).to_have_attribute("href", f"{PAGES}/{name}")
        await _shot(visit, "home", shape)
        await _fits(page)
        await services.first.get_by_role("link", name="Errors of").click()
        await page.wait_for_url("**/errors?service=*")
        assert visit.complaints == []


async def test_the_keyboard_alone_finds_pages_metrics_and_traces(chrome: Browser, gateway: gateway_rig.Rig) -> None:
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/logs")
        await page.locator(".log-records li").first.wait_for(timeout=DEADLINE_MS)
        box = page.get_by_role("combobox", name="Page, dashboard")
        await page.keyboard.press("Control+k")
        await expect(box).to_be_focused()
        await page.keyboard.type("kitchen trac")
        await expect(page.locator("#commands li").first).to_contain_text("kitchen")
        assert await violations(page) == []
        await page.keyboard.press("ArrowDown")
        await page.keyboard.press("ArrowUp")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/traces?service=kitchen")
        href = await page.locator(".trace-list tbody a").first.get_attribute("href")
        trace = str(href).split("trace=")[1][:32]
        await page.keyboard.press("g")
        await page.keyboard.press("e")
        await page.wait_for_url("**/errors")
        await page.get_by_role("button", name="Find").click()
        await box.fill(trace)
        await page.keyboard.press("Enter")
        await page.locator(".waterfall .line").first.wait_for(timeout=DEADLINE_MS)
        await page.keyboard.press("?")
        await page.get_by_role("heading", name="Keyboard shortcuts").wait_for()
        assert await violations(page) == []
        await page.keyboard.press("Escape")
        await page.get_by_role("heading", name="Keyboard shortcuts").wait_for(state="hidden")
        await page.keyboard.press("k")
        await page.wait_for_url("**kiosk=1")
        await expect(page.locator("nav")).to_be_hidden()
        await expect(page.get_by_role("status").first).to_be_visible()
        await page.keyboard.press("k")
        await expect(page.locator("nav")).to_be_visible()
        assert "kiosk" not in page.url
        for typed, done in (("last 7 d on this", page.wait_for_url("**range=7d*")), ("dark theme", _has_theme(page))):
            await page.keyboard.press("Control+k")
            await box.fill(typed)
            await page.keyboard.press("Enter")
            await done


async def _has_theme(page: Page) -> None:
    await page.locator("html[data-theme]").wait_for(state="attached")


PANELS: list[dict[str, Any]] = [
    {"kind": "traces", "title": "Slowest requests", "order": "slowest", "root": True, "top": 5},
    {"kind": "traces", "title": "Nobody", "service": "nobody"},
    {"kind": "errors", "title": "Open errors"},
    {"kind": "service_map", "title": "Who calls whom"},
    {"kind": "histogram", "title": "Durations", "values": {"metric": "request_duration_ms"}},
    {"kind": "histogram", "title": "When slow", "style": "heatmap", "values": {"metric": "request_duration_ms"}},
    {
        "kind": "query",
        "title": "By route",
        "show": "bar",
        "queries": [{"expression": "sum(request_duration_ms) / count(request_duration_ms)", "group_by": ["route"]}],
    },
]


@SHAPES
async def test_panels_of_a_dashboard_show_traces_errors_calls_and_how_values_are_spread(
    chrome: Browser, gateway: gateway_rig.Rig, shape: dict[str, Any], scheme: str
) -> None:
    editor = await gateway.key("editor", tenant="default")
    async with gateway.http.put(
        f"{gateway.url}{PAGES}/dashboards/stored",
        json={"title": "Stored", "panels": PANELS},
        headers={"x-api-key": editor, "if-match": "*"},
    ) as stored:
        assert stored.status in (200, 201), await stored.text()
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await visit.open("stored", "?from=now-30m&to=now")

        def panel(title: str) -> Any:
            return page.locator("article").filter(has=page.get_by_role("heading", name=title))

        traces = panel("Slowest requests").locator(".found li")
        await traces.nth(4).wait_for(timeout=DEADLINE_MS)
        assert await traces.count() == 5
        assert "Tea Shop: POST /tea" in await traces.first.inner_text()
        await panel("Nobody").scroll_into_view_if_needed()
        await panel("Nobody").get_by_text("No trace meets these conditions").wait_for(timeout=DEADLINE_MS)
        await panel("Open errors").scroll_into_view_if_needed()
        await panel("Open errors").get_by_text("KettleCold").wait_for(timeout=DEADLINE_MS)
        await panel("Who calls whom").scroll_into_view_if_needed()
        await panel("Who calls whom").locator(".map .node").nth(2).wait_for(timeout=DEADLINE_MS)
        await panel("Durations").scroll_into_view_if_needed()
        await panel("Durations").locator(".spread").wait_for(timeout=DEADLINE_MS)
        await panel("When slow").scroll_into_view_if_needed()
        await panel("When slow").locator(".heatmaplayer image").wait_for(timeout=DEADLINE_MS)
        await panel("By route").scroll_into_view_if_needed()
        await panel("By route").locator("li").first.wait_for(timeout=DEADLINE_MS)
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Menu of Open errors", exact=True).click()
            await page.get_by_role("menuitem", name="Download CSV").click()
        rows = (await asyncio.to_thread(Path(await (await download.value).path()).read_text)).splitlines()
        assert rows[0] == "Error,Place,Service,Status,In this range,In all,First seen,Last seen"
        assert len(rows) == 3, "one of the kitchen, one of the gateway"
        assert await violations(page) == []
        await _shot(visit, "stored-panels", shape)
        await _fits(page)
        await panel("Slowest requests").get_by_role("heading").get_by_role("link").click()
        await page.locator("section[aria-label='Traces found'] tbody tr").first.wait_for(timeout=DEADLINE_MS)
        assert visit.complaints == []


async def test_the_editor_draws_and_changes_panels_of_what_is_stored(chrome: Browser, gateway: gateway_rig.Rig) -> None:
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/dashboard-editor")
        await page.get_by_role("button", name="Give an editor's key").click()
        await page.get_by_label("Editor's key").fill(await gateway.key("editor", tenant="default"))
        await page.get_by_role("button", name="Use it").click()
        for kind in ("Traces", "Errors", "Service map", "Histogram", "Events: anomalies"):
            await page.get_by_role("button", name=f"+ {kind}", exact=True).click()
        cards = page.locator(".card")
        await cards.nth(0).locator(".found li").first.wait_for(timeout=DEADLINE_MS)
        await cards.nth(2).locator(".map .node").first.wait_for(timeout=DEADLINE_MS)
        await cards.nth(3).locator(".spread, .empty").first.wait_for(timeout=DEADLINE_MS)
        await cards.nth(4).get_by_text("No anomalies reported").wait_for(timeout=DEADLINE_MS)
        await page.get_by_role("button", name="Edit Newest traces").click()
        form = page.get_by_role("group", name="Panel Newest traces")
        await form.get_by_label("Service").fill("nobody")
        await cards.nth(0).get_by_text("No trace meets these conditions").wait_for(timeout=DEADLINE_MS)
        await form.get_by_label("Service").fill("")
        await form.get_by_label("At most, rows").fill("2")
        await expect(cards.nth(0).locator(".found li")).to_have_count(2, timeout=DEADLINE_MS)
        await _shot(visit, "editor-stored", {})
        assert visit.complaints == []
