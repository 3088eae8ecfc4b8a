"""Rows of ``events`` of one tenant and day become segments. Pure.

A property is a value of ``data`` that is a text, a number, or true or false, which are the texts ``true`` and ``false``. Lists
and objects are no properties.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from analytics.product.segments.own_ids import OWN
from analytics.product.segments.segment import (
    KEPT,
    MAX_OMITTED,
    MAX_PROPERTIES,
    PROPERTY,
    Column,
    Segment,
    bucket_of,
    segment,
)

MAX_TEXT = 200
"""Characters of a text that are kept: texts that begin with the same ones are the same value."""

MAX_NAME = 200
"""Characters of a property's name; longer ones have no column."""

FIELDS = ("event_type", "service", "version")

_decode = msgspec.json.Decoder(dict[str, Any]).decode


class EventRow(NamedTuple):
    """What is read of an event, in this order. ``user`` is the hash of the person's id, and ``own`` that of the id under which
    the event was sent, where it is another."""

    user: int
    t: int
    event_type: str
    service: str | None
    version: str | None
    data: str | None
    own: int | None = None


class _Codes(dict[str | None, int]):
    """A code for each text, in the order in which they come; ``None`` is 0."""

    def __init__(self) -> None:
        self[None] = 0

    def __missing__(self, text: str | None) -> int:
        code = self[text] = len(self)
        return code

    def values_by_code(self) -> list[str]:
        return [text for text in self if text is not None]


class _Property:
    def __init__(self) -> None:
        self.codes = _Codes()
        self.text_rows: list[int] = []
        self.texts: list[int] = []
        self.number_rows: list[int] = []
        self.numbers: list[float] = []

    def column(self, rows: int) -> Column:
        codes = np.zeros(rows, np.uint32)
        codes[self.text_rows] = self.texts
        numbers = None
        if self.number_rows:
            numbers = np.full(rows, np.nan)
            numbers[self.number_rows] = [_float(number) for number in self.numbers]
        return Column(codes, self.codes.values_by_code(), numbers)


class EventRows:
    """Collects rows, ``add`` by ``add``. Properties whose columns are among ``keep`` get one, however many others there are;
    with ``only`` no others do."""

    def __init__(self, keep: Iterable[str] = (), *, only: bool = False) -> None:
        self._keep = frozenset(keep) if only else KEPT.union(keep)
        self._only = only
        self._users: list[int] = []
        self._t: list[int] = []
        self._fields = [(_Codes(), list[int]()) for _ in FIELDS]
        self._own_codes = _Codes()
        self._own: list[int] = []
        self._properties: dict[str, _Property] = {}
        self._omitted: set[str] = set()

    def __len__(self) -> int:
        return len(self._users)

    def add(self, rows: Sequence[Iterable[Any]]) -> None:
        """Adds rows with the columns of :class:`EventRow`."""
        if not rows:
            return
        first = len(self)
        users, t, *fields, data, own = zip(*rows, strict=True)
        self._users += users
        self._t += t
        for (codes, column), texts in zip(self._fields, fields, strict=True):
            column += [codes[text] for text in texts]
        codes = self._own_codes
        self._own += [0 if user is None else codes[str(user)] for user in own]
        for row, text in enumerate(data, first):
            if text is not None:
                self._add_data(row, text)

    def _add_data(self, row: int, text: str) -> None:
        known = self._properties
        for name, value in _decoded(text).items():
            kind = type(value)
            if kind is str:
                if (of := known.get(name) or self._new(name)) is not None:
                    of.text_rows.append(row)
                    of.texts.append(of.codes[value if len(value) <= MAX_TEXT else value[:MAX_TEXT]])
            elif kind is float or kind is int:
                if (of := known.get(name) or self._new(name)) is not None:
                    of.number_rows.append(row)
                    of.numbers.append(value)
            elif kind is bool and (of := known.get(name) or self._new(name)) is not None:
                of.text_rows.append(row)
                of.texts.append(of.codes["true" if value else "false"])

    def _new(self, name: str) -> _Property | None:
        if self._only and PROPERTY + name not in self._keep:
            return None
        if PROPERTY + name in self._keep or (len(self._properties) < MAX_PROPERTIES and len(name) <= MAX_NAME):
            return self._properties.setdefault(name, _Property())
        if len(self._omitted) <= MAX_OMITTED:
            self._omitted.add(PROPERTY + name[: MAX_NAME + 1])
        return None

    def segments(self) -> dict[int, Segment]:
        """A segment for each bucket that has rows."""
        unsure = len(self._omitted) > MAX_OMITTED  # then a column says that nothing of it was omitted
        if unsure:
            for name in self._keep:
                if name.startswith(PROPERTY):
                    self._properties.setdefault(name.removeprefix(PROPERTY), _Property())
        users = np.array(self._users, np.int64)
        t = np.array(self._t, np.int32)
        columns = {
            name: Column(np.array(codes, np.uint32), known.values_by_code())
            for name, (known, codes) in zip(FIELDS, self._fields, strict=True)
        }
        columns[OWN] = Column(np.array(self._own, np.uint32), self._own_codes.values_by_code())
        columns |= {PROPERTY + name: of.column(len(users)) for name, of in self._properties.items()}
        found = {}
        buckets = bucket_of(users)
        for bucket in np.unique(buckets).tolist():
            at = np.flatnonzero(buckets == bucket)
            own = {
                name: Column(column.codes[at], column.values, None if column.numbers is None else column.numbers[at])
                for name, column in columns.items()
            }
            found[bucket] = segment(
                users[at],
                t[at],
                {n: c for n, c in own.items() if not c.is_empty() or (unsure and n.startswith(PROPERTY))},
                self._omitted,
                self._keep,
            )
        return found


def _decoded(text: str) -> dict[str, Any]:
    try:
        return _decode(text)
    except msgspec.DecodeError:  # a number that no float can be; PostgreSQL has room for it
        found = json.loads(text)
        return found if isinstance(found, dict) else {}


def _float(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf
