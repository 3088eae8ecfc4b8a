"""Dashboards that people make on the page: by mouse, touch and keyboard, taken along as files, against somebody else."""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import msgspec
import pytest
from playwright.async_api import Browser, Dialog, FloatRect, Locator, Page, expect

from drishti.bus.keys import Role
from drishti.dashboards.panels import MAX_PANELS
from drishti_local.servers import NatsServer
from rigs import gateway as gateway_rig
from rigs.browser import DEADLINE_MS, PHONE, Visit, launched, visiting
from rigs.page_services import page_services
from rigs.waiting import wait_until

LIST = "/api/dashboard/dashboards-list"
EDITOR = "/api/dashboard/dashboard-editor"
HOSTILE = '<img src=x onerror="window.hacked=1">'
STAT: dict[str, Any] = {"kind": "stat", "title": "Requests", "value": {"metric": "requests", "field": "rate"}}
expect.set_options(timeout=DEADLINE_MS)


class House(NamedTuple):
    """A gateway, analytics and dashboard-stream on one bus, with events of the last minutes counted."""

    gateway: gateway_rig.Rig
    editor: str
    viewer: str

    async def put(self, name: str, *panels: dict[str, Any], **document: Any) -> dict[str, Any]:
        """As another editor stores it, over whatever is there."""
        headers = {"x-api-key": self.editor, "if-match": "*"}
        url = f"{self.gateway.url}/api/dashboard/dashboards/{name}"
        content = {"title": name.title(), "panels": list(panels), **document}
        async with self.gateway.http.put(url, json=content, headers=headers) as answer:
            stored: dict[str, Any] = await answer.json()
            assert answer.status in (200, 201), stored
        return stored

    async def document(self, name: str) -> dict[str, Any]:
        url = f"{self.gateway.url}/api/dashboard/dashboards/{name}"
        async with self.gateway.http.get(url, headers={"x-api-key": self.viewer}) as answer:
            stored: dict[str, Any] = (await answer.json())["document"]
        return stored


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
                "event_type": "feedback" if n % 2 else "signup",
                "timestamp": (now - timedelta(minutes=minutes)).isoformat(),
                "service": "wisdom",
                "user_id": f"user {n}",
            }
            for minutes in range(1, 30)
            for n in range(6)
        ]
        producer = await gateway.key("producer", tenant="default")
        status, answer = await gateway.post("/api/events", events, authorization=f"Bearer {producer}")
        assert status == 202, answer
        roles: tuple[Role, ...] = ("editor", "viewer")
        editor, viewer = [await gateway.key(role, tenant="default") for role in roles]

        async def counted() -> bool:
            asked = {"metric": "events", "aggregate": "count", "from": "now-1h"}
            url = f"{gateway.url}/api/analytics/query"
            async with gateway.http.get(url, params=asked, headers={"x-api-key": viewer}) as answer:
                series = (await answer.json()).get("series")
            return bool(series) and series[0]["total"] == len(events)

        await wait_until(counted)
        yield House(gateway, editor, viewer)


async def _shot(visit: Visit, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        await visit.page.screenshot(path=f"{folder}/builder-{name}.png", full_page=True)


async def _with_key(page: Page, key: str) -> None:
    """Gives the page a key as people do: in its form."""
    await page.get_by_role("button", name="Give an editor's key").click()
    await page.get_by_label("Editor's key").fill(key)
    await page.get_by_role("button", name="Use it").click()


async def _has_order(page: Page, *titles: str) -> None:
    for place, title in enumerate(titles):
        await expect(page.locator(".card").nth(place)).to_have_attribute("aria-label", f"{title}, {place + 1} of {len(titles)}")


async def _fits(page: Page) -> None:
    """The page is no wider than the screen. A phone would show it smaller, and call that its inner width."""
    assert page.viewport_size is not None
    assert await page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


async def _chosen(page: Page, title: str, item: str) -> None:
    """By the menu of the first panel of that title."""
    await page.get_by_role("button", name=f"Menu of {title}", exact=True).first.click()
    await page.get_by_role("menuitem", name=item, exact=True).click()


async def _box(locator: Locator) -> FloatRect:
    box = await locator.bounding_box()
    assert box is not None
    return box


async def _is_wide(page: Page, width: float) -> bool:
    """The third card."""
    return abs((await _box(page.locator(".card").nth(2)))["width"] - width) < 1


async def _chart_fills(page: Page) -> bool:
    host, drawn = await _box(page.locator(".placed .host")), await _box(page.locator(".placed .host .main-svg").first)
    return abs(host["width"] - drawn["width"]) < 2 and abs(host["height"] - drawn["height"]) < 2


async def _dragged_by_finger(page: Page, handle: str, x: float, y: float) -> None:
    box = await _box(page.get_by_role("button", name=handle))
    start = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    session = await page.context.new_cdp_session(page)
    await session.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [start]})
    for part in (0.5, 1.0):
        point = {"x": start["x"] + (x - start["x"]) * part, "y": start["y"] + (y - start["y"]) * part}
        await session.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [point]})
    await session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})


async def test_a_dashboard_is_built_by_mouse_saved_and_live(chrome: Browser, house: House, tmp_path: Path) -> None:
    async with visiting(chrome, house.gateway.url) as visit:
        page = visit.page
        await page.goto(house.gateway.url + LIST)
        await page.get_by_text("a key with the role editor or admin is needed").first.wait_for()
        await expect(page.get_by_role("link", name="New dashboard")).to_have_count(0)
        await _with_key(page, house.editor)
        await _shot(visit, "list-empty")
        await page.get_by_role("link", name="New dashboard").click()
        await page.get_by_label("Title", exact=True).fill(f"Feedback {HOSTILE}")
        await expect(page.get_by_label("Name", exact=True)).to_have_value("feedback-img-src-x-onerror-window-hacked-1")
        await page.get_by_label("Name", exact=True).fill("feedback")

        await page.get_by_role("button", name="+ Number").click()
        form = page.locator(".panel-form")
        await form.get_by_label("Title", exact=True).fill("Events a day")
        await form.get_by_label("Metric").fill("event")
        await form.get_by_text("there is no such metric").wait_for()
        await form.get_by_label("Metric").fill("events")
        await form.get_by_label("Field").select_option("count")
        await form.get_by_label("Counted over").select_option("24h")
        # The number is there before anything is saved.
        await page.locator(".card [data-value='events.count.24h']:text-matches('^1[0-9]{2}$')").wait_for()
        await form.get_by_label("Title", exact=True).fill("")
        await expect(form.get_by_label("Title", exact=True)).to_have_attribute("aria-invalid", "true")
        await page.keyboard.press("Control+z")
        await expect(form.get_by_label("Title", exact=True)).not_to_have_value("")
        await form.get_by_label("Title", exact=True).fill("Events a day")
        await page.get_by_role("button", name="Edit Events a day").click()

        await page.get_by_role("button", name="+ Time series").click()
        await form.get_by_label("Title", exact=True).fill("Events by type")
        await form.get_by_label("Metric").fill("events")
        await form.get_by_label("Split by").select_option("event_type")
        await page.locator(".card .js-line[d]").first.wait_for(state="attached")
        await _shot(visit, "lines-open")
        await page.get_by_role("button", name="Edit Events by type").click()
        await page.get_by_role("button", name="+ Table").click()
        await form.get_by_label("Title", exact=True).fill("Types")
        await form.get_by_label("Metric").fill("events")
        await form.get_by_label("A row for each").select_option("event_type")
        await page.locator(".card table").get_by_text("signup").wait_for()
        await page.get_by_role("button", name="Edit Types").click()

        await _has_order(page, "Events a day", "Events by type", "Types")
        await page.get_by_role("button", name="Move Types", exact=True).drag_to(page.locator(".card").first)
        await _has_order(page, "Types", "Events a day", "Events by type")
        await page.get_by_role("button", name="Undo").click()
        await _has_order(page, "Events a day", "Events by type", "Types")
        await page.get_by_role("button", name="Redo").click()
        await _chosen(page, "Types", "Duplicate")
        await _chosen(page, "Types", "Delete")
        await _has_order(page, "Types", "Events a day", "Events by type")
        await page.get_by_text("new, not saved").wait_for()
        # Resized by the corner, undone, and done again.
        corner = page.get_by_role("button", name="Resize Events by type")
        before = await _box(page.locator(".card").nth(2))
        await corner.scroll_into_view_if_needed()
        box = await _box(corner)
        await page.mouse.move(box["x"] + 14, box["y"] + 14)
        await page.mouse.down()
        await page.mouse.move(box["x"] + 14 - before["width"] / 3, box["y"] + 90, steps=3)
        await page.locator(".card.resized").wait_for()
        await page.mouse.up()
        await expect(corner).to_have_attribute("aria-label", re.compile(r"Resize Events by type: \d+ of 12 columns, \d rows"))
        resized = await _box(page.locator(".card").nth(2))
        assert resized["width"] < before["width"]
        await page.get_by_role("button", name="Undo").click()
        await wait_until(lambda: _is_wide(page, before["width"]))
        await page.get_by_role("button", name="Redo").click()
        await wait_until(lambda: _is_wide(page, resized["width"]))
        await _shot(visit, "cards")
        await page.get_by_role("button", name="Save", exact=True).click()
        await page.locator(".builder-bar").get_by_text("saved", exact=True).wait_for()
        assert [panel["title"] for panel in (await house.document("feedback"))["panels"]] == [
            "Types",
            "Events a day",
            "Events by type",
        ]
        assert page.url.endswith("?dashboard=feedback")
        layout = {panel["title"]: panel["layout"] for panel in (await house.document("feedback"))["panels"]}
        assert layout["Events by type"]["rows"] > 1
        assert "rows" not in layout["Types"]

        # Taken along as YAML, and back under another name.
        async with page.expect_download() as downloading:
            await page.get_by_role("button", name="YAML").click()
        file = tmp_path / "feedback.yaml"
        await (await downloading.value).save_as(file)
        await page.get_by_role("link", name="All dashboards").click()
        await page.get_by_label("File of a dashboard, JSON or YAML").set_input_files(file)
        await expect(page.get_by_label("Name", exact=True)).to_have_value("feedback-2")
        await _has_order(page, "Types", "Events a day", "Events by type")
        page.once("dialog", lambda dialog: dialog.dismiss())
        await page.get_by_role("link", name="All dashboards").click()
        await expect(page.get_by_label("Name", exact=True)).to_have_value("feedback-2")
        page.once("dialog", lambda dialog: dialog.accept())
        await page.get_by_role("link", name="All dashboards").click()
        await page.get_by_label("File of a dashboard, JSON or YAML").set_input_files(
            {"name": "wrong.json", "mimeType": "application/json", "buffer": b'{"name": "x", "title": 5}'}
        )
        await page.get_by_text("It cannot be imported: title:").wait_for()

        await page.get_by_role("search").get_by_label("Search").fill("types feedback")
        await page.get_by_text("1 of 5 dashboards").wait_for()
        await _shot(visit, "list")
        await page.locator(".about > a").click()
        await visit.wait_state("live")
        await page.get_by_role("heading", name="Events by type").wait_for()
        # The page has the same picture: what was resized is as many columns wide, and its chart fills it.
        shown = page.locator('[data-frame^="time_series"]')
        whole = await _box(page.locator(".placed"))
        columns = layout["Events by type"]["columns"]
        assert round(((await _box(shown))["width"] + 12) / (whole["width"] + 12) * 12) == columns
        assert (await _box(shown))["height"] == layout["Events by type"]["rows"] * 88 - 12
        await wait_until(lambda: _chart_fills(page))
        assert await page.evaluate("window.hacked") is None
        await page.get_by_role("link", name="Edit", exact=True).click()
        await page.get_by_role("button", name="Edit Types").wait_for()
        await page.get_by_role("link", name="All dashboards").click()
        await page.get_by_role("button", name="Delete Feedback").click()
        await page.get_by_role("dialog").get_by_role("button", name="Delete").click()
        await page.get_by_text("4 dashboards", exact=True).wait_for()
        assert visit.complaints == []


async def test_a_panel_whose_metric_is_not_there_yet_is_named(chrome: Browser, house: House) -> None:
    await house.put("waiting", STAT, {**STAT, "title": "Orders", "value": {"metric": "orders", "field": "rate"}})
    async with visiting(chrome, house.gateway.url) as visit:
        await visit.page.goto(f"{house.gateway.url}/api/dashboard/dashboard/waiting")
        await visit.page.get_by_text("Not shown yet: Orders (there is no metric orders).").wait_for()
        await visit.page.get_by_role("heading", name="Requests").wait_for()
        assert visit.complaints == []


async def test_panels_are_moved_by_touch_and_by_keys_on_a_phone(chrome: Browser, house: House) -> None:
    for n in range(40):
        await house.put(f"board-{n:02}", {**STAT, "title": "A"}, {**STAT, "title": "B"}, title=f"Board {n:02} " + "long " * 20)
    async with visiting(chrome, house.gateway.url, color_scheme="dark", **PHONE) as visit:
        page = visit.page
        await page.goto(f"{house.gateway.url}{EDITOR}?dashboard=board-07")
        await _with_key(page, house.editor)
        await page.get_by_role("button", name="Move A", exact=True).wait_for()
        await page.get_by_role("button", name="Move A", exact=True).focus()
        await page.keyboard.press("ArrowDown")
        await _has_order(page, "B", "A")
        await expect(page.get_by_role("button", name="Move A", exact=True)).to_be_focused()
        await _chosen(page, "A", "Move forward")
        await _has_order(page, "A", "B")
        target = await _box(page.locator(".card").nth(1))
        await _dragged_by_finger(page, "Move A", target["x"] + 30, target["y"] + target["height"] / 2)
        await _has_order(page, "B", "A")
        await page.get_by_role("button", name="Edit A").tap()
        await _fits(page)
        await _shot(visit, "phone-open")
        await page.keyboard.press("Control+s")
        await page.locator(".builder-bar").get_by_text("saved", exact=True).wait_for()
        assert [panel["title"] for panel in (await house.document("board-07"))["panels"]] == ["B", "A"]
        await page.goto(house.gateway.url + LIST)
        await page.get_by_text("44 dashboards").wait_for()
        assert await page.locator("nav a").count() < 44, "not all dashboards"
        await page.get_by_role("button", name="Keep Board 03").first.tap()
        await page.get_by_role("button", name="Menu", exact=True).tap()
        await page.locator("nav").get_by_role("link", name="Board 03").wait_for()
        await _fits(page)
        await _shot(visit, "phone-list")
        assert visit.complaints == []


async def test_panels_are_moved_and_resized_by_finger_and_by_keys_and_copied(chrome: Browser, house: House) -> None:
    await house.put("tablet", {**STAT, "title": "A"}, {**STAT, "title": "B"}, STAT)
    of_kind = {**STAT, "title": "Other $kind", "value": {**STAT["value"], "only": {"event_type": "$kind"}}}
    kind = {"name": "kind", "metric": "events", "dimension": "event_type"}
    tablet = {"viewport": {"width": 900, "height": 1100}, "has_touch": True, "reduced_motion": "reduce"}
    async with visiting(chrome, house.gateway.url, **tablet) as visit:
        page = visit.page
        await page.goto(f"{house.gateway.url}{EDITOR}?dashboard=tablet")
        await _with_key(page, house.editor)
        target = await _box(page.locator(".card").nth(1))
        await _dragged_by_finger(page, "Move Requests", target["x"] + target["width"] / 2, target["y"] + 60)
        await _has_order(page, "A", "Requests", "B")
        corner = await _box(page.get_by_role("button", name="Resize A"))
        unit = (await _box(page.locator(".cards")))["width"] / 12
        await _dragged_by_finger(page, "Resize A", corner["x"] + 22 + 2 * unit, corner["y"] + 22 + 108)
        size = page.get_by_role("button", name="Resize A")
        await expect(size).to_have_attribute("aria-label", "Resize A: 6 of 12 columns, 3 rows")
        # By keys, said in words to whoever listens.
        await size.focus()
        await page.keyboard.press("ArrowRight")
        await page.keyboard.press("ArrowUp")
        await page.get_by_text("A is 7 of 12 columns wide and 2 rows high").wait_for()
        await expect(size).to_be_focused()
        # What is dragged onto a free place stands there; Escape leaves everything as it is.
        await page.get_by_role("button", name="Tablet", exact=True).click()
        await page.get_by_role("button", name="Resize B").focus()
        await page.keyboard.press("ArrowRight")
        await page.get_by_role("button", name="Desk", exact=True).click()
        grip = await _box(page.get_by_role("button", name="Move A", exact=True))
        await page.mouse.move(grip["x"] + 10, grip["y"] + 10)
        await page.mouse.down()
        await page.mouse.move(grip["x"] + 10, grip["y"] + 700, steps=3)
        await page.locator(".drop-target").wait_for()
        await _shot(visit, "drop-target")
        await page.keyboard.press("Escape")
        await page.mouse.up()
        await _has_order(page, "A", "Requests", "B")
        await page.keyboard.press("Control+s")
        await page.locator(".builder-bar").get_by_text("saved", exact=True).wait_for()
        stored = {panel["title"]: panel["layout"] for panel in (await house.document("tablet"))["panels"]}
        assert stored["A"] == {"columns": 7, "rows": 2}
        assert stored["B"]["tablet"]["columns"] > 1
        await page.reload()
        await expect(page.get_by_role("button", name="Resize A")).to_have_attribute(
            "aria-label", "Resize A: 7 of 12 columns, 2 rows"
        )

        # A panel goes to another dashboard with the variable that it names, over what somebody stored meanwhile.
        await house.put("source", of_kind, variables=[kind])
        await page.goto(f"{house.gateway.url}/api/dashboard/dashboard/source?var-kind=signup")
        await page.get_by_role("button", name="Menu of Other signup").click()
        await page.get_by_role("menuitem", name="Copy to a dashboard").click()
        dialog = page.get_by_role("dialog")
        await dialog.get_by_label("To").select_option("tablet")
        await house.put("tablet", {**STAT, "title": "Newer"})
        await dialog.get_by_role("button", name="Copy", exact=True).click()
        await dialog.get_by_text("The variable kind is added with it").wait_for()
        there = await house.document("tablet")
        assert [panel["title"] for panel in there["panels"]] == ["Newer", "Other $kind"]
        assert there["variables"] == [kind]
        await dialog.get_by_role("link", name="Tablet").click()
        await page.get_by_role("link", name="Edit", exact=True).click()
        # By the clipboard, as JSON; what is no panel is refused in words.
        await page.get_by_role("button", name="Move Newer", exact=True).focus()
        await page.keyboard.press("Control+c")
        await page.get_by_text("Newer is in the clipboard").wait_for()
        await page.keyboard.press("Control+v")
        await _has_order(page, "Newer", "Other $kind", "Newer")
        paste = "text => dispatchEvent(Object.assign(new Event('paste'), {clipboardData: {getData: () => text}}))"
        await page.evaluate(paste, f'{{"panel": {{"kind": "time_series", "title": "{quote(HOSTILE)}"}}}}')
        await page.get_by_text("What is in the clipboard is no panel.").wait_for()
        await _has_order(page, "Newer", "Other $kind", "Newer")
        await _fits(page)
        assert visit.complaints == []


def _deep(levels: int) -> str:
    panel = f'{{"kind": "stat", "title": "Deep", "value": {"[" * levels}{"]" * levels}}}'
    return f'{{"panel": {panel}}}'


async def test_what_is_pasted_is_a_panel_or_is_refused_in_words_and_nothing_is_lost(chrome: Browser, house: House) -> None:
    await house.put("paste", STAT)
    gone = {**STAT, "value": {**STAT["value"], "only": {"service": "$gone"}}}
    hostile = {"panel": {**STAT, "title": HOSTILE}, "variables": []}
    refused = {
        "x": "is no panel",
        "[]": "is no panel",
        '[{"panel": 1}]': "is no panel",
        "null": "is no panel",
        msgspec.json.encode({"panel": {"kind": "stat", "title": "x" * 10_000_000}}).decode(): "too large for a panel",
        _deep(50): "is no panel",
        _deep(50_000): "not pasted|is no panel",
        '{"panel": {"kind": "<b>new</b>", "title": "New"}}': "is no panel.*kind",
        msgspec.json.encode({"panel": gone}).decode(): "no variable gone",
        msgspec.json.encode({**hostile, "variables": [None, 1]}).decode(): r"is no panel.*variables",
    }
    paste = "text => dispatchEvent(Object.assign(new Event('paste'), {clipboardData: {getData: () => text}}))"
    async with visiting(chrome, house.gateway.url) as visit:
        page = visit.page
        await page.goto(f"{house.gateway.url}{EDITOR}?dashboard=paste")
        await _with_key(page, house.editor)
        await page.get_by_label("Title", exact=True).fill("Edited")
        fault = page.locator(".builder > [role=alert]").first
        for text, words in refused.items():
            await page.evaluate(paste, msgspec.json.encode(hostile).decode())
            await _has_order(page, "Requests", HOSTILE)
            await expect(fault).to_have_count(0)
            await page.get_by_role("button", name="Undo").click()
            await page.evaluate(paste, text)
            await expect(fault).to_contain_text(re.compile(words))
            await _has_order(page, "Requests")
            await expect(page.get_by_label("Title", exact=True)).to_have_value("Edited")
        assert await page.evaluate("window.hacked") is None
        # More panels than a dashboard has: said at once, and undone one by one.
        await house.put("full", *({**STAT, "title": f"P{n}"} for n in range(MAX_PANELS)))
        page.once("dialog", lambda dialog: dialog.accept())
        await page.goto(f"{house.gateway.url}{EDITOR}?dashboard=full")
        await expect(page.locator(".card")).to_have_count(MAX_PANELS)
        await page.evaluate(paste, msgspec.json.encode(hostile).decode())
        await expect(page.locator(".card")).to_have_count(MAX_PANELS + 1)
        await expect(fault).to_contain_text("panels")
        await page.keyboard.press("Control+s")
        await expect(page.get_by_text("It was not saved")).to_be_visible()
        await page.get_by_role("button", name="Undo").click()
        await expect(page.locator(".card")).to_have_count(MAX_PANELS)
        await expect(fault).to_have_count(0)
        assert len((await house.document("full"))["panels"]) == MAX_PANELS


async def test_of_two_who_save_one_dashboard_the_later_sees_both_versions(chrome: Browser, house: House) -> None:
    await house.put("shared", STAT)
    async with visiting(chrome, house.gateway.url) as visit:
        page = visit.page
        await page.goto(f"{house.gateway.url}{EDITOR}?dashboard=shared")
        await _with_key(page, house.editor)
        for mine, button in (("Mine", "Take theirs"), ("Mine again", "Replace theirs with mine")):
            await page.get_by_label("Title", exact=True).fill(mine)
            theirs = await house.put("shared", STAT, {**STAT, "title": "Theirs"}, title="Theirs", description=f"before {mine}")
            await page.get_by_role("button", name="Save", exact=True).click()
            conflict = page.get_by_role("alertdialog")
            await conflict.get_by_role("row", name=f"Title {mine} Theirs").wait_for()
            assert f"revision {theirs['revision']}" in await conflict.inner_text()
            await _shot(visit, f"conflict-{button.split()[0]}")
            await conflict.get_by_role("button", name=button).click()
            await page.locator(".builder-bar").get_by_text("saved", exact=True).wait_for()
            await expect(page.get_by_label("Title", exact=True)).to_have_value("Theirs" if button == "Take theirs" else mine)
        assert (await house.document("shared"))["title"] == "Mine again"
        # The browser says of itself what an answer's status was.
        assert [text for text in visit.complaints if "409" not in text] == []


async def test_filters_and_variables_are_built_chosen_and_kept_in_the_address(chrome: Browser, house: House) -> None:
    async with visiting(chrome, house.gateway.url) as visit:
        page = visit.page
        await page.goto(house.gateway.url + EDITOR)
        await _with_key(page, house.editor)
        await page.get_by_label("Title", exact=True).fill("Events of $kind")
        await page.get_by_label("Name", exact=True).fill("of-kind")
        await page.get_by_text("Variables").first.click()
        await page.get_by_role("button", name="Add a variable").click()
        variables = page.locator(".variables-form")
        await variables.get_by_label("Name", exact=True).fill("kind")
        await variables.get_by_label("Values of the metric").fill("events")
        await variables.get_by_label("Dimension").select_option("event_type")
        await variables.get_by_label("Title", exact=True).fill(HOSTILE)
        await page.get_by_role("button", name="+ Number").click()
        form = page.locator(".panel-form")
        await form.get_by_label("Title", exact=True).fill("Total of $kind")
        await form.get_by_label("Metric").fill("events")
        await form.get_by_label("Field").select_option("count")
        await form.get_by_label("Counted over").select_option("24h")
        number = page.locator(".card [data-value]")
        await expect(number).to_have_text("174")
        await form.get_by_role("button", name="Add a filter").click()
        await form.get_by_label("Only where").select_option("event_type")
        values = form.get_by_label("Values of event_type", exact=True)
        # The values are completed with those that there are.
        await expect(form.locator("datalist option[value=signup]")).to_have_count(1)
        await values.fill("signup")
        await values.press("Enter")
        await expect(number).to_have_text("87")
        await form.get_by_label("Is it").select_option("none of")
        await expect(number).to_have_text("87")
        await form.get_by_role("button", name="Remove signup").click()
        await form.get_by_text("choose a value").wait_for()
        await form.get_by_label("Is it").select_option("one of")
        await values.fill("$kind")
        await values.press("Enter")
        await expect(number).to_have_text("174")
        # What is no number is said where it stands, and its limits are seen at once.
        await form.get_by_label("Better is").select_option("down")
        await form.get_by_label("Bad from").fill("ten")
        await expect(form.get_by_label("Bad from")).to_have_attribute("aria-invalid", "true")
        await form.get_by_label("Bad from").fill("10")
        await page.locator(".card .tile.bad").wait_for()
        await expect(form.get_by_label("Bad from")).not_to_have_attribute("aria-invalid", "true")
        await form.get_by_label("Unit").fill("{vote}")
        await _fits(page)
        await _shot(visit, "variables")
        await page.keyboard.press("Control+s")
        await page.locator(".builder-bar").get_by_text("saved", exact=True).wait_for()
        stored = await house.document("of-kind")
        assert stored["panels"][0]["value"]["only"] == {"event_type": "$kind"}
        assert (stored["panels"][0]["limits"], stored["panels"][0]["unit"]) == ({"direction": "down", "bad": 10.0}, "{vote}")

        await page.goto(f"{house.gateway.url}/api/dashboard/dashboard/of-kind")
        shown = page.locator(".tile [data-value]")
        await expect(shown).to_have_text("174")
        await page.get_by_role("heading", name="Total of all").wait_for()
        choice = page.get_by_label(HOSTILE)
        await choice.select_option("feedback")
        await expect(shown).to_have_text("87")
        await page.get_by_role("heading", name="Total of feedback").wait_for()
        await visit.wait_state("live")
        assert page.url.endswith("?var-kind=feedback")
        await _shot(visit, "chosen")
        await page.reload()
        await expect(shown).to_have_text("87")
        await page.go_back()
        await expect(shown).to_have_text("174")
        # One for a value of a dimension, in one click, not stored before somebody saves it.
        await page.goto(f"{house.gateway.url}/api/dashboard/metrics?metric=events&where=event_type:signup")
        await page.get_by_role("link", name="Make a dashboard of event_type signup").click()
        await page.get_by_text("new, not saved").wait_for()
        await page.locator(".card").get_by_text("events rate").first.wait_for()
        await expect(page.get_by_label("Name", exact=True)).to_have_value("event-type-signup")
        hostile = f"{HOSTILE} \u202e " + "x" * 200
        await page.goto(
            f"{house.gateway.url}/api/dashboard/dashboard/of-kind?var-kind={quote(hostile)}&var-other=1&from=now-1h&to=now"
        )
        await page.get_by_role("heading", name="Total of <img").wait_for()
        await _fits(page)
        await page.set_viewport_size({"width": 360, "height": 800})
        await _fits(page)
        await _shot(visit, "hostile-360")
        assert await page.evaluate("window.hacked") is None
        assert await house.document("of-kind") == stored
        # The feed begins before the variables are known, and once more without what is of none of them.
        assert [text for text in visit.complaints if "closed before the connection" not in text] == []


async def test_an_editor_in_which_nothing_was_changed_is_left_without_a_question(chrome: Browser, house: House) -> None:
    async with visiting(chrome, house.gateway.url) as visit:
        page = visit.page
        asked: list[str] = []

        async def dismissed(dialog: Dialog) -> None:
            asked.append(dialog.type)
            await dialog.dismiss()

        page.on("dialog", dismissed)
        await page.goto(f"{house.gateway.url}{EDITOR}?name=hostile")
        await _with_key(page, house.editor)
        title = page.get_by_label("Title", exact=True)
        await expect(title).to_be_enabled()
        await page.get_by_role("link", name="All dashboards").click()
        await page.wait_for_url(f"**{LIST}")
        assert asked == []
        await page.get_by_role("link", name="New dashboard").click()
        await title.fill("Changed")
        await page.get_by_role("link", name="All dashboards").click()
        await expect(title).to_have_value("Changed")
        assert asked == ["confirm"]


async def test_a_viewer_sees_why_nothing_can_be_changed(chrome: Browser, house: House) -> None:
    await house.put("shared", STAT)
    async with visiting(chrome, house.gateway.url) as visit:
        page = visit.page
        await page.goto(f"{house.gateway.url}{EDITOR}?dashboard=shared")
        await _with_key(page, house.viewer)
        await page.get_by_text("The key given here only reads").wait_for()
        await page.locator(".card").get_by_text("Requests").first.wait_for()
        await expect(page.get_by_role("button", name="Save", exact=True)).to_be_disabled()
        await expect(page.get_by_label("Title", exact=True)).to_be_disabled()
        await expect(page.get_by_role("button", name="Menu of Requests")).to_have_count(0)
        await expect(page.get_by_role("button", name="Resize Requests")).to_have_count(0)
        await _shot(visit, "viewer")
        assert msgspec.json.encode(await house.document("shared"))


async def test_queries_are_asked_over_the_range_with_what_is_chosen(chrome: Browser, house: House) -> None:
    """Any expression in a panel: drawn in each way, with variables, as a table and as a file, and wrong beside right."""
    kinds = '100 * count(events where event_type = $kind) / count(events where event_type != "x y")'
    of_kind = {"metric": "events", "aggregate": "count", "where": "event_type = $kind"}
    by_type = {"metric": "events", "aggregate": "count", "group_by": ["event_type"]}
    await house.put(
        "asked",
        {"kind": "query", "title": "Part of $kind", "queries": [{"name": HOSTILE, "expression": kinds}], "show": "stat",
         "unit": "%", "limits": {"bad": 10, "warn": 20, "target": 40}},
        {"kind": "query", "title": "Lines", "queries": [by_type, {"expression": "count(gone)", "name": "wrong"}],
         "thresholds": [{"value": 12, "word": HOSTILE}]},
        {"kind": "query", "title": "Rows", "queries": [by_type, of_kind | {"name": "of it"}], "show": "table"},
        {"kind": "query", "title": "Shares", "queries": [by_type], "show": "pie"},
        {"kind": "query", "title": "Nothing", "queries": [by_type | {"where": "event_type = 'no such'"}], "show": "bar"},
        variables=[{"name": "kind", "metric": "events", "dimension": "event_type"}],
    )  # fmt: skip
    async with visiting(chrome, house.gateway.url) as visit:
        page = visit.page
        asked: list[int] = []

        def count(request: Any) -> None:
            if request.url.endswith("/analytics/query"):
                asked.append(len(msgspec.json.decode(request.post_data_buffer or b"{}").get("questions", [])))

        page.on("request", count)
        await page.goto(f"{house.gateway.url}/api/dashboard/dashboard/asked?from=now-1h&to=now&var-kind=signup")
        part = page.locator("[data-frame=part-of-kind]")
        await expect(part.get_by_role("heading", name="Part of signup")).to_be_visible()
        await expect(part.locator(".number")).to_contain_text("50.0")
        await expect(part.get_by_text("on target")).to_be_visible()
        lines = page.locator("[data-frame=lines]")
        await expect(lines.locator(".legend button")).to_have_count(2)
        await lines.get_by_text("wrong: there is no metric 'gone'").wait_for()
        await expect(lines.locator("svg").get_by_text(HOSTILE)).to_be_visible()
        rows = page.locator("[data-frame=rows]")
        await expect(rows.locator("tbody tr")).to_have_count(3)
        await expect(page.get_by_role("img", name="Shares: feedback 50.0 %, signup 50.0 %")).to_be_visible()
        await page.locator("[data-frame=nothing]").get_by_text("No data in this range").wait_for()
        # Eight questions: together, and once more without the one that is wrong.
        assert max(asked) == 7, asked
        await _shot(visit, "queries")

        await page.get_by_role("button", name="Menu of Lines").click()
        await page.get_by_role("menuitem", name="Show as table").click()
        await expect(lines.locator("thead th")).to_have_text(["Time", "events count: feedback", "events count: signup"])
        async with page.expect_download() as download:
            await page.get_by_role("button", name="Menu of Lines").click()
            await page.get_by_role("menuitem", name="Download CSV").click()
        assert (await download.value).suggested_filename == "lines.csv"
        await page.get_by_role("button", name="Menu of Part of signup").click()
        await page.get_by_role("menuitem", name="Explain").click()
        await expect(page.get_by_role("dialog").get_by_text('count(events where event_type = "signup")')).to_be_visible()
        await page.keyboard.press("Escape")
        hostile = f'") or event_type exists -- {HOSTILE} \u202e'
        await page.goto(
            f"{house.gateway.url}/api/dashboard/dashboard/asked?from=now-1h&to=now&compare=1h&var-kind={quote(hostile)}"
        )
        await expect(part.locator(".number")).to_contain_text("0")
        await expect(part.get_by_text("bad", exact=True)).to_be_visible()
        await page.get_by_label("Kind").select_option("")
        await expect(part.locator(".number")).to_contain_text("100")
        await page.set_viewport_size({"width": 360, "height": 800})
        await _fits(page)
        await _shot(visit, "queries-360")
        assert await page.evaluate("window.hacked") is None
        await _build_a_query(visit, house)
        assert await page.evaluate("window.hacked") is None


async def _build_a_query(visit: Visit, house: House) -> None:
    """By keys alone: completed, underlined where it is wrong, corrected by a click, drawn, and stored as it was typed."""
    page = visit.page
    await page.set_viewport_size({"width": 1440, "height": 900})
    await page.goto(f"{house.gateway.url}{EDITOR}?dashboard=asked")
    await _with_key(page, house.editor)
    await page.get_by_role("button", name="+ Query").click()
    form = page.locator(".panel-form")
    field = form.get_by_role("combobox", name="Expression 1")
    choices = form.get_by_role("listbox", name="Completions of Expression 1")
    await field.fill("")
    await field.press_sequentially("100 * cou")
    await expect(choices.get_by_role("option", selected=True)).to_contain_text("count(")
    await field.press("Enter")
    await field.press_sequentially("even")
    await field.press("Enter")
    await expect(field).to_have_value("100 * count(events ")
    await field.press("Enter")
    await field.press_sequentially("event_t")
    await field.press("Enter")
    await field.press("Enter")
    await expect(field).to_have_value("100 * count(events where event_type = ")
    # Variables, and the values that were seen.
    await expect(choices.get_by_role("option")).to_have_text(["$kindwhat is chosen", '"feedback"', '"signup"'])
    await field.press("ArrowUp")
    await expect(choices.get_by_role("option", selected=True)).to_have_text('"signup"')
    await field.press("Escape")
    await expect(choices).to_be_hidden()
    await field.press_sequentially('"signup") / count(evnts)')
    await expect(field).to_have_attribute("aria-invalid", "true")
    await expect(form.locator("mark")).to_have_text("evnts")
    await form.get_by_role("button", name="events", exact=True).click()
    await expect(field).to_have_value('100 * count(events where event_type = "signup") / count(events)')
    await expect(field).not_to_have_attribute("aria-invalid", "true")
    await form.get_by_label("Drawn as").select_option("one number")
    await expect(page.locator(".card.open .asked .number")).to_contain_text("50.0")
    await _shot(visit, "query-form")
    await page.keyboard.press("Control+s")
    await page.locator(".builder-bar").get_by_text("saved", exact=True).wait_for()
    stored = (await house.document("asked"))["panels"][-1]
    assert stored["queries"] == [{"expression": '100 * count(events where event_type = "signup") / count(events)'}]
    assert stored["show"] == "stat"
    await page.set_viewport_size({"width": 360, "height": 800})
    await _fits(page)
    await _shot(visit, "query-form-360")
