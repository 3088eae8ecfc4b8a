"""``drishti metrics``: what is measured, and files of definitions."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeAlias

from drishti import text_table, yaml_files
from drishti.bus.connection import Bus
from drishti.errors import DrishtiError, QueryError
from drishti.measures import definition_files, registry
from drishti.measures.applying import apply
from drishti.measures.built_in import FED, PACKS
from drishti.measures.definitions import OTLP, MetricDefinition
from drishti.measures.effective import TenantMetrics
from drishti.measures.fields import fields_of, unit_of
from drishti.measures.history_progress import follow, has_history, progress, text
from drishti.measures.registry import MetricRegistry
from drishti.messages.subjects import DEFAULT_TENANT

Connected = Callable[[], AbstractAsyncContextManager[Bus]]
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

HELP = """Metrics are data: every number that Drishti counts has a definition. Some are built in, some come in packs that
a tenant switches on, and a tenant may add definitions of its own or change those that are there: which label sets go
live, whether it is watched and forecast, whether it is counted at all. A change is live everywhere within two seconds.

examples:
  drishti metrics list                          every metric of the default tenant, and where it comes from
  drishti metrics show requests                 its definition as YAML, and the fields that can be asked
  drishti metrics show --wait 'good answers'    the same of a KPI once its history is filled, and how far that is meanwhile
  drishti metrics apply metrics/                what the YAML files say becomes true; files that are wrong change nothing
  drishti metrics apply --check metrics/        only say what would change
  drishti metrics export > metrics.yaml         what the tenant itself defined, to be kept under version control
  drishti metrics delete queue.depth            forget a definition; one that is built in is again as it was
  drishti metrics packs wisdom --off            stop counting what a pack brings

a file holds one document for each metric:
  name: queue.depth
  kind: gauge                   # counter, gauge, distribution or unique
  unit: "{message}"             # UCUM: ms, By, 1; what is counted stands in braces
  dimensions: [service]         # up to 8 labels
  published: [[], [service]]    # label sets that go live; the empty one is the total
  description: messages that wait
"""


def add(topics: Subparsers, connected: Connected) -> None:
    """Adds ``metrics`` to the command's topics; ``connected`` gives a connection with an administrator's rights."""
    about = "what is measured: definitions, packs and files"
    topic = topics.add_parser("metrics", help=about, description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = topic.add_subparsers(required=True, metavar="verb")
    commands = Commands(connected)

    verb = _verb(verbs, "list", commands.list_all, "every metric of a tenant, and where it comes from")
    verb.add_argument("--all", action="store_true", help="also those that are switched off")
    about = "one definition as YAML, with the fields that can be asked, and how far its history is filled"
    verb = _verb(verbs, "show", commands.show, about)
    verb.add_argument("name", help="its name or its token")
    verb.add_argument(
        "--wait", action="store_true", help="until its history is filled, as in a terminal; progress goes to standard error"
    )
    verb = _verb(verbs, "apply", commands.apply, "make true what YAML files say", tenant=False)
    verb.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a file, or a folder of *.yaml")
    verb.add_argument("--tenant", help="whose they are, whatever the files say (default: as they say, else default)")
    verb.add_argument("--check", action="store_true", help="only say what would change")
    verb = _verb(verbs, "export", commands.export, "what a tenant itself defined, as YAML")
    verb.add_argument("--to", type=Path, metavar="FOLDER", help="a file for each metric there, instead of standard output")
    verb = _verb(verbs, "delete", commands.delete, "forget a definition of a tenant")
    verb.add_argument("names", nargs="+", metavar="NAME", help="its name or its token")
    verb = _verb(verbs, "packs", commands.packs, "the packs, or switch one on or off")
    verb.add_argument("name", nargs="?", help="the pack to switch")
    switch = verb.add_mutually_exclusive_group()
    switch.add_argument("--on", dest="enabled", action="store_true", default=None, help="count what it brings")
    switch.add_argument("--off", dest="enabled", action="store_false", help="count none of it")


class Commands:
    """What each verb does; each returns the exit status."""

    def __init__(self, connected: Connected) -> None:
        self._connected = connected

    async def list_all(self, given: argparse.Namespace) -> int:
        async with self._connected() as bus, registry.opened(bus) as metric_registry:
            metrics = metric_registry.of(given.tenant)
            rows = [("name", "kind", "unit", "dimensions", "from", "revision", "counted")]
            for token, metric in sorted(metrics.items()):
                if metric.enabled or given.all:
                    revision = str(metric_registry.revision(given.tenant, token) or "–")
                    dimensions = " ".join(metric.dimensions) or "–"
                    counted = "yes" if metric.enabled else "no"
                    rows.append((metric.name, metric.kind, metric.unit, dimensions, metric.origin, revision, counted))
        print("\n".join(text_table.lines(rows)))
        return 0

    async def show(self, given: argparse.Namespace) -> int:
        async with self._connected() as bus, registry.opened(bus) as metric_registry:
            view = metric_registry.view(given.tenant)
            metric = _named(view, given.name)
            revision = metric_registry.revision(given.tenant, metric.token)
            wait = given.wait or (sys.stdout.isatty() and sys.stderr.isatty())
            history = await _filling(bus, given.tenant, metric, wait=wait) if has_history(view, metric) else ""
        print(definition_files.text_of(metric, tenant=given.tenant), end="")
        print(f"# {_history(metric, revision)}")
        print(f"# token {metric.token}")
        if history:
            print(f"# history {history}")
        for field in fields_of(metric):
            print(f"# field {field:<12} {unit_of(metric, field)}")
        return 0

    async def apply(self, given: argparse.Namespace) -> int:
        wanted = definition_files.read(given.files, tenant=given.tenant)
        async with self._connected() as bus, registry.opened(bus) as metric_registry:
            lines = await apply(metric_registry, wanted, check_only=given.check)
        print("\n".join(lines) or "nothing is in these files")
        return 0

    async def export(self, given: argparse.Namespace) -> int:
        async with self._connected() as bus, registry.opened(bus) as metric_registry:
            texts = _texts(metric_registry, given.tenant)
        yaml_files.export(texts, given.to)
        return 0

    async def delete(self, given: argparse.Namespace) -> int:
        async with self._connected() as bus, registry.opened(bus) as metric_registry:
            for name in given.names:
                metric = _named(metric_registry.view(given.tenant), name)
                revision = metric_registry.revision(given.tenant, metric.token)
                if not revision:
                    raise DrishtiError(
                        f"{metric.name} is {metric.origin} and was not changed: there is nothing to delete; to stop counting "
                        "it, apply its definition with `enabled: false`"
                    )
                await metric_registry.delete(given.tenant, metric.token, revision)
                again = f", again as in {FED[metric.token].origin}" if metric.token in FED else ""
                print(f"deleted {metric.name}{again}")
        return 0

    async def packs(self, given: argparse.Namespace) -> int:
        if given.name is None and given.enabled is not None:
            raise DrishtiError("which pack? Name it before --on or --off; `drishti metrics packs` shows them")
        if given.name is not None and given.name not in PACKS:
            raise DrishtiError(f"there is no pack {given.name!r}; there are {', '.join(sorted(PACKS))}")
        async with self._connected() as bus, registry.opened(bus) as metric_registry:
            if given.name is not None and given.enabled is not None:
                await metric_registry.put_pack(given.tenant, given.name, enabled=given.enabled)
            view = metric_registry.view(given.tenant)
        rows = [("pack", "is", "brings")]
        for name, metrics in sorted(PACKS.items()):
            if given.name in (None, name):
                rows.append((name, "on" if name in view.packs else "off", " ".join(metric.name for metric in metrics)))
        print("\n".join(text_table.lines(rows)))
        return 0


async def _filling(bus: Bus, tenant: str, metric: MetricDefinition, *, wait: bool) -> str:
    """How far the history of ``metric`` is filled, or why that is not known: its definition can be read without."""
    try:
        return text(await (follow if wait else progress)(bus, tenant, metric))
    except QueryError as error:
        return f"is not known: {error}"


def _texts(metric_registry: MetricRegistry, tenant: str) -> dict[str, str]:
    """A document for each thing that the tenant itself said, by a name for its file."""
    texts = {
        f"pack.{name}": definition_files.text_of_pack(name, enabled=name in metric_registry.view(tenant).packs, tenant=tenant)
        for name in sorted(PACKS)
        if metric_registry.pack_revision(tenant, name)
    }
    own = metric_registry.own(tenant)
    return texts | {token: definition_files.text_of(own[token], tenant=tenant) for token in sorted(own)}


def _history(metric: MetricDefinition, revision: int) -> str:
    """Where the definition comes from, and whether the tenant changed it: ``built_in, changed by the tenant (revision 3)``."""
    if not revision:
        return f"origin {metric.origin}, not changed by the tenant"
    if metric.token in FED:
        return f"origin {metric.origin}, changed by the tenant (revision {revision})"
    how = ", registered by its first data points" if metric.origin == OTLP else ""
    return f"origin {metric.origin}{how} (revision {revision})"


def _named(view: TenantMetrics, name: str) -> MetricDefinition:
    metric = view.find(name)
    if metric is not None:
        return metric
    nearest = view.nearest(name)
    raise DrishtiError(f"there is no metric {name!r}" + (f"; is it {' or '.join(nearest)}?" if nearest else ""))


def _verb(verbs: Subparsers, name: str, command: object, text: str, *, tenant: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    if tenant:
        parser.add_argument("--tenant", default=DEFAULT_TENANT, help="whose metrics (default: default)")
    return parser
