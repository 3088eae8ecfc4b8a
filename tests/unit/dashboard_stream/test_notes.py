"""What may be a note, and in which versions insights are remembered."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from dashboard_stream.past import notes
from dashboard_stream.past.insight_versions import MOST_VERSIONS, InsightVersions
from drishti.events import AnomalyInsight, ChangeInsight, ForecastInsight
from drishti.measures.definition_checks import InvalidDefinition

AT = 1_772_370_000_000
MINUTE = 60_000
ABOUT = {"tenant": "t", "metric": "requests", "field": "rate", "model": "m", "state": "ready"}


def faults(**fields: Any) -> list[str]:
    with pytest.raises(InvalidDefinition) as wrong:
        notes.given({"at": AT, "text": "t"} | fields)
    return [fault.field for fault in wrong.value.faults]


def test_a_note_is_read_back_as_it_was_written() -> None:
    text = "Deploy <b>now</b> & \u05e2\u05d1\u05e8\u05d9\u05ea\nsecond line \U0001f680"
    note = notes.given(
        {"at": AT, "until": AT + 1, "text": text, "tags": ["a b", "<i>"], "kind": "deployment", "version": "1.2"}
    )
    assert notes.decode(msgspec.json.encode(note)) == note
    assert (note.text, note.end) == (text, AT + 1)


def test_what_is_wrong_with_a_note_is_said_by_field() -> None:
    assert faults(at="now") == ["at"]
    assert faults(at=-1) == ["at", "until"]
    assert faults(until=AT) == ["until"]
    assert faults(until=10**15) == ["until"]
    assert faults(text=" \n") == ["text"]
    assert faults(text="x" * 2_001) == ["text"]
    assert faults(text="a\u202eb") == ["text"]
    assert faults(text="a\x00b") == ["text"]
    assert faults(tags=["a", "a"]) == ["tags"]
    assert faults(tags=["a\nb"]) == ["tags[0]"]
    assert faults(tags=[str(n) for n in range(9)]) == ["tags"]
    assert faults(kind="party") == ["kind"]
    assert faults(html="<b>") != []
    assert faults(service="No Token") == ["service"]
    with pytest.raises(InvalidDefinition):
        notes.decode(b"[]")
    with pytest.raises(InvalidDefinition):
        notes.decode(b"[" * 100_000)


def test_notes_that_touch_a_range_are_its_notes_the_newest_first() -> None:
    kept = {
        "a": notes.given({"at": AT - MINUTE, "text": "before"}),
        "b": notes.given({"at": AT - MINUTE, "until": AT, "text": "into"}),
        "c": notes.given({"at": AT + MINUTE, "text": "end"}),
        "d": notes.given({"at": AT + MINUTE + 1, "text": "after"}),
    }
    assert [key for key, _ in notes.within(kept, AT, AT + MINUTE)] == ["c", "b"]


def anomaly(at: int, **fields: Any) -> AnomalyInsight:
    given = ABOUT | {"insight_id": "i", "at": at, "phase": "opened"}
    return msgspec.convert(given | fields, AnomalyInsight)


def test_an_incident_has_a_version_for_each_of_its_states_and_knows_when_each_was_said_last() -> None:
    versions = InsightVersions()
    versions.take(anomaly(AT, severity="warning"), AT + 1)
    for minute in range(1, 5):
        versions.take(anomaly(AT + minute * MINUTE, severity="warning", phase="ongoing"), AT + minute * MINUTE + 1)
    versions.take(anomaly(AT + 5 * MINUTE, severity="critical", phase="ongoing", escalated=True), AT + 5 * MINUTE + 1)
    versions.take(anomaly(AT + 6 * MINUTE, severity="info", phase="resolved"), AT + 6 * MINUTE + 1)
    versions.take(anomaly(AT, severity="info", phase="opened"), AT + 7 * MINUTE)  # older than what is known
    told = versions.within(AT, AT + 10 * MINUTE)
    assert [(one["phase"], (one["published_at"] - AT) // MINUTE, (one["last_at"] - AT) // MINUTE) for one in told] == [
        ("opened", 0, 0),
        ("ongoing", 1, 4),
        ("ongoing", 5, 5),
        ("resolved", 6, 6),
    ]
    assert {one["since"] for one in told} == {AT}
    assert told[-1]["gravest"] == "critical"
    assert told[-1]["escalated_at"] == AT + 5 * MINUTE
    # At the third minute neither the escalation nor the end was known; after the end nothing is said any more.
    assert len(versions.within(AT, AT + 3 * MINUTE)) == 2
    assert versions.within(AT + 7 * MINUTE, AT + 9 * MINUTE) == []


def test_forecasts_and_states_of_models_are_no_history_and_versions_are_bounded() -> None:
    versions = InsightVersions()
    versions.take(anomaly(AT, phase=None, state="learning"), AT)
    forecast = ABOUT | {"insight_id": "f", "at": AT}
    versions.take(msgspec.convert(forecast, ForecastInsight), AT)
    change = {"insight_id": "c", "tenant": "t", "at": AT, "model": "ci", "change": "deployment", "version": "2"}
    versions.take(msgspec.convert(change, ChangeInsight), AT)
    assert [one["kind"] for one in versions.within(AT, AT)] == ["change"]
    for n in range(MOST_VERSIONS + 5):
        versions.take(anomaly(AT + n, insight_id=f"i{n}"), AT + n)
    told = versions.within(AT, AT + MOST_VERSIONS * 2)
    assert len(told) == MOST_VERSIONS
    assert versions.left_off == 6
