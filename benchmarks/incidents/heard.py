"""What the product said during a run: which series it watches since when, and every alarm. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field

from benchmarks.incidents.truth import Direction, name
from drishti.events import AnomalyInsight, Insight


@dataclass(frozen=True)
class Alarm:
    """An anomaly that opened. ``at``: the second of the window that was judged; ``heard``: when it was reported (epoch s)."""

    series: str
    direction: Direction | None
    at: int
    heard: float
    message: str = ""


@dataclass
class Heard:
    """All alarms of one run in the order in which they came, and the second from which on each series was watched."""

    alarms: list[Alarm] = field(default_factory=list)
    watched: dict[str, int] = field(default_factory=dict)

    def take(self, insight: Insight, heard: float) -> Alarm | None:
        """Notes ``insight``, which was published at ``heard``; the alarm, where it is one."""
        if not isinstance(insight, AnomalyInsight):
            return None
        series = name(insight.metric, insight.field, insight.labels)
        at = insight.at // 1000
        if insight.phase is None and insight.state == "ready":
            self.watched.setdefault(series, at)
        if insight.phase != "opened":
            return None
        alarm = Alarm(series, insight.direction, at, heard, insight.message or "")
        self.alarms.append(alarm)
        return alarm
