"""Who sees the dashboards: everybody on this machine when nobody else can come, a key's holder otherwise."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from drishti.bus.key_ring import KeyRing
from drishti.bus.keys import ApiKey, Role, digest
from gateway.access.dashboards import DashboardAccess
from gateway.access.visitors import Visitor
from gateway.dashboard.pages import refusal_page
from gateway.errors import Refused
from gateway.settings import is_loopback

VIEWER, PRODUCER = "dk_v_" + "v" * 43, "dk_p_" + "p" * 43


@pytest.fixture
def ring() -> KeyRing:
    result = KeyRing()
    roles: dict[str, Role] = {VIEWER: "viewer", PRODUCER: "producer"}
    for text, role in roles.items():
        key = ApiKey(id=text[3], name="", tenant="acme", role=role, created_at=datetime.now(UTC))
        result.take(digest(text), msgspec.json.encode(key))
    result.loaded.set()
    return result


def visit(
    ring: KeyRing, *, loopback: bool, query: str = "", scheme: str = "http", host: str = "localhost:8000", **sent: str
) -> Any:
    access = DashboardAccess(ring, open_on_loopback=loopback)
    headers = {b"host": host.encode(), **{name.encode(): value.encode() for name, value in sent.items()}}
    return access.admit({"query_string": query.encode(), "scheme": scheme}, headers)


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "LOCALHOST", "drishti.localhost:1"])
def test_loopback_is_open_as_the_default_tenant(ring: KeyRing, host: str) -> None:
    assert visit(ring, loopback=True, host=host) == Visitor("default", "", has_key=False)


@pytest.mark.parametrize("host", ["evil.example:8000", "127.0.0.1.evil.example", "localhost.evil.example", "", "10.0.0.1"])
def test_foreign_name_for_this_machine_does_not_open_loopback(ring: KeyRing, host: str) -> None:
    with pytest.raises(Refused) as refused:
        visit(ring, loopback=True, host=host)
    assert refused.value.status == 403
    assert visit(ring, loopback=True, host=host, authorization=f"Bearer {VIEWER}").tenant == "acme"


@pytest.mark.parametrize("name", ["forwarded", "x-forwarded-for", "x-real-ip", "via"])
def test_who_comes_through_a_proxy_is_not_of_this_machine(ring: KeyRing, name: str) -> None:
    with pytest.raises(Refused) as refused:
        visit(ring, loopback=True, **{name: "203.0.113.9"})
    assert refused.value.status == 403
    assert visit(ring, loopback=True, **{name: "203.0.113.9", "authorization": f"Bearer {VIEWER}"}).tenant == "acme"


def test_key_on_loopback_chooses_its_tenant_and_a_stale_cookie_does_no_harm(ring: KeyRing) -> None:
    assert visit(ring, loopback=True, cookie=f"drishti_token={VIEWER}").tenant == "acme"
    assert visit(ring, loopback=True, cookie="drishti_token=revoked").tenant == "default"


@pytest.mark.parametrize("sent", [{"authorization": f"Bearer {VIEWER}"}, {"cookie": f"a=b; drishti_token={VIEWER}; c=d"}])
def test_elsewhere_a_viewers_key_is_needed(ring: KeyRing, sent: dict[str, str]) -> None:
    assert visit(ring, loopback=False, **sent) == Visitor("acme", "")
    with pytest.raises(Refused) as refused:
        visit(ring, loopback=False)
    assert refused.value.status == 401


def test_key_that_only_produces_does_not_see(ring: KeyRing) -> None:
    with pytest.raises(Refused) as refused:
        visit(ring, loopback=False, authorization=PRODUCER)
    assert refused.value.status == 403


def test_token_in_the_address_becomes_a_cookie_and_goes_no_further(ring: KeyRing) -> None:
    result = visit(ring, loopback=False, query=f"a=1&token={VIEWER}&b=%202", scheme="https")
    assert result.query == "a=1&b=%202"
    assert result.cookie == f"drishti_token={VIEWER}; Path=/api/dashboard; HttpOnly; SameSite=Strict; Secure".encode()
    assert b"Secure" not in visit(ring, loopback=False, query=f"token={VIEWER}").cookie


def test_wrong_token_sets_no_cookie(ring: KeyRing) -> None:
    with pytest.raises(Refused):
        visit(ring, loopback=False, query="token=a;%20Domain=evil")


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("0.0.0.0", False), ("::", False)]
)
def test_loopback_addresses_are_known(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_page_for_people_escapes_what_it_says() -> None:
    assert b"<script>" not in refusal_page(Refused(403, "<script>"))
    assert b'http-equiv="refresh"' in refusal_page(Refused(503, "away", retry_after_s=2))
    assert b'name="token"' in refusal_page(Refused(401, "key"))


def test_page_that_asks_for_a_key_comes_back_to_the_same_address() -> None:
    page = refusal_page(Refused(401, "key"), "from=now-6h&token=old&text=%22%3E%3Cscript%3E&empty=").decode()
    assert '<input type="hidden" name="from" value="now-6h">' in page
    assert '<input type="hidden" name="text" value="&quot;&gt;&lt;script&gt;">' in page
    assert '<input type="hidden" name="empty" value="">' in page
    assert page.count('name="token"') == 1
    assert "old" not in page
