"""Keys in the browser: administrators make and revoke them, and a key that ends takes nobody's work along."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from playwright.async_api import Browser, Page

from drishti.bus import keys
from drishti.bus.connection import Bus
from drishti_local.ports import free_port
from drishti_local.servers import NatsServer
from rigs import gateway as gateway_rig
from rigs.axe import violations
from rigs.browser import PHONE, launched, visiting
from rigs.dashboard_service import running
from rigs.waiting import wait_until

HOSTILE = "<img src=x onerror=alert(1)> מפתח &amp;"


class House(NamedTuple):
    """A gateway that can be reached from elsewhere, and what is behind it."""

    gateway: gateway_rig.Rig
    admin: Bus

    async def revoke(self, text: str) -> None:
        ring = self.gateway.gateway.ring if self.gateway.gateway is not None else None
        assert ring is not None
        principal = ring.check(text)
        assert principal is not None
        await keys.revoke(await self.admin.kv("api_keys"), principal.id, now=datetime.now(UTC))
        await wait_until(lambda: ring.check(text) is None)


@pytest.fixture
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as browser:
        yield browser


@pytest.fixture
async def house(own_nats: NatsServer) -> AsyncIterator[House]:
    port = free_port()
    async with (
        running(own_nats.settings("dashboard-stream"), port=port),
        gateway_rig.running(own_nats, host="0.0.0.0", dashboard_url=f"http://127.0.0.1:{port}", query_timeout_s=0.5) as gateway,
    ):
        yield House(gateway, gateway.bus)


async def _shot(page: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await page.screenshot(path=f"{folder}/keys-{name}.png", full_page=True)


async def _give(page: Page, key: str) -> None:
    await page.get_by_label("API key").fill(key)
    await page.get_by_role("button", name="Open", exact=True).click()


async def test_an_administrator_makes_a_key_that_works_and_revokes_it(house: House, chrome: Browser) -> None:
    gateway = house.gateway
    viewer, admin = await gateway.key("viewer"), await gateway.key("admin")
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}/api/dashboard/settings?token={viewer}")
        await page.get_by_text("The key of this browser has the role viewer").wait_for()
        assert await page.get_by_role("button", name="New key").count() == 0
        await page.get_by_label("Administrator's key").fill(await gateway.key("editor"))
        await page.get_by_role("button", name="Use it").click()
        await page.get_by_text("This key has the role editor").first.wait_for()
        await page.get_by_label("Administrator's key").fill(admin)
        await page.get_by_role("button", name="Use it").click()
        await page.get_by_role("button", name="New key").click()
        form = page.get_by_role("form", name="New key")
        await form.get_by_label("Name").fill("x" * 101)
        await form.get_by_role("button", name="Make the key").click()
        await form.get_by_text("1 to 100 printable characters").wait_for()
        await form.get_by_label("Name").fill(HOSTILE)
        await form.get_by_label("Expires").select_option("30d")
        await form.get_by_role("button", name="Make the key").click()
        text = await page.get_by_label("Text of the key", exact=True).inner_text()
        status, _ = await gateway.post("/api/events", gateway_rig.event(), authorization=f"Bearer {text.strip()}")
        assert status == 202
        await page.get_by_role("button", name="OpenTelemetry").click()
        assert (
            f"OTEL_EXPORTER_OTLP_ENDPOINT={gateway.url}"
            in await page.get_by_label("Example: OpenTelemetry", exact=True).inner_text()
        )
        assert await violations(page) == []
        await _shot(page, "made")
        await page.get_by_role("button", name="I have kept it").click()
        assert text.strip() not in await page.content()
        row = page.get_by_role("row").filter(has_text=HOSTILE)
        await row.get_by_role("button", name="Revoke").click()
        await page.get_by_text("refused at once").wait_for()
        await page.locator("dialog[open]").get_by_role("button", name="Revoke").click()
        await page.get_by_role("button", name="that have ended").click()
        await row.get_by_text("revoked").first.wait_for()
        status, _ = await gateway.post("/api/events", gateway_rig.event(), authorization=f"Bearer {text.strip()}")
        assert status == 401
        own = page.get_by_role("row").filter(has_text="this browser")
        await own.get_by_role("button", name="Revoke").click()
        await page.locator("dialog[open]").get_by_role("button", name="Cancel").click()
        await _shot(page, "desk")
        await page.set_viewport_size({"width": 360, "height": 740})
        await _shot(page, "phone")
        assert await page.evaluate("() => document.documentElement.scrollWidth") == 360
        assert await violations(page) == []
        # What a service refuses, or is not there to answer, the browser says by itself.
        assert [one for one in visit.complaints if not one.startswith("Failed to load resource")] == []


async def test_a_key_that_ends_leaves_what_is_being_edited_and_another_goes_on(house: House, chrome: Browser) -> None:
    gateway = house.gateway
    first = await gateway.key("editor")
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(f"{gateway.url}/api/dashboard/dashboard-editor?token={first}")
        await page.get_by_label("Title", exact=True).fill("Kept while the key ends")
        await page.get_by_role("button", name="+ Number").click()
        form = page.locator(".panel-form")
        await form.get_by_label("Metric").fill("events")
        await form.get_by_label("Field").select_option("count")
        await form.get_by_label("Counted over").select_option("24h")
        await house.revoke(first)
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.locator("form.banner").get_by_text("The API key was revoked at").wait_for()
        await _shot(page, "ended")
        await _give(page, await gateway.key("editor", tenant="another-tenant"))
        await page.get_by_text(f"This key is of the tenant another-tenant, and the page shows {gateway.tenant}.").wait_for()
        await _give(page, await gateway.key("editor"))
        await page.locator("form.banner").wait_for(state="detached")
        assert await page.get_by_label("Title", exact=True).first.input_value() == "Kept while the key ends"
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.locator(".builder-bar").get_by_text("saved", exact=True).wait_for()


async def test_a_deep_link_is_the_same_after_a_key_was_given(house: House, chrome: Browser) -> None:
    gateway = house.gateway
    first = await gateway.key("viewer")
    link = f"{gateway.url}/api/dashboard/incidents?from=now-6h&text=a%26b%3D%3Cc%3E"
    async with visiting(chrome, gateway.url, **PHONE) as visit:
        page = visit.page
        await page.goto(link)
        await page.get_by_text("A key is needed").wait_for()
        await _give(page, first)
        await page.get_by_role("heading", name="Incidents").wait_for()
        assert "from=now-6h" in page.url
        assert await page.evaluate("() => new URL(location.href).searchParams.get('text')") == "a&b=<c>"
        assert "token" not in page.url
        await house.revoke(first)
        await page.goto(link)
        await page.get_by_text("the API key was revoked at").wait_for()
        second = await gateway.key("viewer")
        await _give(page, second)
        await page.get_by_role("heading", name="Incidents").wait_for()
        await house.revoke(second)
        # A page whose code is not there yet cannot be fetched either.
        await page.get_by_role("button", name="Menu").click()
        await page.get_by_role("link", name="Root cause").click()
        await page.locator("form.banner").get_by_text("was revoked at").first.wait_for()
