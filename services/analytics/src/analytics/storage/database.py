"""Connections to PostgreSQL: a time limit on everything, statements by name, and the driver's errors translated into ours.

No other module of analytics sees the driver: :class:`Session` is what they work with.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any

import asyncpg

from analytics.errors import DatabaseAway, DuplicateKey, LockTimeout, MigrationConflict, StatementTimeout, Unstorable
from analytics.storage import sql
from analytics.storage.rows import Record
from drishti.settings import Secret

log = logging.getLogger(__name__)

CONNECT_S = 5.0
STATEMENT_S = 30.0
"""No statement of analytics takes a second on a healthy machine; one that takes so long is better tried again."""

READ_AT_ONCE = 500
"""Rows that are read in one go where their weight counts."""

RETRY_S = 0.25
RETRY_MAX_S = 5.0

_LATER = frozenset({"08", "25", "40", "53", "55", "57", "58", "XX"})
"""Classes of SQLSTATE that may succeed later: connection, read-only, rollback, resources, locks, operator, system."""

_NEVER = frozenset({"22", "54"})
"""Wrong data, and values too large for any row."""


@contextlib.contextmanager
def _translated_errors() -> Iterator[None]:
    """Raises an error of :mod:`analytics.errors` for what the driver raises; lets bugs pass as they are."""
    try:
        yield
    except asyncpg.UniqueViolationError as error:
        raise DuplicateKey(f"{type(error).__name__}: {error}") from error
    except asyncpg.LockNotAvailableError as error:
        raise LockTimeout(f"{type(error).__name__}: {error}") from error
    except asyncpg.QueryCanceledError as error:
        raise StatementTimeout(f"{type(error).__name__}: {error}") from error
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


class Session:
    """One connection. Statements are named as in ``queries/*.sql``; all methods raise the errors of :mod:`analytics.errors`."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def fetch(self, name: str, *parameters: Any, within_s: float | None = None) -> Sequence[Record]:
        """All rows of a statement; ``within_s`` as of :meth:`fetch_composed`."""
        return await self.fetch_composed(sql.queries()[name], *parameters, within_s=within_s)

    async def fetch_composed(self, text: str, *parameters: Any, within_s: float | None = None) -> Sequence[Record]:
        """All rows of a statement that was composed of parts: what is asked for is not known before. It holds no value that
        anybody has given; those are parameters. Raises :class:`StatementTimeout` after ``within_s``; outside of a transaction
        the session is as good as before."""
        with _translated_errors():
            try:
                records: Sequence[Record] = await self._connection.fetch(text, *parameters, timeout=within_s)
            except TimeoutError as error:
                if within_s is None:
                    raise
                raise StatementTimeout(f"took longer than {within_s} s") from error
            return records

    async def fetch_within(
        self, name: str, *parameters: Any, weigh: Callable[[Record], int], most: int
    ) -> tuple[list[Record], bool]:
        """The first rows of a statement that weigh ``most`` together, and whether there are more; no more of them than
        :data:`READ_AT_ONCE` are in memory beyond that. Within a transaction, or in one of its own."""
        rows: list[Record] = []
        with _translated_errors():
            async with self._connection.transaction():
                cursor = await self._connection.cursor(sql.queries()[name], *parameters)
                while read := await cursor.fetch(READ_AT_ONCE):
                    for row in read:
                        most -= weigh(row)
                        if most < 0:
                            return rows, True
                        rows.append(row)
        return rows, False

    async def batches(self, name: str, *parameters: Any, at_once: int) -> AsyncIterator[Sequence[Iterable[Any]]]:
        """The rows of a statement, each by its columns in order, ``at_once`` at a time, within a transaction."""
        with _translated_errors():
            cursor = await self._connection.cursor(sql.queries()[name], *parameters)
            while read := await cursor.fetch(at_once):
                yield read

    async def value(self, name: str, *parameters: Any) -> Any:
        """The first column of a statement's first row; ``None`` where there is none."""
        with _translated_errors():
            return await self._connection.fetchval(sql.queries()[name], *parameters)

    async def execute(self, name: str, *parameters: Any) -> int:
        """How many rows a statement changed, where it says so; else 0."""
        with _translated_errors():
            status: str = await self._connection.execute(sql.queries()[name], *parameters)
        count = status.rpartition(" ")[2]
        return int(count) if count.isdigit() else 0

    async def copy(
        self, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]] | AsyncIterable[tuple[Any, ...]]
    ) -> None:
        """Adds ``rows`` to ``table``."""
        with _translated_errors():
            try:
                await self._connection.copy_records_to_table(table, records=rows, columns=columns)
            except OverflowError as error:  # what a statement refuses as DataError
                raise Unstorable(f"{table}: {error}") from error

    async def copy_encoded(self, table: str, columns: Sequence[str], rows: bytes) -> None:
        """Adds ``rows`` to ``table``, which are encoded as PostgreSQL's binary COPY takes them."""
        with _translated_errors():
            await self._connection.copy_to_table(table, source=io.BytesIO(rows), columns=columns, format="binary")

    async def run_script(self, text: str) -> None:
        """Runs the statements of a migration."""
        with _translated_errors():
            await self._connection.execute(text)

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[None]:
        """Commits at the end of the block; rolls back where it raises."""
        with _translated_errors():
            async with self._connection.transaction():
                yield

    @contextlib.asynccontextmanager
    async def snapshot(self, *, readonly: bool = True) -> AsyncIterator[None]:
        """As :meth:`transaction`; all statements in the block see the database as the first of them does."""
        with _translated_errors():
            async with self._connection.transaction(isolation="repeatable_read", readonly=readonly):
                yield

    @property
    def is_closed(self) -> bool:
        return bool(self._connection.is_closed())

    def terminate(self) -> None:
        """Ends the connection at once, whatever it is waiting for."""
        self._connection.terminate()

    async def close(self) -> None:
        """Ends the connection in order, or at once where that takes too long."""
        try:
            await self._connection.close(timeout=2)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
            self._connection.terminate()

    async def __aenter__(self) -> Session:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class Database:
    """Opens sessions of one database."""

    def __init__(self, url: Secret) -> None:
        self._url = url

    async def connect(
        self, *, name: str, statement_s: float = STATEMENT_S, generic: bool = False, work_memory: str = ""
    ) -> Session:
        """One session, or :class:`DatabaseAway`. ``generic`` plans each statement once, whatever its parameters; else each is
        planned every time: PostgreSQL would change to one plan for all after some times, which takes lists of ids and ranges of
        time for short ones, and is ten times as slow for long ones. ``work_memory`` is what each sort and each hash table of it
        may have, where that is not PostgreSQL's own setting."""
        options = {
            "application_name": f"analytics {name}",
            "jit": "off",  # compiling takes longer than any of our statements
            "timezone": "UTC",
            "statement_timeout": f"{int(statement_s * 1000)}",
            "idle_in_transaction_session_timeout": "60000",
            "plan_cache_mode": "force_generic_plan" if generic else "force_custom_plan",
        }
        if work_memory:
            options["work_mem"] = work_memory
        with _translated_errors():
            return Session(
                await asyncpg.connect(
                    self._url.reveal(), timeout=CONNECT_S, command_timeout=statement_s + 2, server_settings=options
                )
            )

    async def wait_connection(
        self, *, name: str, statement_s: float = STATEMENT_S, generic: bool = False, work_memory: str = ""
    ) -> Session:
        """As :meth:`connect`, as long as it takes; says in the log that it waits."""
        delay = RETRY_S
        logged = False
        while True:
            try:
                session = await self.connect(name=name, statement_s=statement_s, generic=generic, work_memory=work_memory)
            except DatabaseAway as error:
                if not logged:
                    log.warning("waiting for postgresql", extra={"for": name, "reason": str(error)})
                    logged = True
                await asyncio.sleep(delay)
                delay = min(RETRY_MAX_S, delay * 2)
                continue
            if logged:
                log.info("postgresql answers", extra={"for": name})
            return session

    async def migrate(self) -> list[str]:
        """Brings the schema up to date; returns what was applied. One replica at a time, all in one transaction."""
        async with await self.wait_connection(name="migrations", statement_s=300) as session:
            return await _migrate(session)


async def _migrate(session: Session) -> list[str]:
    applied: list[str] = []
    async with session.transaction():
        await session.execute("lock_migrations")
        await session.execute("make_migrations_table")
        done = {row["version"]: row for row in await session.fetch("list_migrations")}
        known = sql.migrations()
        newer = sorted(set(done) - {m.version for m in known})
        if newer:
            raise MigrationConflict(
                f"the database has migration {newer[-1]:04d}, which this version does not know: start a newer version"
            )
        for migration in known:
            row = done.get(migration.version)
            if row is None:
                await session.run_script(migration.text)
                await session.execute("add_migration", migration.version, migration.name, migration.checksum)
                applied.append(f"{migration.version:04d}_{migration.name}")
            elif row["checksum"] != migration.checksum:
                raise MigrationConflict(
                    f"migration {migration.version:04d}_{migration.name} was changed after it was applied: "
                    "bring its text back and put the change into a new migration"
                )
    for name in applied:
        log.info("migration applied", extra={"migration": name})
    return applied
