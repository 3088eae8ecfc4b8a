"""Pictures of every page of a running Drishti, for desk and phone, light and dark: ``screenshots.py URL FOLDER [PAGE ...]``.

Exits with 1 where a page wrote to the console, is wider than its screen, or could not be loaded. Needs Chromium, or a browser
named in ``CHROMIUM``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright

SHAPES: dict[str, dict[str, Any]] = {
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "phone": {"viewport": {"width": 360, "height": 780}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
}
SCHEMES = ("light", "dark")
LOADED_MS = 20_000
DRAWN_MS = 2_500
"""Charts are drawn one after another, in frames that the browser grants."""


def pages(root: str) -> dict[str, str]:
    """Names of pages with their addresses, of which some depend on what there is."""
    with urllib.request.urlopen(f"{root}/analytics/traces?limit=2&order=slowest", timeout=20) as answer:
        traces = json.load(answer)["traces"]
    found = {
        "home": "home",
        "system-overview": "dashboard/system_overview",
        "user-analytics": "dashboard/user_analytics",
        "insights": "dashboard/dharma_insights",
        "dashboards": "dashboards-list",
        "editor": "dashboard-editor?copy=system_overview",
        "metrics": "metrics",
        "metric": "metrics?metric=request_duration_ms&by=service",
        "traces": "traces",
        "service-map": "service-map",
        "logs": "logs",
        "errors": "errors",
        "bottlenecks": "bottlenecks",
        "root-cause": "root-cause",
        "incidents": "incidents",
    }
    if traces:
        found["trace"] = f"traces?trace={traces[0]['trace_id']}"
        found["compare-traces"] = f"compare-traces?left={traces[-1]['trace_id']}&right={traces[0]['trace_id']}"
    return found


async def shoot(browser: Browser, address: str, target: Path, shape: dict[str, Any], scheme: str) -> list[str]:
    """What is wrong with the page, in sentences."""
    context = await browser.new_context(**shape, color_scheme=scheme, reduced_motion="reduce")
    page = await context.new_page()
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
    try:
        await page.goto(address)
        await page.locator("main").wait_for(timeout=LOADED_MS)
        await page.wait_for_timeout(DRAWN_MS)
        width = await page.evaluate("document.documentElement.scrollWidth")
        if width > shape["viewport"]["width"]:
            wrong.append(f"{width} px wide on a screen of {shape['viewport']['width']} px")
        await page.screenshot(path=target, full_page="phone" not in target.name)
    finally:
        await context.close()
    return wrong


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("url", help="of the gateway, such as http://127.0.0.1:8000")
    parser.add_argument("folder", type=Path)
    parser.add_argument("page", nargs="*", help="names of pages; all where none is given")
    arguments = parser.parse_args()
    root = arguments.url.rstrip("/") + "/api/dashboard"
    arguments.folder.mkdir(parents=True, exist_ok=True)
    program = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    complaints = 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        for name, path in pages(root).items():
            if arguments.page and name not in arguments.page:
                continue
            for shape, options in SHAPES.items():
                for scheme in SCHEMES:
                    target = arguments.folder / f"{name}-{shape}-{scheme}.png"
                    wrong = await shoot(browser, f"{root}/{path}", target, options, scheme)
                    complaints += len(wrong)
                    sys.stdout.write("\n    ".join([str(target), *wrong]) + "\n")
        await browser.close()
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
