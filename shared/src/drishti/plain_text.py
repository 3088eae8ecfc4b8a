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
        if not _fits(character, lines):
            return f"must not contain the character U+{ord(character):04X}", place
    return None


def escaped(text: str, *, lines: bool = False) -> str:
    """``text`` for a terminal: what :func:`unfit` refuses is written as Python writes it (``\\x1b``)."""
    if text.isprintable():
        return text
    return "".join(one if _fits(one, lines) else one.encode("unicode_escape").decode() for one in text)


def _fits(character: str, lines: bool) -> bool:
    if lines and character in "\n\t":
        return True
    return character not in _DIRECTIONS and unicodedata.category(character) not in _CONTROL
