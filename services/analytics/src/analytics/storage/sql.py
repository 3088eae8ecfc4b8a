"""The statements of ``queries/*.sql`` by name, and the numbered migrations. Read from the package, never built from values.

Statements that differ by a word, such as the table of a resolution, are written once: ``-- name: replace_cells_{1s|1m|1h}``,
with the same words in the text, is three statements.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import NamedTuple

_HEAD = re.compile(r"^-- name: ([\w{|}]+)$", re.MULTILINE)
_WORDS = re.compile(r"\{(\w+(?:\|\w+)+)\}")
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
        for head, text in zip(parts[::2], parts[1::2], strict=True):
            for name, statement in _each(head, text.strip()):
                if name in statements:
                    raise ValueError(f"{area.name}: there is a statement {name!r} already")
                statements[name] = statement
    return statements


def _each(head: str, text: str) -> Iterator[tuple[str, str]]:
    """Name and text of the statement, or of each where the name has words to choose from."""
    words = _WORDS.search(head)
    if words is None:
        yield head, text
        return
    for word in words[1].split("|"):
        yield head.replace(words[0], word), text.replace(words[0], word)


@cache
def migrations() -> tuple[Migration, ...]:
    """All migrations in order."""
    steps = []
    for entry in (files("analytics.storage") / "migrations").iterdir():
        if match := _FILE.match(entry.name):
            text = entry.read_text()
            steps.append(Migration(int(match[1]), match[2], text, hashlib.sha256(text.encode()).hexdigest()))
    return tuple(sorted(steps))
