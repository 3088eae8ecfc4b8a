"""Which characters a text that people wrote may have. Pure.

Scripts of the world, emoji and what joins them stay. What is refused either cannot be stored (U+0000, halves of surrogate
pairs), is a command to a terminal, ends a line where a text has one line, or turns around what stands beside it.
"""

from __future__ import annotations

import unicodedata

_CONTROL = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DIRECTIONS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Scripts that are written from the right need none of them."""


def unfit(text: str, *, lines: bool = False) -> tuple[str, int] | None:
    """Why ``text`` is refused, and at which character; ``lines``: line breaks and tabulators are fine."""
    if text.isprintable():
        return None
    for place, character in enumerate(text):
        if lines and character in "\n\t":
            continue
        if character in _DIRECTIONS or unicodedata.category(character) in _CONTROL:
            return f"must not contain the character U+{ord(character):04X}", place
    return None
