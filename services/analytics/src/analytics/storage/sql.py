"""The statements of ``queries/*.sql`` by name, and the numbered migrations. Read from the package, never built from strings."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_HEAD = re.compile(r"^-- name: (\w+)$", re.MULTILINE)
_FILE = re.compile(r"(\d{4})_(\w+)\.sql\Z")


class Migration(NamedTuple):
    """One step of the schema; ``checksum`` is over its text."""

    version: int
    name: str
    text: str
    checksum: str


@cache
def queries() -> dict[str, str]:
    """Every statement by its name, of all areas; raises :class:`ValueError` where two have the same."""
    statements: dict[str, str] = {}
    for area in sorted((files("analytics.storage") / "queries").iterdir(), key=lambda entry: entry.name):
        parts = _HEAD.split(area.read_text())[1:]
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            if name in statements:
                raise ValueError(f"{area.name}: there is a statement {name!r} already")
            statements[name] = text.strip()
    return statements


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations in order."""
    steps = []
    for entry in (files("analytics.storage") / "migrations").iterdir():
        if match := _FILE.match(entry.name):
            text = entry.read_text()
            steps.append(Migration(int(match[1]), match[2], text, hashlib.sha256(text.encode()).hexdigest()))
    return tuple(sorted(steps))
