"""Subjects are built of tokens and taken apart into the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti import subjects
from drishti.errors import InvalidSubject

TOKEN = st.from_regex(r"[a-z0-9_-]{1,64}", fullmatch=True)


@given(tenant=TOKEN, rest=TOKEN)
def test_what_is_built_can_be_taken_apart(tenant: str, rest: str) -> None:
    for build, family in ((subjects.events, "events"), (subjects.requests, "requests"), (subjects.spans, "spans")):
        assert subjects.parse(build(tenant, rest)) == (family, tenant, (rest,))
    assert subjects.parse(subjects.aggregates(tenant, "1s", rest)) == ("aggregates", tenant, ("1s", rest))
    assert subjects.parse(subjects.insights(tenant, "anomaly", rest)) == ("insights", tenant, ("anomaly", rest))


@given(st.text())
def test_any_text_becomes_a_token(text: str) -> None:
    found = subjects.token(text)
    assert subjects.parse(subjects.events("default", found)).rest == (found,)


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
