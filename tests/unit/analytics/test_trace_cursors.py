"""Cursors of searches for traces: one that no answer gave is refused, whatever it says."""

from __future__ import annotations

import base64
import json

import pytest

from analytics.query.traces.finding import Position, cursor_of, position_of
from drishti.errors import QueryError


def test_a_cursor_comes_back_as_the_position_that_it_was() -> None:
    position = Position(1_772_368_200_000_000, 2**62, "00f067aa0ba902b7")
    assert position_of(cursor_of(position)) == position


@pytest.mark.parametrize(
    "said",
    [
        [2**70, 1, "0" * 16],
        [-(2**62), 1, "0" * 16],
        [1, 2**63, "0" * 16],
        [1, -1, "0" * 16],
        [1, 1, "0" * 15],
        [1, 1, "0" * 17],
        [1, 1, "0 " * 8],
        [1, 1, None],
        [1, 1],
        {},
    ],
)
def test_another_one_is_refused(said: object) -> None:
    with pytest.raises(QueryError, match="not one that an answer gave"):
        position_of(base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("="))
