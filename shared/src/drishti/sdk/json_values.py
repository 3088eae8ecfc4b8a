"""Turns what applications have in their hands into values that JSON knows. Pure.

The rules are in docs/sdk.md; they are the same whether msgspec knows a type by itself or not. A value for which there is no
rule, or whose own code raises, is left out: of an object with its key, of a list as ``null``, so that its neighbours keep
their places. Iterators, generators and files are never read: they are the application's.

No library is imported for its types. numpy, pandas, torch and jax are known by their methods, pydantic and attrs by the
attributes of their classes.
"""

from __future__ import annotations

import base64
import collections
import dataclasses
import enum
import ipaddress
import math
import re
from collections.abc import ItemsView, KeysView, Mapping, Sequence, Set, ValuesView
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import PurePath
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

MAX_LEVELS = 100
MAX_VALUES = 65_536
"""Of one event: more would not fit into it, whatever they are."""

MAX_BYTES = 128 * 1024
"""Of ``bytes`` or a text: more do not fit into an event."""

MAX_LEFT = 1000
"""After so many that have no rule no more are tried: asking each costs the application time."""

PATH_LENGTH = 200
MAX_INT_BITS = 14_000
"""Of an integer that is written: Python itself writes no more than 4,300 digits."""

_encode = msgspec.json.Encoder(decimal_format="number").encode

_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_PAIR = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_PLAIN = frozenset({int, float, bool, type(None)})
_LISTS = (list, tuple, set, frozenset, collections.deque, collections.UserList, range, KeysView, ValuesView, ItemsView)
_WRITTEN = (date, time, timedelta, UUID)
_SHOWN = (PurePath, ipaddress.IPv4Address, ipaddress.IPv6Address, ipaddress.IPv4Network, ipaddress.IPv6Network)


class Left(NamedTuple):
    """What was left out: where it was, and its type."""

    path: str
    kind: str


class Unfit(Exception):
    """There is no rule for this value."""


def text(value: str) -> str:
    """``value`` as every later step can take it: U+0000 and halves of surrogate pairs become U+FFFD."""
    if not isinstance(value, str):
        raise Unfit
    plain = str.__str__(value)  # of a subclass: as it is stored, whatever the subclass shows
    if _NO_TEXT.search(plain) is None:
        return plain
    whole = _PAIR.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), plain)
    return _NO_TEXT.sub("\N{REPLACEMENT CHARACTER}", whole)


def plain(value: Any, path: str = "") -> tuple[Any, list[Left]]:
    """``value`` in the types of JSON, and what of it was left out; ``path`` is where it stands. Raises :class:`Unfit`."""
    conversion = _Conversion()
    return conversion.value(value, path, 0), conversion.left


class _Conversion:
    def __init__(self) -> None:
        self.left: list[Left] = []
        self._open: set[int] = set()
        self._values = 0

    def value(self, value: Any, path: str, level: int) -> Any:
        """``value`` converted. Raises :class:`Unfit`, or whatever code of the application's raises."""
        kind = type(value)
        if value is None or kind is bool:
            return value
        if isinstance(value, enum.Enum):
            return self.value(value.value, path, level)
        if isinstance(value, str):
            if len(value) > MAX_BYTES:
                raise Unfit
            return text(value)
        if isinstance(value, collections.UserString):
            return self.value(value.data, path, level)
        if isinstance(value, int):
            number = int.__index__(value)
            if number.bit_length() > MAX_INT_BITS:
                raise Unfit
            return number
        if isinstance(value, float):
            return _finite(float.__float__(value))
        if kind is dict:
            return self._object(value, path, level)
        if isinstance(value, _LISTS):
            return self._array(value, path, level)
        if isinstance(value, Decimal | Fraction):
            return _exact(value)
        if isinstance(value, bytes | bytearray | memoryview):
            if memoryview(value).nbytes > MAX_BYTES:
                raise Unfit
            return base64.b64encode(bytes(value)).decode()  # a copy: a view may have gaps
        if isinstance(value, _WRITTEN):
            return _written(value)
        if isinstance(value, _SHOWN):
            return text(str(value))
        if isinstance(value, BaseException):
            return kind.__qualname__  # its message may hold what a user wrote
        return self._of_library(value, kind, path, level)

    def _of_library(self, value: Any, kind: type, path: str, level: int) -> Any:
        if len(self.left) >= MAX_LEFT:
            raise Unfit
        if isinstance(value, Mapping):
            return self._object(value, path, level)
        if isinstance(value, Sequence | Set):
            return self._array(value, path, level)
        if isinstance(value, msgspec.Struct):
            return self._object(
                {f.encode_name: getattr(value, f.name) for f in msgspec.structs.fields(value)}, path, level, value
            )
        if dataclasses.is_dataclass(kind):
            return self._object({f.name: getattr(value, f.name) for f in dataclasses.fields(kind)}, path, level, value)
        if (declared := getattr(kind, "__attrs_attrs__", None)) is not None:
            return self._object({a.name: getattr(value, a.name) for a in declared}, path, level, value)
        if callable(getattr(kind, "model_dump", None)):  # pydantic
            with _Nested(self._open, value, level):
                return self.value(value.model_dump(), path, level + 1)
        if hasattr(kind, "__fields__") and callable(getattr(kind, "dict", None)):  # pydantic 1
            with _Nested(self._open, value, level):
                return self.value(value.dict(), path, level + 1)
        if kind.__name__ == "NAType":  # pandas: no value
            return None
        for name in ("tolist", "to_list", "item"):
            if callable(getattr(kind, name, None)):
                return self._elements(value, name, path, level)
        raise Unfit

    def _elements(self, value: Any, name: str, path: str, level: int) -> Any:
        """What an array or a scalar of numpy, pandas, torch or jax holds."""
        self._take(_size(value))
        unit = getattr(getattr(value, "dtype", None), "kind", "")
        if unit in ("M", "m") and hasattr(value, "astype") and getattr(value.dtype, "tz", None) is None:
            # Nanoseconds would come as bare integers.
            value = value.astype("datetime64[us]" if unit == "M" else "timedelta64[us]")
        converted = getattr(value, name)()
        if type(converted) is type(value):  # numpy's long double is nothing else in Python
            converted = float(value)
        return self.value(converted, path, level)

    def _array(self, values: Any, path: str, level: int) -> list[Any]:
        self._take(len(values))
        with _Nested(self._open, values, level):
            parts = _copied(values)
            if _PLAIN.issuperset(map(type, parts)) and all(type(n) is not int or n.bit_length() <= MAX_INT_BITS for n in parts):
                return parts  # what numpy gives; the encoder makes null of what is not finite
            converted: list[Any] = []
            for index, part in enumerate(parts):
                try:
                    converted.append(self.value(part, f"{path}.{index}", level + 1))
                except Exception:
                    self._leave(f"{path}.{index}", part)
                    converted.append(None)
            return converted

    def _object(self, mapping: Any, path: str, level: int, owner: Any = None) -> dict[str, Any]:
        self._take(len(mapping))
        with _Nested(self._open, mapping if owner is None else owner, level):
            converted: dict[str, Any] = {}
            for key, part in _copied(mapping.items()):
                below = path
                try:
                    name = self._key(key)
                    below = f"{path}.{name}" if path else name
                    converted[name] = self.value(part, below, level + 1)
                except Exception:
                    self._leave(f"{path}.<{type(key).__name__}>" if below == path else below, part)
            return converted

    def _key(self, key: Any) -> str:
        if isinstance(key, str) and not isinstance(key, enum.Enum):
            return text(key)
        name = self.value(key, "", 0)
        if isinstance(name, str):
            return name
        if name is None or isinstance(name, bool | int | float | Decimal):
            return _encode(name).decode()
        raise Unfit

    def _take(self, values: int) -> None:
        if self._values + values > MAX_VALUES:
            raise Unfit
        self._values += values

    def _leave(self, path: str, value: Any) -> None:
        self.left.append(Left(path[:PATH_LENGTH], type(value).__name__))


class _Nested:
    """One level deeper, for as long as the block lasts; raises :class:`Unfit` for a circle and where it is too deep."""

    def __init__(self, open_: set[int], value: Any, level: int) -> None:
        if level >= MAX_LEVELS or id(value) in open_:
            raise Unfit
        self._open = open_
        self._id = id(value)

    def __enter__(self) -> None:
        self._open.add(self._id)

    def __exit__(self, *_: object) -> None:
        self._open.discard(self._id)


def _copied(values: Any) -> list[Any]:
    """The elements as they are now: another thread may be changing them."""
    for _ in range(3):
        try:
            return list(values)
        except RuntimeError:  # changed size during iteration
            continue
    raise Unfit


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _exact(value: Decimal | Fraction) -> Any:
    """A number with its own digits; as text where no double is as large."""
    if isinstance(value, Decimal) and not value.is_finite():
        return None
    try:
        near = float(value)
    except OverflowError:
        near = math.inf
    if not math.isfinite(near):
        return str(value)
    return Decimal(value) if isinstance(value, Decimal) else near


def _written(value: Any) -> str | None:
    """Times and UUIDs as msgspec writes them: ISO 8601, and the usual form."""
    if value != value:
        return None
    if isinstance(value, datetime):
        value = datetime(
            value.year, value.month, value.day, value.hour, value.minute, value.second, value.microsecond, value.tzinfo
        )
    elif isinstance(value, timedelta):
        value = timedelta(value.days, value.seconds, value.microseconds)
    elif isinstance(value, date):
        value = date(value.year, value.month, value.day)
    return _encode(value).decode().strip('"')


def _size(value: Any) -> int:
    """How many elements ``value`` would give."""
    size = getattr(value, "size", None)
    if not isinstance(size, int):
        size = value.numel() if callable(getattr(value, "numel", None)) else len(value) if hasattr(value, "__len__") else 1
    return int(size)


_MAX_INT64 = 2**63


def attribute(value: Any) -> Any:
    """``value`` as an attribute of a span may be: text, a number, a truth value, or a list of one of these; anything else as
    JSON text. ``None`` where there is no rule for it."""
    kind = type(value)
    if kind is bool or kind is float:
        return value
    if kind is str:
        return text(value)
    try:
        if kind is int:
            return value if -_MAX_INT64 <= value < _MAX_INT64 else str(value)[:PATH_LENGTH]
        converted, _ = plain(value)
        if isinstance(converted, Decimal):
            return float(converted)
        if isinstance(converted, list):
            return _attributes(converted)
        return (
            _encode(converted).decode()
            if isinstance(converted, dict)
            else attribute(converted)
            if converted is not None
            else None
        )
    except Exception:
        return None


def _attributes(values: list[Any]) -> Any:
    kinds = {type(value) for value in values}
    if kinds == {int, float}:
        return [float(value) for value in values]
    if len(kinds) <= 1 and kinds <= {str, bool, int, float}:
        return [attribute(value) for value in values]
    return _encode(values).decode()
