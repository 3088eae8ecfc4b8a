"""Who may see the dashboards.

On loopback everybody on this machine may, as the tenant ``default``: there is one user. The request must also *name* this
machine in its ``Host``, or a page of a foreign site whose name points here could read along, and must not have come through a
proxy, behind which anybody may stand. Elsewhere a key whose role may read is needed: in ``Authorization`` or ``X-API-Key``, in
``?token=`` (a browser's first visit), or in the cookie that such a visit, or :mod:`gateway.dashboard.session`, sets.

Who may *change* something needs the key of an editor everywhere, on loopback too, and must ask from one of our own pages
(:func:`check_own_page`): a browser sends its cookie by itself, also for what a page of a neighbouring port asks.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_plus

from drishti.bus.key_ring import KeyRing
from drishti.bus.keys import Principal
from drishti.messages.subjects import DEFAULT_TENANT
from gateway.access.keys import authenticate_text, key_of
from gateway.access.visitors import COOKIE, Visitor
from gateway.asgi import Headers, Scope
from gateway.errors import Refused
from gateway.settings import is_loopback

NEEDS_EDITOR = "To change something, a key with the role editor or admin is needed"

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
            return Visitor(principal.tenant, query, may_edit=principal.may("editor"))
        if not text and self._open:
            raise Refused(403, "open the dashboards as http://localhost, or bring a key: ?token=<key>")
        principal = authenticate_text(self._ring, text, "viewer")
        cookie = cookie_of(scope, in_query) if in_query is not None and text == in_query else None
        return Visitor(principal.tenant, query, cookie, may_edit=principal.may("editor"))

    def key_changes(self) -> int:
        """Counts the changes of keys."""
        return self._ring.changes

    def _known(self, text: bytes | None) -> Principal | None:
        principal = self._ring.check(text) if text else None
        return principal if principal is not None and principal.may("viewer") else None


def key_of_page(headers: Headers) -> bytes | None:
    """The key that a page brings: in a header, or in the cookie that its browser keeps."""
    return key_of(headers) or _cookie(headers)


def cookie_of(scope: Scope, key: bytes) -> bytes | None:
    """The ``Set-Cookie`` with which a browser keeps ``key``; ``None`` where a cookie cannot hold it."""
    text = key.decode("latin-1")
    if not _COOKIE_SAFE.match(text):
        return None
    return _cookie_with(scope, text)


def forget_cookie(scope: Scope) -> bytes:
    """The ``Set-Cookie`` with which a browser forgets its key."""
    return _cookie_with(scope, "", "; Max-Age=0")


def _cookie_with(scope: Scope, value: str, more: str = "") -> bytes:
    secure = "; Secure" if scope.get("scheme") in ("https", "wss") else ""
    return f"{COOKIE}={value}; Path={_COOKIE_PATH}; HttpOnly; SameSite=Strict{secure}{more}".encode("latin-1")


def check_own_page(headers: Headers) -> None:
    """Raises :class:`Refused` (403) where the request is not of a page of this very origin, as its browser says.

    A cookie that is ``SameSite`` still goes with what a page of another port or subdomain asks.
    """
    site = headers.get(b"sec-fetch-site")
    origin = headers.get(b"origin", b"").decode("latin-1")
    ours = headers.get(b"host", b"").decode("latin-1").lower()
    own = site == b"same-origin" if site is not None else bool(ours) and origin.lower().partition("://")[2] == ours
    if not own:
        raise Refused(403, "only pages of the dashboards may change something this way: programs use /api/analytics")


def check_editor(visitor: Visitor, headers: Headers) -> None:
    """Raises :class:`Refused` (401, 403) where the visitor may not change anything.

    Who brings the key in a header is a program, or a page that was given it; a cookie goes along by itself, so that the request
    has to be of one of our own pages.
    """
    if b"authorization" not in headers and b"x-api-key" not in headers:
        check_own_page(headers)
    if not visitor.may_edit:
        raise Refused(403 if visitor.has_key else 401, NEEDS_EDITOR)


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
