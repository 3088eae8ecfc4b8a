"""What is said of an incident that lasted until it was taken as the new normal."""

from __future__ import annotations

import math
from dataclasses import replace

from predictor.anomalies import insights
from predictor.anomalies.findings import Finding, Lack
from predictor.anomalies.incidents import ADAPT_S
from predictor.anomalies.lifecycle import Change, Phase
from predictor.detectors.interface import Anomaly
from predictor.seconds.detector import MODEL
from predictor.series.watch import SeriesKey
from rigs.watches import watch

SINCE = 1_790_000_000
WATCH = watch("requests", "error_rate")


def finding(phase: Phase, at: int = SINCE + ADAPT_S, value: float = 0.79, expected: float = 0.01) -> Finding:
    change = Change(0, 0, phase, SINCE, 1, Anomaly.SHIFT, "critical")
    return Finding(
        key=SeriesKey("default", "requests", "error_rate", (("service", "wisdom"),)),
        watch=WATCH,
        at=at,
        change=change,
        ready=True,
        score=0.9999,
        value=value,
        expected=expected,
        lower=0.0,
        upper=0.04,
        confidence=1.0,
        model=MODEL,
    )


def test_what_is_adapted_to_is_closed_as_severe_as_it_was_and_did_not_recover() -> None:
    reported = insights.anomaly(finding(Phase.ADAPTED))
    assert (reported.phase, reported.adapted, reported.severity, reported.anomaly) == ("resolved", True, "critical", "shift")
    assert reported.message == (
        "requests error_rate of service wisdom stays at 79.0 % since 2026-09-21 14:13:20 UTC; expected before 0–4.0 %. "
        "Nothing recovered: from here on it is taken as the new normal"
    )
    recovered = insights.anomaly(finding(Phase.RESOLVED, value=0.01))
    assert (recovered.phase, recovered.adapted, recovered.severity) == ("resolved", False, "info")


def test_all_phases_of_an_incident_have_one_id_and_a_message_id_each() -> None:
    lacking = Lack(held=0, needed=10, window_s=8)
    unjudged = {Phase.UNJUDGED, Phase.LAPSED}
    reported = [insights.anomaly(replace(finding(phase), lack=lacking if phase in unjudged else None)) for phase in Phase]
    assert len({one.insight_id for one in reported}) == 1
    assert len({insights.message_id(one) for one in reported}) == len(Phase) - 1, (
        "what recovered later was never resolved before"
    )
    later = insights.anomaly(finding(Phase.ADAPTED, at=SINCE + ADAPT_S + 1))
    assert insights.message_id(later) in {insights.message_id(one) for one in reported}, "it is closed once"


def test_silence_that_became_normal_is_still_silence() -> None:
    silent = replace(finding(Phase.ADAPTED, value=math.nan), lower=math.nan, upper=math.nan)
    assert insights.anomaly(silent).message == (
        "requests error_rate of service wisdom stays silent since 2026-09-21 14:13:20 UTC; expected before 1.0 %. "
        "Nothing recovered: from here on it is taken as the new normal"
    )
    unknown = insights.anomaly(replace(silent, expected=math.nan)).message
    assert unknown is not None
    assert "UTC. Nothing recovered" in unknown
