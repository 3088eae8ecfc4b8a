"""What can go wrong with the database and with files, as analytics distinguishes it."""

from drishti.errors import DrishtiError


class DatabaseAway(DrishtiError):
    """PostgreSQL does not answer, or cannot work at the moment. Nothing may be assumed about a commit; try again later."""


class LockTimeout(DatabaseAway):
    """Somebody else holds a lock for longer than the statement may wait for it."""


class StatementTimeout(DatabaseAway):
    """A statement took longer than it may, and PostgreSQL ended it."""


class Unstorable(DrishtiError):
    """PostgreSQL will never take these values. Another try would end the same."""


class DuplicateKey(DrishtiError):
    """A row with the same unique key is there already; the transaction is void."""


class MigrationConflict(DrishtiError):
    """The schema was made by another version of a migration than this program has."""


class BadPrices(DrishtiError):
    """The file ``name`` is no table of prices; ``reason`` says what is wrong, and where."""

    def __init__(self, name: str, reason: str) -> None:
        self.name, self.reason = name, reason
        super().__init__(f"{name}: {reason}")
