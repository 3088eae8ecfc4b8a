"""Which values of dimensions a question is of: ``only`` and ``without`` of a document, in one form for hub and page. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple, Protocol
from urllib.parse import quote

from drishti.dashboards.panel_parts import Conditions
from drishti.measures.fields import VALUE, percentile

_UNQUOTED = "!'()*-._~"
"""What JavaScript's ``encodeURIComponent`` leaves as it is: the page says names in the same way."""


class Condition(NamedTuple):
    """The dimension ``label`` has one of ``values``; where they are ``excluded``, none of them."""

    label: str
    values: tuple[str, ...]
    excluded: bool = False

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Whether a series with ``labels`` is meant; one without the dimension is not."""
        value = labels.get(self.label)
        return value is not None and (value in self.values) is not self.excluded

    @property
    def is_one(self) -> bool:
        """Whether a single value is meant, so that nothing has to be put together."""
        return len(self.values) == 1 and not self.excluded


Where = tuple[Condition, ...]
"""All of them hold; sorted, and each value once. Empty: of everything."""


class Conditioned(Protocol):
    """A question with conditions."""

    @property
    def only(self) -> Conditions: ...
    @property
    def without(self) -> Conditions: ...


def where_of(question: Conditioned) -> Where:
    """What the question is of."""
    return tuple(sorted((*_read(question.only, excluded=False), *_read(question.without, excluded=True))))


def values_of(given: str | tuple[str, ...]) -> tuple[str, ...]:
    """One value or several, as several."""
    return (given,) if isinstance(given, str) else given


def all_hold(where: Where, labels: Mapping[str, str]) -> bool:
    """Whether a series with ``labels`` is meant."""
    return all(condition.holds(labels) for condition in where)


def text_of(where: Where) -> str:
    """``[service=agni,wisdom;status!=500]``, as names of readings have it; empty where there is no condition."""
    if not where:
        return ""
    parts = (f"{label}{'!=' if excluded else '='}{','.join(map(_quoted, values))}" for label, values, excluded in where)
    return f"[{';'.join(parts)}]"


def filters_of(where: Where) -> list[dict[str, Any]]:
    """The same as ``/api/analytics/query`` takes it."""
    filters: list[dict[str, Any]] = []
    for label, values, excluded in where:
        if excluded:
            filters += ({"label": label, "op": "!=", "value": value} for value in values)
        elif len(values) == 1:
            filters.append({"label": label, "op": "=", "value": values[0]})
        else:
            filters.append({"label": label, "op": "in", "values": list(values)})
    return filters


def can_be_merged(field: str) -> bool:
    """Whether ``field`` of several series together follows from the numbers of each: percentiles and distinct ones do not."""
    return field not in ("uniques", VALUE) and percentile(field) is None


def _read(conditions: Conditions, *, excluded: bool) -> Iterator[Condition]:
    for label, given in conditions.items():
        yield Condition(label, _sorted(values_of(given)), excluded)


def _sorted(values: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(set(values)))


def _quoted(value: str) -> str:
    return quote(value, safe=_UNQUOTED)
