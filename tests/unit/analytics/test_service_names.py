"""Names of services: which are kept for people, how they are shown, and that their number is bounded."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given as forall
from hypothesis import strategies as st

from analytics.ingest.batch import service_names
from analytics.ingest.items import Item
from analytics.ingest.signals.otlp.points import Mode, Point, Stream
from analytics.ingest.signals.otlp.temporality import State
from analytics.storage.service_names import MAX_OF_TENANT, RecentNames, ServiceName, displayed
from drishti.events import AnalyticsEvent, RequestEvent
from drishti.measures.definitions import Kind
from drishti.messages import subjects

AT = datetime(2026, 1, 1, tzinfo=UTC)


def item(body: AnalyticsEvent | RequestEvent | Point, tenant: str = "t") -> Item:
    return Item(b"k", tenant, AT, 0, body, None)


def event(service: str | None, name: str | None) -> AnalyticsEvent:
    return AnalyticsEvent(event_id="e", event_type="x", service=service, service_name=name)


def point(service: str, name: str) -> Point:
    stream = Stream(b"k", "t", service, name, "m", "m", "1", "", Kind.GAUGE, Mode.VALUE, ())
    return Point(stream, State(0, 0, 0, 1.0), None)


@pytest.mark.parametrize(
    ("name", "shown_as"),
    [
        ("Checkout Service.v2", "Checkout Service.v2"),
        ("結帳", "結帳"),
        ("<b>Checkout</b> & <script>alert(1)</script>", "<b>Checkout</b> & <script>alert(1)</script>"),
        ("Check\u202eout\u2066 \x1b[31m\x00service\r\n\u2028", "Check out [31m service"),
        ("x" * 256, "x" * 256),
        ("x" * 257, None),
        ("checkout", None),
        ("", None),
        ("\u202e\x00", None),
        ("unknown_service:python", None),
        ("half \ud800", None),
    ],
)
def test_a_given_name_is_one_line_of_visible_text_or_the_token_says_it_all(name: str, shown_as: str | None) -> None:
    assert subjects.given_name(name) == shown_as


@forall(st.text(st.characters(codec=None)))
def test_a_given_name_has_the_token_of_what_was_given_and_stays_as_it_is(name: str) -> None:
    found = subjects.given_name(name)
    if found is not None:
        assert subjects.token(found) == subjects.token(name) != found
        assert subjects.given_name(found) == found
        found.encode()
        assert "\0" not in found


def test_items_name_their_services_and_the_last_spelling_stays() -> None:
    items = [
        item(event("checkout-service", "Checkout Service")),
        item(event(None, "Nobody's")),
        item(event("checkout-service", None)),
        item(
            RequestEvent(event_id="r", service="cafe", service_name="Café", method="GET", route="/", status=200, duration_ms=1)
        ),
        item(point("checkout-service", "CHECKOUT service")),
        item(event("checkout-service", "Checkout.Service"), "other"),
    ]
    assert service_names(items) == [
        ServiceName("t", "checkout-service", "CHECKOUT service"),
        ServiceName("t", "cafe", "Café"),
        ServiceName("other", "checkout-service", "Checkout.Service"),
    ]


def test_a_name_of_another_service_is_not_taken() -> None:
    names = [
        ServiceName("t", "checkout", "Payments"),
        ServiceName("t", "checkout", "Check\u202eout!"),
        ServiceName("t", "check-out", "Check\u202eout!"),
    ]
    assert displayed(names) == [ServiceName("t", "check-out", "Check out!")]


def test_names_are_new_once_until_they_are_forgotten_and_one_tenant_has_its_share_of_them() -> None:
    lately = RecentNames()
    flood = [ServiceName("noisy", f"s-{n}", f"S {n}") for n in range(MAX_OF_TENANT + 10)]
    kept, unnamed = lately.new(flood)
    assert (len(kept), unnamed) == (MAX_OF_TENANT, 10)
    lately.remember(kept)
    quiet = ServiceName("quiet", "a-b", "A B")
    assert lately.new([*kept, quiet]) == ([quiet], 0)
    assert lately.new([flood[-1]]) == ([], 1)
    lately.forget()
    assert lately.new([flood[-1]]) == ([flood[-1]], 0)
