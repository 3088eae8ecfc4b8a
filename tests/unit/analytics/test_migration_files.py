"""Migrations are numbered from 1 without a gap: two of one number, made side by side, would leave one of them out."""

from __future__ import annotations

from importlib.resources import files


def test_numbers_are_unique_and_without_a_gap() -> None:
    folder = files("analytics.storage").joinpath("migrations")
    numbers = sorted(int(entry.name.partition("_")[0]) for entry in folder.iterdir() if entry.name.endswith(".sql"))
    assert numbers == list(range(1, len(numbers) + 1))
    assert numbers
