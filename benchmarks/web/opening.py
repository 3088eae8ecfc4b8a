"""A dashboard that is opened for the first time: bytes before the first chart, and when it is painted."""

from __future__ import annotations

from statistics import median

from playwright.async_api import Browser

from benchmarks.table import Result
from benchmarks.web.browser import DESK, page_of, tools

ROUNDS = 7
KB_AT_MOST, S_AT_MOST = 400.0, 1.0
DASHBOARD = "system_overview"

FIRST_CHART = """
    addEventListener("DOMContentLoaded", () => {
        onChange(document.body, () => {
            if (window.firstChart || !document.querySelector("article.chart .js-line[d], article.chart .hm image")) return;
            window.firstChart = -1;
            afterPaint(() => { window.firstChart = performance.now(); });
        });
    });
"""


async def opening(browser: Browser, url: str) -> Result:
    seconds, code, data = [], [], []
    for _ in range(ROUNDS):
        taken = await _open(browser, f"{url}/api/dashboard/dashboard/{DASHBOARD}")
        seconds.append(taken[0] / 1000)
        code.append(taken[1] / 1000)
        data.append(taken[2] / 1000)
    return Result(
        name="opening",
        what="the first chart of a dashboard, with an empty cache, on loopback",
        sizes=f"`{DASHBOARD}` of the demo, {ROUNDS} times",
        ours=f"{median(code):.0f} kB, painted after {median(seconds):.2f} s",
        must_be=f"≤ {KB_AT_MOST:g} kB, ≤ {S_AT_MOST:g} s",
        met=median(code) <= KB_AT_MOST and median(seconds) <= S_AT_MOST,
        notes=[
            "kB of page, scripts and styles as they come, compressed; "
            f"besides, {median(data):.0f} kB of answers as JSON, without the WebSocket's frames",
            f"painted after {min(seconds):.2f} to {max(seconds):.2f} s",
        ],
    )


async def _open(browser: Browser, address: str) -> tuple[float, int, int]:
    """Milliseconds until the first chart was painted, and bytes of code and of answers until then."""
    async with page_of(browser, DESK, FIRST_CHART) as page:
        session = await tools(page)
        await session.send("Network.enable")
        kinds: dict[str, str] = {}
        sizes: dict[str, int] = {}
        session.on("Network.responseReceived", lambda e: kinds.__setitem__(e["requestId"], e["type"]))
        session.on("Network.loadingFinished", lambda e: sizes.__setitem__(e["requestId"], int(e["encodedDataLength"])))
        await page.goto(address, wait_until="commit")
        await page.wait_for_function("() => window.firstChart > 0")
        painted = float(await page.evaluate("window.firstChart"))
    answers = {request for request, kind in kinds.items() if kind in ("Fetch", "XHR")}
    return (
        painted,
        sum(size for request, size in sizes.items() if request not in answers),
        sum(size for request, size in sizes.items() if request in answers),
    )
