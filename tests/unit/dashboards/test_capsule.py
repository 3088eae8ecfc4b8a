"""What a capsule that the command makes holds, and what it says of what is refused."""

from __future__ import annotations

from typing import Any

import pytest

from drishti.dashboards.capsule_cli import Refused, gather, wanted_of
from drishti.errors import DrishtiError

HOUR_S = 3600
AT = 1_772_370_000_000
TRACE = "0af7651916cd43dd8448eb211c80319c"
RATE = {
    "name": "requests.rate",
    "metric": "requests",
    "field": "rate",
    "labels": ["service"],
    "total": True,
    "resolution": "1s",
}
OWN = {"name": "orders.rate", "metric": "orders", "field": "rate", "labels": [], "total": True, "title": "orders"}
PANELS = [
    {"kind": "stat", "title": "Orders"},
    {"kind": "traces", "title": "Search"},
    {"kind": "errors", "title": "Errors", "id": "faults"},
    {"kind": "errors", "title": "Later", "by": "day"},
]
TOTAL = RATE | {"name": "requests.count.1h", "span": "1h"}


def test_each_reading_is_asked_as_a_whole_and_by_its_dimensions_with_points_that_fit() -> None:
    finest = [
        (steps[0], [(name, label) for name, label, _ in wanted]) for steps, wanted in wanted_of([RATE, OWN, TOTAL], HOUR_S)
    ]
    assert finest == [("30s", [("requests.rate", ""), ("requests.rate", "service")]), ("1m", [("orders.rate", "")])]
    assert [steps for steps, _ in wanted_of([RATE], 4_000 * 24 * HOUR_S)] == [["1d"]]


def test_what_is_refused_of_one_question_or_trace_is_said_and_the_rest_is_there() -> None:
    def ask(path: str, body: Any) -> Any:
        if path == "/api/dashboard/dashboards":
            return {"dashboards": [{"name": "d", "series": [RATE, OWN], "panels": PANELS}]}
        if path.startswith("/api/dashboard/insight-history"):
            return {"insights": [{"message": f"See trace {TRACE}, not {'0' * 32}."}], "problem": ""}
        if path.startswith("/api/dashboard/notes"):
            return {"notes": [], "left_off": 2}
        if path.startswith("/api/analytics/traces/"):
            raise Refused(404, "it is not kept any more")
        if path.startswith("/api/analytics/traces?"):
            raise Refused(503, "too many questions")
        if path.startswith("/api/analytics/errors?"):
            return {"errors": []}
        if any("group_by" in question for question in body["questions"]):
            raise Refused(422, "no such dimension", "questions[1].group_by")
        if body["resolution"] == "30s":
            raise Refused(422, "not stored any more", "resolution")
        return {"resolution": body["resolution"], "answers": [{"series": []} for _ in body["questions"]]}

    capsule = gather("d", AT, AT + HOUR_S * 1000, ask)
    asked = [(part["resolution"], [one["reading"] for one in part["questions"]]) for part in capsule["answers"]]
    assert asked == [("1m", ["requests.rate"]), ("1m", ["orders.rate"])]
    assert capsule["problems"] == [
        "requests.rate: no such dimension",
        "Search: too many questions",
        "Later: it is not as panels of this version are (Object contains unknown field `by`)",
        "2 notes",
        f"trace {TRACE}: it is not kept any more",
    ]
    assert capsule["panels"] == {"faults": {"errors": []}}
    with pytest.raises(DrishtiError, match="there are: d"):
        gather("e", AT, AT + 1, ask)
