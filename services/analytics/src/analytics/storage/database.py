"""The way to PostgreSQL: connections with a time limit on everything, and the driver's errors sorted into ours."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Iterator

import asyncpg

from analytics.errors import DatabaseAway, MigrationConflict, Unstorable
from analytics.storage import sql
from drishti.settings import Secret

log = logging.getLogger(__name__)

CONNECT_S = 5.0
STATEMENT_S = 30.0
"""No statement of analytics takes a second on a healthy machine; one that takes so long is better tried again."""

QUESTION_S = 8.0
"""For questions of users: whoever asked has given up by then."""

RETRY_S = 0.25
RETRY_MAX_S = 5.0

_LATER = frozenset({"08", "25", "40", "53", "55", "57", "58", "XX"})
"""Classes of SQLSTATE that another time may mend: connection, read-only, rollback, resources, locks, operator, system."""

_NEVER = frozenset({"22", "54"})
"""Wrong data, and values too large for any row."""


@contextlib.contextmanager
def sorted_errors() -> Iterator[None]:
    """Raises :class:`DatabaseAway` or :class:`Unstorable` for what the driver raises; lets bugs pass as they are."""
    try:
        yield
    except asyncpg.PostgresError as error:
        kind = (error.sqlstate or "")[:2]
        # 23514 is a row without a partition: it was dropped between the look and the write, and will be made again.
        if kind in _LATER or error.sqlstate == "23514":
            raise DatabaseAway(f"{type(error).__name__}: {error}") from error
        if kind in _NEVER:
            raise Unstorable(f"{type(error).__name__}: {error}") from error
        raise
    except (asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise DatabaseAway(f"{type(error).__name__}: {error}") from error


class Database:
    """Gives connections to one database."""

    def __init__(self, url: Secret) -> None:
        self._url = url

    async def connect(self, *, name: str, statement_s: float = STATEMENT_S, generic: bool = False) -> asyncpg.Connection:
        """One connection, or :class:`DatabaseAway`. ``generic`` plans each statement once, whatever its parameters."""
        options = {
            "application_name": f"analytics {name}",
            "jit": "off",  # compiling takes longer than any of our statements
            "timezone": "UTC",
            "statement_timeout": f"{int(statement_s * 1000)}",
            "idle_in_transaction_session_timeout": "60000",
        }
        if generic:
            options["plan_cache_mode"] = "force_generic_plan"
        with sorted_errors():
            return await asyncpg.connect(
                self._url.reveal(), timeout=CONNECT_S, command_timeout=statement_s + 2, server_settings=options
            )

    async def wait_connection(
        self, *, name: str, statement_s: float = STATEMENT_S, generic: bool = False
    ) -> asyncpg.Connection:
        """As :meth:`connect`, as long as it takes; says in the log that it waits."""
        delay = RETRY_S
        told = False
        while True:
            try:
                connection = await self.connect(name=name, statement_s=statement_s, generic=generic)
            except DatabaseAway as error:
                if not told:
                    log.warning("waiting for postgresql", extra={"for": name, "reason": str(error)})
                    told = True
                await asyncio.sleep(delay)
                delay = min(RETRY_MAX_S, delay * 2)
                continue
            if told:
                log.info("postgresql answers", extra={"for": name})
            return connection

    async def migrate(self) -> list[str]:
        """Brings the schema up to date; returns what was applied. One replica at a time, all in one transaction."""
        connection = await self.wait_connection(name="migrations", statement_s=300)
        try:
            with sorted_errors():
                return await _migrate(connection)
        finally:
            await close(connection)


async def close(connection: asyncpg.Connection) -> None:
    """Says goodbye, or hangs up where that takes too long."""
    try:
        await connection.close(timeout=2)
    except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
        connection.terminate()


@contextlib.asynccontextmanager
async def closing(connection: asyncpg.Connection) -> AsyncIterator[asyncpg.Connection]:
    """``connection``, closed at the end."""
    try:
        yield connection
    finally:
        await close(connection)


async def _migrate(connection: asyncpg.Connection) -> list[str]:
    queries = sql.queries()
    applied: list[str] = []
    async with connection.transaction():
        await connection.execute(queries["lock_migrations"])
        await connection.execute(queries["make_migrations_table"])
        done = {row["version"]: row for row in await connection.fetch(queries["list_migrations"])}
        known = sql.migrations()
        newer = sorted(set(done) - {m.version for m in known})
        if newer:
            raise MigrationConflict(
                f"the database has migration {newer[-1]:04d}, which this version does not know: start a newer version"
            )
        for migration in known:
            row = done.get(migration.version)
            if row is None:
                await connection.execute(migration.text)
                await connection.execute(queries["add_migration"], migration.version, migration.name, migration.checksum)
                applied.append(f"{migration.version:04d}_{migration.name}")
            elif row["checksum"] != migration.checksum:
                raise MigrationConflict(
                    f"migration {migration.version:04d}_{migration.name} was changed after it was applied: "
                    "bring its text back and put the change into a new migration"
                )
    for name in applied:
        log.info("migration applied", extra={"migration": name})
    return applied
