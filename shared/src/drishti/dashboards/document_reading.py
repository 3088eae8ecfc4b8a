"""Dashboards out of JSON or YAML, checked: every reason at once, each with the field that is wrong. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from drishti.dashboards.conditions import where_of
from drishti.dashboards.conversion_faults import conversion_faults
from drishti.dashboards.documents import MIGRATIONS, SCHEMA, DashboardDocument, Variable
from drishti.dashboards.panel_parts import GRID_COLUMNS, MAX_VALUES, Layout, Limits, PanelQuestion
from drishti.dashboards.panels import (
    Bar,
    Distribution,
    Gauge,
    Heatmap,
    HistogramPanel,
    Panel,
    Pie,
    QueryPanel,
    Stat,
    StoredQuery,
    Table,
    TimeSeries,
    questions,
)
from drishti.dashboards.product_panels import FunnelPanel, JourneysPanel, RetentionPanel, product_faults
from drishti.dashboards.query_checks import LEVELS, query_faults
from drishti.dashboards.variables import named_in, too_many, values_by_name
from drishti.measures.definition_checks import Fault, InvalidDefinition, limit_faults
from drishti.measures.definition_reading import fault_of
from drishti.measures.fields import adds_up
from drishti.plain_text import unfit

MAX_BYTES = 256 * 1024
"""Of a document as JSON: a hundred panels of twenty questions have less."""

_encoder = msgspec.json.Encoder()
_OF_SEVERAL_LINES = frozenset({"text", "description", "expression", "where"})
"""Fields whose texts may have line breaks and tabulators."""

_GAPS = re.compile(r"[^a-z0-9]+")


def decode(text: bytes) -> DashboardDocument:
    """The dashboard in ``text``, of whatever version; raises :class:`InvalidDefinition`."""
    if len(text) > MAX_BYTES:
        raise InvalidDefinition([Fault("", f"is {len(text)} bytes long; at most {MAX_BYTES} are taken")])
    try:
        document = msgspec.json.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDefinition([fault_of(error)]) from None
    return _read(document)


def encode(dashboard: DashboardDocument) -> bytes:
    return _encoder.encode(dashboard)


def given(document: object) -> DashboardDocument:
    """The dashboard that people or programs wrote, with an ``id`` for each panel; raises :class:`InvalidDefinition`.

    Unlike :func:`decode`, which also reads what was stored before that was checked, it refuses texts with characters that no
    text should have.
    """
    dashboard = _read(document)
    if faults := list(_text_faults(msgspec.to_builtins(dashboard))):
        raise InvalidDefinition(faults)
    return dashboard


def _text_faults(part: object, at: str = "", *, lines: bool = False) -> Iterator[Fault]:
    if isinstance(part, str):
        if wrong := unfit(part, lines=lines):
            yield Fault(at, *wrong)
    elif isinstance(part, dict):
        for name, value in part.items():
            yield from _text_faults(value, f"{at}.{name}" if at else name, lines=name in _OF_SEVERAL_LINES)
    elif isinstance(part, (list, tuple)):
        for place, value in enumerate(part):
            yield from _text_faults(value, f"{at}[{place}]", lines=lines)


def _read(document: object) -> DashboardDocument:
    try:
        migrated = _migrated(document)
        dashboard = msgspec.convert(migrated, DashboardDocument)
    except (msgspec.ValidationError, RecursionError):
        raise InvalidDefinition([*conversion_faults(migrated), *_faults_beside(migrated)]) from None
    dashboard = with_ids(dashboard)
    if faults := [*_panel_faults(dashboard), *_variable_faults(dashboard), *_contradictions(dashboard), *_differing(dashboard)]:
        raise InvalidDefinition(faults)
    return dashboard


def _faults_beside(document: object) -> Iterator[Fault]:
    """The faults of those panels that can be read, where others cannot."""
    panels = document.get("panels") if isinstance(document, dict) else None
    try:
        variables = msgspec.convert(document.get("variables", ()), tuple[Variable, ...]) if isinstance(document, dict) else ()
    except (msgspec.ValidationError, RecursionError):
        return
    by_name = {variable.name: variable for variable in variables}
    for index, given_panel in enumerate(panels if isinstance(panels, list) else ()):
        try:
            panel: Panel = msgspec.convert(given_panel, Panel)
        except (msgspec.ValidationError, RecursionError):
            continue
        yield from _faults_of_panel(f"panels[{index}]", panel, by_name)


def _migrated(document: object) -> object:
    if not isinstance(document, dict):
        return document
    version = document.get("schema", SCHEMA)
    if not isinstance(version, int) or isinstance(version, bool) or not 1 <= version <= SCHEMA:
        raise InvalidDefinition([Fault("schema", f"must be a version from 1 to {SCHEMA}; a later one needs a later Drishti")])
    migrated: dict[str, Any] = dict(document)
    for earlier in range(version, SCHEMA):
        migrated = MIGRATIONS[earlier](migrated) | {"schema": earlier + 1}
    return migrated


def with_ids(dashboard: DashboardDocument) -> DashboardDocument:
    """The same with an ``id`` for each panel that has none, from its title."""
    taken = {panel.id for panel in dashboard.panels if panel.id is not None}
    panels: list[Panel] = []
    for panel in dashboard.panels:
        if panel.id is None:
            stem = _GAPS.sub("-", panel.title.lower()).strip("-")[:56] or str(panel.__struct_config__.tag)
            number, name = 1, stem
            while name in taken:
                number += 1
                name = f"{stem}-{number}"
            taken.add(name)
            panel = msgspec.structs.replace(panel, id=name)
        panels.append(panel)
    return msgspec.structs.replace(dashboard, panels=tuple(panels))


def _panel_faults(dashboard: DashboardDocument) -> Iterator[Fault]:
    first: dict[str | None, int] = {}
    variables = {variable.name: variable for variable in dashboard.variables}
    for index, panel in enumerate(dashboard.panels):
        at = f"panels[{index}]"
        if (other := first.setdefault(panel.id, index)) != index:
            yield Fault(f"{at}.id", f"{panel.id!r} is the id of panels[{other}] already")
        yield from _faults_of_panel(at, panel, variables)


def _faults_of_panel(at: str, panel: Panel, variables: Mapping[str, object]) -> Iterator[Fault]:
    yield from _layout(f"{at}.layout", panel.layout)
    match panel:
        case Stat():
            yield from _limits(f"{at}.limits", panel.limits)
        case Gauge():
            yield from _limits(f"{at}.limits", panel.limits)
            if panel.max is not None and not panel.min < panel.max:
                yield Fault(f"{at}.max", "must be above min")
        case Heatmap() if panel.rows.by is None:
            yield Fault(f"{at}.rows.by", "must name the dimension whose values are the rows")
        case Bar() if panel.bars.by is None:
            yield Fault(f"{at}.bars.by", "must name the dimension whose values are the bars")
        case Pie():
            if panel.parts.by is None:
                yield Fault(f"{at}.parts.by", "must name the dimension whose values are the parts")
            if not adds_up(panel.parts.field):
                yield Fault(f"{at}.parts.field", f"{panel.parts.field} of the parts does not add up to that of the whole")
        case TimeSeries():
            if panel.range is not None and not panel.range[0] < panel.range[1]:
                yield Fault(f"{at}.range", "must rise: the lower end first")
            for place, band in enumerate(panel.bands):
                if band.lower is None and band.upper is None:
                    yield Fault(f"{at}.bands[{place}]", "must have a lower or an upper end")
                elif band.lower is not None and band.upper is not None and not band.lower < band.upper:
                    yield Fault(f"{at}.bands[{place}].upper", "must be above lower")
            for place, line in enumerate(panel.lines if panel.style == "stacked" else ()):
                if not (adds_up(line.field) or line.field in LEVELS):
                    yield Fault(f"{at}.lines[{place}].field", f"{line.field} of several does not add up, so it is not stacked")
        case Table():
            for place, column in enumerate(panel.columns):
                if column.by not in (None, panel.by):
                    yield Fault(f"{at}.columns[{place}].by", f"the rows of this table are values of {panel.by!r}")
        case QueryPanel():
            yield from _limits(f"{at}.limits", panel.limits)
            yield from query_faults(at, panel, variables)
        case FunnelPanel() | RetentionPanel() | JourneysPanel():
            yield from product_faults(at, panel)
        case _:
            pass


def _layout(at: str, layout: Layout | None) -> Iterator[Fault]:
    if layout is None or layout.x is None or layout.columns is None:
        return
    if (most := GRID_COLUMNS - layout.columns) < layout.x:
        yield Fault(f"{at}.x", f"{layout.columns} of {GRID_COLUMNS} columns begin at {most} at most, not at {layout.x}")


def _limits(at: str, limits: Limits | None) -> Iterator[Fault]:
    for fault in limit_faults(limits) if limits is not None else ():
        yield Fault(f"{at}.{fault.field}", fault.error)


def _variable_faults(dashboard: DashboardDocument) -> Iterator[Fault]:
    first: dict[str, int] = {}
    for index, variable in enumerate(dashboard.variables):
        at = f"variables[{index}]"
        if (other := first.setdefault(variable.name, index)) != index:
            yield Fault(f"{at}.name", f"{variable.name} is the name of variables[{other}] already")
        if len(variable.default) > 1 and not variable.several:
            yield Fault(f"{at}.default", "is one value, unless several: true")
    for at, question in _conditioned(dashboard):
        for field, label, name in named_in(question):
            if name not in first:
                has = f"it has {', '.join(first)}" if first else "it has none"
                error = f"the dashboard has no variable {name}: {has}. A value that begins with $ is written $${name}"
                yield Fault(f"{at}.{field}.{label}", error)
    for _, place, field, count in too_many(dashboard, values_by_name(dashboard, ())):
        yield Fault(f"panels[{place}].{field}", f"would be {count} texts with the default values, more than {MAX_VALUES}")


def _contradictions(dashboard: DashboardDocument) -> Iterator[Fault]:
    for at, question in _conditioned(dashboard):
        for label in question.without:
            if label in question.only:
                yield Fault(f"{at}.without.{label}", f"only says already which values of {label} are meant")


def _differing(dashboard: DashboardDocument) -> Iterator[Fault]:
    """The numbers of a frame are named by metric, field, span and conditions, so all that ask for one ask alike."""
    asked: dict[tuple[object, ...], tuple[str, PanelQuestion]] = {}
    for at, question in _places(dashboard):
        name = (question.metric, question.field, question.span, where_of(question))
        known_at, known = asked.setdefault(name, (at, question))
        for way in ("resolution", "over_s"):
            if getattr(known, way) != getattr(question, way):
                wanted = getattr(known, way)
                yield Fault(f"{at}.{way}", f"{known_at} asks for the same with {wanted!r}: one of a dashboard holds for all")


def _places(dashboard: DashboardDocument) -> Iterator[tuple[str, PanelQuestion]]:
    for index, panel in enumerate(dashboard.panels):
        for place, question in questions(panel):
            yield f"panels[{index}].{place}", question
    for index, question in enumerate(dashboard.feed):
        yield f"feed[{index}]", question


def _conditioned(dashboard: DashboardDocument) -> Iterator[tuple[str, PanelQuestion | Distribution | StoredQuery]]:
    """Everything that may have ``only`` and ``without``, with its place."""
    yield from _places(dashboard)
    for index, panel in enumerate(dashboard.panels):
        if isinstance(panel, HistogramPanel):
            yield f"panels[{index}].values", panel.values
        elif isinstance(panel, QueryPanel):
            for place, query in enumerate(panel.queries):
                yield f"panels[{index}].queries[{place}]", query
