"""The operations that ask for numbers. Pure."""

from __future__ import annotations

from typing import Any, get_args

from drishti.events import Step
from drishti.measures.built_in import FED
from drishti.measures.fields import known_fields
from gateway.openapi.operations import parameter, problems
from gateway.openapi.schemas import REF, content

_INSTANT = "ISO 8601, epoch ms, or relative to now: now-2h, now-1d/d"


def ask_one() -> dict[str, Any]:
    aggregates = ", ".join(known_fields(FED.values()))
    dimensions = sorted({dimension for metric in FED.values() for dimension in metric.dimensions})
    either = [{"$ref": REF.format(name=name)} for name in ("QueryAnswer", "SingleAnswer")]
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
            parameter("bins", "with a percentile: its values are counted in so many ranges, too", {"type": "integer"}),
            *(parameter(d, f"only where `{d}` has this value", {"type": "string"}) for d in dimensions),
        ],
        "responses": {
            "200": {"description": "The answer.", "content": {"application/json": {"schema": {"anyOf": either}}}},
            **problems(400, 401, 403, 422, 503, 504),
        },
    }


def ask_several() -> dict[str, Any]:
    return {
        "operationId": "queryMetrics",
        "summary": "Ask several questions over one range of time",
        "description": "Each question is an aggregate of a metric or an expression. `filters` may also be an object of label "
        "and value. A body with the fields of one question, instead of `questions`, asks that one.",
        "requestBody": {"required": True, "content": content("QuestionRequest")},
        "responses": {
            "200": {"description": "The answers, in the order of the questions.", "content": content("AnswerSet")},
            **problems(400, 401, 403, 413, 422, 503, 504),
        },
    }
