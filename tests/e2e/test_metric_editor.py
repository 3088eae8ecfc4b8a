"""The page of metrics where somebody writes a definition: with its error and its preview, against somebody else, or not."""

from __future__ import annotations

import os
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import pytest
from playwright.async_api import Browser, expect

from drishti.bus.keys import Role
from drishti_local.servers import NatsServer
from rigs import gateway as gateway_rig
from rigs.browser import DEADLINE_MS, PHONE, Visit, launched, visiting
from rigs.page_services import page_services
from rigs.waiting import wait_until

PAGE = "/api/dashboard/metrics"
HOSTILE = '<img src=x onerror="window.hacked=1">'
EXPRESSION = '100 * count(requests where status = "200") / count(requests)'
expect.set_options(timeout=DEADLINE_MS)


class House(NamedTuple):
    """A gateway and analytics on one bus, with requests of the last hours counted; ``editor`` and ``viewer`` are keys."""

    gateway: gateway_rig.Rig
    editor: str
    viewer: str

    async def put(self, name: str, **definition: Any) -> dict[str, Any]:
        """As another editor stores it, over whatever is there."""
        headers = {"x-api-key": self.editor, "if-match": "*"}
        url = f"{self.gateway.url}/api/analytics/metrics/{name}"
        async with self.gateway.http.put(url, json=definition, headers=headers) as answer:
            content: dict[str, Any] = await answer.json()
            assert answer.status in (200, 201), content
        return content


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as result:
        yield result


@pytest.fixture
async def house(own_nats: NatsServer, postgres_url: str) -> AsyncIterator[House]:
    async with page_services(own_nats, postgres_url) as services:
        gateway = services.gateway
        now = datetime.now(UTC)
        events = [
            {
                "event_id": uuid.uuid4().hex,
                "event_type": "feedback",
                "timestamp": (now - timedelta(minutes=minutes)).isoformat(),
                "service": "wisdom",
                "user_id": f"user {n}",
                "data": {"satisfaction": 1 + (n + minutes) % 5, "plan": "pro" if n % 2 else HOSTILE},
            }
            for minutes in range(0, 120, 4)
            for n in range(6)
        ]
        producer = await gateway.key("producer", tenant="default")
        status, answer = await gateway.post("/api/events", events, authorization=f"Bearer {producer}")
        assert status == 202, answer
        roles: tuple[Role, ...] = ("editor", "viewer")
        editor, viewer = [await gateway.key(role, tenant="default") for role in roles]
        result = House(gateway, editor, viewer)

        async def counted() -> bool:
            asked = {"metric": "events", "aggregate": "count", "from": "now-3h"}
            url = f"{gateway.url}/api/analytics/query"
            async with gateway.http.get(url, params=asked, headers={"x-api-key": viewer}) as answer:
                series = (await answer.json()).get("series")
            return bool(series) and series[0]["total"] == len(events)

        await wait_until(counted)
        yield result


async def _shot(visit: Visit, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await visit.page.screenshot(path=f"{folder}/editor-{name}.png", full_page=True)


async def _as_editor(visit: Visit, house: House) -> None:
    """Gives the page a key as people do: in its form."""
    page = visit.page
    await page.get_by_role("button", name="Give an editor's key").click()
    await page.get_by_label("Editor's key").fill(house.editor)
    await page.get_by_role("button", name="Use it").click()
    await page.get_by_role("button", name="New KPI").wait_for()


async def _drawn(visit: Visit, panel: str) -> None:
    await visit.page.locator(f"{panel} .host").scroll_into_view_if_needed(timeout=DEADLINE_MS)
    await visit.wait_until("panel => document.querySelectorAll(`${panel} .js-line[d]`).length > 0", panel)


@pytest.mark.parametrize(("shape", "scheme"), [({}, "light"), (PHONE, "dark")], ids=["desk", "phone"])
async def test_a_kpi_is_written_with_its_error_and_its_preview_and_stored(
    chrome: Browser, house: House, shape: dict[str, Any], scheme: str
) -> None:
    name = f"{'phone' if shape else 'desk'}-{scheme}"
    async with visiting(chrome, house.gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(house.gateway.url + PAGE)
        # Whoever comes without a key sees everything, and why nothing can be changed.
        await page.get_by_text("a key with the role editor or admin is needed").first.wait_for()
        await expect(page.get_by_role("button", name="New KPI")).to_have_count(0)
        await _shot(visit, f"{name}-read-only")
        await _as_editor(visit, house)
        assert house.editor not in page.url
        assert await page.evaluate("document.cookie") == ""

        await page.get_by_role("button", name="New KPI").click()
        form = page.get_by_role("form", name="New KPI")
        expression = form.get_by_label("Expression")
        await expression.fill('100 * count(events where event_typ = "feedback") / count(events)')
        await form.get_by_text("not 'event_typ'").wait_for()
        # The mark lies under the word that is wrong.
        assert await form.locator(".code-field mark").inner_text() == "event_typ"
        assert await expression.get_attribute("aria-invalid") == "true"
        described = (await expression.get_attribute("aria-describedby") or "").split()
        described_by = [await page.locator(f"[id='{one}']").inner_text() for one in described]
        assert any("not 'event_typ'" in text for text in described_by), described_by
        await form.get_by_text("It cannot be drawn while something is wrong").wait_for()
        await _shot(visit, f"{name}-error")

        await expression.fill('100 * count(events where event_type = "feedback") / count(events)')
        await _drawn(visit, ".metric-preview")
        await form.get_by_text("the metric events").first.wait_for()
        await form.get_by_role("textbox", name="Name", exact=True).fill(f"good {HOSTILE}")
        await form.get_by_label("Unit").fill("%")
        await form.get_by_label("Target").fill("90")
        await form.get_by_label("Warning from").fill("95")
        await form.get_by_text("must not be below").wait_for()
        await form.get_by_label("Warning from").fill("80")
        await form.get_by_label("Bad from").fill("many")
        await form.get_by_text("must be a number").wait_for()
        await form.get_by_label("Bad from").fill("70")
        await form.get_by_label("Description").fill(f"Answers that are liked {HOSTILE}")
        await form.get_by_text("can be saved").wait_for()
        await page.locator(".metric-preview .host").scroll_into_view_if_needed()
        await expect(page.locator(".metric-preview .annotation-text").first).to_contain_text("target 90")
        await _shot(visit, f"{name}-preview")
        await expression.press("Control+Enter")

        await page.get_by_role("heading", name=f"good {HOSTILE}").wait_for()
        await _drawn(visit, ".metric-chart")
        await page.locator(".made-of").get_by_text("the metric events").first.wait_for()
        await page.locator(".metric-chart .state.good").get_by_text("reaches its target").wait_for()
        assert await page.evaluate("window.hacked") is None
        assert await page.locator("img").count() == 0
        await _shot(visit, f"{name}-stored")

        # Switched by one press, and changed back in the form.
        watched = page.get_by_role("switch", name="Watched")
        await watched.check()
        await expect(page.locator(".definition .mark").filter(has_text="watched")).to_have_count(1)
        await page.get_by_role("button", name="Change", exact=True).click()
        form = page.get_by_role("form", name="Change good")
        await form.get_by_label("Watched").uncheck()
        await form.get_by_role("button", name="Save").click()
        await expect(page.get_by_role("switch", name="Watched")).not_to_be_checked()

        widths = await page.evaluate("() => [document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] == widths[1]
        await page.get_by_role("button", name="Delete").click()
        await _shot(visit, f"{name}-delete")
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await page.get_by_text("There is no metric").wait_for()
        assert visit.complaints == []


async def test_a_metric_from_events_is_drawn_stored_and_filled(chrome: Browser, house: House) -> None:
    async with visiting(chrome, house.gateway.url, color_scheme="dark") as visit:
        page = visit.page
        await page.goto(f"{house.gateway.url}{PAGE}?edit=events")
        await _as_editor(visit, house)
        form = page.get_by_role("form", name="New metric from events")
        await form.get_by_role("textbox", name="Name", exact=True).fill("liked")
        await form.get_by_label("Event type").fill("feedback")
        await _drawn(visit, ".metric-preview")
        await form.get_by_label("Where").fill("satisfaction >= ")
        await form.get_by_text("It cannot be drawn while something is wrong").wait_for()
        await form.get_by_label("Where").fill("satisfaction >= 4")
        await form.get_by_label("Dimensions").fill("plan")
        await form.get_by_label("Unit").fill("{feedback}")
        await form.get_by_text("can be saved").wait_for()
        await form.get_by_text("Events that nothing counts yet are drawn once it is saved").wait_for()
        await _shot(visit, "desk-dark-events")
        await form.get_by_role("button", name="Save").click()
        await page.get_by_role("heading", name="liked").wait_for()
        await page.get_by_text("History is filled").wait_for()
        await page.get_by_role("button", name="6 h", exact=True).click()
        await _drawn(visit, ".metric-chart")
        await page.get_by_role("combobox", name="Split by").select_option("plan")
        await page.locator(".metric-chart .legend").get_by_role("button", name=HOSTILE).wait_for()
        await page.locator(".cardinality").get_by_text("Nothing is counted as").wait_for()
        await _shot(visit, "desk-dark-liked")
        assert await page.evaluate("window.hacked") is None
        # The browser says of itself what an answer's status was.
        assert [text for text in visit.complaints if "422" not in text] == []


async def test_of_two_who_change_one_metric_the_later_sees_both_versions(chrome: Browser, house: House) -> None:
    kpi = {"kind": "derived", "unit": "%", "expression": EXPRESSION}
    await house.put("fine", **kpi)
    async with visiting(chrome, house.gateway.url) as visit:
        page = visit.page
        await page.goto(f"{house.gateway.url}{PAGE}?metric=fine")
        await _as_editor(visit, house)
        for mine, button in (("mine", "Take theirs"), ("mine again", "Replace theirs with mine")):
            await page.get_by_role("button", name="Change", exact=True).click()
            form = page.get_by_role("form", name="Change fine")
            await form.get_by_label("Owner").fill(mine)
            await form.get_by_text("can be saved").wait_for()
            theirs = await house.put("fine", **kpi, owner="theirs", description=f"before {mine}")
            await form.get_by_role("button", name="Save").click()
            conflict = page.get_by_role("alertdialog")
            await conflict.get_by_text("Somebody else changed it meanwhile").wait_for()
            await conflict.get_by_role("row", name=f"Owner {mine} theirs").wait_for()
            assert f"revision {theirs['revision']}" in await conflict.inner_text()
            await _shot(visit, f"conflict-{button.split()[0]}")
            await conflict.get_by_role("button", name=button).click()
            if button == "Take theirs":
                await expect(form.get_by_label("Owner")).to_have_value("theirs")
                await form.get_by_role("button", name="Cancel").click()
            else:
                await page.locator(".definition").get_by_text(mine).wait_for()
        # A metric that is gone is no surprise either.
        await page.get_by_role("button", name="Change", exact=True).click()
        form = page.get_by_role("form", name="Change fine")
        await form.get_by_label("Owner").fill("last")
        await form.get_by_text("can be saved").wait_for()
        url, headers = f"{house.gateway.url}/api/analytics/metrics/fine", {"x-api-key": house.editor, "if-match": "*"}
        async with house.gateway.http.delete(url, headers=headers) as answer:
            assert answer.status == 204
        await form.get_by_role("button", name="Save").click()
        await page.get_by_text("Somebody else deleted it meanwhile").wait_for()
        await page.get_by_role("button", name="Store mine again").click()
        await page.locator(".definition").get_by_text("last").wait_for()
        # The browser says of itself what an answer's status was.
        assert [text for text in visit.complaints if "409" not in text] == []


async def test_a_viewer_s_key_reads_and_says_why_it_does_no_more(chrome: Browser, house: House) -> None:
    async with visiting(chrome, house.gateway.url) as visit:
        page = visit.page
        await page.goto(f"{house.gateway.url}{PAGE}?metric=events&edit=change")
        await page.get_by_text("Nothing can be changed here. No key is given").wait_for()
        await page.get_by_role("button", name="Give an editor's key").click()
        for key, why in (("wrong", "the API key is not valid"), (house.viewer, "This key only reads")):
            await page.get_by_label("Editor's key").fill(key)
            await page.get_by_role("button", name="Use it").click()
            await page.get_by_text(why).wait_for()
        await page.get_by_role("button", name="Show the metric").click()
        await page.locator(".definition").get_by_text("The key given here only reads").wait_for()
        await expect(page.get_by_role("switch")).to_have_count(0)
        await expect(page.get_by_role("button", name="Change", exact=True)).to_have_count(0)
        await _shot(visit, "viewer")
        await page.get_by_role("button", name="Forget the key").click()
        await page.locator(".definition").get_by_text("No key is given").wait_for()
        # What the page does not offer is refused, too.
        script = """() => fetch("/api/dashboard/analytics/metrics/events", {method: "PUT", body: '{"enabled": false}'})
            .then(answer => answer.status)"""
        assert await page.evaluate(script) == 401


async def test_a_metric_is_live_on_its_dashboard_from_its_definition_on(chrome: Browser, house: House) -> None:
    kpi = {"kind": "derived", "unit": "%", "expression": '100 * count(events where event_type = "feedback") / count(events)'}
    async with visiting(chrome, house.gateway.url) as visit:
        page = visit.page
        await visit.open("own_metrics")
        await page.get_by_text("None of your own is counted yet").wait_for()
        await house.put("liked share", **kpi, target=90, warn=80, bad=70)

        async def shown() -> bool:
            event = {"event_id": uuid.uuid4().hex, "event_type": "feedback", "data": {}}
            status, _ = await house.gateway.post("/api/events", [event], x_api_key=house.editor, authorization="")
            assert status == 202
            tile = page.locator("[data-value='liked-share.value']")
            return await tile.count() > 0 and await tile.inner_text() == "100"

        await wait_until(shown)
        await page.locator("article.tile").filter(has_text="liked share").get_by_text("on target").wait_for()
        await page.get_by_role("heading", name="liked share").first.wait_for()
        await _shot(visit, "own-metrics")
        assert visit.complaints == []
