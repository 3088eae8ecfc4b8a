"""A condition on attributes of spans that is met where any of several is: a JSON list of them, as one text. Pure."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

_LIST = msgspec.json.Decoder(list[str])


def alternatives_of(text: str) -> tuple[str, ...] | None:
    """The conditions of which any is to be met; ``None`` where ``text`` is no such list, or an empty one."""
    if not text.startswith("["):
        return None
    try:
        return tuple(_LIST.decode(text)) or None
    except msgspec.DecodeError:
        return None


def text_of(alternatives: Iterable[str]) -> str:
    """One text that is met where any of ``alternatives`` is."""
    return msgspec.json.encode(list(alternatives)).decode()
