"""The pages about users in a real browser: events through a real gateway, counted by real services."""

from __future__ import annotations

import json
import os
import re
import time
import urllib.parse
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from drishti_local.servers import NatsServer
from rigs import gateway as gateway_rig
from rigs.axe import violations
from rigs.browser import PHONE, Visit, launched, visiting
from rigs.page_services import page_services
from rigs.waiting import wait_until

PAGES = "/api/dashboard"
HOUR_S = 3_600
SMALL_PHONE = {**PHONE, "viewport": {"width": 360, "height": 740}}
SHAPES = pytest.mark.parametrize(("shape", "scheme"), [({}, "light"), (SMALL_PHONE, "dark")], ids=["desk", "phone"])

VISITORS, ASKING, RATING = 60, 36, 9
"""Users who look, those of them who ask, and those of them who rate the answer."""

EARLIEST, CAME_BACK = 10, 5
"""Users of the earliest day, and those of them who look at something else two days later."""

FUNNEL = {
    "steps": [
        {"event_type": "page_view", "where": [{"property": "page", "op": "prefix", "value": "/tea"}]},
        {"event_type": "dharma_query"},
        {"event_type": "feedback", "where": [{"property": "rating", "op": ">=", "value": "4"}]},
    ],
    "window_s": 86_400,
    "breakdown": "version",
}


def events() -> list[dict[str, Any]]:
    """Visitors of the last days: each looks at tea, and some ask an hour later, rate another hour later, or come back."""
    now = time.time()
    sent = []
    for user in range(VISITORS):
        at = now - 24 * HOUR_S * (1 + user % 6)
        steps: list[tuple[int, str, dict[str, Any]]] = [
            (0, "page_view", {"page": f"/tea/{user % 4}", "connection": "slow" if user >= 30 else "fast"})
        ]
        if user < ASKING:
            steps.append((1, "dharma_query", {"topic": ("patience", "grief")[user % 2], "latency_ms": 900 + user}))
        if user < RATING:
            steps.append((2, "feedback", {"rating": 4 + user % 2}))
        if user % 6 == 5 and user < 6 * CAME_BACK:
            steps.append((48, "page_view", {"page": "/about"}))
        for hours, event_type, data in steps:
            sent.append({
                "event_id": f"{user}-{hours}", "event_type": event_type, "user_id": f"visitor-{user:03}",
                "service": "wisdom", "version": f"{1 + user % 2}.0", "data": data,
                "timestamp": datetime.fromtimestamp(at + hours * HOUR_S, UTC).isoformat(),
            })  # fmt: skip
    return sent


@pytest.fixture(scope="module")
async def chrome() -> AsyncIterator[Browser]:
    async with launched() as result:
        yield result


@pytest.fixture(scope="module")
async def gateway(module_nats: NatsServer, module_postgres_url: str) -> AsyncIterator[gateway_rig.Rig]:
    async with page_services(module_nats, module_postgres_url) as services:
        gateway = services.gateway
        headers = {"authorization": f"Bearer {await gateway.key('producer', tenant='default')}"}
        async with gateway.http.post(f"{gateway.url}/api/events", json=events(), headers=headers) as answer:
            assert answer.status == 202, await answer.text()

        async def users() -> int:
            async with gateway.http.get(f"{gateway.url}{PAGES}/analytics/users?limit=200") as found:
                return len((await found.json())["users"])

        await wait_until(users, equals=VISITORS)
        yield gateway


def address(page: str, question: dict[str, Any] | None = None, **more: str) -> str:
    said = more | ({"question": json.dumps(question)} if question else {})
    return f"{PAGES}/{page}?{urllib.parse.urlencode(said)}"


async def _shot(visit: Visit, name: str, shape: dict[str, Any]) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await visit.page.screenshot(path=f"{folder}/{name}-{'phone' if shape else 'desk'}.png", full_page=True)


async def _is_sound(visit: Visit) -> None:
    """The page is no wider than the screen, can be used by everybody, and complained about nothing."""
    assert visit.page.viewport_size is not None
    width = await visit.page.evaluate("document.documentElement.scrollWidth")
    assert width <= visit.page.viewport_size["width"]
    assert await violations(visit.page) == []
    assert visit.complaints == []


async def _text(page: Page, selector: str) -> list[str]:
    return [re.sub(r"\s+", " ", text).strip() for text in await page.locator(selector).all_inner_texts()]


@SHAPES
async def test_a_funnel_is_put_together_by_hand_and_its_bars_lead_to_their_users(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + address("funnels"))
        first = page.get_by_role("group", name="Step 1", exact=True)
        second = page.get_by_role("group", name="Step 2", exact=True)
        count = page.get_by_role("button", name="Count users")
        await expect(count).to_be_disabled()
        await first.get_by_label("Event type").fill("page_view")
        await first.get_by_role("button", name="Add a condition").click()
        await first.get_by_label("Where").fill("page")
        await first.get_by_label("Comparison").select_option("prefix")
        await first.get_by_label("Value").fill("/tea")
        await second.get_by_label("Event type").fill("dharma_query")
        await page.get_by_role("button", name="Add a step").click()
        third = page.get_by_role("group", name="Step 3", exact=True)
        await third.get_by_label("Event type").fill("feedback")
        await page.get_by_label("By", exact=True).fill("version")
        offered = await page.locator("datalist").first.locator("option").evaluate_all("all => all.map(one => one.value)")
        assert offered == ["dharma_query", "feedback", "page_view"]
        await count.click()

        steps = page.get_by_role("list", name="Steps")
        await expect(steps.locator(".users")).to_have_text([f"{n} users" for n in (VISITORS, ASKING, RATING)])
        await expect(page.get_by_text("Time to convert: half within 2.0 h")).to_be_visible()
        await expect(page.get_by_role("heading", name="9 of 60 users got to the last step: 15 %")).to_be_visible()
        groups = page.get_by_role("region", name="By version").locator("tbody tr")
        await expect(groups).to_have_count(2)
        await _shot(visit, "funnel", shape)
        await _is_sound(visit)
        assert json.loads(urllib.parse.parse_qs(urllib.parse.urlsplit(page.url).query)["question"][0])["breakdown"] == "version"

        found = page.get_by_role("region", name="Users found")
        for link, heading, user in [
            (
                steps.get_by_role("link", name=f"{ASKING} users"),
                f"{ASKING} users who reached step 2, dharma_query",
                "visitor-000",
            ),
            (
                steps.get_by_role("link", name="27 dropped"),
                "27 users who got to step 2, dharma_query, and not to step 3",
                "visitor-009",
            ),
            (groups.first.get_by_role("link").first, "30 users who reached step 1", "visitor-000"),
        ]:
            await link.click()
            await expect(found.get_by_role("heading", level=2)).to_contain_text(heading)
            await expect(found.get_by_role("link", name=user, exact=True)).to_have_count(1)
            await _is_sound(visit)
            await page.go_back()
            await expect(steps).to_be_visible()


@SHAPES
async def test_what_differs_between_those_who_went_on_and_those_who_left_leads_to_users(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + address("funnels", FUNNEL))
        differs = page.get_by_role("region", name="What differs")
        await expect(differs.get_by_label("Before step")).to_have_value("3")
        await differs.get_by_label("Before step").select_option("2")
        await differs.get_by_role("button", name="Compare").click()
        await expect(
            differs.get_by_text(f"{ASKING} users went on to step 2, {VISITORS - ASKING} left before it.")
        ).to_be_visible()
        slow = differs.get_by_role("row").filter(has_text="connection slow in the step before")
        await expect(slow.get_by_role("cell").nth(0)).to_have_text("20 % of 30 users")
        await expect(slow.get_by_role("cell").nth(1)).to_have_text("100 % of 30 users")
        await expect(differs.get_by_text("These are associations, not causes")).to_be_visible()
        await expect(differs.get_by_role("row").filter(has_text="version")).to_have_count(0)
        await _shot(visit, "funnel-autopsy", shape)
        await _is_sound(visit)
        user = slow.get_by_role("link").first
        await expect(user).to_have_text(re.compile("visitor-0(3[6-9]|4|5)"))
        await user.click()
        await expect(page).to_have_url(re.compile("visitor-0"))


async def test_order_unit_and_exclusions_of_a_funnel_are_chosen_by_hand(gateway: gateway_rig.Rig, chrome: Browser) -> None:
    two = {"steps": [{"event_type": "page_view"}, {"event_type": "feedback"}]}
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(gateway.url + address("funnels", two))
        users = page.get_by_role("list", name="Steps").locator(".users")
        await expect(users).to_have_text([f"{VISITORS} users", f"{RATING} users"])
        await page.get_by_label("Order").select_option("strict")
        await page.get_by_role("button", name="Count users").click()
        await expect(users).to_have_text([f"{VISITORS} users", "0 users"])
        await page.get_by_label("Order").select_option("ordered")
        await page.get_by_role("button", name="Add what must not lie in between").click()
        between = page.get_by_role("group", name="Not in between 1")
        await between.get_by_label("Event type").fill("dharma_query")
        await page.get_by_role("button", name="Count users").click()
        await expect(page.get_by_text(f"{RATING} users met what must not lie in between")).to_be_visible()
        await expect(users).to_have_text([f"{VISITORS - RATING} users", "0 users"])
        await between.get_by_role("button", name="Remove what must not lie in between 1").click()
        await page.get_by_label("Of each").select_option("session")
        await page.get_by_role("button", name="Count users").click()
        views = sum(one["event_type"] == "page_view" for one in events())
        await expect(users).to_have_text([f"{views} sessions", "0 sessions"])
        await _is_sound(visit)


async def test_a_name_that_is_not_known_is_replaced_by_the_one_that_was_meant(
    gateway: gateway_rig.Rig, chrome: Browser
) -> None:
    wrong = FUNNEL | {"steps": [{"event_type": "page_vew"}, *FUNNEL["steps"][1:]]}  # type: ignore[misc]
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await page.goto(gateway.url + address("funnels", wrong))
        step = page.get_by_role("group", name="Step 1", exact=True)
        await expect(step.get_by_label("Event type")).to_have_attribute("aria-invalid", "true")
        await _shot(visit, "funnel-fault", {})
        await page.get_by_role("button", name="use page_view").click()
        await expect(page.get_by_role("list", name="Steps").locator("li")).to_have_count(3)
        await expect(step.get_by_label("Event type")).to_have_value("page_view")


@SHAPES
async def test_users_are_found_by_the_beginning_of_their_ids(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + address("users"))
        rows = page.get_by_role("region", name="Users found").locator("tbody tr")
        await expect(rows).to_have_count(50)
        await page.get_by_role("button", name="Show more").click()
        await expect(rows).to_have_count(VISITORS)
        await page.get_by_label("Id begins with").fill("visitor-01")
        await page.keyboard.press("Enter")
        await expect(rows).to_have_count(10)
        await expect(rows.first.get_by_role("link")).to_have_attribute("href", f"{PAGES}/users?user=visitor-010")
        await _shot(visit, "users", shape)
        await _is_sound(visit)
        await page.get_by_label("Id begins with").fill("nobody")
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("No user has an id that begins with nobody")).to_be_visible()


async def test_a_funnel_is_a_panel_that_is_made_with_the_editor_and_leads_to_its_page(
    gateway: gateway_rig.Rig, chrome: Browser
) -> None:
    editor = await gateway.key("editor", tenant="default")
    two = {"steps": [{"event_type": "page_view"}, {"event_type": "feedback"}], "exclusions": [{"event_type": "dharma_query"}]}
    unasked = {"kind": "funnel", "title": "Without a question", "unit": "session", "gap_s": 86_400, **two}
    async with gateway.http.put(
        f"{gateway.url}{PAGES}/dashboards/product",
        json={"title": "Product", "panels": [{"kind": "funnel", "title": "From tea to feedback", **FUNNEL}, unasked]},
        headers={"x-api-key": editor, "if-match": "*"},
    ) as stored:
        assert stored.status in (200, 201), await stored.text()
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await visit.open("product", "?from=now-30d&to=now")
        users = page.locator("article").filter(has=page.get_by_role("heading", name="From tea to feedback")).locator(".users")
        await expect(users).to_have_text([f"{n} users" for n in (VISITORS, ASKING, RATING)])
        other = page.locator("article").filter(has=page.get_by_role("heading", name="Without a question"))
        await expect(other.get_by_text(f"{RATING} sessions met what must not lie in between")).to_be_visible()
        await _shot(visit, "funnel-panel", {})
        await _is_sound(visit)
        await page.get_by_role("link", name="From tea to feedback").click()
        await expect(page.get_by_role("list", name="Steps").locator(".users")).to_have_count(3)

        await page.evaluate(
            "([path, key]) => fetch(path, {method: 'POST', headers: {authorization: `Bearer ${key}`}})",
            [f"{PAGES}/analytics/session", editor],
        )
        await page.goto(f"{gateway.url}{PAGES}/dashboard-editor?dashboard=product")
        await page.get_by_role("button", name="Edit From tea to feedback").click()
        await page.get_by_role("button", name="Add a step").click()
        fourth = page.get_by_role("group", name="Step 4", exact=True)
        await expect(page.get_by_text("Name the event of each step")).to_be_visible()
        await fourth.get_by_label("Event type").fill("page_view")
        preview = page.locator("article").filter(has=page.get_by_role("heading", name="From tea to feedback"))
        await preview.scroll_into_view_if_needed()
        await expect(preview.locator(".users")).to_have_text([f"{n} users" for n in (VISITORS, ASKING, RATING, 0)])
        await page.get_by_label("Of each").select_option("account")
        await expect(page.get_by_text("Name the property that tells accounts apart")).to_be_visible()
        await page.get_by_label("Of each").select_option("session")
        await page.get_by_label("Order").select_option("strict")
        views = sum(one["event_type"] == "page_view" and one["data"]["page"] != "/about" for one in events())
        await expect(preview.locator(".users")).to_have_text([f"{views} sessions", *["0 sessions"] * 3])
        await _shot(visit, "funnel-editor", {})


@SHAPES
async def test_retention_is_a_table_whose_cells_lead_to_who_came_back_and_who_did_not(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + address("retention"))
        table = page.get_by_role("region", name="Cohorts")
        await expect(table.locator("thead")).to_contain_text("Week 7")
        began, returned = (page.get_by_role("group", name=name, exact=True) for name in ("Began with", "Came back with"))
        for part, path in ((began, "/tea"), (returned, "/about")):
            await part.get_by_label("Event types", exact=True).fill("page_view")
            await page.keyboard.press("Enter")
            await part.get_by_role("button", name="Add a condition").click()
            await part.get_by_label("Where").fill("page")
            await part.get_by_label("Comparison").select_option("prefix")
            await part.get_by_label("Value").fill(path)
        await page.get_by_label("Period").select_option("day")
        await page.get_by_label("By", exact=True).fill("version")
        await page.get_by_role("button", name="Count users").click()

        first = table.locator("tbody tr").nth(1)
        await expect(first.locator("td").first).to_have_text(str(EARLIEST))
        await expect(first.locator("td").nth(3)).to_have_text("50 %")
        # Of those who began yesterday the number of today still grows, and of tomorrow there is none.
        await expect(table.locator("tbody tr").nth(-2).locator(".cell")).to_have_count(2)
        await expect(table.locator("tbody tr").nth(-2).locator(".growing")).to_have_count(1)
        groups = page.get_by_role("region", name="By version").locator("tbody tr")
        await expect(groups).to_have_count(2)
        await _shot(visit, "retention", shape)
        await _is_sound(visit)
        await page.get_by_label("Show").select_option("lost")
        await first.locator("td").nth(3).get_by_role("link").click()
        found = page.get_by_role("region", name="Users found")
        await expect(found.locator("h2")).to_contain_text(f"{EARLIEST - CAME_BACK} users who began on")
        await expect(found.locator("li")).to_have_count(EARLIEST - CAME_BACK)


@SHAPES
async def test_journeys_are_a_diagram_and_tables_whose_steps_lead_to_their_users(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + address("journeys"))
        begin = page.get_by_role("group", name="Paths begin", exact=True)
        await begin.get_by_label("Where").select_option("start")
        await begin.get_by_label("Event type").fill("page_view")
        await begin.get_by_role("button", name="Add a condition").click()
        await begin.get_by_label("Where").last.fill("page")
        await begin.get_by_label("Comparison").select_option("prefix")
        await begin.get_by_label("Value").fill("/tea")
        await page.get_by_text("Sessions, latency and errors").click()
        await page.get_by_label("A path lasts").select_option("window_s")
        await page.get_by_label("Latency").fill("latency_ms")
        await page.get_by_role("button", name="Count users").click()

        await expect(page.get_by_role("heading", name=f"{VISITORS} paths of {VISITORS} users")).to_be_visible()
        edges = page.get_by_role("region", name="From one step to the next").locator("tbody tr")
        asked = edges.filter(has_text="page_view → dharma_query")
        await expect(asked.locator("td")).to_have_text(["36", "36", "60 %", "1.0 h", "917 ms", "0 %"])
        diagram = page.get_by_role("region", name="Diagram")
        await expect(diagram.locator(".node").first).to_contain_text("page_view 60")
        await _shot(visit, "journeys", shape)
        await _is_sound(visit)
        await asked.get_by_role("link", name="36").click()
        found = page.get_by_role("region", name="Users found")
        await expect(found.locator("h2")).to_contain_text("36 users who went from page_view to dharma_query")
        await page.go_back()
        await diagram.locator(".node").filter(has_text="feedback").locator("rect").first.click()
        await expect(found.locator("h2")).to_contain_text(f"{RATING} users who did feedback, 2 steps after page_view")


async def test_retention_and_journeys_are_panels_that_lead_to_users_and_are_made_with_the_editor(
    gateway: gateway_rig.Rig, chrome: Browser
) -> None:
    editor = await gateway.key("editor", tenant="default")
    panels = [
        {"kind": "retention", "title": "Who comes back", "interval": "day", "periods": 4, "breakdown": "version"},
        {"kind": "journeys", "title": "After tea", "start": FUNNEL["steps"][0], "window_s": 86_400},  # type: ignore[index]
    ]
    async with gateway.http.put(
        f"{gateway.url}{PAGES}/dashboards/habits",
        json={"title": "Habits", "panels": panels},
        headers={"x-api-key": editor, "if-match": "*"},
    ) as stored:
        assert stored.status in (200, 201), await stored.text()
    async with visiting(chrome, gateway.url) as visit:
        page = visit.page
        await visit.open("habits", "?from=now-30d&to=now")
        retention, paths = (
            page.locator("article").filter(has=page.get_by_role("heading", name=name))
            for name in ("Who comes back", "After tea")
        )
        await expect(retention.locator("tbody tr").nth(1).locator("td").first).to_have_text(str(EARLIEST))
        await paths.scroll_into_view_if_needed()
        await expect(paths.locator(".node").first).to_contain_text(f"page_view {VISITORS}")
        await _shot(visit, "habits", {})
        await _is_sound(visit)
        await retention.get_by_label("Of version").select_option("1")
        await retention.locator("tbody tr").nth(1).locator("td").first.get_by_role("link").click()
        found = page.get_by_role("region", name="Users found")
        await expect(found.locator("h2")).to_contain_text("of version 2.0")
        await expect(found.locator("li")).to_have_count(EARLIEST)

        await page.evaluate(
            "([path, key]) => fetch(path, {method: 'POST', headers: {authorization: `Bearer ${key}`}})",
            [f"{PAGES}/analytics/session", editor],
        )
        await page.goto(f"{gateway.url}{PAGES}/dashboard-editor?dashboard=habits")
        await page.get_by_role("button", name="Edit Who comes back").click()
        await page.get_by_label("When").select_option("bracketed")
        await expect(page.get_by_text("Name the events")).to_be_visible()
        await page.get_by_label("Brackets").fill("0, 1-3, 2")
        await expect(page.get_by_text("must begin after the one before").first).to_be_visible()
        await page.get_by_label("Brackets").fill("0, 1-3")
        preview = page.locator("article").filter(has=page.get_by_role("heading", name="Who comes back"))
        await preview.scroll_into_view_if_needed()
        await expect(preview.locator("thead")).to_contain_text("Days 1–3")
        await _shot(visit, "habits-editor", {})


@SHAPES
async def test_activity_is_bars_and_a_table_of_everybody_or_of_a_cohort(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    editor = await gateway.key("editor", tenant="default")
    name = f"raters-{scheme}"
    async with gateway.http.post(
        f"{gateway.url}/api/analytics/cohorts/{name}",
        json={"title": f"Raters, {scheme}", "condition": {"did": {"event_types": ["feedback"]}}},
        headers={"authorization": f"Bearer {editor}"},
    ) as stored:
        assert stored.status in (200, 201), await stored.text()
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + address("activity"))
        await expect(page.get_by_role("heading", name=f"{VISITORS} users were active")).to_be_visible()
        rows = page.get_by_role("region", name="Periods").locator("tbody tr")
        assert sum(map(int, await rows.locator("td:nth-child(3)").all_inner_texts())) == VISITORS  # new ones, each once
        await expect(page.get_by_role("region", name="Bars").locator(".new rect")).to_have_count(6)
        await _shot(visit, "activity", shape)
        await _is_sound(visit)
        await page.get_by_label("Of", exact=True).select_option(name)
        await page.get_by_role("button", name="Count users").click()
        await expect(page.get_by_role("heading", name=f"{RATING} users were active")).to_be_visible()
        await page.get_by_label("Period", exact=True).select_option("month")
        await page.get_by_role("button", name="Count users").click()
        await expect(page.get_by_role("region", name="Bars")).to_be_visible()
        await expect(rows.get_by_role("link").first).to_have_css("text-decoration-line", "underline")
        await rows.get_by_role("link").first.click()
        found = page.get_by_role("region", name="Users found")
        await expect(found.locator("h2")).to_contain_text(f"of the cohort {name}")


@SHAPES
async def test_engagement_is_by_tens_parts_and_days_and_leads_to_users_and_why(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + address("engagement"))
        await expect(page.get_by_role("heading", name=f"{VISITORS} users with a score")).to_be_visible()
        await page.get_by_label("Rating").fill("rating")
        await page.get_by_label("By", exact=True).fill("version")
        await page.get_by_role("button", name="Count users").click()
        await expect(page.get_by_text(f"{RATING} of {VISITORS}")).to_be_visible()
        bars = page.get_by_role("region", name="Users by score").locator("tbody tr")
        counts = [int(one) for one in await bars.locator("td:nth-child(2)").all_inner_texts()]
        assert len(counts) == 10
        assert sum(counts) == VISITORS
        await expect(page.get_by_role("region", name="Periods").locator("tbody tr").first).to_contain_text(f"{VISITORS}")
        groups = page.get_by_role("region", name="By version").locator("tbody tr")
        await expect(groups).to_have_count(2)
        users = page.get_by_role("region", name="Scores of users").locator("tbody tr")
        await page.get_by_label("First").select_option("highest")
        await expect(users.first.locator("td").last).to_have_text(re.compile("^[45]$"))
        score, *points = [float(cell.split()[0]) for cell in (await users.first.locator("td").all_inner_texts())[:5]]
        assert sum(points) == pytest.approx(score, abs=0.21)  # They have a digit less.
        await _shot(visit, "engagement", shape)
        await _is_sound(visit)

        found = page.get_by_role("region", name="Users found")
        place = counts.index(max(counts))
        for link, users_found, words in [
            (bars.nth(place).get_by_role("link"), max(counts), f"engaged from {place * 10} to {place * 10 + 10} of 100"),
            (groups.first.get_by_role("link"), VISITORS // 2, "of version"),
        ]:
            await link.click()
            await expect(found.get_by_role("heading", level=2)).to_contain_text(words)
            await expect(found.locator("li")).to_have_count(users_found)
            await page.go_back()
        user = users.first.get_by_role("link")
        name = await user.inner_text()
        await user.click()
        await expect(page).to_have_url(re.compile(f"users.user={name}"))


@SHAPES
async def test_what_users_do_by_how_long_they_waited_has_intervals_and_leads_to_them(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    half = ASKING // 2
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + address("experience"))
        began, met, then = (
            page.get_by_role("group", name=name, exact=True)
            for name in ("Begins with a user's first", "Then meets", "How many then")
        )
        count = page.get_by_role("button", name="Count users")
        await began.get_by_label("Event type").fill("page_view")
        await expect(count).to_be_disabled()
        await met.get_by_label("Measured by").select_option("mean")
        await met.get_by_label("Property").fill("latency_ms")
        await met.get_by_label("Event type").fill("dharma_query")
        await met.get_by_label("Unit").select_option("min")
        await met.get_by_label("Within").fill("90")
        await then.get_by_label("Outcome").select_option("conversion")
        await then.get_by_label("Event type").fill("feedback")
        await then.get_by_label("Unit").select_option("h")
        await then.get_by_label("Within").fill("12")
        await page.get_by_label("Ranges").fill("2")
        await count.click()

        bars = page.get_by_role("list", name="Ranges").locator("li")
        await expect(bars.locator(".users")).to_have_text([f"{n} users" for n in (half, half, VISITORS - ASKING)])
        for bar, words in zip(
            await bars.all(), ("50 % did feedback (95 %: 29 % to 71 %): 9 did", "0 did", "0 did"), strict=True
        ):
            await expect(bar).to_contain_text(words)
        await expect(page.get_by_text("The outcome falls as the dose rises")).to_be_visible()
        await expect(page.get_by_text("This is an association, not a cause")).to_be_visible()
        alike = page.get_by_role("region", name="Among users who are alike")
        await expect(alike.get_by_role("row").filter(has_text="version 2.0")).to_contain_text(f"of {half // 2}")
        await page.evaluate("scrollTo(0, 0)")  # The head of the page lies over what is scrolled below it.
        await _shot(visit, "experience", shape)
        await _is_sound(visit)

        found = page.get_by_role("region", name="Users found")
        for link, users, words in [
            (bars.nth(0).get_by_role("link", name="9 did", exact=True), RATING, "and did feedback"),
            (bars.nth(1).locator(".users"), half, "and more as mean latency_ms of dharma_query"),
            (bars.nth(2).locator(".users"), VISITORS - ASKING, "had no mean latency_ms of dharma_query"),
        ]:
            await link.click()
            await expect(found.get_by_role("heading", level=2)).to_contain_text(words)
            await expect(found.locator("li")).to_have_count(users)
            await page.go_back()
            await expect(bars).to_have_count(3)


@SHAPES
async def test_a_cohort_is_put_together_by_hand_counted_and_deleted(
    gateway: gateway_rig.Rig, chrome: Browser, shape: dict[str, Any], scheme: str
) -> None:
    title = f"Askers, {scheme}"
    async with visiting(chrome, gateway.url, color_scheme=scheme, **shape) as visit:
        page = visit.page
        await page.goto(gateway.url + address("cohorts"))
        await page.evaluate(
            "([path, key]) => fetch(path, {method: 'POST', headers: {authorization: `Bearer ${key}`}})",
            [f"{PAGES}/analytics/session", await gateway.key("editor", tenant="default")],
        )
        await page.get_by_label("Title").fill(title)
        part = page.get_by_role("group", name="Users who …", exact=True)
        await part.get_by_label("Event types", exact=True).fill("dharma_qery")
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.get_by_role("button", name="use dharma_query").click()
        await part.get_by_label("In the last days").fill("30")
        visit.complaints.clear()  # of the refusal
        await page.get_by_role("button", name="Save", exact=True).click()
        row = page.get_by_role("region", name="All cohorts").locator("li").filter(has_text=title)
        await expect(row.get_by_role("link", name=f"{ASKING} users")).to_be_visible()
        await expect(row).to_contain_text("did dharma_query in the last 30 days")
        await _shot(visit, "cohorts", shape)
        await _is_sound(visit)
        await row.get_by_role("link", name=f"{ASKING} users").click()
        found = page.get_by_role("region", name="Users found")
        await expect(found.locator("h2")).to_contain_text(f"{ASKING} users who are in the cohort askers-{scheme} now")
        await page.go_back()
        await row.get_by_role("button", name=f"Delete {title}").click()
        await row.get_by_role("button", name="Delete for good").click()
        await expect(row).to_have_count(0)
