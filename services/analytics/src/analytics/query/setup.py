"""How analytics is set up, for people: what it keeps for how long, and the limits of a tenant."""

from __future__ import annotations

import drishti
from analytics.settings import AnalyticsSettings
from drishti.messages.catalogue import ANALYTICS, HOUR_S, MIB
from drishti.messages.installation import Limit, Retention, ServiceSetup, SetupQuery
from drishti.settings import variable

DAY_S = 24 * HOUR_S

_KEPT = {
    "events_days": "Events and requests, one by one",
    "logs_days": "Log records",
    "traces_days": "Chosen traces, whole, and sums of all traces by minute",
    "errors_days": "Each span with an error; their groups stay",
    "rollups_1s_days": "Numbers by second",
    "rollups_1m_days": "Numbers by minute",
    "rollups_1h_days": "Numbers by hour",
    "seen_days": "Ids of events, by which each counts once",
}
_LIMITS = {
    "max_series": "Series of one metric in an hour; further ones are counted as “other”",
    "published_series": "Series of one metric that are live; further ones are “other”",
}


class SetupAnswers:
    """Answers from the settings that this process runs with."""

    def __init__(self, settings: AnalyticsSettings) -> None:
        self._answer = _setup(settings)

    async def answer(self, asked: SetupQuery) -> ServiceSetup:
        return self._answer


def _setup(settings: AnalyticsSettings) -> ServiceSetup:
    def named(field: str) -> str:
        return variable(AnalyticsSettings, field)

    spans = Retention(
        what="Every span",
        seconds=settings.spans_hours * HOUR_S,
        most_bytes=settings.spans_mb * MIB,
        variable=named("spans_hours"),
    )
    kept = [
        Retention(what=what, seconds=getattr(settings, field) * DAY_S, variable=named(field)) for field, what in _KEPT.items()
    ]
    limits = [Limit(what=what, most=getattr(settings, field), variable=named(field)) for field, what in _LIMITS.items()]
    return ServiceSetup(service=ANALYTICS, version=drishti.__version__, retention=[spans, *kept], limits=limits)
