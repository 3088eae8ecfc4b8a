"""Administers Drishti: keys, metrics, dashboards, questions, dead letters, the declaration of the bus, and contracts.

The bus is found by DRISHTI_NATS_URL (with NATS_USER and NATS_PASSWORD), else in DRISHTI_HOME/admin.env, which a local run
writes. Exit status: 0 done, 1 it could not be done (one line on standard error says why), 2 wrong usage.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeAlias

from drishti import erase_cli, settings, text_table
from drishti.bus import dead_letters, keys, streams
from drishti.bus.connection import Bus
from drishti.bus.dead_letters import Dead
from drishti.contracts import files
from drishti.dashboards import capsule_cli
from drishti.dashboards import cli as dashboards
from drishti.errors import BusUnavailable, DrishtiError, UsageError
from drishti.exporting import cli as export_cli
from drishti.importing import cli as import_cli
from drishti.measures import cli as metrics
from drishti.measures import query_cli
from drishti.messages import catalogue
from drishti.messages.subjects import DEFAULT_TENANT
from drishti.plain_text import escaped
from drishti.settings import BusSettings
from drishti.telemetry import logs

CONNECT_S = 5.0

WRONG_USAGE = 2
"""Exit status, as argparse has it."""

SHOWN = 20
"""Dead letters that are listed where nothing else is asked for."""

_ADMIN = "NATS_USER must be admin; with the addresses of client.env alone, set DRISHTI_HOME to the folder of admin.env"

Command = Callable[[argparse.Namespace], Coroutine[Any, Any, int]]
Subparsers: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"

EXAMPLES = """examples:
  drishti keys create --name ci --role producer     a key for a producer; its text is shown once
  drishti keys create --name laptop --role viewer --expires 30d
  drishti keys revoke 5f2c81aa
  drishti metrics list                              what is measured; `drishti metrics --help` says more
  drishti dashboards apply dashboards/              dashboards as YAML files; `drishti dashboards --help` says more
  drishti query 'p95(request_duration_ms)' --from now-1d    a question and its answer
  drishti capsule export checkout --from now-1d     a dashboard over a range as one file
  drishti import visits.csv --event-type page_view --time at --user visitor    events out of files
  drishti export events --from now-7d --output week.parquet    the rows themselves
  drishti erase ada@example.org                     a user everywhere, with a receipt
  drishti dead list --subject 'events.v1.>'         what was refused, and why
  drishti dead replay 17 18                         once the cause is fixed
  drishti bus declare                               streams, consumers and buckets; may be repeated
"""


def main(arguments: Sequence[str] | None = None) -> int:
    parsed = _parser().parse_args(arguments)
    command: Command = parsed.command
    try:
        logs.configure(default_level="ERROR")  # an error is reported in one line, at the end
        return asyncio.run(command(parsed))
    except DrishtiError as error:
        sys.stderr.write(f"drishti: {escaped(str(error), lines=True)}\n")
        return WRONG_USAGE if isinstance(error, UsageError) else 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `drishti dead list | head`
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115 - the interpreter flushes it at exit
        return 0


def bus_settings(environ: Mapping[str, str]) -> BusSettings:
    """Where the bus is: as ``environ`` says, else as the local run's ``admin.env`` does.

    Whoever has read a run's ``client.env`` into the shell has the same bus there with a producer's rights: then those of
    ``admin.env`` count.
    """
    path = Path(environ.get("DRISHTI_HOME") or ".drishti") / "admin.env"
    given = environ.get("DRISHTI_NATS_URL", "")
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        if not given:
            raise DrishtiError(
                f"DRISHTI_NATS_URL is not set, and {path} cannot be read ({error.strerror}): call it where the local run was "
                "started, or set DRISHTI_HOME to the run's folder"
            ) from None
        lines = []
    run = dict(line.split("=", 1) for line in lines if "=" in line)
    same = not environ.get("NATS_USER") and _address(given) == _address(run.get("DRISHTI_NATS_URL", ""))
    return settings.load(BusSettings, dict(environ) | run if not given or same else environ)


def _address(url: str) -> str:
    """Host and port of ``url``, without user and password."""
    return url.rpartition("@")[2].removeprefix("nats://")


@contextlib.asynccontextmanager
async def _connected() -> AsyncIterator[Bus]:
    loaded = bus_settings(os.environ)
    address = ",".join(url.rpartition("@")[2] for url in loaded.url.split(","))
    bus = Bus(catalogue.ADMIN)
    try:
        async with asyncio.timeout(CONNECT_S):
            await bus.start(loaded)
    except TimeoutError:
        reason = f" ({bus.nc.last_error})" if bus.nc.last_error else ""
        await bus.nc.close()
        raise DrishtiError(
            f"NATS at {address} gave no access within {CONNECT_S:g} s{reason}: is it running? {_ADMIN}"
        ) from None
    except (BusUnavailable, ValueError) as error:
        raise DrishtiError(f"DRISHTI_NATS_URL: {address!r} is no address of NATS ({error}); one is nats://host:4222") from None
    try:
        yield bus
    except BusUnavailable as error:
        raise DrishtiError(f"NATS refused or did not answer ({error}). {_ADMIN}") from error
    finally:
        await bus.close()


async def _keys_create(given: argparse.Namespace) -> int:
    async with _connected() as bus:
        kv = await bus.kv(catalogue.API_KEYS_BUCKET)
        now = datetime.now(UTC)
        expires_at = keys.expiry(given.expires, now=now) if given.expires else None
        key, text = await keys.create(kv, name=given.name, tenant=given.tenant, role=given.role, now=now, expires_at=expires_at)
    print(text)
    until = f", until {_instant(expires_at)}" if expires_at else ""
    sys.stderr.write(f"key {key.id} of tenant {key.tenant}, role {key.role}{until}. This text is shown once: keep it now.\n")
    return 0


async def _keys_list(_given: argparse.Namespace) -> int:
    async with _connected() as bus:
        listed = await keys.list_keys(await bus.kv(catalogue.API_KEYS_BUCKET))
    rows = [("id", "tenant", "role", "created", "expires", "revoked", "name")]
    rows += [
        (k.id, k.tenant, k.role, _instant(k.created_at), _instant(k.expires_at), _instant(k.revoked_at), k.name) for k in listed
    ]
    print("\n".join(text_table.lines(rows)))
    return 0


async def _keys_revoke(given: argparse.Namespace) -> int:
    async with _connected() as bus:
        key = await keys.revoke(await bus.kv(catalogue.API_KEYS_BUCKET), given.id, now=datetime.now(UTC))
    print(f"key {key.id} ({key.name}) is revoked since {_instant(key.revoked_at)}")
    return 0


async def _dead_list(given: argparse.Namespace) -> int:
    wanted = dead_letters.on_subject(given.subject)
    async with _connected() as bus:
        waiting = [entry async for entry in dead_letters.letters(bus.js, wanted)]
    if not waiting:
        print("no dead letters" + (f" of {given.subject}" if given.subject != ">" else ""))
        return 0
    rows = [("number", "refused", "subject", "by", "bytes", "reason")]
    for number, letter in waiting[-given.last :]:
        at = datetime.fromtimestamp(letter.at / 1000, UTC)
        size = f"{len(letter.payload)}{'+' if letter.truncated else ''}"
        rows.append((str(number), _instant(at), letter.subject, letter.refused_by, size, letter.reason))
    print("\n".join(text_table.lines(rows)))
    if len(waiting) > given.last:
        print(f"… and {len(waiting) - given.last} older ones: --last {len(waiting)} shows them")
    return 0


async def _dead_replay(given: argparse.Namespace) -> int:
    if bool(given.numbers) is given.all:
        raise DrishtiError("which letters? Give their numbers, or --all (also with --subject); `drishti dead list` shows them")
    numbers = frozenset(given.numbers)
    on_subject = dead_letters.on_subject(given.subject)

    def wanted(entry: Dead) -> bool:
        return on_subject(entry) and (given.all or entry.number in numbers)

    published, problems, seen = 0, 0, set()
    async with _connected() as bus:
        async for entry in dead_letters.letters(bus.js, wanted):
            seen.add(entry.number)
            result = await dead_letters.replay(bus, entry)
            if result.problem:
                problems += 1
                sys.stderr.write(f"{entry.number}: {escaped(result.problem)}\n")
            else:
                published += 1
                print(f"{entry.number} to {entry.letter.subject}")
    for number in sorted(numbers - seen):
        problems += 1
        sys.stderr.write(f"{number}: no such letter{'' if given.subject == '>' else f' of {given.subject}'}\n")
    print(f"{published} published again")
    return 1 if problems else 0


async def _bus_declare(_given: argparse.Namespace) -> int:
    async with _connected() as bus:
        made = await streams.declare(bus.js)
    print("\n".join(f"made {line}" for line in made) or "the bus is as the catalogue says")
    return 0


async def _contracts_write(given: argparse.Namespace) -> int:
    for path in files.write(files.checkout(given.root)):
        print(f"wrote {path}")
    return 0


async def _contracts_check(given: argparse.Namespace) -> int:
    root = files.checkout(given.root)
    if changes := files.broken(root):
        raise files.ContractBroken(changes)
    if differing := files.differing(root):
        raise DrishtiError(
            "not as the catalogue has it (`drishti contracts write` mends it):\n" + "\n".join(f"  - {p}" for p in differing)
        )
    print(f"{len(files.generated(root))} files are as the catalogue has it")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="drishti", description=__doc__, epilog=EXAMPLES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    topics = parser.add_subparsers(required=True, metavar="topic")

    verbs = _topic(topics, "keys", "API keys of the gateway")
    create = _verb(verbs, "create", _keys_create, "make a key and show its text, this once")
    create.add_argument("--name", required=True, help="what it is for; shown in the list")
    create.add_argument("--role", choices=keys.ROLES, default="producer", help="what it may do (default: producer)")
    create.add_argument("--tenant", default=DEFAULT_TENANT, help="whose data it sends and sees (default: default)")
    create.add_argument("--expires", metavar="WHEN", help="when it ends: 12h, 30d, 8w, or ISO 8601 (default: never)")
    _verb(verbs, "list", _keys_list, "all keys, without their texts")
    _verb(verbs, "revoke", _keys_revoke, "end a key for good").add_argument("id", help="as the list shows it")

    metrics.add(topics, _connected)
    dashboards.add(topics, _connected)
    query_cli.add(topics)
    capsule_cli.add(topics)
    import_cli.add(topics)
    export_cli.add(topics)
    erase_cli.add(topics)

    verbs = _topic(topics, "dead", "messages that were refused")
    shown = _verb(verbs, "list", _dead_list, "what was refused and why, newest last")
    shown.add_argument("--last", type=_positive, default=SHOWN, metavar="N", help=f"how many (default: {SHOWN})")
    replay = _verb(verbs, "replay", _dead_replay, "publish them again where they came from, and take them off the list")
    replay.add_argument("numbers", nargs="*", type=_positive, metavar="NUMBER", help="as the list shows it")
    replay.add_argument("--all", action="store_true", help="every one (of --subject)")
    for verb in (shown, replay):
        verb.add_argument("--subject", default=">", help="only of this subject, with NATS' wildcards")

    verbs = _topic(topics, "bus", "NATS")
    _verb(verbs, "declare", _bus_declare, "make the streams, consumers and buckets that are missing; fail where one differs")

    verbs = _topic(topics, "contracts", "files that are made from the catalogue (in a checkout)")
    for name, command, text in (
        ("write", _contracts_write, "bring them up to date"),
        ("check", _contracts_check, "fail where one differs, or where a contract would be broken"),
    ):
        verb = _verb(verbs, name, command, text)
        verb.add_argument("--root", type=Path, default=Path.cwd(), help="a folder of the checkout (default: here)")
    return parser


def _topic(topics: Subparsers, name: str, text: str) -> Subparsers:
    return topics.add_parser(name, help=text, description=text).add_subparsers(required=True, metavar="verb")


def _verb(verbs: Subparsers, name: str, command: Command, text: str) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = verbs.add_parser(name, help=text, description=text)
    parser.set_defaults(command=command)
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is not 1 or more")
    return number


def _instant(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%SZ") if at is not None else "–"


if __name__ == "__main__":
    raise SystemExit(main())
