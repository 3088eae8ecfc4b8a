"""The OpenAPI 3.1 description of the HTTP API, from the contract types and the settings' defaults. Pure."""

from __future__ import annotations

from functools import cache
from typing import Any, Literal, get_args

import msgspec

import drishti
from drishti.events import AnalyticsEvent, AnswerSeries, AnswerSet, QueryAnswer, QueryFailure, Question, Step
from drishti.measures.built_in import FED
from drishti.measures.definitions import MetricDefinition
from drishti.measures.fields import known_fields
from gateway.ingest.parsing import Rejection
from gateway.metrics.answers import DefinitionProblem, Metric, Metrics, Pack, RevisionProblem, UnknownMetric
from gateway.metrics.definition_parts import Checked

FAILURE = msgspec.json.Decoder(QueryFailure)

_REF = "#/components/schemas/{name}"


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


class SingleAnswer(msgspec.Struct, omit_defaults=True, kw_only=True, rename={"from_ms": "from", "to_ms": "to"}):
    """The answer to one question, with what an :class:`AnswerSet` says for all of them."""

    metric: str = ""
    aggregate: str = ""
    expression: str = ""
    unit: str
    from_ms: int
    to_ms: int
    resolution: str
    source: str
    as_of: int
    series: list[AnswerSeries]
    merged: int = 0
    compared_from: int | None = None
    compared_to: int | None = None
    service_names: dict[str, str] = {}

    @classmethod
    def of(cls, found: AnswerSet) -> SingleAnswer:
        (answer,) = found.answers
        return cls(
            metric=answer.metric,
            aggregate=answer.aggregate,
            expression=answer.expression,
            unit=answer.unit,
            from_ms=found.from_ms,
            to_ms=found.to_ms,
            resolution=found.resolution,
            source=found.source,
            as_of=found.as_of,
            series=answer.series,
            merged=answer.merged,
            compared_from=found.compared_from,
            compared_to=found.compared_to,
            service_names=found.service_names,
        )


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
    UnknownMetric, Checked, SingleAnswer, QuestionRequest, AnswerSet,
)  # fmt: skip


@cache
def document() -> dict[str, Any]:
    """The whole document, as JSON-ready objects."""
    _, schemas = msgspec.json.schema_components(_TYPES, ref_template=_REF)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Drishti",
            "version": drishti.__version__,
            "description": "Events, traces and metrics in; questions and live dashboards out.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "security": [{"bearer": []}, {"apiKey": []}],
        "paths": {
            "/api/events": {"post": _events()},
            "/v1/traces": {"post": _otlp("traces", "ExportTraceServiceRequest")},
            "/v1/metrics": {"post": _otlp("metrics", "ExportMetricsServiceRequest")},
            "/api/analytics/query": {"get": _query(), "post": _questions()},
            "/api/analytics/metrics": {"get": _metrics()},
            "/api/analytics/metrics/{name}": _metric(),
            "/api/analytics/check": {"post": _check()},
            "/api/analytics/packs": {"get": _packs()},
            "/api/analytics/packs/{name}": {"put": _pack()},
            "/api/dashboard/analytics/metrics": {"get": _for_pages(_metrics())},
            "/api/dashboard/analytics/metrics/{name}": {verb: _for_pages(one) for verb, one in _metric().items()},
            "/api/dashboard/analytics/check": {"post": _for_pages(_check())},
            "/api/dashboard/analytics/query": {"get": _for_pages(_query()), "post": _for_pages(_questions())},
            "/api/dashboard/analytics/session": _session(),
            "/api/dashboard/{path}": {"get": _dashboard()},
            "/healthz": {"get": _health("The process turns.")},
            "/readyz": {"get": {**_health("Every dependency answers, and what is accepted is read."), "responses": _READY}},
            "/readyz/accept": {"get": {**_health("Data can be accepted, for load balancers."), "responses": _READY}},
            "/openapi.json": {"get": _open("This document.")},
            "/api/openapi.json": {"get": _open("This document.")},
            "/": {"get": {"summary": "To the first dashboard", "security": [], "responses": {"307": {"description": "there"}}}},
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "bearer": {"type": "http", "scheme": "bearer", "description": "an API key"},
                "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
            },
        },
    }


def _content(name: str) -> dict[str, Any]:
    return {"application/json": {"schema": {"$ref": _REF.format(name=name)}}}


def _problems(*codes: int) -> dict[str, Any]:
    texts = {
        400: "The request cannot be read.",
        401: "No valid API key.",
        403: "The key's role does not open this.",
        404: "There is none of that name.",
        408: "The body came too slowly.",
        413: "The body is too large, or holds too many events.",
        415: "Another media type or content encoding than these.",
        422: "The question cannot be answered as it is asked.",
        429: "Too much at once; Retry-After says when to come again.",
        503: "Not stored, not answered: come again after Retry-After.",
        504: "Analytics gave no answer in time.",
    }
    return {str(code): {"description": texts[code], "content": _content("Problem")} for code in codes}


def _events() -> dict[str, Any]:
    event = {"$ref": _REF.format(name="AnalyticsEvent")}
    body = {
        "application/json": {"schema": {"anyOf": [event, {"type": "array", "items": event, "minItems": 1}]}},
        "application/x-ndjson": {"schema": {"type": "string", "description": "one event a line"}},
    }
    return {
        "operationId": "sendEvents",
        "summary": "Send events",
        "description": "One event, an array or NDJSON, gzip if you like. An event that was sent before changes nothing.",
        "requestBody": {"required": True, "content": body},
        "responses": {
            "202": {"description": "Stored, as far as `accepted` says.", "content": _content("Accepted")},
            "422": {"description": "Nothing in it is a valid event.", "content": _content("Accepted")},
            **_problems(400, 401, 403, 408, 413, 415, 429, 503),
        },
    }


def _otlp(signal: str, request: str) -> dict[str, Any]:
    body = {
        "application/x-protobuf": {"schema": {"type": "string", "format": "binary", "description": request}},
        "application/json": {"schema": {"type": "object", "description": request}},
    }
    responses = {
        str(code): {"description": text}
        for code, text in {
            200: "Stored; `partialSuccess` tells what was not acceptable.",
            400: "Not an export request.",
            401: "No valid API key.",
            403: "The key's role does not open this.",
            413: "Too large.",
            415: "Another media type than these.",
            429: "Too much at once.",
            503: "Not stored: send it again.",
        }.items()
    }
    return {
        "operationId": f"export{signal.capitalize()}",
        "summary": f"Export {signal} by OTLP/HTTP",
        "description": "Errors are `google.rpc.Status`, in the encoding of the request.",
        "requestBody": {"required": True, "content": body},
        "responses": responses,
    }


_INSTANT = "ISO 8601, epoch ms, or relative to now: now-2h, now-1d/d"


def _query() -> dict[str, Any]:
    aggregates = ", ".join(known_fields(FED.values()))
    dimensions = sorted({dimension for metric in FED.values() for dimension in metric.dimensions})
    parameter = _parameter
    either = [{"$ref": _REF.format(name=name)} for name in ("QueryAnswer", "SingleAnswer")]
    return {
        "operationId": "queryMetric",
        "summary": "Ask for one aggregate of one metric, or for an expression",
        "description": "Give `metric` and `aggregate`, or `expression`. Every parameter that is not listed is a filter: a "
        "label of the metric, and the value that it must have.",
        "parameters": [
            parameter("metric", "its name or token; `/api/analytics/metrics` lists all", {"type": "string"}),
            parameter(
                "aggregate",
                f"what of it: {aggregates}, another percentile such as p99.9, or a share that the metric defines",
                {"type": "string"},
            ),
            parameter("expression", "arithmetic, such as `100 * errors(requests) / count(requests)`", {"type": "string"}),
            parameter("where", 'a condition on labels: `service in ("a", "b") and status prefix "5"`', {"type": "string"}),
            parameter("from", f"{_INSTANT}; an hour before `to` if not given", {"type": "string"}),
            parameter("to", f"{_INSTANT}; now if not given", {"type": "string"}),
            parameter("resolution", "width of a point", {"type": "string", "enum": list(get_args(Step))}),
            parameter("tz", "the time zone of days, weeks and dates; UTC if not given", {"type": "string"}),
            parameter("compare", "the same over an earlier range", {"type": "string", "enum": ["previous", "1d", "1w"]}),
            parameter("group_by", "up to three labels to keep apart, separated by commas", {"type": "string"}),
            parameter("top", "only so many groups by their totals; the rest together as `other`", {"type": "integer"}),
            *(parameter(d, f"only where `{d}` has this value", {"type": "string"}) for d in dimensions),
        ],
        "responses": {
            "200": {"description": "The answer.", "content": {"application/json": {"schema": {"anyOf": either}}}},
            **_problems(400, 401, 403, 422, 503, 504),
        },
    }


def _questions() -> dict[str, Any]:
    return {
        "operationId": "queryMetrics",
        "summary": "Ask several questions over one range of time",
        "description": "Each question is an aggregate of a metric or an expression. `filters` may also be an object of label "
        "and value. A body with the fields of one question, instead of `questions`, asks that one.",
        "requestBody": {"required": True, "content": _content("QuestionRequest")},
        "responses": {
            "200": {"description": "The answers, in the order of the questions.", "content": _content("AnswerSet")},
            **_problems(400, 401, 403, 413, 422, 503, 504),
        },
    }


def _parameter(
    name: str, description: str, schema: dict[str, Any], *, required: bool = False, place: str = "query"
) -> dict[str, Any]:
    return {"name": name, "in": place, "description": description, "required": required, "schema": schema}


_NAME = _parameter("name", "the metric's name or token", {"type": "string"}, required=True, place="path")
_PACK = _parameter("name", "the pack's name", {"type": "string"}, required=True, place="path")
_CHANGES = [
    _parameter(
        "If-Match", "the revision that is replaced, as GET gives it; none: it is not defined yet", {"type": "string"},
        place="header",
    ),
    _parameter("revision", "the same, for clients that send no such header", {"type": "integer"}),
]  # fmt: skip


def _metrics() -> dict[str, Any]:
    return {
        "operationId": "listMetrics",
        "summary": "Every metric of the tenant",
        "description": "Definitions with what was seen of them. Needs the role viewer.",
        "responses": {"200": {"description": "All metrics.", "content": _content("Metrics")}, **_problems(401, 403, 503)},
    }


def _metric() -> dict[str, Any]:
    unknown = {"404": {"description": "No such metric; with the nearest names.", "content": _content("UnknownMetric")}}
    conflict = {"409": {"description": "Another revision is there; with both.", "content": _content("RevisionProblem")}}
    wrong = {"422": {"description": "It cannot be so; with the field.", "content": _content("DefinitionProblem")}}
    one = {"description": "The metric; its revision is the ETag, too.", "content": _content("Metric")}
    return {
        "get": {
            "operationId": "getMetric",
            "summary": "One metric",
            "parameters": [_NAME],
            "responses": {"200": one, **unknown, **_problems(401, 403, 503)},
        },
        "put": {
            "operationId": "putMetric",
            "summary": "Define a metric, or change one",
            "description": "Of a metric that is built in, only what is to differ need be sent; its kind, unit and dimensions "
            "stay. Live everywhere within two seconds. Needs the role editor.",
            "parameters": [_NAME, *_CHANGES],
            "requestBody": {"required": True, "content": _content("MetricDefinition")},
            "responses": {"200": one, "201": one, **conflict, **wrong, **_problems(400, 401, 403, 413, 503)},
        },
        "delete": {
            "operationId": "deleteMetric",
            "summary": "Forget a definition of the tenant",
            "description": "A metric that is built in is again as it was. Needs the role editor.",
            "parameters": [_NAME, *_CHANGES],
            "responses": {
                "204": {"description": "Forgotten."},
                **unknown,
                **conflict,
                **wrong,
                **_problems(400, 401, 403, 503),
            },
        },
    }


def _check() -> dict[str, Any]:
    return {
        "operationId": "checkMetric",
        "summary": "Check a definition without storing it",
        "description": "Every fault that storing it would have, with field and character, and what it is made of. "
        "Needs the role editor.",
        "requestBody": {"required": True, "content": _content("MetricDefinition")},
        "responses": {
            "200": {"description": "What is wrong with it; nothing where it can be stored.", "content": _content("Checked")},
            **_problems(400, 401, 403, 413, 422, 503),
        },
    }


def _session() -> dict[str, Any]:
    rights = {
        "type": "object",
        "properties": {
            "tenant": {"type": "string"},
            "has_key": {"type": "boolean"},
            "may_edit": {"type": "boolean"},
            "why": {"type": "string", "description": "Why nothing may be changed."},
        },
    }
    answer = {"description": "For whom, and what is open.", "content": {"application/json": {"schema": rights}}}
    return {
        "get": {
            "operationId": "getSession",
            "summary": "For whom a browser sees the dashboards, and whether it may change metrics",
            "responses": {"200": answer, **_problems(401, 403, 503)},
        },
        "post": {
            "operationId": "beginSession",
            "summary": "Have a browser keep a key in a cookie",
            "responses": {"200": answer, **_problems(401, 403, 422, 503)},
        },
        "delete": {
            "operationId": "endSession",
            "summary": "Have it forget the key",
            "responses": {"204": {"description": "Forgotten."}, **_problems(403)},
        },
    }


def _packs() -> dict[str, Any]:
    packs = {"application/json": {"schema": {"type": "array", "items": {"$ref": _REF.format(name="Pack")}}}}
    return {
        "operationId": "listPacks",
        "summary": "Packs of metrics, and which are on",
        "responses": {"200": {"description": "All packs.", "content": packs}, **_problems(401, 403, 503)},
    }


def _pack() -> dict[str, Any]:
    body = {"type": "object", "properties": {"enabled": {"type": "boolean"}}, "required": ["enabled"]}
    return {
        "operationId": "putPack",
        "summary": "Switch a pack on or off",
        "description": "What a pack brings is counted while it is on. Needs the role editor.",
        "parameters": [_PACK, *_CHANGES],
        "requestBody": {"required": True, "content": {"application/json": {"schema": body}}},
        "responses": {
            "200": {"description": "As it is now.", "content": _content("Pack")},
            "409": {"description": "Another revision is there; with both.", "content": _content("RevisionProblem")},
            **_problems(400, 401, 403, 404, 413, 422, 503),
        },
    }


def _for_pages(operation: dict[str, Any]) -> dict[str, Any]:
    """The same as a page of the dashboards asks it."""
    return operation | {
        "operationId": f"{operation['operationId']}ForPages",
        "description": "The same, for a page, which has no key to send. Reading is open on loopback and needs a viewer's key "
        "elsewhere; changes need an editor's everywhere, and a page of this origin. The browser sends the key in its cookie.",
    }


def _dashboard() -> dict[str, Any]:
    return {
        "summary": "Pages and WebSockets of the dashboards",
        "description": "Open on loopback; elsewhere a viewer's key is needed, also as `?token=`.",
        "parameters": [{"name": "path", "in": "path", "required": True, "schema": {"type": "string"}}],
        "responses": {
            "200": {"description": "A page or a part of it."},
            "101": {"description": "A WebSocket: a snapshot first, then updates."},
            **_problems(401, 403, 503, 504),
        },
    }


def _open(summary: str) -> dict[str, Any]:
    return {"summary": summary, "security": [], "responses": {"200": {"description": summary}}}


_health = _open
_READY = {"200": {"description": "All answer."}, "503": {"description": "Names those that do not."}}
