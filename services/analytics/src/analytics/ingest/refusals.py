"""Bad items of a message to dead letters: a few get one each, many share a few. Pure.

A dead letter costs a round trip and a place in DEAD, and the sender decides how many items are bad: so the letters of one
message are bounded, whatever it holds. Nothing is lost by that: a letter for many holds them as an array, which can be sent
again as it is, and a message without any good item is one letter as it came.
"""

from __future__ import annotations

from collections.abc import Sequence

from analytics.ingest.items import Refusal
from drishti.events import MAX_ITEMS

MAX_LETTERS = 5
"""Bad items of one message that get a letter each."""

SHOWN = 5
"""Reasons in a letter for many items."""

LETTER_BYTES = 512 * 1024
"""Of a letter for many items: in base64 it fits a message of NATS' default size."""


def too_many(items: int, reasons: Sequence[str]) -> Refusal:
    """The refusal of a whole message that holds more ``items`` than any may; ``reasons``: what is wrong with its first ones."""
    text = f"{items:,} items are more than the {MAX_ITEMS:,} of one message: send them in smaller messages"
    return Refusal("; ".join([text, *reasons[:SHOWN]]), None, items)


def letters(bad: list[Refusal], items: int) -> list[Refusal]:
    """What to put on DEAD of ``bad`` ones (each with its item) among the ``items`` of an array, as few letters as it takes."""
    if len(bad) == items:
        return [Refusal(summary([refusal.reason for refusal in bad], items), None)]
    if len(bad) <= MAX_LETTERS:
        return bad
    shared: list[Refusal] = []
    part: list[Refusal] = []
    size = 0
    for refusal in bad:
        length = len(refusal.payload or b"")
        if part and size + length > LETTER_BYTES:
            shared.append(_shared(part, items))
            part, size = [], 0
        part.append(refusal)
        size += length + 1
    return [*shared, _shared(part, items)]


def summary(reasons: Sequence[str], items: int) -> str:
    """One line about ``reasons``, one for each bad item of ``items``."""
    if len(reasons) == 1:
        return reasons[0]
    shown = "; ".join(reasons[:SHOWN])
    return f"{len(reasons):,} of {items:,} items are bad: {shown}" + ("; …" if len(reasons) > SHOWN else "")


def _shared(part: list[Refusal], items: int) -> Refusal:
    payload = b"[" + b",".join(refusal.payload or b"" for refusal in part) + b"]"
    return Refusal(summary([refusal.reason for refusal in part], items), payload)
