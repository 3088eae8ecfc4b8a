"""Expressions: what text means, what it comes to, and where it is wrong."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drishti.measures.expressions.errors import ExpressionError
from drishti.measures.expressions.meaning import EventTerm, Known, MetricTerm, meanings, percentile
from drishti.measures.expressions.parser import MAX_DEPTH, MAX_LENGTH, MAX_PARTS, MAX_TERMS, parse
from drishti.measures.expressions.tree import (
    Arithmetic,
    Both,
    Compare,
    Condition,
    Either,
    Exists,
    Expression,
    Member,
    Negative,
    Not,
    Number,
    Prefix,
    Term,
    evaluate,
    matches,
    terms,
)

NAMES = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), min_size=1, max_size=8) | st.sampled_from(
    ["feedback", "page-view", "http.server.request.duration", "where", "in", "p95", "a.b"]
)
TEXTS = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=8)
NUMBERS = st.floats(min_value=0, allow_nan=False, allow_infinity=False)
LITERALS = TEXTS | st.floats(allow_nan=False, allow_infinity=False) | st.booleans()
CONDITIONS: st.SearchStrategy[Condition] = st.recursive(
    st.builds(Compare, NAMES, st.sampled_from(["=", "!=", "<", "<=", ">", ">="]), LITERALS)
    | st.builds(Member, NAMES, st.lists(LITERALS, min_size=1, max_size=3).map(tuple))
    | st.builds(Prefix, NAMES, TEXTS)
    | st.builds(Exists, NAMES),
    lambda parts: st.builds(Not, parts) | st.builds(Both, parts, parts) | st.builds(Either, parts, parts),
    max_leaves=6,
)
TERMS = st.builds(Term, st.sampled_from(["count", "avg", "p99.9"]), NAMES, st.none() | CONDITIONS)
EXPRESSIONS: st.SearchStrategy[Expression] = st.recursive(
    st.builds(Number, NUMBERS) | TERMS,
    lambda parts: st.builds(Negative, parts) | st.builds(Arithmetic, st.sampled_from("+-*/"), parts, parts),
    max_leaves=8,
)


class Sample(Known):
    """A tenant with two metrics and two types of events."""

    _METRICS: ClassVar = {
        "request_duration_ms": (("count", "rate", "avg", "p50", "p95"), ("service", "status")),
        "active_users": (("uniques",), ()),
    }

    def aggregates(self, metric: str) -> Sequence[str] | None:
        return self._METRICS[metric][0] if metric in self._METRICS else None

    def dimensions(self, metric: str) -> Sequence[str]:
        return self._METRICS[metric][1]

    def metrics(self) -> Iterable[str]:
        return self._METRICS

    def event_types(self) -> Iterable[str]:
        return ("feedback", "page-view")


def value(text: str, **result: float | None) -> float | None:
    """What ``text`` comes to, where ``count(a)`` and its like have the value ``a``."""
    expression = parse(text).expression
    return evaluate(expression, {term: result[term.name] for term in terms(expression)})


def outcome(text: str) -> Expression | ExpressionError:
    try:
        return parse(text).expression
    except ExpressionError as error:
        return error


@given(EXPRESSIONS)
def test_every_tree_is_written_as_text_that_is_read_as_the_same_tree(expression: Expression) -> None:
    read = outcome(str(expression))
    if isinstance(read, ExpressionError):
        assert any(limit in read.message for limit in ("at most", "nested"))
    else:
        assert read == expression


PIECES = st.sampled_from([*"()+-*/<>=!,\"'\\ \n", "count", "where", "a", "1", "and", "in"])


@given(st.text(max_size=60) | st.lists(PIECES).map("".join))
def test_any_text_is_an_expression_or_an_error_that_points_into_it(text: str) -> None:
    error = outcome(text)
    if isinstance(error, ExpressionError):
        assert 0 <= error.at <= len(text)
        assert error.length >= 1
        assert error.pointed(text).count("\n") == 2 + error.message.count("\n")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 3 - 2", 5),
        ("16 / 4 / 2", 2),
        ("-2 * -(3 + 1)", 8),
        ("100 * count(a) / count(b)", 25),
        ("count(a) / count(nothing)", None),
        ("count(a) / (count(b) - count(b))", None),
        ("0 * count(nothing)", None),
        ("1e300 * 1e300", None),
        (".5 + 1. + 2e1", 21.5),
    ],
)
def test_arithmetic(text: str, expected: float | None) -> None:
    assert value(text, a=1.0, b=4.0, nothing=None) == expected


def test_nothing_that_is_not_finite_comes_out() -> None:
    assert value("count(a)", a=math.inf) is None
    assert value("count(a) - count(b)", a=math.inf, b=math.inf) is None
    assert value("count(a)", a=math.nan) is None


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ("n >= 4", True),
        ("n > 4", False),
        ("n = 4", True),
        ('n = "4"', False),
        ("n != 4", False),
        ('n != "4"', True),
        ("t = true", True),
        ("t = 1", False),
        ("t >= 0", False),
        ('s prefix "gp"', True),
        ('n prefix "4"', False),
        ('s in ("x", "gpt")', True),
        ("n in (1, 2)", False),
        ("s exists", True),
        ("null exists", False),
        ("absent exists", False),
        ("absent < 3", False),
        ("absent != 3", True),
        ("not absent < 3", True),
        ('s < "h"', True),
        ("list = 1", False),
        ("n = 4 or absent exists and s exists", True),
        ("(n = 4 or s exists) and absent exists", False),
        ('"with space" = 1', True),
    ],
)
def test_conditions_on_the_properties_of_an_event(condition: str, met: bool) -> None:
    term = parse(f"count(feedback where {condition})").expression
    assert isinstance(term, Term)
    assert term.condition is not None
    event = {"n": 4, "t": True, "s": "gpt", "null": None, "list": [1], "with space": 1.0}
    assert matches(term.condition, event) is met


@given(CONDITIONS, st.dictionaries(NAMES, st.none() | LITERALS | st.integers() | st.lists(st.integers()), max_size=4))
def test_every_condition_has_an_answer_for_every_event(condition: Condition, event: dict[str, object]) -> None:
    assert matches(condition, event) is not matches(Not(condition), event)


@pytest.mark.parametrize(
    ("text", "at", "says"),
    [
        ("", 0, "expected a number or an aggregate"),
        ("count(feedback", 14, "expected ) for the ( at character 6"),
        ("satisfaction", 0, "avg(satisfaction)"),
        ("count(feedback) count(feedback)", 16, "expected an operator or the end"),
        ("1 + * 2", 4, "not '*'"),
        ("count(feedback where satisfaction >= high)", 37, '"high"'),
        ("count(feedback where satisfaction)", 33, "expected =, !=,"),
        ("count(feedback where satisfaction >= 4 and)", 42, "the name of a property"),
        ("count(feedback where topic prefix 3)", 34, "a text in quotes"),
        ("count(feedback where topic in 3)", 30, "in parentheses"),
        ('count("feedback)', 6, "left open"),
        ("1 § 2", 2, "'§' means nothing here"),
        ("1e999", 0, "too large"),
        ("0x10", 1, "expected an operator"),
        ('count(a where b = "\\ud800")', 18, "this text is not one"),
        ('count(a where b = "\\u0000")', 18, "U+0000"),
        ('count("")', 6, "at least one character"),
        ("٣", 0, "means nothing here"),
        ("1 + " * 1000 + "1", MAX_LENGTH, "characters"),
        ("(" * 40 + "1" + ")" * 40, MAX_DEPTH + 1, "nested"),
        ("-" * 40 + "1", MAX_DEPTH + 1, "nested"),
        ("+".join("1" for _ in range(MAX_PARTS + 2)), 2 * MAX_PARTS + 1, "operators"),
        ("+".join(f"count(a{i})" for i in range(MAX_TERMS + 1)), 160 + 6, "different terms"),
    ],
)
def test_an_error_points_at_its_character(text: str, at: int, says: str) -> None:
    with pytest.raises(ExpressionError) as error:
        parse(text)
    assert (error.value.at, says in error.value.message) == (at, True)


def test_an_error_is_shown_under_its_line() -> None:
    text = "100 *\ncount(feedback where topic = war)"
    with pytest.raises(ExpressionError) as error:
        parse(text)
    line, carets, message = error.value.pointed(text).split("\n")
    assert (line, carets) == ("count(feedback where topic = war)", " " * 29 + "^^^")
    assert message.endswith('a text needs quotes: "war"')


def test_names_mean_metrics_events_and_properties() -> None:
    parsed = parse('p99.9(request_duration_ms where service = "a") + count("page-view") + uniques(feedback.user_id)')
    assert list(meanings(parsed, Sample()).values()) == [
        MetricTerm("request_duration_ms", "p99.9", Compare("service", "=", "a")),
        EventTerm("page-view", "count"),
        EventTerm("feedback", "uniques", "user_id"),
    ]


@pytest.mark.parametrize(
    ("text", "wrong", "says"),
    [
        ("count(feedbak)", "feedbak", "do you mean feedback?"),
        ("avg(request_duration)", "request_duration", "do you mean request_duration_ms?"),
        ("p95(active_users)", "p95", "active_users has uniques"),
        ("p0(request_duration_ms)", "p0", "request_duration_ms has count, rate, avg, p50, p95"),
        ("median(feedback.satisfaction)", "median", "p50"),
        ("avg(feedback)", "avg", "avg(feedback.property)"),
        ('count(request_duration_ms where route = "/")', "route", "the labels service, status"),
        ("count(request_duration_ms where status = 200)", "status", 'write it in quotes, such as "200"'),
        ('count(request_duration_ms where status >= "500")', "status", "compared with =, !=, in, prefix and exists"),
        ('uniques(active_users where service = "a")', "service", "no labels"),
    ],
)
def test_what_means_nothing_is_an_error_that_says_what_would(text: str, wrong: str, says: str) -> None:
    with pytest.raises(ExpressionError) as error:
        meanings(parse(text), Sample())
    assert text[error.value.at : error.value.at + error.value.length] == wrong
    assert says in error.value.message


def test_percentiles() -> None:
    assert [percentile(name) for name in ("p50", "p99.9", "p5", "p0", "p100", "p99.9999", "count", "p")] == [
        0.5, pytest.approx(0.999), 0.05, None, None, None, None, None,
    ]  # fmt: skip
