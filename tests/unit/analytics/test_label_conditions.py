"""A condition on labels means the same as a function as it does in a question."""

from __future__ import annotations

import pytest

from analytics.storage.label_conditions import by_tokens, matcher
from drishti.measures.expressions.parser import parse_condition

ROW = {"service": "my-shop", "status": "200", "route": ""}


@pytest.mark.parametrize(
    ("condition", "met"),
    [
        ('service = "My Shop"', True),
        ('service != "My Shop"', False),
        ('service in ("other", "My Shop")', True),
        ('status prefix "2"', True),
        ('status prefix "" and absent prefix ""', True),
        ('not absent prefix "a"', True),
        ("route exists", False),
        ("absent exists or not status exists", False),
        ('route = "" and absent = ""', True),
        ('absent != "x" and not (status = "500" or status = "404")', True),
        ('status = "500" or (status = "200" and service in ("my-shop"))', True),
    ],
)
def test_a_condition_is_met_as_in_a_question(condition: str, met: bool) -> None:
    assert matcher(by_tokens(parse_condition(condition)))(ROW) is met
