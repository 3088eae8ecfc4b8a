"""The variables of a dashboard: what somebody chose for them, and the dashboard as it is with that. Pure.

``only: {model: $model}`` is of the values that were chosen for the variable ``model``, and of everything where none was;
``$$x`` is the value ``$x`` itself. In expressions it stands after ``=``, ``!=`` and within ``in (…)``, and in searches for
traces and errors wherever a text does: of several values any is meant, and a condition with a variable for which nothing
was chosen is left out. In titles and
names of lines ``$model`` is what was chosen, in words. An address says what was chosen (``?var-model=a&var-model=b``;
``?var-model=``: all of them, whatever the document says); nothing of that is stored.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeVar

import msgspec

from drishti.dashboards import expression_variables
from drishti.dashboards.conditions import values_of
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.panel_parts import MAX_VALUES, Conditions, PanelQuestion
from drishti.dashboards.panels import (
    Bar,
    Distribution,
    ErrorsPanel,
    Gauge,
    Heatmap,
    HistogramPanel,
    Panel,
    Pie,
    QueryPanel,
    ServiceMapPanel,
    Stat,
    StoredQuery,
    Table,
    TimeSeries,
    TracesPanel,
)
from drishti.messages.attribute_alternatives import alternatives_of, text_of

PARAMETER = "var-"
"""What the parameters of an address begin with that choose values."""

ALL = "all"
"""How a variable is called in titles for which nothing was chosen."""

MOST_CHARACTERS = 256
MOST_TITLE = 300
MOST_NAME = 200
MOST_NAMED = 3

C = TypeVar("C", bound=PanelQuestion | Distribution | StoredQuery)

Chosen = tuple[tuple[str, tuple[str, ...]], ...]
"""Values by the names of variables, sorted; a variable that is not there has those of the document."""

_EXCLUDED = re.compile(r"[^\[=!~<>][^=!~<>]*!=")
"""A condition on an attribute that leaves a value out."""

_IN_TEXT = re.compile(r"\$(?:\$|([a-z][a-z0-9_]{0,31}))")


class WrongChoice(ValueError):
    """What an address chooses is not for this dashboard; the message says why."""


def chosen_of(document: DashboardDocument, parameters: Iterable[tuple[str, str]]) -> Chosen:
    """What the parameters of an address choose; others than of variables are passed over. Raises :class:`WrongChoice`."""
    known = {variable.name: variable for variable in document.variables}
    chosen: dict[str, list[str]] = {}
    for parameter, value in parameters:
        if not parameter.startswith(PARAMETER):
            continue
        name = parameter.removeprefix(PARAMETER)
        if name not in known:
            has = ", ".join(known) or "none"
            raise WrongChoice(f"{document.name} has no variable {name[:64]!r}; it has {has}")
        if len(value) > MOST_CHARACTERS:
            raise WrongChoice(f"a value of {name} has more than {MOST_CHARACTERS} characters")
        chosen.setdefault(name, []).append(value)
    result = []
    for name, given in sorted(chosen.items()):
        values = tuple(sorted(set(given) - {""}))
        if len(values) > 1 and not known[name].several:
            raise WrongChoice(f"{name} takes one value, not {len(values)}")
        if len(values) > MAX_VALUES:
            raise WrongChoice(f"{name} takes {MAX_VALUES} values at most, not {len(values)}")
        result.append((name, values))
    found = tuple(result)
    for panel, _, field, count in too_many(document, values_by_name(document, found)):
        raise WrongChoice(f"{field} of panel {panel.title} would be {count} texts, more than {MAX_VALUES}: choose fewer values")
    return found


def too_many(document: DashboardDocument, values: Mapping[str, tuple[str, ...]]) -> Iterator[tuple[Panel, int, str, int]]:
    """The searches of more texts than may be asked for at once: the panel, its place, the field, and how many they are."""
    for place, panel in enumerate(document.panels):
        for field, given in searches(panel):
            many = (math.prod(len(values.get(name, ())) or 1 for name in set(named_in_search(text))) for text in given if text)
            count = sum(many)
            if count > MAX_VALUES:
                yield panel, place, field, count


def values_by_name(document: DashboardDocument, chosen: Chosen) -> dict[str, tuple[str, ...]]:
    """The values that each variable of the dashboard has; none: all."""
    given = dict(chosen)
    return {variable.name: given.get(variable.name, variable.default) for variable in document.variables}


def resolved(document: DashboardDocument, chosen: Chosen) -> DashboardDocument:
    """The dashboard with the values of its variables in their places."""
    values = values_by_name(document, chosen)
    return msgspec.structs.replace(
        document,
        title=_title(document.title, values),
        panels=tuple(_panel(panel, values) for panel in document.panels),
        feed=tuple(_question(question, values) for question in document.feed),
    )


def named_in(question: PanelQuestion | Distribution | StoredQuery) -> Iterator[tuple[str, str, str]]:
    """The variables that a question names: field, dimension and name."""
    for field, conditions in (("only", question.only), ("without", question.without)):
        for label, given in conditions.items():
            for value in values_of(given):
                if value.startswith("$") and not value.startswith("$$"):
                    yield field, label, value[1:]


def searches(panel: Panel) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The texts by which ``panel`` searches stored spans, each with its field, of which any is meant: variables may stand in
    them."""
    match panel:
        case TracesPanel():
            yield from (("service", (panel.service, *panel.services)), ("operation", (panel.operation, *panel.operations)))
            yield "text", (panel.text, *panel.texts)
            yield from (
                (f"attributes[{place}]", alternatives_of(text) or (text,)) for place, text in enumerate(panel.attributes)
            )
        case ErrorsPanel():
            yield from (("service", (panel.service, *panel.services)), ("text", (panel.text, *panel.texts)))
        case ServiceMapPanel():
            yield "service", (panel.service, *panel.services)
        case _:
            pass


def named_in_search(text: str) -> Iterator[str]:
    """The variables that may be named in a text by which is searched; others than those of a dashboard are plain text."""
    return (found[1] for found in _IN_TEXT.finditer(text) if found[1] is not None)


def _panel(panel: Panel, values: Mapping[str, tuple[str, ...]]) -> Panel:
    panel = msgspec.structs.replace(panel, title=_title(panel.title, values))
    match panel:
        case Stat():
            more = tuple(_question(one, values) for one in panel.more)
            return msgspec.structs.replace(panel, value=_question(panel.value, values), more=more)
        case TimeSeries():
            lines = (_question(line, values) for line in panel.lines)
            named = tuple(msgspec.structs.replace(line, name=_in_words(line.name, values)[:MOST_NAME]) for line in lines)
            return msgspec.structs.replace(panel, lines=named)
        case Heatmap():
            return msgspec.structs.replace(panel, rows=_question(panel.rows, values))
        case Gauge():
            return msgspec.structs.replace(panel, value=_question(panel.value, values))
        case Bar():
            return msgspec.structs.replace(panel, bars=_question(panel.bars, values))
        case Pie():
            return msgspec.structs.replace(panel, parts=_question(panel.parts, values))
        case Table():
            return msgspec.structs.replace(panel, columns=tuple(_question(column, values) for column in panel.columns))
        case HistogramPanel():
            return msgspec.structs.replace(panel, values=_question(panel.values, values))
        case QueryPanel():
            return msgspec.structs.replace(panel, queries=tuple(_query(query, values) for query in panel.queries))
        case TracesPanel():
            attributes = tuple(found for text in panel.attributes for found in _attributes(text, values))
            service, services = _searched(panel.service, panel.services, values)
            operation, operations = _searched(panel.operation, panel.operations, values)
            words, texts = _searched(panel.text, panel.texts, values)
            return msgspec.structs.replace(
                panel,
                service=service,
                services=services,
                operation=operation,
                operations=operations,
                text=words,
                texts=texts,
                attributes=attributes,
            )
        case ErrorsPanel():
            service, services = _searched(panel.service, panel.services, values)
            words, texts = _searched(panel.text, panel.texts, values)
            return msgspec.structs.replace(panel, service=service, services=services, text=words, texts=texts)
        case ServiceMapPanel():
            service, services = _searched(panel.service, panel.services, values)
            return msgspec.structs.replace(panel, service=service, services=services)
        case _:
            return panel


def _query(query: StoredQuery, values: Mapping[str, tuple[str, ...]]) -> StoredQuery:
    expression = expression_variables.with_values(query.expression, values)
    # The legend says what was written, not what stands for "all values" in it.
    name = query.name or (query.expression if expression != query.expression else "")
    return msgspec.structs.replace(
        _question(query, values),
        name=_in_words(name, values)[:MOST_NAME],
        expression=expression,
        where=expression_variables.with_values(query.where, values),
    )


def _searched(one: str, several: tuple[str, ...], values: Mapping[str, tuple[str, ...]]) -> tuple[str, tuple[str, ...]]:
    """One text, or several of which any is meant, with the values of their variables; empty, which is any, where nothing was
    chosen for one of them."""
    found = _texts((one, *several), values)
    return (found[0], ()) if len(found) == 1 else ("", found)


def _attributes(text: str, values: Mapping[str, tuple[str, ...]]) -> Iterator[str]:
    """The conditions on an attribute with the values of each variable: of several values any, of excluded ones none."""
    found = _texts(alternatives_of(text) or (text,), values)
    if len(found) == 1:
        yield found[0] if alternatives_of(found[0]) is None else text_of((found[0],))
    elif _EXCLUDED.match(text):
        yield from (text_of((one,)) for one in found)
    elif found:
        yield text_of(found)


def _with(text: str, values: Mapping[str, str]) -> str:
    """``text`` with the one value of each variable."""
    return _IN_TEXT.sub(lambda found: "$" if found[1] is None else values.get(found[1], found[0]), text)


def _texts(given: Iterable[str], values: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """Each of ``given`` with each value of its variables; none where nothing was chosen for one of them."""
    found: dict[str, None] = {}
    for text in given:
        names = sorted({name for name in named_in_search(text) if name in values})
        if not all(values[name] for name in names):
            return ()
        for each in itertools.product(*(values[name] for name in names)):
            found[_with(text, dict(zip(names, each, strict=True)))] = None
    return tuple(text for text in found if text)


def _question(question: C, values: Mapping[str, tuple[str, ...]]) -> C:
    if not (question.only or question.without):
        return question
    only = _conditions(question.only, values)
    without = _conditions(question.without, values, excluded=True)
    return msgspec.structs.replace(question, only=only, without=without)


def _conditions(conditions: Conditions, values: Mapping[str, tuple[str, ...]], *, excluded: bool = False) -> Conditions:
    """Where nothing was chosen for a variable, all values are meant, or none is excluded by it."""
    result: Conditions = {}
    for label, given in conditions.items():
        meant = [_meant(value, values) for value in values_of(given)]
        if (excluded or all(meant)) and (together := tuple(value for chosen in meant for value in chosen)):
            result[label] = together
    return result


def _meant(value: str, values: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    if value.startswith("$$"):
        return (value[1:],)
    return values.get(value[1:], ()) if value.startswith("$") else (value,)


def _title(text: str, values: Mapping[str, tuple[str, ...]]) -> str:
    return _in_words(text, values)[:MOST_TITLE]


def _in_words(text: str, values: Mapping[str, tuple[str, ...]]) -> str:
    def words(found: re.Match[str]) -> str:
        name = found[1]
        if name is None:
            return "$"
        if name not in values:
            return found[0]
        named, more = values[name][:MOST_NAMED], len(values[name]) - MOST_NAMED
        return (", ".join(named) or ALL) + (f" and {more} more" if more > 0 else "")

    return _IN_TEXT.sub(words, text)
