"""``drishti erase``: a user erased everywhere, with the receipt, over HTTP from the gateway."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from typing import Any, TypeAlias
from urllib.parse import quote

from drishti.errors import DrishtiError
from drishti.gateway_client import GatewayClient
from drishti.measures import query_cli
from drishti.plain_text import escaped

Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

EVERY_S = 0.5
NOTICE_S = 2.0

HELP = """Erases a user of the tenant everywhere: rows, segments, spans, log records, labels, and what is still on the bus. All
ids that were merged into theirs go as well. Waits until it is done, and prints the receipt as JSON, which does not hold the
id. If interrupted, the erasure goes on by itself; `--receipt ID` waits for it again.

examples:
  drishti erase ada@example.org
  drishti erase ada@example.org --block          nothing of this id is ever stored again
  drishti erase --receipt 5b0c6f1e-0d5e-4b0e-8f57-2f1f0c1b9a11

The gateway and an administrator's key are DRISHTI_URL and DRISHTI_API_KEY, else those of client.env in DRISHTI_HOME. Exit
status: 0 everything is erased, 1 it is not. docs/erasure.md says what is removed.
"""


def add(topics: Subparsers) -> None:
    """Adds ``erase`` to the command's topics."""
    text = "erase a user everywhere, with a receipt"
    parser = topics.add_parser("erase", help=text, description=HELP, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.set_defaults(command=erase)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("user", nargs="?", metavar="USER", help="the user's id, as events have it")
    what.add_argument("--receipt", metavar="ID", help="an erasure that was begun before")
    parser.add_argument("--block", action="store_true", help="store nothing of this id ever again")
    parser.add_argument("--no-wait", action="store_true", help="print the receipt of what has begun")


async def erase(given: argparse.Namespace) -> int:
    """Erases; raises :class:`DrishtiError`."""
    stop = threading.Event()
    work = asyncio.ensure_future(asyncio.to_thread(_erase, given, stop))
    try:
        print_receipt(await asyncio.shield(work))
    except asyncio.CancelledError:
        stop.set()
        await asyncio.gather(work, return_exceptions=True)
        raise
    return 0


def print_receipt(receipt: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(receipt, indent=2) + "\n")


def _erase(given: argparse.Namespace, stop: threading.Event) -> dict[str, Any]:
    client = GatewayClient(*query_cli.address(os.environ), stop, lambda problem: _say(f"waits: {problem}"))
    if given.receipt is not None:
        receipt = _receipt(client, given.receipt)
    else:
        order = json.dumps({"user_id": given.user, "block": given.block}).encode()
        receipt = client.ask("POST", "/api/erasures", order).document
        _say(f"erasure {receipt.get('id')} has begun: nothing from before is stored any more")
    began = said = time.monotonic()
    while receipt.get("state") == "running" and not given.no_wait:
        client.pause(EVERY_S)
        receipt = _receipt(client, str(receipt["id"]))
        if (now := time.monotonic()) - said >= NOTICE_S:
            said = now
            removed = ", ".join(f"{count:,} {store}" for store, count in receipt.get("removed", {}).items())
            _say(f"{now - began:.0f} s: {removed or 'nothing yet'} removed")
    if receipt.get("state") not in ("running", "done"):
        raise DrishtiError("the answer of the gateway cannot be read: is it one of this version?")
    return receipt


def _receipt(client: GatewayClient, erasure_id: str) -> dict[str, Any]:
    return client.ask("GET", f"/api/erasures/{quote(erasure_id, safe='')}").document


def _say(text: str) -> None:
    sys.stderr.write(f"{escaped(text)}\n")
