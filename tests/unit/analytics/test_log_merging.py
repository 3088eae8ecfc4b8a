"""Templates that differ in a word that varies become one, whatever their order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from analytics.logs.merging import merge


def texts(templates: list[str]) -> list[str]:
    return [one.text for one in merge(templates)]


def test_a_word_that_varies_is_masked():
    assert texts(["User alice logged in", "User bob logged in", "User carol logged in"]) == ["User <*> logged in"]


def test_two_words_that_vary_are_masked_one_after_the_other():
    every = [f"User {user} bought {item}" for user in "abcdefghijk" for item in "mnopqrs"]
    assert texts(every) == ["User <*> bought <*>"]


def test_few_lines_and_lines_that_have_little_in_common_stay_apart():
    lines = ["Order created", "Order deleted", "User alice logged in", "User bob logged in"]
    assert texts(lines) == lines
    verbs = [f"Failed to {verb} it" for verb in ("open", "send", "read", "write", "close")]
    verbs = [f"{line} {word} {word}" for line, word in zip(verbs, "abcde", strict=True)]
    assert texts(verbs) == verbs


def test_equal_templates_are_one():
    assert [one.members for one in merge(["a", "b", "a", ""])] == [(0, 2), (1,), (3,)]


words = st.sampled_from(["a", "b", "c", "d", "e", "<*>", "word"])


@given(st.lists(st.lists(words, max_size=5).map(" ".join), max_size=40), st.randoms())
def test_the_order_does_not_matter_and_none_is_lost(templates, random):
    found = merge(templates)
    assert sorted(place for one in found for place in one.members) == list(range(len(templates)))
    shuffled = list(range(len(templates)))
    random.shuffle(shuffled)
    again = merge([templates[place] for place in shuffled])
    as_texts = {(one.text, tuple(sorted(templates[place] for place in one.members))) for one in found}
    assert as_texts == {(one.text, tuple(sorted(templates[shuffled[place]] for place in one.members))) for one in again}
