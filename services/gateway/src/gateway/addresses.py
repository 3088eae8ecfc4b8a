"""Addresses of requests, as they were sent. Pure."""

from __future__ import annotations

from urllib.parse import unquote_plus, unquote_to_bytes

from gateway.errors import Refused

_WRONG = "has an escape (%..) that is not UTF-8: %C3%A9 is an é, for one"


def wrong_escapes(path: bytes, query: bytes) -> Refused | None:
    """The refusal of an address with bytes that no text has: a server would read U+FFFD for all of them alike, and so take one
    name for another. ``path`` and ``query`` have their escapes still."""
    if not _is_text(path):
        return Refused(422, f"the address {_WRONG}")
    if _is_text(query):
        return None
    wrong = next(part for part in query.split(b"&") if not _is_text(part))
    return Refused(422, _WRONG, field=unquote_plus(wrong.partition(b"=")[0].decode("ascii", "replace"))[:64])


def _is_text(escaped: bytes) -> bool:
    if b"%" not in escaped:
        return True
    try:
        unquote_to_bytes(escaped).decode()
    except UnicodeDecodeError:
        return False
    return True
