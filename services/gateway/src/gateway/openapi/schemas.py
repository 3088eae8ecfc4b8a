"""The types of bodies and answers that the description has, and the references to them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from drishti.events import AnalyticsEvent, AnswerSet, QueryAnswer, Question, Step
from drishti.measures.definitions import MetricDefinition
from drishti.messages.export import ExportPage
from drishti.messages.product.erasure import Erasure, ErasureList
from drishti.messages.queries import QUERIES
from gateway.administration.answers import Key, Keys, MadeKey, NewKey, UserToErase
from gateway.ingest.parsing import Rejection
from gateway.metrics.answers import DefinitionProblem, Metric, Metrics, Pack, RevisionProblem, UnknownMetric
from gateway.metrics.definition_parts import Checked
from gateway.questions.answers import SingleAnswer

REF = "#/components/schemas/{name}"


class Accepted(msgspec.Struct):
    """How many events are stored, and why the others are not."""

    accepted: int
    rejected: list[Rejection]


class Problem(msgspec.Struct, omit_defaults=True):
    """Why a request was refused; ``field`` names what is to blame.

    In an expression, ``length`` characters from ``character`` on, from 0, are wrong. ``nearest``: names that may be meant.
    """

    error: str
    field: str = ""
    character: int | None = None
    length: int | None = None
    nearest: list[str] = []


class PosthogAccepted(msgspec.Struct, omit_defaults=True):
    """The answer of PostHog, and why some events of the request are not stored."""

    status: Literal[1]
    rejected: list[Rejection] = []


class PosthogProblem(msgspec.Struct, omit_defaults=True):
    """Why a request of an SDK of PostHog was refused."""

    type: str
    code: str
    detail: str
    attr: str | None = None
    rejected: list[Rejection] = []


class SegmentAccepted(msgspec.Struct, omit_defaults=True):
    """The answer of Segment, and why some messages of the request are not stored."""

    success: Literal[True]
    rejected: list[Rejection] = []


class SegmentProblem(msgspec.Struct, omit_defaults=True):
    """Why a request of an SDK of Segment or RudderStack was refused."""

    success: Literal[False]
    code: str
    message: str
    rejected: list[Rejection] = []


class QuestionRequest(msgspec.Struct, omit_defaults=True, kw_only=True, rename={"from_": "from"}):
    """Up to 16 questions over one range of time. Instants are ISO 8601, epoch ms or relative: `now-2h`, `now-1d/d`. ``tz``: the
    time zone of days and weeks, UTC if not given. ``resolution``: the width of a point; as fits the range if not given."""

    questions: list[Question]
    from_: str | int = "now-1h"
    to: str | int = "now"
    resolution: Step | None = None
    tz: str = "UTC"
    compare: Literal["previous", "1d", "1w"] | None = None


_TYPES = (
    AnalyticsEvent, QueryAnswer, Accepted, Problem, MetricDefinition, Metric, Metrics, Pack, DefinitionProblem, RevisionProblem,
    UnknownMetric, Checked, SingleAnswer, QuestionRequest, AnswerSet, Key, Keys, MadeKey, NewKey,
    PosthogAccepted, PosthogProblem, SegmentAccepted, SegmentProblem, UserToErase, Erasure, ErasureList, ExportPage,
)  # fmt: skip


def components() -> dict[str, Any]:
    """The schema of each type, by its name."""
    explored = [query.answer for query in QUERIES if query.path]
    explored += [query.model for query in QUERIES if query.posted]
    _, schemas = msgspec.json.schema_components([*_TYPES, *explored], ref_template=REF)
    return schemas


def content(name: str, examples: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """A body or an answer in JSON, of the type ``name``; ``examples`` of it by their names."""
    described: dict[str, Any] = {"schema": {"$ref": REF.format(name=name)}}
    if examples:
        described["examples"] = {name: {"value": value} for name, value in examples.items()}
    return {"application/json": described}
