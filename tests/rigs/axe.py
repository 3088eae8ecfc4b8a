"""What axe-core finds wrong with a page: rules of WCAG 2.2, levels A and AA."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from playwright.async_api import Page

SOURCE = Path(__file__).parents[2] / "services/dashboard-stream/web/node_modules/axe-core/axe.min.js"

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")

EXCEPT_SIZE = ".histogram a"
"""Columns of a histogram are as narrow as their range of time; the same is reached by choosing that range."""

RUN = """
    async ([only, narrow]) => (await axe.run(document, {runOnly: only, resultTypes: ["violations"]})).violations.flatMap(
        rule => rule.nodes
            .filter(node => rule.id !== "target-size" || !document.querySelector(node.target.at(-1))?.matches(narrow))
            .map(node => `${rule.id}: ${node.target.join(" ")}: ${node.failureSummary}`))
"""


@cache
def _source() -> str:
    assert SOURCE.is_file(), "axe-core is not installed: `make setup` does it"
    return SOURCE.read_text()


async def violations(page: Page, rule: str = "") -> list[str]:
    """One sentence for each element that breaks a rule: all rules, or the one that is named."""
    if not await page.evaluate("'axe' in window"):
        await page.evaluate(_source())
    only = {"type": "rule", "values": [rule]} if rule else {"type": "tag", "values": RULES}
    found: Any = await page.evaluate(RUN, [only, EXCEPT_SIZE])
    return [str(one) for one in found]
