"""What the page's heap comes to after minutes of live numbers and many changes of the dashboard."""

from __future__ import annotations

import asyncio

from playwright.async_api import Browser, Page

from benchmarks.session import Session
from benchmarks.table import Result
from benchmarks.web.browser import DESK, heap, page_of, wait_live

SWITCHES = 100
GROWTH = 0.15
WARM_UP_S = 30.0
WINDOW_S = 15 * 60.0
"""So much of the past a dashboard shows: until the demo has run as long, each second brings points and none goes."""


async def memory(session: Session, browser: Browser, url: str, minutes: float, window_s: float) -> Result:
    """From when the charts are full: ``window_s`` are the seconds that the demo still needs for that."""
    async with page_of(browser, DESK) as page:
        await page.goto(f"{url}/api/dashboard/dashboard/system_overview")
        await wait_live(page)
        names = await _names(page)
        # Each part of the page's code is fetched and compiled once.
        await _switch(page, names, 2 * len(names))
        await asyncio.sleep(WARM_UP_S)
        opened = await heap(page)
        await asyncio.sleep(window_s)
        start = await heap(page)
        begun = asyncio.get_running_loop().time()
        while (left := begun + minutes * 60 - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(min(60.0, left))
            session.say(f"memory: {left / 60:.0f} minutes left")
        lived = await heap(page)
        await _switch(page, names, SWITCHES - SWITCHES % len(names))
        await asyncio.sleep(5)
        end = await heap(page)
        nodes = await page.evaluate("document.getElementsByTagName('*').length")
    growth = end.objects / start.objects - 1
    return Result(
        name="memory",
        what="objects of the page's heap after live minutes and changes of the dashboard, garbage collected",
        sizes=f"{minutes:g} minutes live, {SWITCHES - SWITCHES % len(names)} changes among {len(names)} dashboards",
        ours=f"{start.objects:.1f} → {lived.objects:.1f} → {end.objects:.1f} MB ({growth:+.0%})",
        must_be=f"≤ +{GROWTH:.0%}",
        met=growth <= GROWTH,
        notes=[
            f"before, after the minutes, and after the changes; {nodes:,} elements at the end",
            f"{opened.objects:.1f} MB {window_s / 60:.0f} minutes before the start, when charts were not full",
            f"besides, compiled code: {start.code:.1f} → {lived.code:.1f} → {end.code:.1f} MB",
        ],
    )


async def _names(page: Page) -> list[str]:
    """The dashboards of the navigation that the demo fills, by their addresses."""
    links = page.locator("nav a[href*='/dashboard/dashboard/']")
    await links.nth(2).wait_for()
    found = [str(await links.nth(n).get_attribute("href")).split("?")[0] for n in range(await links.count())]
    return [path for path in found if path.endswith(("system_overview", "user_analytics", "dharma_insights"))]


async def _switch(page: Page, paths: list[str], times: int) -> None:
    for number in range(times):
        path = paths[(number + 1) % len(paths)]
        await page.locator(f"nav a[href^='{path}']").first.click()
        await page.locator(f"nav a[href^='{path}'][aria-current]").first.wait_for()
        await wait_live(page)
        await page.locator("article.chart .js-line[d], article.chart .hm image").first.wait_for(state="attached")
