"""Which headers pass between browser and dashboard-stream, and which end or begin here. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from multidict import CIMultiDict

from drishti.settings import Secret
from gateway.access.visitors import COOKIE, Visitor
from gateway.asgi import Scope

_HOP_BY_HOP = frozenset(
    {
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    }
)
_OURS = frozenset({b"host", b"authorization", b"x-api-key", b"cookie", b"x-forwarded-host", b"x-forwarded-proto", b"expect"})
_SAFETY = ((b"x-content-type-options", b"nosniff"), (b"referrer-policy", b"same-origin"))
"""Added where dashboard-stream does not say otherwise. An address may hold a token: no other site is to hear of it."""

_WEBSOCKET = (b"sec-websocket-", b"origin")


def of_request(scope: Scope, visitor: Visitor, secret: Secret) -> CIMultiDict[str]:
    """The request's headers for dashboard-stream: without keys, with who asks and by which name we were called."""
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in scope["headers"]:
        if name in _HOP_BY_HOP or name in _OURS or name.startswith(b"x-drishti-"):
            if name == b"cookie" and (cookies := _other_cookies(value)):
                headers.add("Cookie", cookies)
            continue
        if scope["type"] == "websocket" and name.startswith(_WEBSOCKET):
            continue  # the client of this connection makes its own
        headers.add(name.decode("latin-1"), value.decode("latin-1"))
    headers.update(of_visitor(scope, visitor, secret))
    return headers


def of_visitor(scope: Scope, visitor: Visitor, secret: Secret) -> CIMultiDict[str]:
    """What the gateway itself says of a request: who asks, and by which name we were called."""
    headers: CIMultiDict[str] = CIMultiDict()
    host = dict(scope["headers"]).get(b"host", b"").decode("latin-1")
    secure = scope.get("scheme") in ("https", "wss")
    headers["X-Forwarded-Host"] = host
    headers["X-Forwarded-Proto"] = "https" if secure else "http"
    headers["X-Drishti-Tenant"] = visitor.tenant
    if secret:
        headers["X-Drishti-Secret"] = secret.reveal()
    return headers


def of_answer(raw_headers: Iterable[tuple[bytes, bytes]], visitor: Visitor) -> list[tuple[bytes, bytes]]:
    """The headers of dashboard-stream's answer for the client, with the cookie that the visitor has earned."""
    headers = [(name, value) for name, value in raw_headers if name.lower() not in _HOP_BY_HOP]
    known = {name.lower() for name, _ in headers}
    headers += [header for header in _SAFETY if header[0] not in known]
    if visitor.cookie is not None:
        headers.append((b"set-cookie", visitor.cookie))
    return headers


def _other_cookies(value: bytes) -> str:
    cookies: Iterable[str] = value.decode("latin-1").split(";")
    return "; ".join(c.strip() for c in cookies if c.strip() and c.partition("=")[0].strip() != COOKIE)
