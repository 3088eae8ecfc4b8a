"""Which attributes many spans of an operation have in common, so that they are stored once and not with each span. Pure.

An attribute with few values (a method, a route, a statement, a host) is common; one that is different on nearly every span (an
id, an address) is the span's own. Which is which is learnt from the spans as they come, operation by operation: until an
attribute has had more than :data:`MAX_VALUES` values it is taken to be common. Nothing depends on it but room: what a span's
attributes are is the same however they were shared out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Set
from typing import Any, NamedTuple

import msgspec

from analytics.recent import Recent
from analytics.spans.conventions import USER_ID
from analytics.spans.span import Attributes

MAX_VALUES = 16
"""Values of an attribute of one operation up to which it is common."""

MAX_SETS = 200
"""Sets of common attributes of one operation; when there would be more, the attribute with most values becomes one's own."""

MAX_TEXT = 1_024
"""Characters of a common value."""

MAX_OPERATIONS = 20_000

_HASHED = frozenset({str, int, bool})
"""Types of values that can be common."""

_encode = msgspec.json.Encoder(order="sorted").encode


class Shared(NamedTuple):
    """The attributes of one span, shared out. ``common`` is the id of what many have in common, the span's name among it."""

    common: int
    own: dict[str, Any]


class _Operation:
    __slots__ = ("own", "sets", "values")

    def __init__(self) -> None:
        self.own: set[str] = {*USER_ID}  # also of few users: whoever erases one finds them with the span
        self.values: dict[str, set[Any]] = {}
        self.sets: dict[tuple[Any, ...], int] = {}


class CommonAttributes:
    """What this process has learnt of operations."""

    def __init__(self) -> None:
        self._operations: Recent[int, _Operation] = Recent(MAX_OPERATIONS)

    def forget_quiet(self) -> None:
        """Forgets the operations that were not seen since the last call."""
        self._operations.age()

    def own_names(self, operation: int) -> Set[str]:
        """Attributes that are the spans' own in ``operation``, as far as is known."""
        known = self._operations.get(operation)
        return frozenset() if known is None else known.own

    def share(
        self, tenant: str, operation: int, name: str, attributes: Attributes, own_names: Set[str] = frozenset()
    ) -> Shared:
        """Shares out the attributes of a span of ``operation``, the id of one of the tenant's operations. Those in
        ``own_names`` are the span's own in any case."""
        known = self._operations.get(operation)
        if known is None:
            known = _Operation()
            self._operations.put(operation, known)
        own: dict[str, Any] = {}
        parts: list[Any] = [name]
        rare, values = known.own, known.values
        for key, value in attributes.items():
            if key in rare or key in own_names:
                own[key] = value
                continue
            kind = type(value)
            if kind not in _HASHED or (kind is str and len(value) > MAX_TEXT):
                own[key] = value
                continue
            part = value if kind is str else (kind, value)  # a truth value is equal to 0 or 1
            seen = values.get(key)
            if seen is None:
                seen = values[key] = set()
            if part not in seen:
                if len(seen) >= MAX_VALUES:
                    self._make_own(known, key)
                    own[key] = value
                    continue
                seen.add(part)
            parts.append(key)
            parts.append(part)
        whole = tuple(parts)
        found = known.sets.get(whole)
        if found is None:
            if len(known.sets) >= MAX_SETS:
                if known.values:
                    self._make_own(known, max(known.values, key=lambda one: (len(known.values[one]), one)))
                known.sets.clear()
            found = known.sets[whole] = set_id(tenant, name, {key: attributes[key] for key in attributes if key not in own})
        return Shared(found, own)

    def _make_own(self, known: _Operation, key: str) -> None:
        known.own.add(key)
        known.values.pop(key, None)
        known.sets.clear()


def set_id(tenant: str, name: str, common: Attributes) -> int:
    """The id of a set of common attributes of a tenant, the same in every process."""
    whole = b"\0".join((tenant.encode(), name.encode(), _encode(common)))
    return int.from_bytes(hashlib.blake2b(whole, digest_size=8).digest(), "big", signed=True)
