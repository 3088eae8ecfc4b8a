"""Subjects are built of tokens and taken apart into the same."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue

from drishti.errors import InvalidSubject
from drishti.messages import subjects

TOKEN = st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True)


@given(tenant=TOKEN, rest=TOKEN)
def test_what_is_built_can_be_taken_apart(tenant: str, rest: str) -> None:
    for build, family in ((subjects.events, "events"), (subjects.requests, "requests"), (subjects.spans, "spans")):
        assert subjects.parse(build(tenant, rest)) == (family, tenant, (rest,))
    assert subjects.parse(subjects.aggregates(tenant, "1s", rest)) == ("aggregates", tenant, ("1s", rest))
    assert subjects.parse(subjects.insights(tenant, "anomaly", rest)) == ("insights", tenant, ("anomaly", rest))


@given(st.text())
def test_any_text_becomes_a_token(text: str) -> None:
    result = subjects.token(text)
    assert subjects.parse(subjects.events("default", result)).rest == (result,)


@pytest.mark.parametrize("bad", ["", "a.b", "A", "a b", "*", ">", "x" * 65, "ä", "a\n"])
def test_what_is_no_token_is_refused(bad: str) -> None:
    with pytest.raises(InvalidSubject):
        subjects.events("default", bad)
    with pytest.raises(InvalidSubject):
        subjects.events(bad, "feedback")


@pytest.mark.parametrize("bad", ["", "events", "events.v1.default", "events.v2.default.x", "events.v1..x"])
def test_what_is_no_subject_of_ours_is_refused(bad: str) -> None:
    with pytest.raises(InvalidSubject):
        subjects.parse(bad)


def test_a_dead_letters_subject_holds_the_original() -> None:
    assert subjects.dead("events.v1.default.feedback") == "dead.v1.events.v1.default.feedback"


@given(st.text())
def test_a_normalised_name_stays_as_it_is(text: str) -> None:
    assert subjects.token(subjects.token(text)) == subjects.token(text)


@given(TOKEN)
def test_neither_case_nor_separators_tell_services_apart(text: str) -> None:
    result = subjects.token(text)
    assert subjects.token(text.upper()) == subjects.token(f"  {text.replace('-', ' . ')}\n") == result


@pytest.mark.parametrize(
    ("name", "token"),
    [
        ("Checkout Service.v2", "checkout-service-v2"),
        ("checkout-service-v2", "checkout-service-v2"),
        ("payments_api", "payments_api"),
        ("-Edge--", "edge"),
        ("a - b", "a-b"),
        ("Café Straße", "cafe-strasse"),
        ("ﬁre１", "fire1"),
        ("a\0b\n", "a-b"),
        ("", "unknown"),
        (" \t", "unknown"),
        ("!!!", "unknown"),
        ("unknown_service", "unknown"),
        ("unknown_service:python", "unknown"),
        ("UNKNOWN_SERVICE:/usr/bin/python3", "unknown"),
    ],
)
def test_names_that_people_give(name: str, token: str) -> None:
    assert subjects.token(name) == token


def test_names_that_ascii_or_64_characters_cannot_tell_apart_stay_apart() -> None:
    names = ["Кассе", "Касса", "結帳", "结帐", "🚀", "🚀🔥", "🔥🚀", "Кассе Service", "shop ☂", "shop", "\ud800", "\udfff"]
    names += ["a€", "a£", "a", "a→", "👍🏽", "👍🏿", "x" * 64, "x" * 65, "x" * 66, "x" * 2000 + "a", "x" * 2000 + "b"]
    assert len({subjects.token(name) for name in names}) == len(names)
    assert subjects.token("кассе") == subjects.token(" КАССЕ ") == subjects.token("Кассе")
    assert subjects.token("é" * 80) == subjects.token("e" * 80)
    assert subjects.token("Shop 結帳").startswith("shop-")


@pytest.mark.parametrize(
    ("value", "token"),
    [
        ({"string_value": "Shop API"}, "shop-api"),
        ({"int_value": 5}, "5"),
        ({"double_value": 1.5}, "1-5"),
        ({"bool_value": True}, "true"),
        ({"bytes_value": b"x"}, "unknown"),
        ({}, "unknown"),
    ],
)
def test_a_resource_names_its_service_by_whatever_value(value: dict[str, Any], token: str) -> None:
    other = KeyValue(key="x", value=AnyValue(string_value="y"))
    assert subjects.service_of([other, KeyValue(key="service.name", value=AnyValue(**value))]) == token
    assert subjects.service_of([other]) == "unknown"


def test_services_of_drishti_are_apart_from_a_users_of_the_same_name() -> None:
    def resource(**attributes: str) -> list[KeyValue]:
        return [KeyValue(key=key.replace("_", "."), value=AnyValue(string_value=value)) for key, value in attributes.items()]

    own = subjects.service_of(resource(service_namespace="drishti", service_name="dashboard-stream"))
    assert own == "drishti--dashboard-stream"
    assert subjects.is_own(own)
    assert subjects.token(own) == own
    assert subjects.token(subjects.own_name("dashboard-stream")) == own
    assert subjects.given_name(subjects.own_name("dashboard-stream")) == "drishti/dashboard-stream"
    for theirs in (
        resource(service_name="gateway"),
        resource(service_name="gateway", service_namespace="shop"),
        resource(service_name="drishti-gateway"),
        resource(service_name="drishti"),
        resource(service_namespace="drishti"),
    ):
        assert not subjects.is_own(subjects.service_of(theirs))
    assert subjects.service_of(resource(service_name="gateway", service_namespace="shop")) == "gateway"
