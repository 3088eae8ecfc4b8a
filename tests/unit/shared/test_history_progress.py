"""How far a history is filled, in a sentence."""

from __future__ import annotations

from drishti.events import Backfill
from drishti.measures.history_progress import text


def test_progress_is_said_with_what_is_done_and_from_how_much() -> None:
    some = Backfill(metric="liked", state="running", until=1_769_860_800_000, percent=41.24, rows=812_345)
    assert text(some) == "41.2 % filled, back to 2026-01-31 12:00 UTC, from 812345 events"
    assert text(Backfill(metric="liked", state="done", until=0, percent=100.0, rows=3)) == "filled, from 3 events"
    assert text(None) == "about to be filled"
