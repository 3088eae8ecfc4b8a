"""OTLP in JSON to protobuf messages. Pure.

How this works
--------------
For each message type a plan is made once from its descriptor: name in JSON → what to do with the value. Reading a body then is
walking two trees at once. It differs from protobuf's own JSON mapping as OTLP says it does: trace and span ids are hexadecimal,
enum values are numbers only; unknown names are ignored. 64-bit numbers may be texts. Ten times faster than
``google.protobuf.json_format``, which would read the ids as base64 besides.

A wrong value costs the span or data point it is in, or the resource or scope where it is one of theirs, and no other: what is
left out is listed with its reason. Text that is JSON but for ``NaN`` and ``Infinity`` is read.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar

import orjson
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from drishti.errors import InvalidPayload
from drishti.messages import jsontext

M = TypeVar("M", bound=Message)

_DEPTH = 64
"""How deep a value may be nested; protobuf's own parsers stop at 100."""

MAX_VALUES = 1_000_000
MAX_QUOTES = 4_200_000
"""Objects and arrays, and quotation marks, in one body: what is read takes up to 200 bytes of memory for each of the former and
30 for each of the latter, however short it is written. A body of 20 MB with attributes alone has as many."""

_OUT_OF_RANGE = "the value is out of the field's range"
"""Instead of the library's words, which quote the value: reasons are logged, values never."""

_PATH_LENGTH = 200

_HEX = frozenset({"trace_id", "span_id", "parent_span_id"})

_PARTS = frozenset(
    f"opentelemetry.proto.{name}"
    for name in (
        "trace.v1.ScopeSpans", "trace.v1.Span", "metrics.v1.ScopeMetrics", "metrics.v1.Metric", "metrics.v1.NumberDataPoint",
        "metrics.v1.HistogramDataPoint", "metrics.v1.ExponentialHistogramDataPoint", "metrics.v1.SummaryDataPoint",
        "logs.v1.ScopeLogs", "logs.v1.LogRecord",
    )
)  # fmt: skip
"""Messages that are left out where they are wrong, with all that is in them and nothing else."""

_HOLDERS = (
    "scopeSpans", "scope_spans", "spans", "scopeMetrics", "scope_metrics", "metrics", "gauge", "sum", "histogram",
    "exponentialHistogram", "exponential_histogram", "summary", "dataPoints", "data_points", "scopeLogs", "scope_logs",
    "logRecords", "log_records",
)  # fmt: skip
"""Where in an object its spans or data points are, from a resource down."""


MAX_LOST = 1000
"""Spans or data points that may be left out one by one: with more the request is refused whole. Finding each costs time."""


class TooManyLost(InvalidPayload):
    """More than :data:`MAX_LOST`."""

    def __init__(self) -> None:
        super().__init__(f"more than {MAX_LOST} spans or data points in one request cannot be read")


class Lost(NamedTuple):
    """``items`` spans or data points that were left out, and why."""

    items: int
    error: InvalidPayload


_Convert = Callable[[Any], Any]
_Set = Callable[[Any, Any, str, int, list[Lost]], None]
_Plan = dict[str, _Set]
_plans: dict[str, _Plan] = {}

_SIGNED = {FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SFIXED64, FieldDescriptor.TYPE_SINT64}
_SIGNED |= {FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SFIXED32, FieldDescriptor.TYPE_SINT32}
_UNSIGNED = {FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64}
_UNSIGNED |= {FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32}


def resources(body: bytes, kind: type[M], field: str, limit: int, lost: list[Lost]) -> Iterator[M]:
    """The messages in the array ``field`` of an export request, built one by one. What cannot be read is added to ``lost``.

    Raises :class:`InvalidPayload` that names the field, and where there are more than ``limit`` before any is built.
    """
    if body.count(b"{") + body.count(b"[") > MAX_VALUES:
        raise InvalidPayload(f"more than {MAX_VALUES} objects and arrays in one body; send smaller batches")
    if body.count(b'"') > MAX_QUOTES:
        raise InvalidPayload(f"more than {MAX_QUOTES // 2} texts in one body; send smaller batches")
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError:
        document = _mended(body)
    if not isinstance(document, dict):
        raise InvalidPayload("an object is expected")
    words = field.split("_")
    name = "".join([words[0], *(word.title() for word in words[1:])])
    if name not in document:
        name = field
    listed = document.get(name)
    if listed is None:
        return
    if len(_array(listed, name)) > limit:
        raise InvalidPayload(f"more than {limit} resources in one request; send smaller batches")
    for index, item in enumerate(listed):
        message = kind()
        before = len(lost)
        try:
            _fill(message, item, f"{name}.{index}", 1, lost)
        except TooManyLost:
            raise
        except InvalidPayload as error:
            del lost[before:]
            lost.append(Lost(_count(item), error))
        else:
            yield message


def _mended(body: bytes) -> Any:
    """``body`` with U+FFFD for what is no text, and with its ``NaN``: one attribute must not cost the others of its request."""
    text = jsontext.mended(body)
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        reason = f"the body is not JSON: {error}"
    if b"NaN" in text or b"Infinity" in text:
        try:
            return json.loads(text.decode())  # five times slower, and takes these three words
        except (ValueError, RecursionError):
            pass  # it is not JSON for another reason
    raise InvalidPayload(reason)


def _count(document: Any) -> int:
    """How many spans or data points ``document`` holds; itself, where it is one."""
    if not isinstance(document, dict):
        return 1
    held = [document[name] for name in _HOLDERS if isinstance(document.get(name), dict | list)]
    if not held:
        return 1
    return sum(_count(value) if isinstance(value, dict) else sum(map(_count, value)) for value in held)


def _fill(message: Any, document: Any, path: str, depth: int, lost: list[Lost]) -> None:
    if not isinstance(document, dict):
        raise InvalidPayload("an object is expected", path)
    if depth > _DEPTH:
        raise InvalidPayload("nested too deeply", path[:_PATH_LENGTH])
    descriptor = message.DESCRIPTOR
    plan = _plans.get(descriptor.full_name) or _plan(descriptor)
    for name, value in document.items():
        if value is not None and (set_field := plan.get(name)) is not None:
            set_field(message, value, f"{path}.{name}" if path else name, depth, lost)


def _plan(descriptor: Descriptor) -> _Plan:
    plan: _Plan = {}
    for field in descriptor.fields:
        plan[field.json_name] = plan[field.name] = _setter(field)
    _plans[descriptor.full_name] = plan
    return plan


def _setter(field: FieldDescriptor) -> _Set:
    name = field.name
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        if not field.is_repeated:
            return _message(name)
        kind = field.message_type
        return _parts(name) if kind is not None and kind.full_name in _PARTS else _messages(name)
    convert = _converter(field)
    return _scalars(name, convert) if field.is_repeated else _scalar(name, convert)


def _message(name: str) -> _Set:
    def set_field(message: Any, value: Any, path: str, depth: int, lost: list[Lost]) -> None:
        child = getattr(message, name)
        child.SetInParent()
        _fill(child, value, path, depth + 1, lost)

    return set_field


def _messages(name: str) -> _Set:
    def set_field(message: Any, value: Any, path: str, depth: int, lost: list[Lost]) -> None:
        add = getattr(message, name).add
        for index, item in enumerate(_array(value, path)):
            _fill(add(), item, f"{path}.{index}", depth + 1, lost)

    return set_field


def _parts(name: str) -> _Set:
    def set_field(message: Any, value: Any, path: str, depth: int, lost: list[Lost]) -> None:
        parts = getattr(message, name)
        for index, item in enumerate(_array(value, path)):
            before = len(lost)
            try:
                _fill(parts.add(), item, f"{path}.{index}", depth + 1, lost)
            except TooManyLost:
                raise
            except InvalidPayload as error:
                del parts[-1], lost[before:]  # what was lost within it is counted with it
                lost.append(Lost(_count(item), error))
                if len(lost) > MAX_LOST:
                    raise TooManyLost from None

    return set_field


def _scalar(name: str, convert: _Convert) -> _Set:
    def set_field(message: Any, value: Any, path: str, _depth: int, _lost: list[Lost]) -> None:
        try:
            converted = convert(value)
        except (ValueError, TypeError) as error:
            raise InvalidPayload(str(error), path) from None
        try:
            setattr(message, name, converted)
        except (ValueError, TypeError):
            raise InvalidPayload(_OUT_OF_RANGE, path) from None

    return set_field


def _scalars(name: str, convert: _Convert) -> _Set:
    def set_field(message: Any, value: Any, path: str, _depth: int, _lost: list[Lost]) -> None:
        try:
            converted = [convert(item) for item in _array(value, path)]
        except (ValueError, TypeError) as error:
            raise InvalidPayload(str(error), path) from None
        try:
            getattr(message, name).extend(converted)
        except (ValueError, TypeError):
            raise InvalidPayload(_OUT_OF_RANGE, path) from None

    return set_field


def _array(value: Any, path: str) -> list[Any]:
    if not isinstance(value, list):
        raise InvalidPayload("an array is expected", path)
    return value


def _converter(field: FieldDescriptor) -> _Convert:
    kind = field.type
    if kind in _SIGNED | _UNSIGNED:
        return _integer
    if kind == FieldDescriptor.TYPE_ENUM:
        return _enum
    if kind in (FieldDescriptor.TYPE_DOUBLE, FieldDescriptor.TYPE_FLOAT):
        return _number
    if kind == FieldDescriptor.TYPE_BYTES:
        return _hexadecimal if field.name in _HEX else _base64
    if kind == FieldDescriptor.TYPE_BOOL:
        return _boolean
    return _text


_WHOLE = re.compile(r"[+-]?[0-9]{1,20}\Z")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]{1,40}\.?[0-9]{0,40}|\.[0-9]{1,40})(?:[eE][+-]?[0-9]{1,5})?\Z")


def _integer(value: Any) -> int:
    if isinstance(value, str) and _WHOLE.match(value):
        return int(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    raise ValueError("a whole number is expected")


def _enum(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError("a number is expected, as OTLP says for enums")


_SPECIAL = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def _number(value: Any) -> float:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, str) and value in _SPECIAL:
        return _SPECIAL[value]
    if isinstance(value, str) and _DECIMAL.match(value):
        return float(value)
    raise ValueError("a number is expected")


def _hexadecimal(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError("hexadecimal text is expected")
    decoded = bytes.fromhex(value)
    if 2 * len(decoded) != len(value):
        raise ValueError("hexadecimal text has no white space")
    return decoded


def _base64(value: Any) -> bytes:
    if not isinstance(value, str):
        raise TypeError("base64 text is expected")
    try:
        return base64.b64decode(value, validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from None


def _boolean(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError("true or false is expected")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("text is expected")
    return value
