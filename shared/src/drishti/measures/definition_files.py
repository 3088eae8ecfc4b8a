"""Definitions of metrics as YAML files, for version control: one document for each metric, or a list of them.

    name: queue.depth
    kind: gauge
    unit: "{message}"
    dimensions: [service]
    description: messages that wait

Of a metric that Drishti itself feeds, ``name`` and what is to differ are enough. A document with ``pack`` switches a pack
instead (``pack: wisdom``, ``enabled: false``). ``tenant`` says whose it is, where that is not the default tenant.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from drishti import yaml_files
from drishti.measures import definition_reading
from drishti.measures.built_in import FED, PACKS
from drishti.measures.definition_checks import Fault, InvalidDefinition
from drishti.measures.definitions import OTLP, MetricDefinition, token_of
from drishti.measures.expressions.errors import ExpressionError
from drishti.messages.subjects import DEFAULT_TENANT
from drishti.yaml_files import WrongFiles


class Wanted(Struct, frozen=True, kw_only=True):
    """One document: a metric of ``tenant``, or whether a pack is on. ``where`` names file and line."""

    where: str
    tenant: str
    definition: MetricDefinition | None = None
    pack: str = ""
    enabled: bool = True


def read(paths: Iterable[Path], *, tenant: str | None = None) -> list[Wanted]:
    """Every document of the files, and of the YAML files in those that are folders, as they are to be for ``tenant``.

    Where none is given, for the one that a document names, else the default one. Raises :class:`WrongFiles` with everything
    that is wrong.
    """
    result: list[Wanted] = []
    problems: list[str] = []
    for found in yaml_files.read(paths, problems):
        try:
            result.append(_wanted(found.where, found.document, tenant))
        except InvalidDefinition as error:
            problems += [problem(found.where_of(fault.field), fault, found.document) for fault in error.faults]
    by_key: dict[tuple[str, str], Wanted] = {}
    for wanted in result:
        token = wanted.definition.token if wanted.definition is not None else f"pack {wanted.pack}"
        if (first := by_key.setdefault((wanted.tenant, token), wanted)) is not wanted:
            problems.append(f"{wanted.where}: {token} is in {first.where} already")
    if problems:
        raise WrongFiles(problems)
    return result


def problem(where: str, fault: Fault, document: Any) -> str:
    """What is wrong, with the place; below it the text of the field and a caret under the character, where one is to blame."""
    text = f"{where}: {f'{fault.field}: ' if fault.field else ''}{fault.error}"
    wrong = yaml_files.value_at(document, fault.field)
    if fault.character is None or not isinstance(wrong, str):
        return text
    pointed = ExpressionError("", fault.character).pointed(wrong).splitlines()
    return "\n".join([text, *(f"      {line}" for line in pointed if line)])


def text_of(definition: MetricDefinition, *, tenant: str = DEFAULT_TENANT) -> str:
    """One document; ``origin`` is left out where it follows from the name. One that registered itself says so: applied again,
    it is what it was, and attributes that arrive later still become dimensions."""
    document = msgspec.to_builtins(definition)
    if definition.origin != OTLP:
        document.pop("origin", None)
    return _dump(document, tenant)


def text_of_pack(name: str, *, enabled: bool, tenant: str = DEFAULT_TENANT) -> str:
    """One document that switches a pack."""
    return _dump({"pack": name, "enabled": enabled}, tenant)


def _dump(document: dict[str, Any], tenant: str) -> str:
    if tenant != DEFAULT_TENANT:
        document = {"tenant": tenant, **document}
    return yaml_files.dump(document)


def _wanted(where: str, document: Any, tenant: str | None) -> Wanted:
    if not isinstance(document, dict):
        raise InvalidDefinition([Fault("", f"must be a mapping such as `name: queue.depth`, not {type(document).__name__}")])
    document = dict(document)
    named = document.pop("tenant", DEFAULT_TENANT)
    if not isinstance(named, str):
        raise InvalidDefinition([Fault("tenant", "must be a text")])
    whose = tenant or named
    if "pack" not in document:
        name = document.get("name")
        base = FED.get(token_of(name)) if isinstance(name, str) and "kind" not in document else None
        return Wanted(where=where, tenant=whose, definition=definition_reading.given(document, base))
    pack, enabled = document.pop("pack"), document.pop("enabled", True)
    if document:
        raise InvalidDefinition([Fault(str(name)[:64], "a pack has no such field, only enabled") for name in document])
    if not isinstance(pack, str) or pack not in PACKS:
        raise InvalidDefinition([Fault("pack", f"there is no pack of that name; there are {', '.join(sorted(PACKS))}")])
    if not isinstance(enabled, bool):
        raise InvalidDefinition([Fault("enabled", "must be true or false")])
    return Wanted(where=where, tenant=whose, pack=pack, enabled=enabled)
