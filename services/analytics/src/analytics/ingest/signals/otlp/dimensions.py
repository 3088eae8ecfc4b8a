"""Attributes of points as dimensions and labels. Pure.

A series is identified by the service and by those attributes of its points that are dimensions of the metric: the first
ones seen, up to what a metric may have, or those of its definition. Points that differ in other attributes only are one series.
Names of attributes are kept as they are; values become texts of :data:`~analytics.rollup.observations.LABEL_LENGTH` characters
at most.

The labels of such a series are one text, the JSON object that its rows hold (:func:`labels`): the row
itself says which attributes it has, so a dimension that is added later changes no series of before.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec

from analytics.rollup.observations import LABEL_LENGTH, Labels
from drishti.measures.definition_checks import check
from drishti.measures.definitions import MAX_DIMENSIONS, OTHER, Kind, MetricDefinition

SERVICE = "service"
"""The dimension that every metric has: the service by its token. A point's own attribute of that name is none."""

MAX_DEPTH = 8
"""Levels of a nested value that are written out."""

Pairs = tuple[tuple[str, str], ...]
"""Names and values of attributes, in the order of their names."""

_encode = msgspec.json.Encoder(order="sorted").encode


def pairs(attributes: Iterable[Any]) -> Pairs:
    """The attributes (``KeyValue``) that a label can be made of; of equal names the last one."""
    texts = {attribute.key: label for attribute in attributes if (label := _label(attribute.value))}
    return tuple(sorted((name, text) for name, text in texts.items() if name != SERVICE))


def labels(service: str, attributes: Pairs, dimensions: Sequence[str]) -> Labels:
    """The labels of a series. Empty values are left out: an attribute that is not there is the same."""
    chosen = {name: text for name, text in attributes if name in dimensions}
    chosen[SERVICE] = service
    if service == OTHER and len(chosen) == 1:  # its row would be that of the series beyond the limit
        return (OTHER,)
    return (_encode(chosen).decode(),)


def extended(dimensions: Sequence[str], attributes: Pairs) -> tuple[str, ...]:
    """``dimensions`` and those of ``attributes`` that there is room for; the same where there is nothing to add."""
    found = list(dimensions)
    for name, _ in attributes:
        if len(found) >= MAX_DIMENSIONS:
            break
        if name not in found and is_dimension(name):
            found.append(name)
    return tuple(found)


def is_dimension(name: str) -> bool:
    """Whether an attribute's name can be that of a dimension: a text that people can read, and not too long a one."""
    return not check(MetricDefinition(name="n", kind=Kind.GAUGE, dimensions=(name,)))


def _label(value: Any) -> str:
    text = _text(value, MAX_DEPTH)
    text = text if isinstance(text, str) else _encode(text).decode()
    return text[:LABEL_LENGTH].replace("\0", "\ufffd")


def _text(value: Any, depth: int) -> Any:
    """An ``AnyValue`` as a text, or as what JSON makes one of."""
    kind = value.WhichOneof("value")
    if kind is None or depth == 0:
        return ""
    if kind == "string_value":
        return value.string_value
    if kind == "bool_value":
        return "true" if value.bool_value else "false"
    if kind == "bytes_value":
        return base64.b64encode(value.bytes_value[:LABEL_LENGTH]).decode()
    if kind == "array_value":
        return [_text(part, depth - 1) for part in value.array_value.values[:LABEL_LENGTH]]
    if kind == "kvlist_value":
        return {part.key: _text(part.value, depth - 1) for part in value.kvlist_value.values[:LABEL_LENGTH]}
    return repr(getattr(value, kind)) if kind == "double_value" else str(getattr(value, kind))
