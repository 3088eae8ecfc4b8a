"""Incidents, and what is known of series, as insights, with a sentence for people (:mod:`predictor.anomalies.sentences`). Pure.

Ids are made from what an insight is about, so that a replay yields the same ones: the phases of one incident share an
``insight_id`` (series and second in which it opened); the bus drops repetitions by :func:`message_id`, which tells the phases
apart.
"""

from __future__ import annotations

import hashlib
import math
from typing import Literal

from drishti.events import AnomalyInsight, SeriesInsight
from predictor.anomalies import sentences
from predictor.anomalies.findings import OVER_BUDGET, Finding
from predictor.anomalies.lifecycle import ALARMS, ENDS, Change, Phase
from predictor.detectors.interface import Anomaly
from predictor.errors import ContradictoryInsight
from predictor.seconds.detector import MODEL
from predictor.seconds.verdicts import Statistic
from predictor.series.watch import Kind, SeriesKey

STATISTICS: dict[Statistic, Literal["mean", "gap", "likelihood", "step", "level"]] = {
    Statistic.MEAN: "mean",
    Statistic.GAP: "gap",
    Statistic.LIKELIHOOD: "likelihood",
    Statistic.STEP: "step",
    Statistic.LEVEL: "level",
}

SORTS: dict[Anomaly, Literal["spike", "drop", "shift", "drift", "silence", "variance"]] = {
    Anomaly.SPIKE: "spike",
    Anomaly.DROP: "drop",
    Anomaly.SHIFT: "shift",
    Anomaly.DRIFT: "drift",
    Anomaly.SILENCE: "silence",
    Anomaly.VARIANCE: "variance",
}


def anomaly(finding: Finding, *, catching_up: bool = False) -> AnomalyInsight:
    """The insight for a change of an incident, or of what is known of a series: that it is new, watched, not judged for now.

    Here alone are anomalies put together. Raises :class:`~predictor.errors.ContradictoryInsight` where an alarm's value is not
    outside of its band, on the side of its direction.
    """
    change = finding.change
    if change is None:
        return _state(finding)
    over = change.phase in ENDS
    by = () if finding.model == MODEL else (finding.model,)
    insight = AnomalyInsight(
        insight_id=insight_id(finding.key, "anomaly", change.since, *by),
        tenant=finding.key.tenant,
        metric=finding.key.metric,
        field=finding.key.field,
        labels=dict(finding.key.labels),
        state="ready" if finding.ready else "learning",
        at=finding.at * 1000,
        model=finding.model,
        phase="resolved" if over else ("opened" if change.phase is Phase.OPENED else "ongoing"),
        direction="up" if change.direction > 0 else "down",
        severity=_severity(change),
        score=finding.score,
        anomaly=SORTS.get(change.kind),
        confidence=finding.confidence,
        escalated=change.phase is Phase.ESCALATED,
        adapted=change.phase is Phase.ADAPTED,
        unjudged=sentences.lack(finding),
        catching_up=catching_up and not over,
        message=sentences.incident(finding, change),
    )
    insight.value, insight.expected, insight.lower, insight.upper = map(
        _known, (finding.value, finding.expected, finding.lower, finding.upper)
    )
    insight.statistic = STATISTICS[finding.statistic]
    insight.window_ms = round(finding.window_s * 1000) or None
    if finding.judged_at is not None and finding.judged_at != finding.at:
        insight.judged_at = finding.judged_at * 1000
    if finding.watch.kind is not Kind.RATE and finding.weight:
        insight.observations = finding.weight
    if finding.statistic is Statistic.LIKELIHOOD:
        insight.unit, insight.observed, insight.usual = "", _known(finding.observed), _known(finding.usual)
    if change.phase in ALARMS or change.phase is Phase.UNJUDGED:
        _refuse_contradiction(insight)
    return insight


def _state(finding: Finding) -> AnomalyInsight:
    """What is known of a series that has nothing to do with an incident."""
    state: Literal["learning", "ready"] = "ready" if finding.ready else "learning"
    unjudged = sentences.lack(finding) if finding.judgement is False else None
    about = (finding.at // 3600,) if finding.judgement is None else (finding.judgement, finding.at)
    return AnomalyInsight(
        insight_id=insight_id(finding.key, "state", state, *about),
        tenant=finding.key.tenant,
        metric=finding.key.metric,
        field=finding.key.field,
        labels=dict(finding.key.labels),
        state=state,
        at=finding.at * 1000,
        model=finding.model,
        severity="info",
        confidence=finding.confidence,
        unjudged=unjudged,
        message=sentences.state(finding),
    )


def unwatched(tenant: str, metric: str, watched: int, count: int, at: int, *, limit: int) -> AnomalyInsight:
    """That of a metric ``count`` series are not watched, for lack of room, beside those that are ``watched``; 0: all are again.

    It is about the metric as a whole, and has no field. ``limit``: the most series of one metric.
    """
    return AnomalyInsight(
        insight_id=f"budget-{hashlib.blake2b(f'{tenant}/{metric}'.encode(), digest_size=12).hexdigest()}-{at}",
        tenant=tenant,
        metric=metric,
        field="",
        state="ready",
        at=at * 1000,
        model=MODEL,
        severity="info",
        unjudged=OVER_BUDGET if count else None,
        message=sentences.unwatched(metric, watched, count, limit),
    )


def _severity(change: Change) -> Literal["info", "warning", "critical"]:
    """Of what is not judged, nobody knows that it is critical; what is over is no more than news, unless it stays."""
    if change.phase is Phase.UNJUDGED:
        return "warning"
    return "info" if change.phase in ENDS and change.phase is not Phase.ADAPTED else change.severity


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _refuse_contradiction(insight: AnomalyInsight) -> None:
    """An alarm without a value (nothing came) or without a band (another detector's) has nothing to contradict."""
    if insight.value is None:
        return
    edge = insight.upper if insight.direction == "up" else insight.lower
    if edge is None or (insight.value > edge if insight.direction == "up" else insight.value < edge):
        return
    raise ContradictoryInsight(
        f"an alarm of {insight.metric} {insight.field} {insight.labels} says {insight.direction}, but its value "
        f"{insight.value} is not beyond {edge}"
    )


def message_id(insight: SeriesInsight) -> str:
    """The same if a fact is published twice: an incident opens, escalates and ends once, and goes on once a second at most."""
    if not isinstance(insight, AnomalyInsight):
        return f"{insight.insight_id}-{insight.kind}-"
    over = insight.phase == "resolved"
    what: str = "escalated" if insight.escalated else "adapted" if insight.adapted else insight.phase or insight.kind
    if insight.unjudged is not None and insight.phase is not None:
        what = "lapsed" if over else "unjudged"
    again = insight.phase == "ongoing" and not insight.escalated
    return f"{insight.insight_id}-{what}-{insight.at if again else ''}"


def insight_id(key: SeriesKey, *about: object) -> str:
    """The same for all that is said of one thing: ``about`` names it, its kind first."""
    text = "\n".join([str(key), *map(str, about)])
    return f"{about[0]}-{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"
