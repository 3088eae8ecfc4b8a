"""The questions about traces, logs and what belongs to them, each with what answers it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from analytics.product.saved import Saved
from analytics.query.api import ExplorerAnswers
from analytics.query.export.answers import ExportAnswers
from analytics.query.logs.search import LogSearches
from analytics.query.logs.templates import TemplateSearches
from analytics.query.product.activity import ActivityAnswers, ActivityUsers
from analytics.query.product.autopsy import FunnelAutopsyAnswers
from analytics.query.product.cohorts.answers import (
    CohortAnswers,
    CohortDeletions,
    CohortLists,
    CohortOverlaps,
    CohortStoring,
    CohortUsers,
)
from analytics.query.product.counting import ANSWER_S, ProductCounting
from analytics.query.product.dose_response import DoseResponseAnswers, DoseResponseUserAnswers
from analytics.query.product.engaged_users import EngagedUserAnswers
from analytics.query.product.engagement import EngagementAnswers
from analytics.query.product.erasure import ErasureAnswers, ErasureLists, UserErasing
from analytics.query.product.exclusion import ExclusionAnswers, ExclusionChanges
from analytics.query.product.funnels import FunnelAnswers, FunnelUserAnswers
from analytics.query.product.merges import MergeLists, MergeUndoing
from analytics.query.product.names import EventNameLists, UserLists
from analytics.query.product.paths import PathAnswers, PathUserAnswers
from analytics.query.product.people import PersonAnswers
from analytics.query.product.retention import RetentionAnswers, RetentionUsers
from analytics.query.product.saved_funnels.answers import (
    SavedFunnelAnswers,
    SavedFunnelDeletions,
    SavedFunnelLists,
    SavedFunnelStoring,
)
from analytics.query.product.sessions import SessionAnswers, SessionUserAnswers
from analytics.query.product.timeline import TimelineAnswers
from analytics.query.sessions import Sessions
from analytics.query.setup import SetupAnswers
from analytics.query.traces.errors import ErrorAnswers, ErrorChanges, ErrorLists
from analytics.query.traces.facets import FacetAnswers
from analytics.query.traces.keep import TraceKeeper, WindowKeeper
from analytics.query.traces.maps import BottleneckAnswers, QueueAnswers, ServiceMaps
from analytics.query.traces.one import TraceAnswers
from analytics.query.traces.outline import OutlineAnswers, SpanAnswers, SpanSearches
from analytics.query.traces.root_causes import RootCauses
from analytics.query.traces.search import TraceSearches
from analytics.query.traces.shared import SharedAnswers
from analytics.query.traces.trees import TraceAggregates, TraceComparisons
from analytics.settings import AnalyticsSettings
from drishti.messages.root_causes import RootCauseAnswer, RootCauseQuery
from drishti.messages.span_errors import SharedAnswer, SharedSearch


def explorer_answers(
    sessions: Sessions, settings: AnalyticsSettings, saved: Saved, *, answer_s: float = ANSWER_S
) -> Mapping[str, ExplorerAnswers[Any, Any]]:
    """By the name of the question in the catalogue. Questions about users are cut off after ``answer_s``."""
    cohorts = saved.cohorts
    users = ProductCounting(sessions, cohorts, answer_s=answer_s)
    return {
        "setup": SetupAnswers(settings),
        "traces": TraceSearches(sessions),
        "trace_facets": FacetAnswers(sessions),
        "trace": TraceAnswers(sessions),
        "trace_outline": OutlineAnswers(sessions),
        "span_search": SpanSearches(sessions),
        "span": SpanAnswers(sessions),
        "trace_aggregate": TraceAggregates(sessions),
        "trace_comparison": TraceComparisons(sessions),
        "keep_trace": TraceKeeper(sessions),
        "keep_window": WindowKeeper(sessions),
        "queues": QueueAnswers(sessions),
        "service_map": ServiceMaps(sessions),
        "bottlenecks": BottleneckAnswers(sessions),
        "logs": LogSearches(sessions),
        "log_templates": TemplateSearches(sessions),
        "errors": ErrorLists(sessions),
        "error": ErrorAnswers(sessions),
        "change_error": ErrorChanges(sessions),
        "shared": SharedAnswers(sessions),
        "root_cause": RootCauses(sessions),
        "person": PersonAnswers(sessions, users),
        "timeline": TimelineAnswers(users),
        "people_merges": MergeLists(sessions),
        "people_undo": MergeUndoing(sessions),
        "exclusion": ExclusionAnswers(sessions),
        "set_exclusion": ExclusionChanges(sessions),
        "funnel": FunnelAnswers(users),
        "event_names": EventNameLists(sessions),
        "users": UserLists(sessions),
        "funnel_users": FunnelUserAnswers(users),
        "funnel_autopsy": FunnelAutopsyAnswers(users),
        "paths": PathAnswers(users),
        "paths_users": PathUserAnswers(users),
        "sessions": SessionAnswers(users),
        "sessions_users": SessionUserAnswers(users),
        "dose_response": DoseResponseAnswers(users),
        "dose_response_users": DoseResponseUserAnswers(users),
        "engagement": EngagementAnswers(users),
        "engagement_users": EngagedUserAnswers(users),
        "export": ExportAnswers(sessions),
        "erase_user": UserErasing(sessions),
        "erasure": ErasureAnswers(sessions),
        "erasures": ErasureLists(sessions),
        "activity": ActivityAnswers(users),
        "activity_users": ActivityUsers(users),
        "retention": RetentionAnswers(users),
        "retention_users": RetentionUsers(users),
        "cohorts": CohortLists(cohorts),
        "cohort": CohortAnswers(cohorts),
        "put_cohort": CohortStoring(sessions, cohorts, users),
        "delete_cohort": CohortDeletions(cohorts),
        "cohort_users": CohortUsers(cohorts, users),
        "cohort_overlap": CohortOverlaps(cohorts, users),
        "saved_funnels": SavedFunnelLists(saved.funnels),
        "saved_funnel": SavedFunnelAnswers(saved.funnels, saved.results),
        "put_saved_funnel": SavedFunnelStoring(sessions, saved.funnels),
        "delete_saved_funnel": SavedFunnelDeletions(saved.funnels),
    }


class ExplorerAsks:
    """The questions that analytics asks itself, of a tenant as if it had asked them."""

    def __init__(self, sessions: Sessions) -> None:
        self._root_causes = RootCauses(sessions)
        self._shared = SharedAnswers(sessions)

    async def root_cause(self, asked: RootCauseQuery) -> RootCauseAnswer:
        return await self._root_causes.answer(asked)

    async def shared(self, asked: SharedSearch) -> SharedAnswer:
        return await self._shared.answer(asked)
