"""Ids in the rules by which people are left out. Pure."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from drishti.messages.product.conditions import PropertyCondition
from drishti.messages.product.exclusion import USER_ID, ExclusionRule

_rules = msgspec.json.Decoder(list[ExclusionRule])
_encode = msgspec.json.Encoder().encode


def without_ids(stored: str | bytes, ids: Collection[str]) -> tuple[str, int]:
    """Rules as they are stored without these ids, and how often these were named. A rule about them alone goes."""
    kept, named = [], 0
    for rule in _rules.decode(stored):
        where = []
        for condition in rule.where:
            left, found = _without(condition, ids)
            named += found
            where.append(left)
        if None not in where:
            kept.append(msgspec.structs.replace(rule, where=where))
    return _encode(kept).decode(), named


def _without(condition: PropertyCondition, ids: Collection[str]) -> tuple[PropertyCondition | None, int]:
    if condition.property != USER_ID:
        return condition, 0
    if condition.op != "in":
        return (None, 1) if condition.value in ids else (condition, 0)
    values = [value for value in condition.values if value not in ids]
    found = len(condition.values) - len(values)
    return msgspec.structs.replace(condition, values=values) if values else None, found
