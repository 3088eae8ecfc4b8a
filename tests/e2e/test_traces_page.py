"""The pages of traces and of the service map in a real browser: spans through a real gateway and analytics."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.async_api import Browser, Page, expect

from drishti_local.servers import NatsServer
from rigs import gateway as gateway_rig
from rigs import otlp_spans as making
from rigs.browser import DEADLINE_MS, PHONE, Visit, launched, visiting
from rigs.page_services import page_services
from rigs.waiting import wait_until

MS = making.MS
TRACES, MAP = "/api/dashboard/traces", "/api/dashboard/service-map"
COUNT = 40


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as result:
        yield result


@pytest.fixture
async def gateway(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[gateway_rig.Rig]:
    async with page_services(own_nats, postgres_url) as services:
        gateway = services.gateway
        key = await gateway.key("producer", tenant="default")
        headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
        async with gateway.http.post(f"{gateway.url}/v1/traces", data=_sent(), headers=headers) as answer:
            assert answer.status == 200, await answer.text()

        async def seen() -> bool:
            async with gateway.http.get(f"{gateway.url}/api/dashboard/analytics/traces?limit=100") as found:
                return len((await found.json())["traces"]) == COUNT

        await wait_until(seen)
        yield gateway


def _sent() -> bytes:
    """Requests of three minutes: shop asks the kitchen, which asks its database and a model; one in eight fails there."""
    now = time.time_ns()
    spans: dict[str, list[Any]] = {"Tea Shop": [], "kitchen": []}
    for place, (trace, root) in enumerate(making.random_ids(5, COUNT)):
        at = now - 5_000 * MS - place * 4_000 * MS
        ms = 300 + 40 * (place % 10)
        error = "the kettle is cold" if place % 8 == 0 else None
        spans["Tea Shop"] += [
            making.span(
                trace, root, "POST /tea", start_ns=at, duration_ms=ms, error=error,
                attributes={"http.request.method": "POST", "http.route": "/tea", "user.id": f"guest-{place % 5}",
                            "http.response.status_code": 500 if error else 200},
            ),
            making.span(trace, b"\1" * 8, "POST", parent=root, kind="client", start_ns=at + 10 * MS, duration_ms=ms - 30,
                        attributes={"http.request.method": "POST", "server.address": "kitchen"}),
        ]  # fmt: skip
        spans["kitchen"] += [
            making.span(trace, b"\2" * 8, "POST /brew", parent=b"\1" * 8, start_ns=at + 15 * MS, duration_ms=ms - 40,
                        error=error, attributes={"http.request.method": "POST", "http.route": "/brew"}),
            making.span(trace, b"\3" * 8, "SELECT leaves", parent=b"\2" * 8, kind="client", start_ns=at + 20 * MS,
                        duration_ms=40, attributes={"db.system.name": "postgresql", "db.operation.name": "SELECT",
                                                    "db.collection.name": "leaves"}),
            making.span(trace, b"\4" * 8, "chat leaf-large", parent=b"\2" * 8, kind="client", start_ns=at + 65 * MS,
                        duration_ms=ms - 110,
                        attributes={"gen_ai.operation.name": "chat", "gen_ai.provider.name": "leaves",
                                    "gen_ai.request.model": "leaf-large", "gen_ai.usage.input_tokens": 100}),
        ]  # fmt: skip
    resources = [making.resource_spans(service, some, **{"service.version": "1.2"}) for service, some in spans.items()]
    return ExportTraceServiceRequest(resource_spans=resources).SerializeToString()


async def _shot(visit: Visit, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await visit.page.screenshot(path=f"{folder}/traces-{name}.png", full_page=True)


async def _fits(page: Page) -> None:
    """The page is no wider than the screen. A phone would show it smaller, and call that its inner width."""
    assert page.viewport_size is not None
    assert await page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


@pytest.mark.parametrize(("shape", "scheme"), [({}, "light"), (PHONE, "dark")], ids=["desk", "phone"])
async def test_from_the_list_to_a_trace_and_its_spans(
    chrome: Browser, gateway: gateway_rig.Rig, shape: dict[str, Any], scheme: str
) -> None:
    name = f"{'phone' if shape else 'desk'}"
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + TRACES)
        rows = page.locator(".trace-list tbody tr")
        await rows.nth(COUNT - 1).wait_for(timeout=DEADLINE_MS)
        await page.locator(".histogram button").first.wait_for(timeout=DEADLINE_MS)
        await _fits(page)
        await _shot(visit, f"list-{name}")
        columns = page.locator(".histogram button")
        first, last = await columns.nth(1).bounding_box(), await columns.nth(2).bounding_box()
        assert first is not None
        assert last is not None
        await page.mouse.move(first["x"] + 4, first["y"] + 20)
        await page.mouse.down()
        await page.mouse.move(last["x"] + last["width"] / 2, last["y"] + 20, steps=3)
        await page.mouse.up()
        await visit.wait_until("() => /[?&]min=[0-9.]+&max=[0-9.]+/.test(location.search)")
        await page.get_by_role("button", name="All durations").click()
        await visit.wait_until("() => !location.search.includes('min=')")
        await columns.nth(4).wait_for(timeout=DEADLINE_MS)
        await columns.first.focus()
        await page.keyboard.press("Enter")
        await visit.wait_until("() => location.search.includes('min=')")
        await page.get_by_role("button", name="All durations").click()
        await page.get_by_role("button", name="failed", exact=True).click()
        await visit.wait_until("() => document.querySelector('.trace-list tbody tr').className === 'failed'")
        await page.get_by_role("button", name="Duration", exact=True).click()
        await visit.wait_until("() => location.search === '?order=slowest'")
        await page.get_by_role("button", name="Started", exact=True).click()
        await page.locator(".facets button", has_text="error").first.click()
        await visit.wait_until("() => document.querySelectorAll('.trace-list tbody tr').length === 5")
        assert "status=error" in page.url
        await page.get_by_label("Attribute").fill("user.id=guest-3")
        await page.get_by_role("button", name="Search").click()
        await visit.wait_until("() => document.querySelectorAll('.trace-list tbody tr').length === 1")
        await page.locator(".trace-list tbody a").first.click()
        lines = page.locator(".waterfall .line")
        await lines.nth(4).wait_for(timeout=DEADLINE_MS)
        assert await lines.count() == 5
        assert "It waited for" in await page.locator(".trace-head").inner_text()
        await page.locator(".waterfall .name", has_text="chat leaf-large").click()
        details = page.locator(".details")
        await details.get_by_text("gen_ai.request.model").first.wait_for(timeout=DEADLINE_MS)
        assert "service.version" in await details.inner_text()
        await _shot(visit, f"one-{name}")
        await _fits(page)
        await page.go_back()
        await page.go_back()
        await rows.first.wait_for(timeout=DEADLINE_MS)
        await page.locator(".chosen button").first.click()
        assert visit.complaints == []


@pytest.mark.parametrize(("shape", "scheme"), [({}, "dark"), (PHONE, "light")], ids=["desk", "phone"])
async def test_the_map_shows_who_calls_whom(
    chrome: Browser, gateway: gateway_rig.Rig, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + MAP)
        await page.locator(".map .node").nth(4).wait_for(timeout=DEADLINE_MS)
        texts = await page.locator(".map .node .of-node").all_inner_texts() or []
        shown = {text.strip() for text in await page.locator(".map .node .of-node").all_text_contents()}
        assert {"Tea Shop", "kitchen"} <= shown, texts
        calls = [" | ".join((await row.inner_text()).split()) for row in await page.locator(".calls tbody tr").all()]
        assert any(call.startswith("Tea | Shop | kitchen | 40") for call in calls), calls
        await _shot(visit, f"map-{'phone' if shape else 'desk'}")
        await _fits(page)
        await page.locator(".calls tbody tr", has_text="Tea Shop").filter(has_text="kitchen").get_by_role("button").click()
        panel = page.locator(".edge-panel")
        await panel.get_by_text("Failed traces").wait_for(timeout=DEADLINE_MS)
        assert "edge=" in page.url
        assert "service=kitchen&status=error" in (await panel.get_by_text("Failed traces").get_attribute("href") or "")
        await _shot(visit, f"edge-{'phone' if shape else 'desk'}")
        await _fits(page)
        await panel.get_by_role("button", name="Close").click()
        await page.locator(".map .node", has_text="kitchen").click()
        await visit.wait_until("() => location.search.includes('service=kitchen')")
        assert visit.complaints == []


async def test_the_whole_map_fits_the_width_of_a_phone(chrome: Browser, gateway: gateway_rig.Rig) -> None:
    async with visiting(chrome, gateway.url, **{**PHONE, "viewport": {"width": 360, "height": 740}}) as visit:
        page = visit.page
        await page.goto(gateway.url + MAP)
        boxes = page.locator(".map.outline .node")
        await boxes.nth(1).wait_for(timeout=DEADLINE_MS)
        for box in [await box.bounding_box() for box in await boxes.all()]:
            assert box is not None
            assert box["x"] >= 0
            assert box["x"] + box["width"] <= 360
        assert await page.locator(".map.outline").evaluate("map => map.scrollWidth <= map.clientWidth")
        assert visit.complaints == []


async def test_a_trace_of_thousands_of_spans_is_walked_searched_and_folded_by_keys(
    chrome: Browser, gateway: gateway_rig.Rig
) -> None:
    trace, bodies = _large()
    key = await gateway.key("producer", tenant="default")
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
    for body in bodies:
        async with gateway.http.post(f"{gateway.url}/v1/traces", data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    async def stored() -> Any:
        async with gateway.http.get(f"{gateway.url}/api/dashboard/analytics/traces/{trace}/outline") as found:
            answer = await found.json()
            return len(answer["span_ids"]) if found.status == 200 else answer

    await wait_until(stored, "all spans to be stored", equals=LARGE)
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{TRACES}?trace={trace}")
        tree = page.get_by_role("treegrid")
        await page.locator(".waterfall .line").nth(10).wait_for(timeout=DEADLINE_MS)
        assert await tree.get_attribute("aria-rowcount") == str(LARGE)
        assert await page.locator(".waterfall .line").count() < 120
        await _shot(visit, "large-desk")
        await tree.focus()
        await page.keyboard.press("End")
        active = page.locator(".waterfall .line.active")
        await active.locator(f"text=batch {LAST} step 98").wait_for(timeout=DEADLINE_MS)
        assert await active.get_attribute("id") == await tree.get_attribute("aria-activedescendant")
        assert await page.locator(".waterfall .line").count() < 120
        for pressed in ("ArrowLeft", "ArrowLeft"):  # to the batch, and shut
            await page.keyboard.press(pressed)
        await visit.wait_until(f"() => document.querySelector('[role=treegrid]').ariaRowCount === '{LARGE - 98}'")
        assert await active.get_attribute("aria-expanded") == "false"
        await page.get_by_label("Search in these spans").fill(f"batch {LAST} step 50")
        await page.keyboard.press("Enter")
        await active.locator(f"text=batch {LAST} step 50").wait_for(timeout=DEADLINE_MS)
        await page.get_by_label("Search in these spans").fill("NOTE=here")
        await page.get_by_text("1 of 1").wait_for(timeout=DEADLINE_MS)
        await tree.focus()
        await page.keyboard.press("Enter")
        await page.locator(".details").get_by_text("here it is").wait_for(timeout=DEADLINE_MS)
        assert "span=" in page.url
        await page.keyboard.press("Escape")
        await page.locator(".details").wait_for(state="detached", timeout=DEADLINE_MS)
        await page.get_by_role("button", name="Collapse all").click()
        await visit.wait_until("() => document.querySelector('[role=treegrid]').ariaRowCount === '1'")
        assert visit.complaints == []


LARGE = 3_000
LAST = LARGE // 100 - 1


def _large() -> tuple[str, list[bytes]]:
    """A root, batches below it, and 99 steps in each; of the last one 98."""
    (trace, root), *ids = making.random_ids(9, LARGE)
    now = time.time_ns() - 60_000 * MS
    spans = [making.span(trace, root, "POST /import", start_ns=now, duration_ms=30_000)]
    parent = root
    for place, (_, span_id) in enumerate(ids):
        number, step = divmod(place, 100)
        at, name = now + place * 3 * MS, f"batch {number} step {step}"
        if step == 0:
            parent, name = span_id, f"batch {number}"
        ms, above = (300, root) if step == 0 else (3, parent)
        attributes = {"note": "here it is"} if (number, step) == (LAST, 50) else {}
        spans.append(
            making.span(trace, span_id, name, parent=above, kind="internal", start_ns=at, duration_ms=ms, attributes=attributes)
        )
    portions = [spans[first : first + 2_500] for first in range(0, LARGE, 2_500)]
    requests = [ExportTraceServiceRequest(resource_spans=[making.resource_spans("importer", some)]) for some in portions]
    return trace.hex(), [request.SerializeToString() for request in requests]


async def test_traces_are_in_the_order_of_their_starts_whichever_of_their_spans_was_found(
    chrome: Browser, gateway: gateway_rig.Rig
) -> None:
    (early, root), (late, other), (_, child) = making.random_ids(10, 3)
    now = time.time_ns()
    spans = [
        making.span(early, root, "GET /early", start_ns=now - 4_000 * MS, duration_ms=3_900),
        making.span(late, other, "GET /late", start_ns=now - 3_000 * MS, duration_ms=10),
        making.span(early, child, "a step", parent=root, kind="internal", start_ns=now - 1_000 * MS, duration_ms=5),
    ]
    key = await gateway.key("producer", tenant="default")
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
    body = ExportTraceServiceRequest(resource_spans=[making.resource_spans("walker", spans)]).SerializeToString()
    async with gateway.http.post(f"{gateway.url}/v1/traces", data=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()

    async def found() -> Any:
        async with gateway.http.get(f"{gateway.url}/api/dashboard/analytics/traces?service=walker") as answer:
            return [one["spans"] for one in (await answer.json())["traces"]]

    await wait_until(found, "both traces to be stored, that of the newest span first", equals=[2, 1])
    async with visiting(chrome, gateway.url) as visit:
        await visit.page.goto(f"{gateway.url}{TRACES}?service=walker")
        rows = visit.page.locator(".trace-list tbody tr")
        await rows.nth(1).wait_for(timeout=DEADLINE_MS)
        assert await visit.page.locator(".trace-list [aria-sort=descending]").inner_text() == "Started ▾"
        times = [await one.get_attribute("title") or "" for one in await rows.locator("time").all()]
        assert times == sorted(times, reverse=True)
        assert "GET /late" in await rows.first.inner_text()
        await visit.page.get_by_role("button", name="Duration", exact=True).click()
        await visit.wait_until("() => document.querySelector('.trace-list tbody tr')?.innerText.includes('GET /early')")


async def test_a_trace_shows_the_spans_of_the_application_alone_until_drishtis_are_asked_for(
    chrome: Browser, gateway: gateway_rig.Rig
) -> None:
    (trace, root), (_, stored) = making.random_ids(11, 2)
    at = time.time_ns() - 10_000 * MS
    sent = [making.span(trace, root, "GET /quick", start_ns=at, duration_ms=2)]
    own = [
        making.span(trace, stored, "process REQUESTS", parent=root, kind="consumer", start_ns=at + 4_000 * MS, duration_ms=50)
    ]
    resources = [
        making.resource_spans("walker", sent),
        making.resource_spans("analytics", own, **{"service.namespace": "drishti"}),
    ]
    key = await gateway.key("producer", tenant="default")
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
    body = ExportTraceServiceRequest(resource_spans=resources).SerializeToString()
    async with gateway.http.post(f"{gateway.url}/v1/traces", data=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()

    async def spans() -> Any:
        async with gateway.http.get(f"{gateway.url}/api/dashboard/analytics/traces/{trace.hex()}") as answer:
            return len((await answer.json()).get("spans", []))

    await wait_until(spans, "both spans to be stored", equals=2)
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{TRACES}?trace={trace.hex()}")
        lines = page.locator(".waterfall .line")
        await expect(lines).to_have_count(1, timeout=DEADLINE_MS)
        head = page.locator(".trace-head")
        await expect(head).to_contain_text("1 span of 1 service")
        await expect(head).to_contain_text("1 span of them")
        await page.get_by_role("button", name="Drishti's own services").click()
        await expect(lines).to_have_count(2)
        assert page.url.endswith("&own=1")
        await page.goto(f"{gateway.url}{TRACES}?trace={trace.hex()}&span={stored.hex()}")
        await expect(lines).to_have_count(2, timeout=DEADLINE_MS)  # the one that is asked for is one of them
        assert visit.complaints == []


async def test_a_trace_that_is_not_there_says_so(chrome: Browser, gateway: gateway_rig.Rig) -> None:
    async with visiting(chrome, gateway.url) as visit:
        await visit.page.goto(f"{gateway.url}{TRACES}?trace={'a' * 32}")
        await visit.page.locator("[role=alert]").wait_for(timeout=DEADLINE_MS)
        assert "no such trace" in await visit.page.locator("[role=alert]").inner_text()


async def test_a_trace_is_found_by_its_id_and_one_that_is_none_is_named(chrome: Browser, gateway: gateway_rig.Rig) -> None:
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(gateway.url + TRACES)
        link = page.locator(".trace-list tbody a").first
        await link.wait_for(timeout=DEADLINE_MS)
        trace_id = (await link.get_attribute("href") or "").partition("trace=")[2][:32]
        await page.get_by_label("Trace id").fill(trace_id)
        await page.get_by_role("button", name="Search").click()
        await page.get_by_text(trace_id).wait_for(timeout=DEADLINE_MS)
        await page.go_back()
        await page.get_by_label("Trace id").fill("417e24")
        await page.get_by_role("button", name="Search").click()
        await page.locator("[role=alert]").wait_for(timeout=DEADLINE_MS)
        assert "32 hexadecimal digits" in await page.locator("[role=alert]").inner_text()


async def test_names_without_a_place_to_break_fit_a_phone_and_a_desk(chrome: Browser, gateway: gateway_rig.Rig) -> None:
    trace, root = next(iter(making.random_ids(6, 1)))
    at = time.time_ns() - 3_000 * MS
    long = making.span(trace, root, "walk" * 80, start_ns=at, duration_ms=900, error="nothing" * 60)
    message = ExportTraceServiceRequest(resource_spans=[making.resource_spans("garden" * 16, [long])])
    key = await gateway.key("producer", tenant="default")
    headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
    async with gateway.http.post(f"{gateway.url}/v1/traces", data=message.SerializeToString(), headers=headers) as answer:
        assert answer.status == 200, await answer.text()

    async def seen() -> int:
        async with gateway.http.get(f"{gateway.url}/api/dashboard/analytics/traces/{trace.hex()}") as found:
            return found.status

    await wait_until(seen, "the trace to be stored", equals=200)
    small = {**PHONE, "viewport": {"width": 360, "height": 740}}
    async with visiting(chrome, gateway.url, **small) as visit:
        for path in (f"{TRACES}?trace={trace.hex()}", TRACES, "/api/dashboard/errors"):
            await visit.page.goto(gateway.url + path)
            await visit.page.locator("main bdi", has_text="garden").first.wait_for(timeout=DEADLINE_MS)
            await _fits(visit.page)
        assert visit.complaints == []
    async with visiting(chrome, gateway.url) as visit:
        await visit.page.goto(f"{gateway.url}{TRACES}?trace={trace.hex()}")
        await visit.page.locator(".trace-head button.link", has_text="walk").first.wait_for(timeout=DEADLINE_MS)
        await _fits(visit.page)
        assert visit.complaints == []
