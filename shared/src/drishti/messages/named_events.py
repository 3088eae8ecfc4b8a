"""Events that other programs name in their own way: the type that a name becomes, and the data that it is kept in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drishti.messages import subjects

NAME = "event_name"
"""The key of ``data`` that has the name as it was sent."""

DISPLACED = "properties"
"""The key of ``data`` below which values stay whose own keys have another meaning here."""


def event_type(name: str) -> str:
    """``name`` as the type of an event: itself where it is a token, else in lower case with ``_`` for everything else.

    ``Order Completed`` is ``order_completed``, ``com.example.order-paid`` is ``com_example_order_paid``. What ASCII has no
    letters for, and what is beyond 64 characters, is in a hash at the end: ``Заказ`` is ``event_`` and eight digits.
    """
    return name if subjects.is_token(name) else subjects.token(name, unreadable="event").replace("-", "_")


def data_of(given: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """``given`` and ``own`` in one object. Of equal keys ``own`` has the key, and what was given stays below ``properties``."""
    displaced = {key: given[key] for key in own if key in given}
    if not displaced:
        return {**given, **own}
    if DISPLACED in given:
        displaced[DISPLACED] = given[DISPLACED]
    return {**given, **own, DISPLACED: displaced}
