"""What a browser fetches of the built page before it draws the first chart, as gzip."""

from __future__ import annotations

import gzip
import re
from pathlib import Path

import pytest

from dashboard_stream.http.pages import COMPRESSED, STATIC

BUDGET = 350_000
"""Bytes: about a second of a phone's connection."""

FETCHED_AT_ONCE = re.compile(r'(?:src|href)="/api/dashboard/([^"]+\.\w+)"')
IMPORTED = re.compile(r'(?:from|import)\s*"\./([^"]+\.js)"')


@pytest.fixture(autouse=True)
def built() -> None:
    assert (STATIC / "dashboard.html").is_file(), "the page is not built: `make setup` builds it"


def _at_once(page: str) -> list[Path]:
    """The page of that name, and what it has the browser fetch."""
    file = STATIC / page
    return [file, *(STATIC / name for name in FETCHED_AT_ONCE.findall(file.read_text()))]


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
    fetched = _with_imports(_at_once("dashboard.html"))
    weights = {file.name: len(gzip.compress(file.read_bytes(), 9)) for file in fetched}
    assert sum(weights.values()) <= BUDGET, weights


def test_what_a_dashboard_needs_is_fetched_without_waiting_for_a_script_that_asks_for_it() -> None:
    at_once = _at_once("dashboard.html")
    assert _with_imports(at_once) == set(at_once)
    assert [file.name for file in at_once if file.name.startswith("plotly-")]
    assert not [file.name for file in _at_once("index.html") if file.name.startswith("plotly-")]


def test_scripts_and_styles_are_compressed_by_the_build() -> None:
    for file in _with_imports(_at_once("dashboard.html")):
        if file.suffix in (".js", ".css") and file.parent != STATIC:
            smaller = {encoding: file.with_name(file.name + suffix).stat().st_size for encoding, suffix in COMPRESSED.items()}
            assert smaller["br"] <= smaller["gzip"] < file.stat().st_size, file.name
            assert gzip.decompress(file.with_name(file.name + ".gz").read_bytes()) == file.read_bytes()


def test_pages_that_are_no_dashboard_are_fetched_when_they_are_needed() -> None:
    later = {file.name.split("-view-")[0] for file in (STATIC / "assets").glob("*-view-*.js")}
    assert {"traces", "metrics", "editor", "dashboards"} <= later
    for page in ("index.html", "dashboard.html"):
        assert not [file.name for file in _with_imports(_at_once(page)) if "-view-" in file.name]
