"""Pictures of every page of a running Drishti, for desk and phone, light and dark: ``screenshots.py URL FOLDER [PAGE ...]``.

Exits with 1 where a page wrote to the console, is wider than its screen, or could not be loaded. Needs Chromium, or a browser
named in ``CHROMIUM``. With a key in ``DRISHTI_API_KEY`` pages are what its role sees: the editor edits with that of an editor.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextlib
import json
import os
import shutil
import sys
import urllib.request
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, async_playwright
from playwright.async_api import TimeoutError as PlaywrightTimeout

SHAPES: dict[str, dict[str, Any]] = {
    "wide": {"viewport": {"width": 1920, "height": 1080}},
    "desk": {"viewport": {"width": 1440, "height": 900}},
    "tablet": {"viewport": {"width": 768, "height": 1024}, "has_touch": True},
    "phone": {"viewport": {"width": 360, "height": 780}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
}
SCHEMES = ("light", "dark")
FIRST_SHAPES = ("desk", "phone")

README = {
    "home": ("desk", "light"),
    "system-overview": ("desk", "dark"),
    "trace": ("desk", "light"),
    "editor": ("desk", "dark"),
    "service-map": ("desk", "dark"),
    "insights": ("phone", "light"),
    "traces": ("phone", "dark"),
}
"""The pages that README shows, of which shape and in which colours."""

QUALITY = 0.86
AS_WEBP = """async ([png, quality]) => {
    const picture = await createImageBitmap(await (await fetch(`data:image/png;base64,${png}`)).blob());
    const canvas = new OffscreenCanvas(picture.width, picture.height);
    canvas.getContext('2d').drawImage(picture, 0, 0);
    const bytes = new Uint8Array(await (await canvas.convertToBlob({ type: 'image/webp', quality })).arrayBuffer());
    return btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''));
}"""
"""A third of the size of a PNG; the browser has an encoder."""

GIVE_KEY = """async (key) => {
    const headers = { authorization: `Bearer ${key}` };
    const answer = await fetch('/api/dashboard/analytics/session', { method: 'POST', headers });
    if (!answer.ok) throw new Error(await answer.text());
}"""

LOADED_MS = 20_000
DRAWN_MS = 2_500
"""Charts are drawn one after another, in frames that the browser grants."""

TALLEST = 6_000

SETTLED = """() => !/Loading|Waiting for the first data/.test(document.querySelector('main')?.innerText ?? 'Loading')
    && !/^(loading|connecting|catching up)$/.test(document.querySelector('[role=status]')?.innerText ?? '')"""
"""Whether a page shows what it was opened for."""


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
        "users": "users",
        "sessions": "sessions",
        "retention": "retention",
        "journeys": "journeys",
        "activity": "activity",
        "engagement": "engagement",
        "experience": "experience",
        "cohorts": "cohorts",
        "settings": "settings",
    }
    if traces:
        found["trace"] = f"traces?trace={traces[0]['trace_id']}"
        found["compare-traces"] = f"compare-traces?left={traces[-1]['trace_id']}&right={traces[0]['trace_id']}"
    return found


async def shoot(
    browser: Browser, address: str, target: Path, shape: dict[str, Any], scheme: str, *, key: str, whole: bool
) -> list[str]:
    """What is wrong with the page, in sentences. ``whole``: all of it is in the picture, not the first screen alone."""
    context = await browser.new_context(**shape, color_scheme=scheme, reduced_motion="reduce")
    page = await context.new_page()
    if key:  # as the form of the page gives it: the answer sets a cookie
        await page.goto(address)
        await page.evaluate(GIVE_KEY, key)
    wrong: list[str] = []
    page.on("console", lambda message: wrong.append(message.text) if message.type in ("error", "warning") else None)
    page.on("pageerror", lambda error: wrong.append(f"uncaught: {error}"))
    try:
        await page.goto(address)
        await page.locator("main").wait_for(timeout=LOADED_MS)
        with contextlib.suppress(PlaywrightTimeout):  # what waits for data that do not come is shown as it is
            await page.wait_for_function(SETTLED, timeout=LOADED_MS)
        if whole:  # what is below the screen is drawn when it comes into view
            height = await page.evaluate("document.documentElement.scrollHeight")
            await page.set_viewport_size(
                {"width": shape["viewport"]["width"], "height": min(TALLEST, max(height, shape["viewport"]["height"]))}
            )
        await page.wait_for_timeout(DRAWN_MS)
        width = await page.evaluate("document.documentElement.scrollWidth")
        if width > shape["viewport"]["width"]:
            wrong.append(f"{width} px wide on a screen of {shape['viewport']['width']} px")
        png = await page.screenshot(path=None if target.suffix == ".webp" else target)
        if target.suffix == ".webp":
            blank = await context.new_page()
            encoded = await blank.evaluate(AS_WEBP, [base64.b64encode(png).decode(), QUALITY])
            await asyncio.to_thread(target.write_bytes, base64.b64decode(encoded))
    finally:
        await context.close()
    return wrong


async def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("url", help="of the gateway, such as http://127.0.0.1:8000")
    parser.add_argument("folder", type=Path)
    parser.add_argument("page", nargs="*", help="names of pages; all where none is given")
    parser.add_argument("--shapes", nargs="+", choices=SHAPES, default=FIRST_SHAPES, help="of the screen (%(default)s)")
    parser.add_argument("--schemes", nargs="+", choices=SCHEMES, default=SCHEMES, help="of colours (%(default)s)")
    parser.add_argument("--first-screen", action="store_true", help="what is seen without scrolling, on every screen")
    parser.add_argument("--readme", action="store_true", help="the pictures of README alone, as WebP")
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
            chosen = [(shape, scheme) for shape in arguments.shapes for scheme in arguments.schemes]
            if arguments.readme:
                chosen = [README[name]] if name in README else []
            for shape, scheme in chosen:
                target = arguments.folder / f"{name}-{shape}-{scheme}.{'webp' if arguments.readme else 'png'}"
                wrong = await shoot(
                    browser,
                    f"{root}/{path}",
                    target,
                    SHAPES[shape],
                    scheme,
                    key=os.environ.get("DRISHTI_API_KEY", ""),
                    whole=shape != "phone" and not (arguments.first_screen or arguments.readme),
                )
                complaints += len(wrong)
                sys.stdout.write("\n    ".join([str(target), *wrong]) + "\n")
        await browser.close()
    return 1 if complaints else 0


if __name__ == "__main__":
    raise SystemExit(asyncio.run(main()))
