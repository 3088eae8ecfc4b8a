"""The ways in which PostHog's older SDKs wrap JSON: gzip without a header that says so, and forms with base64. Pure."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import parse_qs

from gateway.errors import Refused

GZIP_MAGIC = b"\x1f\x8b"

_MAX_FIELDS = 10
_NAME_BYTES = 32
_MS_DIGITS = 15


def is_gzip(body: bytes) -> bool:
    """Whether ``body`` is gzip, whatever its request says."""
    return body.startswith(GZIP_MAGIC)


def unwrapped(body: bytes) -> bytes:
    """``body`` without the form around it, where there is one (``data=`` with JSON, or with base64 of it).

    Raises :class:`Refused` with 400.
    """
    if body[:1] in (b"{", b"[") or b"=" not in body[:_NAME_BYTES]:
        return _without_base64(body)
    try:
        fields = parse_qs(body.decode("ascii"), max_num_fields=_MAX_FIELDS, strict_parsing=True)
    except ValueError:
        return _without_base64(body)
    if "data" not in fields:
        raise Refused(400, "a form must have the field data", field="data")
    return _without_base64(fields["data"][0].encode())


def timestamp_of(query: bytes) -> int | None:
    """When the request was sent by its sender's clock, milliseconds since 1970, where its address says so (``_=``)."""
    try:
        fields = parse_qs(query.decode("latin-1"), max_num_fields=_MAX_FIELDS)
    except ValueError:
        return None
    text = fields.get("_", [""])[-1]
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MS_DIGITS else None


def _without_base64(text: bytes) -> bytes:
    text = text.strip()
    if not text or text[:1] in (b"{", b"[") or text.startswith(b"\xef\xbb\xbf"):
        return text
    # A + of base64 that a form's sender did not write as %2B came as a space.
    packed = text.replace(b" ", b"+").rstrip(b"=")
    try:
        return base64.b64decode(packed + b"=" * (-len(packed) % 4), validate=True).strip()
    except (binascii.Error, ValueError):
        raise Refused(400, "the body is neither JSON, nor base64 of it, nor a form with either") from None
