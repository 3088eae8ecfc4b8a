"""Dashboards as YAML files, for version control: one document (:mod:`drishti.dashboards.documents`) for each.

``tenant`` says whose it is, where that is not the default tenant.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from drishti import yaml_files
from drishti.dashboards import document_reading, metric_checks
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.stored import StoredDashboards, faults_of
from drishti.measures.definition_checks import Fault, InvalidDefinition, checked_tenant
from drishti.measures.definition_files import problem
from drishti.measures.effective import TenantMetrics
from drishti.messages.subjects import DEFAULT_TENANT
from drishti.yaml_files import Found, WrongFiles

_PANEL = re.compile(r"panels\[[0-9]+\]")


class Wanted(NamedTuple):
    """One dashboard of ``tenant``, as it is to be. ``found`` names file and line."""

    found: Found
    tenant: str
    document: DashboardDocument


def read(paths: Iterable[Path], *, tenant: str | None = None) -> list[Wanted]:
    """Every dashboard of the files, and of the YAML files in those that are folders, as they are to be for ``tenant``.

    Where none is given, for the one that a document names, else the default one. Raises :class:`WrongFiles` with everything
    that is wrong.
    """
    problems: list[str] = []
    result: dict[tuple[str, str], Wanted] = {}
    for found in yaml_files.read(paths, problems):
        try:
            wanted = _wanted(found, tenant)
        except InvalidDefinition as error:
            problems += [_problem(found, fault) for fault in error.faults]
            continue
        first = result.setdefault((wanted.tenant, wanted.document.name), wanted)
        if first is not wanted:
            problems.append(f"{found.where}: {wanted.document.name} is in {first.found.where} already")
    if problems:
        raise WrongFiles(problems)
    return list(result.values())


def check_metrics(wanted: Iterable[Wanted], metrics: Callable[[str], TenantMetrics], *, strict: bool = False) -> list[str]:
    """What the documents ask for that nobody measures yet, a line for each: that is no fault, unless ``strict``.

    Raises :class:`WrongFiles` where they ask metrics for aggregates that these do not have.
    """
    problems: list[str] = []
    warnings: list[str] = []
    for one in wanted:
        view = metrics(one.tenant)
        problems += [_problem(one.found, fault) for fault in metric_checks.faults(one.document, view)]
        missing = [_problem(one.found, fault) for fault in metric_checks.not_measured(one.document, view)]
        (problems if strict else warnings).extend(missing)
    if problems:
        raise WrongFiles(problems)
    return warnings


async def apply(stored: StoredDashboards, wanted: Iterable[Wanted], *, check_only: bool = False) -> list[str]:
    """Makes true what ``wanted`` says, or with ``check_only`` nothing; returns a line for each dashboard.

    A :class:`~drishti.bus.documents.Conflict` means that somebody changed one at the same moment; what was applied before it
    stays.
    """
    lines = []
    width = len("would change" if check_only else "unchanged ")
    for found, tenant, document in wanted:
        there = stored.of(tenant).get(document.name)
        change = "unchanged" if there == document else _change(new=there is None, check_only=check_only)
        if there != document and not check_only:
            try:
                await stored.put(tenant, document, stored.revision(tenant, document.name))
            except InvalidDefinition as error:
                raise WrongFiles([_problem(found, fault) for fault in error.faults]) from None
        lines.append(f"{change:<{width}} {document.name} of {tenant}")
    return lines


def _change(*, new: bool, check_only: bool) -> str:
    if check_only:
        return "would make" if new else "would change"
    return "made" if new else "changed"


def text_of(document: DashboardDocument, *, tenant: str = DEFAULT_TENANT) -> str:
    """One document as YAML."""
    content: dict[str, Any] = msgspec.to_builtins(document)
    return yaml_files.dump(content if tenant == DEFAULT_TENANT else {"tenant": tenant, **content})


def _wanted(found: Found, tenant: str | None) -> Wanted:
    if not isinstance(found.document, dict):
        kind = type(found.document).__name__
        raise InvalidDefinition([Fault("", f"must be a mapping that begins with `name:`, not {kind}")])
    content = dict(found.document)
    named = content.pop("tenant", DEFAULT_TENANT)
    if not isinstance(named, str):
        raise InvalidDefinition([Fault("tenant", "must be a text")])
    whose = checked_tenant(tenant or named)
    document = document_reading.given(content)
    if faults := faults_of(document):
        raise InvalidDefinition(faults)
    return Wanted(found, whose, document)


def _problem(found: Found, fault: Fault) -> str:
    """File, line, the panel by its title, the field and what is wrong with it."""
    where = found.where_of(fault.field)
    if panel := _PANEL.match(fault.field):
        title = yaml_files.value_at(found.document, f"{panel[0]}.title")
        where += f": panel {title[:64]!r}" if isinstance(title, str) else ""
    return problem(where, fault, found.document)
