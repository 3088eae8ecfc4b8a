"""For whom a request to read or change something asks: by the key in its headers, or as a page of the dashboards."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from drishti.bus.key_ring import KeyRing
from drishti.bus.keys import Principal, Role
from gateway.access.dashboards import NEEDS_EDITOR, DashboardAccess, check_own_page, key_of_page
from gateway.access.keys import authenticate, authenticate_text, key_of
from gateway.access.visitors import Visitor
from gateway.asgi import TENANT, headers_of
from gateway.errors import Refused

Admit = Callable[[Request], Visitor]
"""The visitor, with whose tenant and query the request is answered; raises :class:`gateway.errors.Refused`."""

AdmitAdmin = Callable[[Request], Principal]
"""The administrator whose key came with the request; raises :class:`gateway.errors.Refused`."""


def by_key(ring: KeyRing, role: Role) -> Admit:
    """Whoever brings a key in a header that opens ``role``."""

    def admit(request: Request) -> Visitor:
        principal = authenticate(ring, headers_of(request.scope), role)
        request.scope[TENANT] = principal.tenant
        return Visitor(principal.tenant, request.scope["query_string"].decode("latin-1"))

    return admit


def as_page(access: DashboardAccess) -> Admit:
    """Whoever may see the dashboards. For reading alone: a browser sends its cookie by itself."""

    def admit(request: Request) -> Visitor:
        visitor = access.admit(request.scope, headers_of(request.scope))
        if visitor.has_key:
            request.scope[TENANT] = visitor.tenant
        return visitor

    return admit


def as_page_editor(access: DashboardAccess) -> Admit:
    """Whoever has a page of ours open with the key of an editor."""
    reader = as_page(access)

    def admit(request: Request) -> Visitor:
        check_own_page(headers_of(request.scope))
        visitor = reader(request)
        if not visitor.may_edit:
            raise Refused(403 if visitor.has_key else 401, NEEDS_EDITOR)
        return visitor

    return admit


def admin_by_key(ring: KeyRing) -> AdmitAdmin:
    """Whoever brings an administrator's key in a header."""
    return lambda request: authenticate(ring, headers_of(request.scope), "admin")


def admin_as_page(ring: KeyRing) -> AdmitAdmin:
    """Whoever has a page of ours open with the key of an administrator; also on loopback no one without."""

    def admit(request: Request) -> Principal:
        headers = headers_of(request.scope)
        if request.method not in ("GET", "HEAD") and key_of(headers) is None:
            check_own_page(headers)
        text = key_of_page(headers)
        if ring.loaded.is_set() and not text:
            raise Refused(401, "To see and change keys, a key with the role admin is needed")
        return authenticate_text(ring, text, "admin")

    return admit
