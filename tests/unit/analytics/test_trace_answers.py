"""The answer about one trace fits a message of the bus, whatever its spans are."""

from __future__ import annotations

import msgspec
import pytest

from analytics.query.traces.one import MAX_BYTES, answer_of, fit
from analytics.spans.trace import assemble
from drishti.messages.traces import TraceAnswer, UserEvent
from rigs.span_trees import span


def answer(spans: int = 2_000, name: str = "GET", data: str = "") -> TraceAnswer:
    some = [span(n + 1, n or None, n, 10_000 - n, name=name, service=f"s{n}") for n in range(spans)]
    found = answer_of(assemble(some))
    found.events = [UserEvent(event_id="e", event_type="t", time_ms=1, data={"text": data}) for _ in range(100)]
    found.service_names = {f"s{n}": name for n in range(spans)}
    return found


@pytest.mark.parametrize("found", [answer(name="n" * 512), answer(200, data="x" * 60_000), answer(2_000)])
def test_an_answer_fits_a_message(found: TraceAnswer) -> None:
    events, before = len(found.events), len(msgspec.json.encode(found))
    fit(found)
    assert len(msgspec.json.encode(found)) <= MAX_BYTES * 1.01
    assert len(found.events) == events
    assert found.truncated == (before > MAX_BYTES)
    assert len(found.spans) >= 200


def test_what_fits_is_left_as_it_is() -> None:
    found = answer(20, data="x")
    before = msgspec.json.encode(found)
    fit(found)
    assert msgspec.json.encode(found) == before
