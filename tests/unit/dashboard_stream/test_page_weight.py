"""What a browser fetches of the built page before it draws the first chart, as gzip."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from dashboard_stream.http.pages import STATIC

BUDGET = 400_000
"""Bytes: about a second of a phone's connection."""

FETCHED_AT_ONCE = re.compile(r'(?:src|href)="/api/dashboard/([^"]+)"')
PLOTLY = re.compile(r"plotly-[\w-]{8}\.js")
IMPORTED = re.compile(r'(?:from|import)\s*"\./([^"]+\.js)"')


@pytest.fixture(autouse=True)
def built() -> None:
    assert (STATIC / "index.html").is_file(), "the page is not built: `make setup` builds it"


def _at_once() -> list[Path]:
    page = STATIC / "index.html"
    return [page, *(STATIC / name for name in FETCHED_AT_ONCE.findall(page.read_text()))]


def _with_imports(files: list[Path]) -> set[Path]:
    """They, and what they import, directly or not."""
    found: set[Path] = set()
    waiting = [*files]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        if file.suffix == ".js":
            waiting += [file.parent / name for name in IMPORTED.findall(file.read_text())]
    return found


def test_the_first_chart_needs_no_more_than_its_budget() -> None:
    charts = [file for file in (STATIC / "assets").iterdir() if PLOTLY.fullmatch(file.name)]
    assert len(charts) == 1, charts
    fetched = _with_imports([*_at_once(), *charts])
    weights = {file.name: len(gzip.compress(file.read_bytes(), 9)) for file in fetched}
    assert sum(weights.values()) <= BUDGET, weights


def test_pages_that_are_no_dashboard_are_fetched_when_they_are_needed() -> None:
    later = {file.name.split("-view-")[0] for file in (STATIC / "assets").glob("*-view-*.js")}
    assert {"traces", "metrics", "editor", "dashboards"} <= later
    assert not [file.name for file in _with_imports(_at_once()) if "-view-" in file.name]
