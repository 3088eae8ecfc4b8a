"""Definitions of metrics out of JSON: as they are stored, and as people write them. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct

from drishti.measures.definition_checks import Fault, InvalidDefinition, check
from drishti.measures.definitions import EventSource, Kind, MetricDefinition, Share

_decoder = msgspec.json.Decoder(MetricDefinition)
_encoder = msgspec.json.Encoder()


def decode(text: bytes) -> MetricDefinition:
    """The definition in ``text``, checked; raises :class:`InvalidDefinition`."""
    try:
        definition = _decoder.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidDefinition([fault_of(error)]) from None
    if faults := check(definition):
        raise InvalidDefinition(faults)
    return definition


def encode(definition: MetricDefinition) -> bytes:
    return _encoder.encode(definition)


def given(document: object, base: MetricDefinition | None = None) -> MetricDefinition:
    """The definition that people wrote (as JSON or YAML), checked; raises :class:`InvalidDefinition`.

    Unlike :func:`decode`, which also reads what a later version stored, it refuses fields that it does not know. What is left
    out is as in ``base``, the metric that it changes, where there is one.
    """
    definition, faults = read(document, base)
    if definition is None or faults:
        raise InvalidDefinition(faults)
    return definition


def read(document: object, base: MetricDefinition | None = None) -> tuple[MetricDefinition | None, list[Fault]]:
    """The same with all that is wrong with it; ``None`` where it is so wrong that it is no definition."""
    if base is not None and isinstance(document, dict):
        document = msgspec.to_builtins(base) | document
    faults = list(_unknown_fields(document))
    try:
        definition = msgspec.convert(document, MetricDefinition)
    except (msgspec.ValidationError, RecursionError) as error:
        return None, [*faults, fault_of(error)]
    return definition, faults + check(definition)


def _unknown_fields(document: object) -> Iterator[Fault]:
    if not isinstance(document, dict):
        return
    parts: list[tuple[str, dict[Any, Any], type[Struct]]] = [("", document, MetricDefinition)]
    shares = document.get("shares")
    if isinstance(source := document.get("source"), dict):
        parts.append(("source.", source, EventSource))
    parts += [("shares.", share, Share) for share in (shares if isinstance(shares, list) else []) if isinstance(share, dict)]
    for prefix, part, model in parts:
        for name in part:
            if name not in model.__struct_fields__:
                yield Fault(
                    f"{prefix}{str(name)[:64]}", f"there is no such field; there are {', '.join(model.__struct_fields__)}"
                )


_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`\Z")
_SIDES = ("up", "down", "both")
_VALUES = {"kind": tuple(Kind), "direction": _SIDES[:2], "watch_policy.side": _SIDES}
"""What can be chosen, by the field's path: msgspec names the wrong value alone."""

_MISSING = re.compile(r"required field `(?P<name>[^`]*)`")


def fault_of(error: Exception) -> Fault:
    """What msgspec said about a definition, with the field's path taken out of its text."""
    if isinstance(error, RecursionError):
        return Fault("", "nested too deeply")
    text, path = str(error), ""
    if match := _PATH.search(text):
        path, text = match["path"], text[: match.start()]
    if text.startswith("Invalid enum value") and (known := _VALUES.get(path)):
        text = f"{text}; there are {', '.join(known)}"
    if missing := _MISSING.search(text):
        path = f"{path}.{missing['name']}" if path else missing["name"]
    return Fault(path, text)
