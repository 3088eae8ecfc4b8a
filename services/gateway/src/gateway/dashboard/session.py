"""``/api/dashboard/analytics/session``: for whom a browser looks at the dashboards, and whether it may change something.

``POST`` with a key in ``Authorization`` or ``X-API-Key`` has the browser keep it in a cookie that no script can read, so that
it stands in no address; ``DELETE`` has it forgotten.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from drishti.bus.key_ring import KeyRing
from drishti.bus.keys import Principal
from gateway.access.dashboards import NEEDS_EDITOR, DashboardAccess, check_own_page, cookie_of, forget_cookie, key_of_page
from gateway.access.keys import authenticate, key_of
from gateway.access.visitors import Visitor
from gateway.answers import refusal_content, refusal_headers
from gateway.asgi import TENANT, headers_of
from gateway.errors import Refused

EXPECTED_TENANT = b"drishti-expected-tenant"
"""Header of ``POST``: the tenant that the page shows. A key of another one is refused, or what is not saved would go there."""

_NO_KEY = "No key is given here"
_KEY_ONLY_READS = "The key given here only reads"


class Sessions:
    """The handler of this path. Pages learn here, too, where Jaeger's pages are (``jaeger_ui_url``), to link traces to them."""

    def __init__(self, ring: KeyRing, access: DashboardAccess, jaeger_ui_url: str = "") -> None:
        self._ring = ring
        self._access = access
        self._jaeger_ui_url = jaeger_ui_url.rstrip("/") or None

    async def answer(self, request: Request) -> Response:
        """Tenant and rights of the visitor."""
        try:
            if request.method == "POST":
                return self._begun(request)
            if request.method == "DELETE":
                check_own_page(headers_of(request.scope))
                return _with_cookie(Response(status_code=204), forget_cookie(request.scope))
            headers = headers_of(request.scope)
            visitor = self._access.admit(request.scope, headers)
            text = key_of_page(headers)
            principal = self._ring.check(text) if text else None
            key_problem = self._ring.why_not(text) if text and principal is None and not visitor.has_key else ""
            return _with_cookie(self._described(visitor, principal, key_problem), visitor.cookie)
        except Refused as refused:
            problem = {name.decode(): value.decode() for name, value in refusal_headers(refused)}
            return JSONResponse(refusal_content(refused), refused.status, problem)

    def _begun(self, request: Request) -> Response:
        headers = headers_of(request.scope)
        check_own_page(headers)
        principal = authenticate(self._ring, headers, "viewer")
        expected = headers.get(EXPECTED_TENANT)
        if expected is not None and expected.decode("latin-1") != principal.tenant:
            shown = expected.decode("latin-1")[:64]
            raise Refused(409, f"this key is of the tenant {principal.tenant}, and the page shows {shown}", field="tenant")
        request.scope[TENANT] = principal.tenant
        key = key_of(headers) or b""
        if key[:7].lower() == b"bearer ":
            key = key[7:].strip()
        cookie = cookie_of(request.scope, key)
        if cookie is None:
            raise Refused(422, "this key has characters that no cookie can hold", field="key")
        visitor = Visitor(principal.tenant, "", may_edit=principal.may("editor"))
        return _with_cookie(self._described(visitor, principal, ""), cookie)

    def _described(self, visitor: Visitor, principal: Principal | None, key_problem: str) -> Response:
        found = _KEY_ONLY_READS if visitor.has_key else _sentence(key_problem) or _NO_KEY
        why = "" if visitor.may_edit else f"{found}. {NEEDS_EDITOR}."
        expires_s = principal.expires_s if principal is not None else None
        content = {
            "tenant": visitor.tenant,
            "has_key": visitor.has_key,
            "may_edit": visitor.may_edit,
            "may_administer": principal is not None and principal.may("admin"),
            "role": principal.role if principal is not None else None,
            "key_id": principal.id if principal is not None else None,
            "expires": round(expires_s * 1000) if expires_s is not None else None,
            "key_problem": key_problem,
            "why": why,
            "jaeger_ui_url": self._jaeger_ui_url,
        }
        return JSONResponse(content, headers={"cache-control": "no-store"})


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _with_cookie(answer: Response, cookie: bytes | None) -> Response:
    if cookie is not None:
        answer.raw_headers.append((b"set-cookie", cookie))
    return answer
