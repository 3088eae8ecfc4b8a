"""Dashboards as YAML files, for version control: one document (:mod:`drishti.dashboards.documents`) for each.

``tenant`` says whose it is, where that is not the default tenant.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from drishti import yaml_files
from drishti.dashboards import document_reading
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.stored import StoredDashboards, faults_of
from drishti.measures.definition_checks import Fault, InvalidDefinition
from drishti.measures.definition_files import problem
from drishti.messages.subjects import DEFAULT_TENANT
from drishti.yaml_files import WrongFiles


class Wanted(NamedTuple):
    """One dashboard of ``tenant``, as it is to be. ``where`` names file and line."""

    where: str
    tenant: str
    document: DashboardDocument


def read(paths: Iterable[Path], *, tenant: str | None = None) -> list[Wanted]:
    """Every dashboard of the files, and of the YAML files in those that are folders, as they are to be for ``tenant``.

    Where none is given, for the one that a document names, else the default one. Raises :class:`WrongFiles` with everything
    that is wrong.
    """
    problems: list[str] = []
    result: dict[tuple[str, str], Wanted] = {}
    for where, found in yaml_files.read(paths, problems):
        try:
            wanted = _wanted(where, found, tenant)
        except InvalidDefinition as error:
            problems += [problem(where, fault, found) for fault in error.faults]
            continue
        first = result.setdefault((wanted.tenant, wanted.document.name), wanted)
        if first is not wanted:
            problems.append(f"{where}: {wanted.document.name} is in {first.where} already")
    if problems:
        raise WrongFiles(problems)
    return list(result.values())


async def apply(stored: StoredDashboards, wanted: Iterable[Wanted], *, check_only: bool = False) -> list[str]:
    """Makes true what ``wanted`` says; returns a line for each dashboard.

    A :class:`~drishti.bus.documents.Conflict` means that somebody changed one at the same moment; what was applied before it
    stays.
    """
    lines = []
    for where, tenant, document in wanted:
        there = stored.of(tenant).get(document.name)
        change = "unchanged" if there == document else "changed" if there is not None else "made"
        if there != document and not check_only:
            try:
                await stored.put(tenant, document, stored.revision(tenant, document.name))
            except InvalidDefinition as error:
                raise WrongFiles([problem(where, fault, None) for fault in error.faults]) from None
        lines.append(f"{change:<10} {document.name} of {tenant}")
    return lines


def text_of(document: DashboardDocument, *, tenant: str = DEFAULT_TENANT) -> str:
    """One document as YAML."""
    content: dict[str, Any] = msgspec.to_builtins(document)
    return yaml_files.dump(content if tenant == DEFAULT_TENANT else {"tenant": tenant, **content})


def _wanted(where: str, found: Any, tenant: str | None) -> Wanted:
    if not isinstance(found, dict):
        raise InvalidDefinition([Fault("", f"must be a mapping that begins with `name:`, not {type(found).__name__}")])
    content = dict(found)
    named = content.pop("tenant", DEFAULT_TENANT)
    if not isinstance(named, str):
        raise InvalidDefinition([Fault("tenant", "must be a text")])
    document = document_reading.given(content)
    if faults := faults_of(document):
        raise InvalidDefinition(faults)
    return Wanted(where, tenant or named, document)
