"""What panels of stored spans and numbers show over a range, asked as the page asks: ``live/panel-answers.ts`` in its sources.

An answer has the form that the page reads from a capsule: ``model/capsule-answers.ts``.
"""

from __future__ import annotations

import math
import re
import time
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

import msgspec

from drishti.dashboards.conditions import filters_of, where_of
from drishti.dashboards.panels import (
    ErrorsPanel,
    HistogramPanel,
    QueryPanel,
    ServiceMapPanel,
    StoredQuery,
    TracesPanel,
)
from drishti.dashboards.product_panels import FunnelPanel, JourneysPanel, ProductPanel, RetentionPanel, question_of
from drishti.errors import DrishtiError
from drishti.measures.built_in import FED
from drishti.measures.fields import FIELDS
from drishti.messages.attribute_alternatives import alternatives_of

Ask: TypeAlias = Callable[[str, Any], Any]
"""What is at a path of the gateway, by ``POST`` where there is a body."""

AskedPanel: TypeAlias = TracesPanel | ErrorsPanel | ServiceMapPanel | HistogramPanel | QueryPanel | ProductPanel

KINDS = frozenset({"traces", "errors", "service_map", "histogram", "query", "funnel", "retention", "journeys"})

MOST_POINTS = 240
STEPS_S = {
    "1s": 1,
    "10s": 10,
    "30s": 30,
    "1m": 60,
    "5m": 300,
    "15m": 900,
    "30m": 1800,
    "1h": 3600,
    "3h": 10_800,
    "6h": 21_600,
    "12h": 43_200,
    "1d": 86_400,
}
LEAST_STEP = "10s"
"""Points of these panels are not closer."""

RATIOS = frozenset(name for name, meaning in FIELDS.items() if meaning.is_ratio) | {
    share.name for metric in FED.values() for share in metric.shares
}
ERROR_STEPS = 24
BARS, ROWS = 32, 14
"""Ranges of values: of a histogram, and of a heat map, which has half as many columns as a chart has points."""

TOP_LINES, TOP_ROWS = 12, 50
OVER_TIME = frozenset({"line", "area", "bars", "stacked"})
EACH_ITS_OWN_UNIT = frozenset({"table", "stat"})
"""Numbers of these are not drawn on one scale: each is written with the unit of its query."""
OTHER, WITHOUT = "other", "(none)"
MOST_CHARACTERS = 40
LONGEST_NAME = 60
HOUR_MS = 3_600_000

_WORDS = re.compile(r"[a-z0-9_]+", re.ASCII)
_UTILIZATION = re.compile(r"(^|[._-])utilization$")


class Refused(DrishtiError):
    """The gateway's refusal; ``status`` and the ``field`` that is to blame."""

    def __init__(self, status: int, error: str, field: str = "") -> None:
        self.status = status
        self.field = field
        super().__init__(error)


class UnknownPanel(DrishtiError):
    """The panel is not as this version has them: the service is a later one."""


def steps_for(seconds: float, least: str) -> list[str]:
    """Widths of a point that fit a range, the finest first; none is finer than ``least``."""
    fit = [step for step, width in STEPS_S.items() if width >= STEPS_S[least] and seconds / width <= MOST_POINTS]
    return fit or ["1d"]


def answered(body: dict[str, Any], resolutions: list[str], ask: Ask) -> Any:
    """The answer to questions with the finest points that are still stored; raises :class:`Refused`."""
    for resolution in resolutions:
        try:
            return ask("/api/analytics/query", {**body, "resolution": resolution})
        except Refused as error:
            if error.status != 422 or error.field != "resolution" or resolution == resolutions[-1]:
                raise
    raise DrishtiError("no width of points fits this range")


def key_of(panel: dict[str, Any]) -> str:
    """What names a panel within its dashboard."""
    return str(panel.get("id") or panel["title"])


def answer_of(panel: dict[str, Any], begin_ms: int, end_ms: int, ask: Ask) -> dict[str, Any]:
    """What ``panel``, one of :data:`KINDS`, shows; raises :class:`Refused` and :class:`UnknownPanel`."""
    try:
        known: AskedPanel = msgspec.convert(panel, AskedPanel)
    except msgspec.ValidationError as error:
        raise UnknownPanel(f"it is not as panels of this version are ({error})") from None
    match known:
        case TracesPanel():
            return _traces(known, begin_ms, end_ms, ask)
        case ErrorsPanel():
            return _stored("errors", _error_rows(known, begin_ms, end_ms), ask)
        case ServiceMapPanel():
            around = _any("service", known.service, known.services)
            return _stored("service-map", [*_range(begin_ms, end_ms), *around], ask)
        case HistogramPanel():
            return _histogram(known, begin_ms, end_ms, ask)
        case QueryPanel():
            return _query(known, begin_ms, end_ms, ask)
        case FunnelPanel() | RetentionPanel() | JourneysPanel():
            path, question = question_of(known)
            counted: dict[str, Any] = ask(f"/api/analytics/{path}", {**question, "from": begin_ms, "to": end_ms})
            return counted


Parameters: TypeAlias = list[tuple[str, str]]


def _stored(path: str, parameters: Parameters, ask: Ask) -> dict[str, Any]:
    found: dict[str, Any] = ask(f"/api/analytics/{path}?{urllib.parse.urlencode(parameters)}", None)
    return found


def _range(begin_ms: int, end_ms: int) -> Parameters:
    return [("from", str(begin_ms)), ("to", str(end_ms))]


def _any(name: str, one: str, several: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """``service=a``, or ``services=a`` and ``services=b``."""
    texts = [text for text in (one, *several) if text]
    if len(texts) == 1:
        yield name, texts[0]
    else:
        yield from ((f"{name}s", text) for text in texts)


def _traces(panel: TracesPanel, begin_ms: int, end_ms: int, ask: Ask) -> dict[str, Any]:
    slowest = panel.order == "slowest"
    parameters = [*_range(begin_ms, end_ms), ("limit", str(panel.top))]
    parameters += _any("service", panel.service, panel.services)
    parameters += _any("operation", panel.operation, panel.operations)
    parameters += [("status", "error")] if panel.failed else []
    parameters += [("root", "true")] if panel.root else []
    parameters += [("min_duration_ms", str(panel.min_duration_ms))] if panel.min_duration_ms else []
    parameters += _any("text", panel.text, panel.texts)
    parameters += [("order", "slowest")] if slowest else []
    parameters += [("attribute" if alternatives_of(one) is None else "any_attribute", one) for one in panel.attributes]
    found = _stored("traces", parameters, ask)
    return {**found, "traces": sorted(found["traces"], key=lambda one: -one["duration_ms" if slowest else "start_ms"])}


def _error_rows(panel: ErrorsPanel, begin_ms: int, end_ms: int) -> Parameters:
    parameters = [*_range(begin_ms, end_ms), *_any("service", panel.service, panel.services)]
    parameters += [("status", panel.status)] if panel.status != "any" else []
    parameters += _any("text", panel.text, panel.texts)
    return [*parameters, ("order", panel.order), ("steps", str(ERROR_STEPS)), ("limit", str(panel.top))]


def _histogram(panel: HistogramPanel, begin_ms: int, end_ms: int, ask: Ask) -> dict[str, Any]:
    question: dict[str, Any] = {"metric": panel.values.metric}
    if filters := filters_of(where_of(panel.values)):
        question["filters"] = filters
    bins = ROWS if panel.style == "heatmap" else BARS
    questions = [{**question, "aggregate": "p50", "bins": bins}, {**question, "aggregate": "p95"}]
    body = {"questions": questions, "from": begin_ms, "to": end_ms}
    median, p95 = answered(body, steps_for((end_ms - begin_ms) / 1000 * 2, LEAST_STEP), ask)["answers"]
    unit = median.get("unit", "")
    return {"spread": _spread(median, p95), "unit": unit, "from": begin_ms, "to": end_ms, "at": end_ms}


def _spread(median: dict[str, Any], p95: dict[str, Any]) -> dict[str, Any] | None:
    """``None``: there are no values."""
    series = next(iter(median["series"]), None)
    if series is None or series["total"] is None or not series.get("counts"):
        return None
    counts, edges = series["counts"], median["edges"]
    large = next((one["total"] for one in p95["series"]), None)
    return {
        "bins": [{"from": edges[i], "to": edges[i + 1], "count": count} for i, count in enumerate(counts)],
        "count": sum(counts),
        "p50": series["total"],
        "p95": edges[-1] if large is None else large,
        "steps": series.get("counts_by_step", []),
    }


def _query(panel: QueryPanel, begin_ms: int, end_ms: int, ask: Ask) -> dict[str, Any]:
    own: list[str] = [panel.resolution] if panel.resolution else []
    resolutions = own or steps_for((end_ms - begin_ms) / 1000, LEAST_STEP)
    # Days and weeks begin where the zone says, which is not here to know.
    whole = min(STEPS_S.get(resolutions[0], 1) * 1000, HOUR_MS)
    widened = {"from": begin_ms // whole * whole, "to": math.ceil(end_ms / whole) * whole, "tz": "UTC"}
    found: list[tuple[int, StoredQuery, dict[str, Any]]] = []
    problems: list[str] = []
    refused: list[Refused] = []
    for place, query in enumerate(panel.queries):
        try:
            answer = answered({"questions": [_question(query, panel.show)], **widened}, resolutions, ask)
            found.append((place, query, answer))
        except Refused as error:
            refused.append(error)
            problems.append(f"{_name(query)}: {error}")
    # What is refused of one query is said beside the others; a failure of all of them is the panel's.
    if not found:
        raise refused[0]
    own_units = {place: _unit(query, answer["answers"][0].get("unit", "")) for place, query, answer in found}
    units = list(dict.fromkeys(own_units.values()))
    if not panel.unit and len(units) > 1 and panel.show not in EACH_ITS_OWN_UNIT:
        problems.append(f"The queries have different units: {', '.join(unit or 'none' for unit in units)}.")
    totals = [
        _total(place, query, series, answer.get("service_names") or {})
        for place, query, answer in found
        for series in answer["answers"][0]["series"]
    ]
    return {
        "at": int(time.time() * 1000),
        "from": begin_ms,
        "to": end_ms,
        "resolution": found[0][2]["resolution"],
        "unit": panel.unit or units[0],
        "units": [panel.unit or own_units.get(place, "") for place in range(len(panel.queries))],
        "totals": totals,
        "before": None,
        "problems": list(dict.fromkeys(problems)),
    }


def _question(query: StoredQuery, show: str) -> dict[str, Any]:
    grouped: dict[str, Any] = {}
    if query.group_by:
        grouped = {"group_by": query.group_by, "top": query.top or (TOP_LINES if show in OVER_TIME else TOP_ROWS)}
    if query.expression:
        return {"expression": query.expression, **grouped}
    question: dict[str, Any] = {"metric": query.metric, "aggregate": query.aggregate}
    if filters := filters_of(where_of(query)):
        question["filters"] = filters
    if query.where:
        question["where"] = query.where
    return question | grouped


def _name(query: StoredQuery) -> str:
    """What a query is called: by its name, else by what it asks."""
    name = query.name or query.expression or f"{query.metric} {query.aggregate}"
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"


def _unit(query: StoredQuery, unit: str) -> str:
    """As it is shown: a utilization is in percent, and may be more than all of one core."""
    if query.metric and query.aggregate in RATIOS:
        return "share"
    return "utilization" if unit == "1" and _UTILIZATION.search(query.metric) else unit


def _total(place: int, query: StoredQuery, series: dict[str, Any], names: dict[str, str]) -> dict[str, Any]:
    labels = series["labels"]
    others = bool(query.group_by) and all(labels.get(label) == OTHER for label in query.group_by)
    words = [_words(label, labels.get(label, ""), names) for label in query.group_by]
    total = {
        "query": place,
        "series": series,
        "labels": labels,
        "group": OTHER if others else " · ".join(words),
        "others": others,
    }
    service = labels.get("service", "")
    return total | ({"tooltip": f"{names[service]} (service {service})"} if service in names else {})


def _words(label: str, value: str, names: dict[str, str]) -> str:
    if not value:
        return WITHOUT
    given = names.get(value) if label == "service" else None
    if given is None:
        return value.replace("_", " ") if _WORDS.fullmatch(value) else value
    return given if len(given) <= MOST_CHARACTERS else f"{given[: MOST_CHARACTERS - 1]}…"
