"""Who may see the dashboards.

On loopback everybody on this machine may, as the tenant ``default``: there is one user. The request must also *name* this
machine in its ``Host``, or a page of a foreign site whose name points here could read along, and must not have come through a
proxy, behind which anybody may stand. Elsewhere a key whose role may read is needed: in ``Authorization`` or ``X-API-Key``, in
``?token=`` (a browser's first visit), or in the cookie that such a visit sets.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from drishti.bus.keys import KeyRing, Principal
from drishti.messages.subjects import DEFAULT_TENANT
from gateway.access import authenticate_text
from gateway.asgi import Headers, Scope
from gateway.dashboard.forwarding import COOKIE, Visitor
from gateway.errors import Refused
from gateway.settings import is_loopback

_FORWARDED = (b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via")
_COOKIE_PATH = "/api/dashboard"
_PORT = re.compile(r":\d*\Z")
_COOKIE_SAFE = re.compile(r"[!#-+\--:<-\[\]-~]+\Z")


class DashboardAccess:
    """``open_on_loopback``: whether the gateway listens on loopback only."""

    def __init__(self, ring: KeyRing, *, open_on_loopback: bool) -> None:
        self._ring = ring
        self._open = open_on_loopback

    def admit(self, scope: Scope, headers: Headers) -> Visitor:
        """The visitor, or :class:`Refused` (401, 403, 503)."""
        query, in_query = _without_token(scope["query_string"].decode("latin-1"))
        text = headers.get(b"authorization") or headers.get(b"x-api-key") or in_query or _cookie(headers)
        if self._open and _names_this_machine(headers) and not any(name in headers for name in _FORWARDED):
            principal = self._known(text)
            if principal is None:
                return Visitor(DEFAULT_TENANT, query, has_key=False)
            return Visitor(principal.tenant, query)
        if not text and self._open:
            raise Refused(403, "open the dashboards as http://localhost, or bring a key: ?token=<key>")
        principal = authenticate_text(self._ring, text, "viewer")
        cookie = None
        if in_query is not None and text == in_query and _COOKIE_SAFE.match(token := in_query.decode("latin-1")):
            secure = "; Secure" if scope.get("scheme") in ("https", "wss") else ""
            cookie = f"{COOKIE}={token}; Path={_COOKIE_PATH}; HttpOnly; SameSite=Strict{secure}".encode("latin-1")
        return Visitor(principal.tenant, query, cookie)

    def _known(self, text: bytes | None) -> Principal | None:
        principal = self._ring.check(text) if text else None
        return principal if principal is not None and principal.may("viewer") else None


def _names_this_machine(headers: Headers) -> bool:
    host = headers.get(b"host", b"").decode("latin-1")
    return is_loopback(_PORT.sub("", host))


def _without_token(query: str) -> tuple[str, bytes | None]:
    """The query string without its ``token``, and that one."""
    token = None
    others = []
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name == "token":
            token = unquote_plus(value).encode("utf-8", "replace")
        elif part:
            others.append(part)
    return "&".join(others), token or None


def _cookie(headers: Headers) -> bytes | None:
    for part in headers.get(b"cookie", b"").split(b";"):
        name, _, value = part.strip().partition(b"=")
        if name == COOKIE.encode():
            return value or None
    return None
