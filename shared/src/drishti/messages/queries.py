"""The questions that the gateway asks analytics by request/reply: names, types, and the paths at which people ask them. Pure.

Permissions, schemas, the AsyncAPI document, the gateway's routes and their OpenAPI derive from here.
"""

from __future__ import annotations

from msgspec import Struct

from drishti.messages import subjects
from drishti.messages.bottlenecks import BottlenecksAnswer, BottlenecksQuery
from drishti.messages.catalogue import ANALYTICS, GATEWAY
from drishti.messages.export import ExportPage, ExportQuery
from drishti.messages.installation import ServiceSetup, SetupQuery
from drishti.messages.logs import LogList, LogSearch, TemplateList, TemplateSearch
from drishti.messages.product.activity import ActivityAnswer, ActivityQuery, ActivityUsersQuery
from drishti.messages.product.autopsy import FunnelAutopsyAnswer, FunnelAutopsyQuery
from drishti.messages.product.cohorts import (
    Cohort,
    CohortList,
    CohortOverlap,
    CohortOverlapQuery,
    CohortQuery,
    CohortsQuery,
    CohortUsersQuery,
    DeleteCohort,
    PutCohort,
)
from drishti.messages.product.dose_response import DoseResponseAnswer, DoseResponseQuery, DoseResponseUsersQuery
from drishti.messages.product.engagement import EngagedUsers, EngagementAnswer, EngagementQuery, EngagementUsersQuery
from drishti.messages.product.erasure import EraseUser, Erasure, ErasureList, ErasureQuery, ErasuresQuery
from drishti.messages.product.exclusion import Exclusion, ExclusionQuery, SetExclusion
from drishti.messages.product.funnels import FunnelAnswer, FunnelQuery, FunnelUsersQuery
from drishti.messages.product.names import EventNames, EventNamesQuery, KnownUsers, UsersQuery
from drishti.messages.product.paths import PathsAnswer, PathsQuery, PathsUsersQuery
from drishti.messages.product.people import Merge, MergesAnswer, MergesQuery, PersonAnswer, PersonQuery, UndoMerge
from drishti.messages.product.retention import RetentionAnswer, RetentionQuery, RetentionUsersQuery
from drishti.messages.product.saved_funnels import (
    DeleteSavedFunnel,
    PutSavedFunnel,
    SavedFunnel,
    SavedFunnelList,
    SavedFunnelQuery,
    SavedFunnelsQuery,
)
from drishti.messages.product.sessions import SessionsAnswer, SessionsQuery, SessionsUsersQuery
from drishti.messages.product.timeline import TimelineAnswer, TimelineQuery
from drishti.messages.product.users import UserList
from drishti.messages.questions import AnswerSet, Query, QueryAnswer, QuestionSet
from drishti.messages.queues import QueuesAnswer, QueuesQuery
from drishti.messages.root_causes import RootCauseAnswer, RootCauseQuery
from drishti.messages.seen_metrics import CatalogueAnswer, CatalogueQuery
from drishti.messages.service_maps import ServiceMapAnswer, ServiceMapQuery
from drishti.messages.span_errors import (
    ErrorAnswer,
    ErrorChange,
    ErrorGroup,
    ErrorList,
    ErrorQuery,
    ErrorSearch,
    SharedAnswer,
    SharedSearch,
)
from drishti.messages.trace_outlines import (
    OutlineAnswer,
    OutlineQuery,
    SpanAnswer,
    SpanQuery,
    SpanSearchAnswer,
    SpanSearchQuery,
)
from drishti.messages.traces import (
    AggregateAnswer,
    ComparisonAnswer,
    FacetAnswer,
    KeepTrace,
    KeepWindow,
    TraceAggregate,
    TraceAnswer,
    TraceComparison,
    TraceFacets,
    TraceKept,
    TraceList,
    TraceQuery,
    TraceSearch,
    WindowKept,
)


class QueryType(Struct, frozen=True, kw_only=True):
    """One question by request/reply.

    Where it has a ``path``, the gateway asks it for whoever gets that path: parameters of the path and of the query are the
    fields of ``model``. One that ``changes`` something is posted, with the fields as JSON, by an editor; one that is ``posted``
    changes nothing, but its fields are too much for a URL.
    """

    name: str
    model: type[Struct]
    answer: type[Struct]
    description: str
    path: str = ""
    changes: bool = False
    posted: bool = False
    max_body_kib: int = 64
    asker: str = GATEWAY
    answerer: str = ANALYTICS

    @property
    def by_body(self) -> bool:
        """Whether it is asked by POST, with its fields as JSON."""
        return self.changes or self.posted

    @property
    def subject(self) -> str:
        return subjects.query(self.name)


QUERIES: tuple[QueryType, ...] = (
    QueryType(
        name="metrics",
        model=Query,
        answer=QueryAnswer,
        description="One aggregate of one metric over a range of time.",
    ),
    QueryType(
        name="query",
        model=QuestionSet,
        answer=AnswerSet,
        description="Aggregates of metrics and expressions over them, filtered, grouped and compared, over one range of time.",
    ),
    QueryType(
        name="catalogue",
        model=CatalogueQuery,
        answer=CatalogueAnswer,
        description="What was seen of a tenant's metrics: how many series, when last, and from which services.",
    ),
    QueryType(
        name="setup",
        model=SetupQuery,
        answer=ServiceSetup,
        path="/setup",
        description="How analytics is set up: what it keeps for how long, and the limits of a tenant.",
    ),
    QueryType(
        name="traces",
        model=TraceSearch,
        answer=TraceList,
        path="/traces",
        description="Traces with a span that meets conditions, newest or slowest first.",
    ),
    QueryType(
        name="trace_facets",
        model=TraceFacets,
        answer=FacetAnswer,
        path="/traces/facets",
        description="What the spans are that meet conditions: counts by field and attribute, and how long they took.",
    ),
    QueryType(
        name="shared",
        model=SharedSearch,
        answer=SharedAnswer,
        path="/traces/shared",
        description="What failing or slow traces share: over-represented attributes, versions, events and operations.",
    ),
    QueryType(
        name="trace_aggregate",
        model=TraceAggregate,
        answer=AggregateAnswer,
        path="/traces/aggregate",
        description="Many traces as one tree: calls, errors and times at each place.",
    ),
    QueryType(
        name="trace_comparison",
        model=TraceComparison,
        answer=ComparisonAnswer,
        path="/traces/compare",
        description="Two traces side by side, as one tree.",
    ),
    QueryType(
        name="trace",
        model=TraceQuery,
        answer=TraceAnswer,
        path="/traces/{trace_id}",
        description="One trace as a tree, with its critical path and what its user did.",
    ),
    QueryType(
        name="trace_outline",
        model=OutlineQuery,
        answer=OutlineAnswer,
        path="/traces/{trace_id}/outline",
        description="One trace of up to 10,000 spans, without their details, as columns in the order of a tree.",
    ),
    QueryType(
        name="span_search",
        model=SpanSearchQuery,
        answer=SpanSearchAnswer,
        path="/traces/{trace_id}/spans",
        description="The spans of one trace whose attributes or events have a text.",
    ),
    QueryType(
        name="span",
        model=SpanQuery,
        answer=SpanAnswer,
        path="/traces/{trace_id}/spans/{span_id}",
        description="One span of a trace, with its attributes, events and links.",
    ),
    QueryType(
        name="keep_trace",
        model=KeepTrace,
        answer=TraceKept,
        path="/traces/{trace_id}/keep",
        changes=True,
        description="Keep a trace for days, or no longer than others.",
    ),
    QueryType(
        name="keep_window",
        model=KeepWindow,
        answer=WindowKept,
        path="/traces/keep",
        changes=True,
        description="Keep the failed and the slowest traces of a range of time for days.",
    ),
    QueryType(
        name="queues",
        model=QueuesQuery,
        answer=QueuesAnswer,
        path="/queues",
        description="How long messages wait in queues, and how long the work on them takes, by destination and service.",
    ),
    QueryType(
        name="service_map",
        model=ServiceMapQuery,
        answer=ServiceMapAnswer,
        path="/service-map",
        description="Who calls whom: services, databases, brokers, models and other hosts, with rates, errors and durations.",
    ),
    QueryType(
        name="bottlenecks",
        model=BottlenecksQuery,
        answer=BottlenecksAnswer,
        path="/bottlenecks",
        description="What requests waited for, by root operation: shares of the critical path, trends, possible gains.",
    ),
    QueryType(
        name="logs",
        model=LogSearch,
        answer=LogList,
        path="/logs",
        description="Log records that meet conditions, newest first.",
    ),
    QueryType(
        name="log_templates",
        model=TemplateSearch,
        answer=TemplateList,
        path="/logs/templates",
        description="What log records say over and over, with counts over time and an example of each.",
    ),
    QueryType(
        name="errors",
        model=ErrorSearch,
        answer=ErrorList,
        path="/errors",
        description="Errors of spans by fingerprint: when seen, how often, and whether open, resolved or ignored.",
    ),
    QueryType(
        name="error",
        model=ErrorQuery,
        answer=ErrorAnswer,
        path="/errors/{fingerprint}",
        description="One error: its frames, rate, users, routes, versions and traces.",
    ),
    QueryType(
        name="change_error",
        model=ErrorChange,
        answer=ErrorGroup,
        path="/errors/{fingerprint}",
        changes=True,
        description="Resolves, ignores or opens an error.",
    ),
    QueryType(
        name="root_cause",
        model=RootCauseQuery,
        answer=RootCauseAnswer,
        path="/root-cause",
        description="Which service is to blame for a trouble: suspects with evidence from spans, logs and metrics.",
    ),
    QueryType(
        name="person",
        model=PersonQuery,
        answer=PersonAnswer,
        path="/person",
        description="The ids that are one person's, what they did on which day, and their first and last event.",
    ),
    QueryType(
        name="timeline",
        model=TimelineQuery,
        answer=TimelineAnswer,
        path="/timeline",
        description="What one person did, the newest first: events, requests and errors, with their sessions and traces.",
    ),
    QueryType(
        name="people_merges",
        model=MergesQuery,
        answer=MergesAnswer,
        path="/people/merges",
        description="What events said about the ids of a person: which were joined, and which merges were undone.",
    ),
    QueryType(
        name="people_undo",
        model=UndoMerge,
        answer=Merge,
        path="/people/undo",
        changes=True,
        description="Undoes one merge of two ids; events of both are counted apart at once.",
    ),
    QueryType(
        name="exclusion",
        model=ExclusionQuery,
        answer=Exclusion,
        path="/people/exclusion",
        description="The rules by which bots and other users are left out of answers about users.",
    ),
    QueryType(
        name="set_exclusion",
        model=SetExclusion,
        answer=Exclusion,
        path="/people/exclusion",
        changes=True,
        description="Replaces the rules by which users are left out.",
    ),
    QueryType(
        name="funnel",
        model=FunnelQuery,
        answer=FunnelAnswer,
        path="/funnel",
        posted=True,
        description="How many users did one thing after another within a window, how long it took, and by a property.",
    ),
    QueryType(
        name="funnel_users",
        model=FunnelUsersQuery,
        answer=UserList,
        path="/funnel/users",
        posted=True,
        description="Who reached a step of a funnel, or left before it.",
    ),
    QueryType(
        name="funnel_autopsy",
        model=FunnelAutopsyQuery,
        answer=FunnelAutopsyAnswer,
        path="/funnel/autopsy",
        posted=True,
        description="What differs between those who went on to a step of a funnel and those who left before it.",
    ),
    QueryType(
        name="event_names",
        model=EventNamesQuery,
        answer=EventNames,
        path="/event-names",
        description="Types and properties of events with a user: the names that questions about users can have.",
    ),
    QueryType(
        name="users",
        model=UsersQuery,
        answer=KnownUsers,
        path="/users",
        description="Users by the beginning of their ids, or those who were active last.",
    ),
    QueryType(
        name="paths",
        model=PathsQuery,
        answer=PathsAnswer,
        path="/paths",
        posted=True,
        description="What users do one thing after another, as nodes, edges with times and errors, and whole paths.",
    ),
    QueryType(
        name="paths_users",
        model=PathsUsersQuery,
        answer=UserList,
        path="/paths/users",
        posted=True,
        description="The users of one node or edge of paths.",
    ),
    QueryType(
        name="sessions",
        model=SessionsQuery,
        answer=SessionsAnswer,
        path="/sessions",
        posted=True,
        description="What users did without a long break: how many sessions, how long and deep, where they began and ended.",
    ),
    QueryType(
        name="sessions_users",
        model=SessionsUsersQuery,
        answer=UserList,
        path="/sessions/users",
        posted=True,
        description="The users of sessions: of all, or of those with an entry, an exit or a value, or that bounced.",
    ),
    QueryType(
        name="dose_response",
        model=DoseResponseQuery,
        answer=DoseResponseAnswer,
        path="/dose-response",
        posted=True,
        description="What users do after they met something, such as slow answers, by how much of it they met.",
    ),
    QueryType(
        name="dose_response_users",
        model=DoseResponseUsersQuery,
        answer=UserList,
        path="/dose-response/users",
        posted=True,
        description="The users of a range of the dose, with the outcome or without it.",
    ),
    QueryType(
        name="engagement",
        model=EngagementQuery,
        answer=EngagementAnswer,
        path="/engagement",
        posted=True,
        description="How engaged users are, from 0 to 100: by recency, frequency, depth and satisfaction, day by day.",
    ),
    QueryType(
        name="engagement_users",
        model=EngagementUsersQuery,
        answer=EngagedUsers,
        path="/engagement/users",
        posted=True,
        description="The users with the lowest or the highest engagement, and what their scores are made of.",
    ),
    QueryType(
        name="export",
        model=ExportQuery,
        answer=ExportPage,
        description="A page of the rows of a tenant, as they were stored at the first page.",
    ),
    QueryType(
        name="erase_user",
        model=EraseUser,
        answer=Erasure,
        description="Erase a user everywhere. The answer is the receipt of what has begun.",
    ),
    QueryType(
        name="erasure",
        model=ErasureQuery,
        answer=Erasure,
        description="The receipt of an erasure.",
    ),
    QueryType(
        name="erasures",
        model=ErasuresQuery,
        answer=ErasureList,
        description="The receipts of a tenant's erasures, the latest first.",
    ),
    QueryType(
        name="activity",
        model=ActivityQuery,
        answer=ActivityAnswer,
        path="/activity",
        posted=True,
        description="How many users are active by day, week or month, who is new, comes back or stays away, and stickiness.",
    ),
    QueryType(
        name="activity_users",
        model=ActivityUsersQuery,
        answer=UserList,
        path="/activity/users",
        posted=True,
        description="The users behind one number of activity.",
    ),
    QueryType(
        name="retention",
        model=RetentionQuery,
        answer=RetentionAnswer,
        path="/retention",
        posted=True,
        description="How many of the users who began in a day, week or month came back in later ones, by a property.",
    ),
    QueryType(
        name="retention_users",
        model=RetentionUsersQuery,
        answer=UserList,
        path="/retention/users",
        posted=True,
        description="The users behind one cell of retention: those who came back, or did not.",
    ),
    QueryType(
        name="cohorts",
        model=CohortsQuery,
        answer=CohortList,
        path="/cohorts",
        description="Saved sets of users.",
    ),
    QueryType(
        name="cohort",
        model=CohortQuery,
        answer=Cohort,
        path="/cohorts/{name}",
        description="One cohort with its definition.",
    ),
    QueryType(
        name="put_cohort",
        model=PutCohort,
        answer=Cohort,
        path="/cohorts/{name}",
        changes=True,
        max_body_kib=512,
        description="Stores a cohort, live by a condition or static by ids.",
    ),
    QueryType(
        name="delete_cohort",
        model=DeleteCohort,
        answer=Cohort,
        path="/cohorts/{name}/delete",
        changes=True,
        description="Deletes a cohort.",
    ),
    QueryType(
        name="cohort_users",
        model=CohortUsersQuery,
        answer=UserList,
        path="/cohorts/{name}/users",
        description="How many users a cohort has at this moment, and some of them.",
    ),
    QueryType(
        name="cohort_overlap",
        model=CohortOverlapQuery,
        answer=CohortOverlap,
        path="/cohorts/{name}/overlap",
        description="How many users two cohorts have in common at this moment.",
    ),
    QueryType(
        name="saved_funnels",
        model=SavedFunnelsQuery,
        answer=SavedFunnelList,
        path="/saved-funnels",
        description="Saved funnels.",
    ),
    QueryType(
        name="saved_funnel",
        model=SavedFunnelQuery,
        answer=SavedFunnel,
        path="/saved-funnels/{name}",
        description="One saved funnel with its newest result.",
    ),
    QueryType(
        name="put_saved_funnel",
        model=PutSavedFunnel,
        answer=SavedFunnel,
        path="/saved-funnels/{name}",
        changes=True,
        description="Saves a funnel, whose result is kept current from then on.",
    ),
    QueryType(
        name="delete_saved_funnel",
        model=DeleteSavedFunnel,
        answer=SavedFunnel,
        path="/saved-funnels/{name}/delete",
        changes=True,
        description="Deletes a saved funnel.",
    ),
)
