"""For whom a request to read or change something asks: by the key in its headers, or as a page of the dashboards."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request

from drishti.bus.keys import KeyRing, Role
from gateway.access.dashboards import NEEDS_EDITOR, DashboardAccess, check_own_page
from gateway.access.keys import authenticate
from gateway.access.visitors import Visitor
from gateway.asgi import TENANT, headers_of
from gateway.errors import Refused

Admit = Callable[[Request], Visitor]
"""The visitor, with whose tenant and query the request is answered; raises :class:`gateway.errors.Refused`."""


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
