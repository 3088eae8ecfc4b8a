"""A message that was refused, as it is kept. Pure."""

from __future__ import annotations

from msgspec import Struct

from drishti.messages.field_types import EpochMs


class DeadLetter(Struct, omit_defaults=True, kw_only=True):
    """A message that was refused, as it came. ``payload`` is base64 in JSON; ``headers`` holds what came with it.

    A ``truncated`` letter holds the beginning only, since the bus carries no more: the whole is at ``sequence`` of ``stream``.
    """

    subject: str
    stream: str
    sequence: int
    reason: str
    refused_by: str
    at: EpochMs
    payload: bytes
    headers: dict[str, str] = {}
    truncated: bool = False
