"""``drishti dashboards``: dashboards that a tenant made, and files of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeAlias

from drishti import text_table, yaml_files
from drishti.bus.connection import Bus
from drishti.dashboards import document_files, stored
from drishti.dashboards.documents import DashboardDocument
from drishti.dashboards.stored import RESERVED, StoredDashboards
from drishti.errors import DrishtiError
from drishti.measures import registry
from drishti.messages.subjects import DEFAULT_TENANT
from drishti.plain_text import escaped

Connected = Callable[[], AbstractAsyncContextManager[Bus]]
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

HELP = f"""Dashboards are documents: panels that ask questions of a tenant's metrics. Each is a page below
/api/dashboard/dashboard/NAME and a WebSocket below /api/dashboard/ws/NAME, live within a second of being stored.
{", ".join(sorted(RESERVED))} are there from the start and cannot be changed.

examples:
  drishti dashboards list                       the dashboards that the default tenant made
  drishti dashboards show checkout              one of them as YAML
  drishti dashboards apply dashboards/          what the YAML files say becomes true; files that are wrong change nothing
  drishti dashboards apply --check dashboards/  only say what would change; the exit status is 1 where a file is wrong
  drishti dashboards export --to dashboards/    a file for each, to be kept under version control
  drishti dashboards delete checkout            remove one

a file holds one document for each dashboard:
  name: checkout                # a-z, 0-9, _ and -
  title: Checkout
  panels:
    - kind: stat                # stat, time_series, heatmap or table
      title: Orders
      value: {{metric: orders, field: rate}}
    - kind: time_series
      title: Orders by shop
      lines:
        - {{metric: orders, field: rate, name: all}}
        - {{metric: orders, field: rate, by: shop}}
"""


def add(topics: Subparsers, connected: Connected) -> None:
    """Adds ``dashboards`` to the command's topics; ``connected`` gives a connection with an administrator's rights."""
    about = "dashboards that a tenant made, and files of them"
    topic = topics.add_parser("dashboards", help=about, description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    verbs = topic.add_subparsers(required=True, metavar="verb")
    commands = Commands(connected)
    _verb(verbs, "list", commands.list_all, "the dashboards that a tenant made")
    verb = _verb(verbs, "show", commands.show, "one dashboard as YAML")
    verb.add_argument("name")
    verb = _verb(verbs, "apply", commands.apply, "make true what YAML files say", tenant=False)
    verb.add_argument("files", nargs="+", type=Path, metavar="FILE", help="a file, or a folder of *.yaml")
    verb.add_argument("--tenant", help="whose they are, whatever the files say (default: as they say, else default)")
    verb.add_argument("--check", "--dry-run", action="store_true", help="only say what would change")
    verb.add_argument("--strict", action="store_true", help="what nobody measures yet is a fault, not a warning")
    verb = _verb(verbs, "export", commands.export, "the dashboards that a tenant made, as YAML")
    verb.add_argument("--to", type=Path, metavar="FOLDER", help="a file for each there, instead of standard output")
    verb = _verb(verbs, "delete", commands.delete, "remove dashboards of a tenant")
    verb.add_argument("names", nargs="+", metavar="NAME")


class Commands:
    """What each verb does; each returns the exit status."""

    def __init__(self, connected: Connected) -> None:
        self._connected = connected

    async def list_all(self, given: argparse.Namespace) -> int:
        async with self._connected() as bus, stored.opened(bus) as dashboards:
            rows = [("name", "title", "panels", "revision")]
            for name, document in dashboards.of(given.tenant).items():
                rows.append((name, document.title, str(len(document.panels)), str(dashboards.revision(given.tenant, name))))
        print("\n".join(text_table.lines(rows)))
        return 0

    async def show(self, given: argparse.Namespace) -> int:
        async with self._connected() as bus, stored.opened(bus) as dashboards:
            document = _named(dashboards, given.tenant, given.name)
            revision = dashboards.revision(given.tenant, given.name)
        print(document_files.text_of(document, tenant=given.tenant), end="")
        print(f"# revision {revision}")
        return 0

    async def apply(self, given: argparse.Namespace) -> int:
        wanted = document_files.read(given.files, tenant=given.tenant)
        async with self._connected() as bus, stored.opened(bus) as dashboards:
            async with registry.opened(bus) as metrics:
                warnings = document_files.check_metrics(wanted, metrics.view, strict=given.strict)
            lines = await document_files.apply(dashboards, wanted, check_only=given.check)
        sys.stderr.write("".join(f"warning: {escaped(warning, lines=True)}\n" for warning in warnings))
        print("\n".join(lines) or "nothing is in these files")
        return 0

    async def export(self, given: argparse.Namespace) -> int:
        async with self._connected() as bus, stored.opened(bus) as dashboards:
            texts = {
                name: document_files.text_of(document, tenant=given.tenant)
                for name, document in dashboards.of(given.tenant).items()
            }
        yaml_files.export(texts, given.to)
        return 0

    async def delete(self, given: argparse.Namespace) -> int:
        async with self._connected() as bus, stored.opened(bus) as dashboards:
            for name in given.names:
                _named(dashboards, given.tenant, name)
                await dashboards.delete(given.tenant, name, dashboards.revision(given.tenant, name))
                print(f"deleted {name}")
        return 0


def _named(dashboards: StoredDashboards, tenant: str, name: str) -> DashboardDocument:
    own = dashboards.of(tenant)
    if name in own:
        return own[name]
    there = f"there are {', '.join(own)}" if own else f"{tenant} made none"
    raise DrishtiError(f"there is no dashboard {name!r} that {tenant} made; {there}")


def _verb(verbs: Subparsers, name: str, command: object, text: str, *, tenant: bool = True) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    if tenant:
        parser.add_argument("--tenant", default=DEFAULT_TENANT, help="whose dashboards (default: default)")
    return parser
