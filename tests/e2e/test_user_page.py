"""The page of one user in a real browser: what they did, session by session, whatever their id is."""

from __future__ import annotations

import os
import re
import time
import urllib.parse
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from playwright.async_api import Browser, expect

from drishti.events import encode
from drishti.messages import subjects
from drishti_local.servers import NatsServer
from rigs import gateway as gateway_rig
from rigs import otlp_spans as making
from rigs.analytics import event, request
from rigs.axe import violations
from rigs.browser import PHONE, Visit, launched, visiting
from rigs.page_services import page_services
from rigs.waiting import wait_until

PAGES = "/api/dashboard"
HOUR_S = 3_600
ADA = 'ada & co/é?#%2F "<b>"'
DEVICE = "0190a1b2-anonymous"
VIEWS, REQUESTS = 120, 3
TRACE = bytes(range(16))
SMALL_PHONE = {**PHONE, "viewport": {"width": 360, "height": 740}}
SHAPES = pytest.mark.parametrize(("shape", "scheme"), [({}, "light"), (SMALL_PHONE, "dark")], ids=["desk", "phone"])


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as result:
        yield result


@pytest.fixture(scope="module")
async def gateway(module_nats: NatsServer, module_postgres_url: str) -> AsyncIterator[gateway_rig.Rig]:
    """Ada looked at many pages anonymously two days ago; an hour ago she asked, and was answered late or not at all."""
    async with page_services(module_nats, module_postgres_url) as services:
        gateway = services.gateway
        now = time.time()
        before, lately = now - 48 * HOUR_S, now - HOUR_S

        def at(seconds: float) -> datetime:
            return datetime.fromtimestamp(seconds, UTC)

        asked = {
            "question": "How does one learn patience? " * 5,
            "topic": "patience",
            "language": "en",
            "tags": ["a", "b"],
            "n": 3,
        }
        events = [
            *(
                event(event_type="page_view", user_id=DEVICE, timestamp=at(before + n), data={"page": f"/tea/{n}"})
                for n in range(VIEWS)
            ),
            event(event_type="identify", user_id=ADA, timestamp=at(lately), data={"anonymous_id": DEVICE}),
            event(event_type="dharma_query", user_id=ADA, timestamp=at(lately + 20), data=asked, service="wisdom"),
            event(event_type="page_view", user_id="eve", timestamp=at(lately), data={"page": "/"}),
        ]
        parent = f"00-{TRACE.hex()}-{'01' * 8}-01"
        requests = [
            request(
                user_id=ADA, timestamp=at(lately + 21 + n), method="POST", duration_ms=900 * (n + 1), model="small-1", **more
            )
            for n, more in enumerate(({}, {"status": 503, "error": "no answer in time", "traceparent": parent}, {}))
        ]
        start = int((lately + 21) * 1e9)
        served = making.span(
            TRACE, b"\1" * 8, "POST /ask", start_ns=start, duration_ms=1800, error="failed", attributes={"user.id": ADA}
        )
        failed = making.span(
            TRACE,
            b"\2" * 8,
            "chat",
            parent=b"\1" * 8,
            kind="client",
            start_ns=start + making.MS,
            duration_ms=9,
            error="timeout",
        )
        bus = services.analytics.admin
        await bus.publish(subjects.events("default", "page_view"), encode(events))
        await bus.publish(subjects.requests("default", "wisdom"), encode(requests))
        body = ExportTraceServiceRequest(resource_spans=[making.resource_spans("wisdom", [served, failed])])
        key = await gateway.key("producer", tenant="default")
        headers = {"authorization": f"Bearer {key}", "content-type": "application/x-protobuf"}
        async with gateway.http.post(f"{gateway.url}/v1/traces", data=body.SerializeToString(), headers=headers) as answer:
            assert answer.status == 200

        async def entries() -> int:
            parameters = {"user_id": ADA, "limit": "200"}
            async with gateway.http.get(f"{gateway.url}{PAGES}/analytics/timeline", params=parameters) as found:
                return len((await found.json()).get("entries", ()))

        await wait_until(entries, equals=VIEWS + 2 + REQUESTS + 1)
        yield gateway


async def _is_sound(visit: Visit) -> None:
    """The page is no wider than the screen, can be used by everybody, and complained about nothing."""
    assert visit.page.viewport_size is not None
    assert await visit.page.evaluate("document.documentElement.scrollWidth") <= visit.page.viewport_size["width"]
    assert await violations(visit.page) == []
    assert visit.complaints == []


@SHAPES
async def test_a_user_has_a_page_with_what_they_did_by_session_and_where_it_leads(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/users?{urllib.parse.urlencode({'prefix': 'ada'})}")
        await page.get_by_role("region", name="Users found").get_by_role("link", name=ADA).click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(ADA)
        head = page.get_by_role("region", name="Who it is")
        for name, value in (("Events", VIEWS + 2), ("Sessions", 2), ("Requests", REQUESTS), ("Failed requests", 1)):
            fact = head.locator("dl > div").filter(has=page.get_by_text(name, exact=True))
            await expect(fact.locator("dd")).to_have_text(str(value))
        await expect(head.get_by_text(DEVICE)).to_be_visible()

        timeline = page.get_by_role("region", name="Timeline")
        sessions = timeline.get_by_role("region", name="Session")
        await expect(sessions).to_have_count(2)
        await expect(sessions.first.get_by_role("heading")).to_contain_text("2 events")
        await expect(sessions.last.get_by_role("heading")).to_contain_text(f"{VIEWS} events")
        await expect(sessions.first).to_contain_text("2.0 d without anything")
        failed = sessions.first.get_by_role("listitem").filter(has_text="503")
        await expect(failed).to_contain_text("no answer in time")
        await expect(sessions.first.locator(".data", has_text="How does one learn patience?")).to_be_visible()
        if folder := os.environ.get("SCREENSHOTS"):
            await page.screenshot(path=f"{folder}/user-{'phone' if shape else 'desk'}.png", full_page=True)
        await _is_sound(visit)

        views = sessions.last.locator("ol > li")
        shown = await views.count()
        assert 0 < shown < VIEWS
        while await views.count() < VIEWS:
            before = await views.count()
            await page.get_by_role("button", name="Load earlier").click()
            await expect(views).not_to_have_count(before)
        await expect(views).to_have_count(VIEWS)
        await expect(page.get_by_role("button", name="Load earlier")).to_have_count(0)

        await page.get_by_role("group", name="Kinds").get_by_role("button", name="Errors").click()
        entries = timeline.locator("ol > li")
        await expect(entries).to_have_count(1)
        await expect(entries).to_contain_text("timeout")
        await page.get_by_label("Event type").select_option("dharma_query")
        await expect(entries).to_have_count(1)
        await expect(entries).to_contain_text("patience")
        await page.get_by_label("Event type").select_option("")
        await page.get_by_role("group", name="Activity by day").get_by_role("button").first.click()
        await expect(entries.first).to_contain_text("page_view")
        assert urllib.parse.parse_qs(urllib.parse.urlsplit(page.url).query)["user"] == [ADA]
        await page.get_by_role("button", name="up to now").click()

        await failed.get_by_role("link", name="Trace POST /ask").click()
        await expect(page).to_have_url(re.compile(f"trace={TRACE.hex()}"))
        await page.get_by_role("region", name="Events of the user").get_by_role("link", name=ADA).first.click()
        await expect(page.get_by_role("heading", level=1)).to_have_text(ADA)


async def test_a_user_of_whom_nothing_is_stored_is_said_to_be_one(gateway: gateway_rig.Rig, chrome: Browser) -> None:
    async with visiting(chrome, gateway.url) as visit:
        await visit.page.goto(f"{gateway.url}{PAGES}/users?user=nobody")
        await expect(visit.page.get_by_text("nothing that this user did is stored").first).to_be_visible()


@SHAPES
async def test_sessions_are_counted_by_hand_and_their_numbers_lead_to_their_users(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}{PAGES}/sessions")
        everything = page.get_by_role("region", name="All sessions")
        await expect(everything.get_by_role("heading")).to_contain_text("3 sessions of 2 users")
        await expect(everything).to_contain_text("A session ends after 30 min without an event.")
        await page.get_by_label("Entry and exit by").fill("page")
        await page.get_by_label("By", exact=True).fill("topic")
        await page.get_by_role("button", name="Count users").click()

        bounces = everything.locator("dl > div").filter(has_text="Bounce rate")
        await expect(bounces.locator("dd")).to_have_text("33 %")
        entries = page.get_by_role("region", name="Entries").locator("tbody tr")
        await expect(entries.filter(has_text="/tea/0").locator("td").first).to_have_text("1")
        exits = page.get_by_role("region", name="Exits").locator("tbody tr")
        await expect(exits.filter(has_text=f"/tea/{VIEWS - 1}")).to_have_count(1)
        groups = page.get_by_role("region", name="By topic").locator("tbody tr")
        await expect(groups.filter(has_text="patience").locator("td").first).to_have_text("1")
        periods = page.get_by_role("region", name="Periods").locator("tbody tr")
        await expect(periods.first.locator("td").first).to_have_text("1")
        if folder := os.environ.get("SCREENSHOTS"):
            await page.screenshot(path=f"{folder}/sessions-{'phone' if shape else 'desk'}.png", full_page=True)
        await _is_sound(visit)

        found = page.get_by_role("region", name="Users found")
        for link, heading, user in (
            (bounces, "1 user who had a session of one event", "eve"),
            (groups.filter(has_text="patience"), "1 user who had a session, of topic patience", ADA),
            (groups.filter(has_text="unknown"), "2 users who had a session, of topic unknown", "eve"),
            (entries.filter(has_text="/tea/0"), "1 user who had a session that began with /tea/0", ADA),
            (periods.first, "1 user who had a session", ADA),
        ):
            await link.get_by_role("link").first.click()
            await expect(found.get_by_role("heading", level=2)).to_contain_text(heading)
            await expect(found.get_by_role("link", name=user, exact=True)).to_have_count(1)
            await page.go_back()
            await expect(bounces).to_be_visible()
