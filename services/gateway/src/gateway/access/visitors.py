"""Who was let in, as the parts of the gateway pass it on. Pure."""

from __future__ import annotations

from typing import NamedTuple

COOKIE = "drishti_token"
"""In which a browser keeps the key of its first visit. Dashboard-stream never sees it."""


class Visitor(NamedTuple):
    """Someone who may see the dashboards of ``tenant``. ``query`` is the request's, without a token.

    On loopback that may be a viewer without a key (``has_key``), whose requests are recorded for no tenant.
    """

    tenant: str
    query: str
    cookie: bytes | None = None
    """The ``Set-Cookie`` that spares the next request its token."""

    has_key: bool = True
    may_edit: bool = False
    """Whether the visitor brought a key that opens the role editor."""
