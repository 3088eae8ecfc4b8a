"""The statements of ``queries.sql`` by name, and the numbered migrations. Read from the package, never built from strings."""

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
    """Every statement by its name."""
    parts = _HEAD.split((files("analytics.storage") / "queries.sql").read_text())[1:]
    return {name: text.strip() for name, text in zip(parts[::2], parts[1::2], strict=True)}


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations in order."""
    found = []
    for entry in (files("analytics.storage") / "migrations").iterdir():
        if match := _FILE.match(entry.name):
            text = entry.read_text()
            found.append(Migration(int(match[1]), match[2], text, hashlib.sha256(text.encode()).hexdigest()))
    return tuple(sorted(found))
