"""What can go wrong with the database, as analytics tells it apart."""

from drishti.errors import DrishtiError


class DatabaseAway(DrishtiError):
    """PostgreSQL does not answer, or cannot work at the moment. Nothing may be assumed about a commit; try again later."""


class Unstorable(DrishtiError):
    """PostgreSQL will never take these values. Another try would end the same."""


class MigrationConflict(DrishtiError):
    """The schema was made by another version of a migration than this program has."""
