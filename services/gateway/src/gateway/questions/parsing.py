"""Questions in a URL or as JSON become typed ones. Pure.

Both have ``from``, ``to``, ``resolution``, ``tz`` and ``compare``, which are one for all questions. In a URL there is one
question; every parameter that has no other meaning is a filter: ``label=value``. JSON has ``questions``, or the
fields of a single one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, get_args

import msgspec

from drishti.errors import QueryError
from drishti.events import RESOLUTION_MS, LabelFilter, Question, QuestionSet, Step, invalid_payload
from drishti.measures import time_ranges
from gateway.questions.query import DEFAULT_RANGE_MS, MAX_PARAMETERS

STEPS = get_args(Step)
MAX_QUESTIONS = 16

_RANGE = ("from", "to", "resolution", "tz", "time_zone", "compare")
_ONE = tuple(field for field in Question.__struct_fields__)
_NEW = frozenset({"expression", "where", "top", "bins", "compare", "tz", "time_zone"})
_PLACE = re.compile(r"\[([0-9]+)\]")
_WHOLE = re.compile(r"[0-9]{1,9}\Z")


def is_plain(parameters: Iterable[tuple[str, str]]) -> bool:
    """Whether ``parameters`` ask one aggregate of one metric and nothing that :mod:`gateway.questions.query` does not know."""
    for name, value in parameters:
        if name in _NEW or (name in ("from", "to") and value.strip().startswith("now")):
            return False
        if name == "resolution" and value in STEPS and value not in RESOLUTION_MS:
            return False
        if name == "metric" and "@" in value:  # an earlier version
            return False
        if name == "aggregate" and value == "value":  # of a KPI, which is computed from several metrics
            return False
    return True


def of_parameters(parameters: Iterable[tuple[str, str]], *, tenant: str, now: datetime) -> QuestionSet:
    """The one question that ``parameters`` ask; raises :class:`QueryError` that names the wrong one."""
    given: dict[str, str] = {}
    group_by: list[str] = []
    for count, (name, value) in enumerate(parameters):
        if count == MAX_PARAMETERS:
            raise QueryError(f"more than {MAX_PARAMETERS} parameters", field=name)
        if name == "group_by":
            group_by += _listed(value)
        elif name in given:
            raise QueryError("given twice", field=name)
        else:
            given[name] = value
    question: dict[str, Any] = {name: given[name] for name in ("metric", "aggregate", "expression", "where") if name in given}
    for name in ("top", "bins"):
        if name in given:
            if not _WHOLE.match(given[name]):
                raise QueryError("must be a whole number", field=name)
            question[name] = int(given[name])
    question["group_by"] = list(dict.fromkeys(group_by))
    taken = {*_RANGE, "metric", "aggregate", "expression", "where", "top", "bins"}
    question["filters"] = {name: value for name, value in given.items() if name not in taken}
    return _asked([question], given, tenant, now, alone=True)


def of_document(document: object, *, tenant: str, now: datetime) -> QuestionSet:
    """The questions of a JSON document; raises :class:`QueryError` that names the wrong field."""
    if not isinstance(document, dict):
        raise QueryError('must be an object such as {"questions": [{"metric": "requests", "aggregate": "rate"}]}')
    alone = "questions" not in document
    if alone:
        questions: Any = [{name: value for name, value in document.items() if name not in _RANGE}]
    else:
        questions = document["questions"]
        for name in document:
            if name not in _RANGE and name != "questions":
                raise _unknown(name, ("questions", *_RANGE), "")
    if not isinstance(questions, list) or not 1 <= len(questions) <= MAX_QUESTIONS:
        raise QueryError(f"must be a list of 1 to {MAX_QUESTIONS} questions", field="questions")
    return _asked(questions, document, tenant, now, alone=alone)


def own_field(field: str, asked: QuestionSet, *, alone: bool, url: bool = False) -> str:
    """A path in the question as analytics has it, as the path in what was sent."""
    if not alone or not field.startswith("questions.0."):
        return field
    field = field.removeprefix("questions.0.")
    if url and field.startswith("filters."):
        place = field.split(".")[1]
        if place.isdigit() and int(place) < len(asked.questions[0].filters):
            return asked.questions[0].filters[int(place)].label
    return field


def _asked(questions: list[Any], given: Mapping[str, Any], tenant: str, now: datetime, *, alone: bool) -> QuestionSet:
    if "tz" in given and "time_zone" in given:
        raise QueryError("is the same as `tz`: give one of them", field="time_zone")
    zone_field = "tz" if "tz" in given else "time_zone"
    zone = _text(given.get(zone_field, "UTC"), zone_field)
    tz = time_ranges.zone(zone, zone_field)
    to_ms = _instant(given["to"], "to", now, tz, end=True) if "to" in given else int(now.timestamp() * 1000)
    from_ms = _instant(given["from"], "from", now, tz, end=False) if "from" in given else max(0, to_ms - DEFAULT_RANGE_MS)
    if from_ms >= to_ms:
        raise QueryError("must lie before `to`", field="from")
    resolution = given.get("resolution")
    if resolution is not None and resolution not in STEPS:
        raise QueryError(f"must be one of {', '.join(STEPS)}", field="resolution")
    compare = given.get("compare")
    if compare is not None and compare not in ("previous", "1d", "1w"):
        raise QueryError("must be previous, 1d or 1w", field="compare")
    return QuestionSet(
        tenant=tenant,
        questions=[_question(one, "" if alone else f"questions.{place}.") for place, one in enumerate(questions)],
        from_ms=from_ms,
        to_ms=to_ms,
        resolution=resolution,
        time_zone=zone,
        compare=compare,
    )


def _question(given: Any, field: str) -> Question:
    if not isinstance(given, dict):
        raise QueryError('must be an object such as {"metric": "requests", "aggregate": "rate"}', field=field.rstrip("."))
    for name in given:
        if name not in _ONE:
            raise _unknown(name, _ONE, field)
    question = {name: value for name, value in given.items() if value is not None}
    if isinstance(question.get("group_by"), str):
        question["group_by"] = _listed(question["group_by"])
    if isinstance(question.get("filters"), dict):
        question["filters"] = [_short_filter(label, value, field) for label, value in question["filters"].items()]
    elif isinstance(question.get("filters"), list):
        for place, one in enumerate(question["filters"]):
            for name in one if isinstance(one, dict) else ():
                if name not in LabelFilter.__struct_fields__:
                    raise _unknown(name, LabelFilter.__struct_fields__, f"{field}filters.{place}.")
    try:
        return msgspec.convert(question, Question)
    except (msgspec.ValidationError, RecursionError) as error:
        if isinstance(error, RecursionError):
            raise QueryError("nested too deeply", field=field.rstrip(".")) from None
        wrong = invalid_payload(error, Question)
        raise QueryError(wrong.error, field=field + _PLACE.sub(r".\1", wrong.field)) from None


def _short_filter(label: object, value: object, field: str) -> dict[str, Any]:
    """``{"service": "shop"}`` and ``{"service": ["shop", "cart"]}`` as filters."""
    if isinstance(value, str):
        return {"label": label, "value": value}
    if isinstance(value, list) and all(isinstance(one, str) for one in value):
        return {"label": label, "op": "in", "values": value}
    raise QueryError("must be a text or a list of texts", field=f"{field}filters.{str(label)[:64]}")


def _instant(given: object, field: str, now: datetime, tz: Any, *, end: bool) -> int:
    if isinstance(given, int) and not isinstance(given, bool):
        given = str(given) if abs(given) < 10**15 else "too large"
    return time_ranges.instant(_text(given, field), now=now, tz=tz, end=end, field=field)


def _text(given: object, field: str) -> str:
    if not isinstance(given, str):
        raise QueryError("must be a text", field=field)
    return given


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _unknown(name: object, known: Iterable[str], field: str) -> QueryError:
    return QueryError(f"there is no such field; there are {', '.join(known)}", field=f"{field}{str(name)[:64]}")
