"""Files of definitions into the registry: what they say becomes true, and what is true already is left alone."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from drishti.measures.definition_checks import InvalidDefinition
from drishti.measures.definition_files import Wanted, problem
from drishti.measures.effective import faults_of, with_origin
from drishti.measures.registry import MetricRegistry
from drishti.yaml_files import WrongFiles


async def apply(registry: MetricRegistry, wanted: Iterable[Wanted], *, check_only: bool = False) -> list[str]:
    """Makes true what ``wanted`` says; returns a line for each document. Packs are switched first.

    Everything is checked before anything is changed: :class:`WrongFiles`. A :class:`~drishti.bus.documents.Conflict` means
    that somebody changed a metric at the same moment; what was applied before it stays.
    """
    documents = sorted(wanted, key=lambda one: one.definition is not None)
    _check(documents)
    return [await _apply(registry, one, check_only=check_only) for one in documents]


def _check(documents: list[Wanted]) -> None:
    problems = [
        problem(one.where, fault, msgspec.to_builtins(one.definition))
        for one in documents
        if one.definition is not None
        for fault in faults_of(one.definition)
    ]
    if problems:
        raise WrongFiles(problems)


async def _apply(registry: MetricRegistry, one: Wanted, *, check_only: bool) -> str:
    view = registry.view(one.tenant)
    whose = f" of {one.tenant}"
    width = len("would turn off" if check_only else "unchanged ")
    if one.definition is None:
        if (one.pack in view.packs) is one.enabled:
            return f"{'unchanged':<{width}} pack {one.pack}{whose}"
        if not check_only:
            await registry.put_pack(one.tenant, one.pack, enabled=one.enabled)
        switched = "on" if one.enabled else "off"
        return f"{f'would turn {switched}' if check_only else switched:<{width}} pack {one.pack}{whose}"
    definition = with_origin(one.definition)
    token = definition.token
    revision = registry.revision(one.tenant, token)
    there = registry.own(one.tenant).get(token) if revision else view.definitions.get(token)
    if there == definition:
        return f"{'unchanged':<{width}} {definition.name}{whose}"
    if not check_only:
        try:
            await registry.put(one.tenant, definition, revision)
        except InvalidDefinition as error:
            document = msgspec.to_builtins(definition)
            raise WrongFiles([problem(one.where, fault, document) for fault in error.faults]) from None
    if check_only:
        change = "would change" if there is not None else "would define"
    else:
        change = "changed" if there is not None else "defined"
    return f"{change:<{width}} {definition.name}{whose}"
