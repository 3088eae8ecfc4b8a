"""What the engine found and the forecast said, as insights with a sentence for people. Pure.

Ids are made from what an insight is about, so that a replay yields the same ones: the phases of one incident share an
``insight_id`` (series and second in which it opened); the bus drops repetitions by :func:`message_id`, which tells the phases
apart.
"""

from __future__ import annotations

import hashlib
import math
from datetime import UTC, datetime
from typing import Literal

import numpy as np

from drishti.events import Insight
from predictor.detector import MODEL
from predictor.detectors.interface import Anomaly
from predictor.engine import Finding
from predictor.forecasters.interface import COVERAGES, Forecast
from predictor.horizons import Horizon
from predictor.incidents import Phase
from predictor.watch import Kind, SeriesKey, Watch

SORTS: dict[Anomaly, Literal["spike", "drop", "shift", "drift", "silence", "variance"]] = {
    Anomaly.SPIKE: "spike",
    Anomaly.DROP: "drop",
    Anomaly.SHIFT: "shift",
    Anomaly.DRIFT: "drift",
    Anomaly.SILENCE: "silence",
    Anomaly.VARIANCE: "variance",
}


def anomaly(finding: Finding) -> Insight:
    """The insight for a change of an incident, or for a series that begins to learn or has learnt enough."""
    change = finding.change
    state: Literal["learning", "ready"] = "ready" if finding.ready else "learning"
    insight = Insight(
        insight_id=_id(finding.key, "state", state, finding.at // 3600),
        tenant=finding.key.tenant,
        kind="anomaly",
        metric=finding.key.metric,
        field=finding.key.field,
        labels=dict(finding.key.labels),
        state=state,
        at=finding.at * 1000,
        model=finding.model,
        severity="info",
        confidence=finding.confidence,
    )
    if change is None:
        text = "is watched for anomalies from now on" if finding.ready else "is new: learning what is normal, no alarms yet"
        insight.message = f"{name(finding.key)} {text}"
        return insight
    over = change.phase in (Phase.RESOLVED, Phase.ADAPTED)
    by = () if finding.model == MODEL else (finding.model,)
    insight.insight_id = _id(finding.key, "anomaly", change.since, *by)
    insight.phase = "resolved" if over else ("opened" if change.phase is Phase.OPENED else "ongoing")
    insight.adapted = change.phase is Phase.ADAPTED
    insight.direction = "up" if change.direction > 0 else "down"
    insight.severity = "info" if change.phase is Phase.RESOLVED else change.severity
    insight.escalated = change.phase is Phase.ESCALATED
    insight.score = finding.score
    insight.anomaly = SORTS.get(change.kind)
    insight.value, insight.expected, insight.lower, insight.upper = (
        x if math.isfinite(x) else None for x in (finding.value, finding.expected, finding.lower, finding.upper)
    )
    insight.message = _sentence(finding, change.phase)
    return insight


def forecast(key: SeriesKey, watch: Watch, horizon: Horizon, found: Forecast, first: int, ready: bool) -> Insight:
    """The insight for a forecast whose first step begins at ``first`` (seconds); its points are the middles of the steps."""
    middles = (first + horizon.step_s * (np.arange(horizon.steps) + 0.5)) * 1000.0
    shown = slice(horizon.shown - 1, None, horizon.shown)
    table = np.column_stack([middles, found.mean, found.lower[0], found.upper[0], found.lower[1], found.upper[1]])[shown]
    points = [[round(row[0]), *row[1:]] for row in table.tolist()]
    last = points[-1]
    return Insight(
        insight_id=_id(key, "forecast", horizon.name, first),
        tenant=key.tenant,
        kind="forecast",
        metric=key.metric,
        field=key.field,
        labels=dict(key.labels),
        state="ready" if ready else "learning",
        at=first * 1000,
        model=found.model,
        severity="info",
        interval=COVERAGES[0],
        outer_interval=COVERAGES[1],
        horizon_ms=horizon.length_s * 1000,
        points=points,
        message=(
            f"{name(key)} in {horizon.words}: {quantity(watch, last[1])}, between {_number(watch, last[2])} and "
            f"{quantity(watch, last[3])} with {COVERAGES[0]:.0%} confidence. {found.comment}"
        ),
    )


def message_id(insight: Insight) -> str:
    """Equal for the same fact told twice: an incident opens, escalates and ends once, and goes on once a second at most."""
    what = "escalated" if insight.escalated else "adapted" if insight.adapted else insight.phase or insight.kind
    return f"{insight.insight_id}-{what}-{insight.at if what == 'ongoing' else ''}"


def name(key: SeriesKey) -> str:
    """``request_duration_ms p95 of service wisdom``"""
    labels = ", ".join(f"{label} {value}" for label, value in key.labels)
    return f"{key.metric} {key.field}" + (f" of {labels}" if labels else "")


def quantity(watch: Watch, value: float) -> str:
    return f"{_number(watch, value)} {watch.unit}".rstrip()


def _sentence(finding: Finding, phase: Phase) -> str:
    watch = finding.watch
    change = finding.change
    lasted = finding.at - change.since if change else 0
    if change and phase is Phase.ADAPTED:
        return _settled(finding, change.since)
    if not math.isfinite(finding.value):
        return f"{name(finding.key)} is silent: nothing came" + (f" for {lasted} s now" if phase is Phase.ONGOING else "")
    now = f"{name(finding.key)} is {quantity(watch, finding.value)}"
    if not math.isfinite(finding.lower):
        return f"{now} again, after a silence"
    expected = f"{_number(watch, finding.lower)}–{quantity(watch, finding.upper)}"
    if phase is Phase.RESOLVED:
        return f"{now} again, as expected ({expected}), after {lasted} s"
    if phase is Phase.ESCALATED:
        return f"{now}, worse than when it began {lasted} s ago; expected {expected}"
    still = f" for {lasted} s now" if phase is Phase.ONGOING else ""
    return f"{now}{still}; expected {expected}"


def _settled(finding: Finding, since: int) -> str:
    watch = finding.watch
    value = f"at {quantity(watch, finding.value)}" if math.isfinite(finding.value) else "silent"
    expected = ""
    if math.isfinite(finding.lower) and math.isfinite(finding.upper):
        expected = f"; expected before {_number(watch, finding.lower)}–{quantity(watch, finding.upper)}"
    elif math.isfinite(finding.expected):
        expected = f"; expected before {quantity(watch, finding.expected)}"
    return (
        f"{name(finding.key)} stays {value} since {datetime.fromtimestamp(since, UTC):%Y-%m-%d %H:%M:%S} UTC{expected}. "
        "Nothing recovered: from here on it is taken as the new normal"
    )


def _number(watch: Watch, value: float) -> str:
    if watch.kind is Kind.SHARE:
        value *= 100
    size = abs(value)
    return f"{value:,.0f}" if size >= 100 or value == 0 else f"{value:,.1f}" if size >= 1 else f"{value:.2g}"


def _id(key: SeriesKey, *about: object) -> str:
    text = "\n".join([str(key), *map(str, about)])
    return f"{about[0]}-{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"
