"""The errors that cross module borders. Each says which input, what was wrong and what to do."""

from __future__ import annotations

from collections.abc import Sequence


class DrishtiError(Exception):
    """Root of every error that Drishti raises on purpose."""


class UsageError(DrishtiError):
    """A command was given what it cannot work with, and has done nothing."""


class SettingsError(DrishtiError):
    """One or more settings are wrong; ``problems`` lists all of them by variable name."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("wrong settings:\n" + "\n".join(f"  - {p}" for p in problems))


class InvalidPayload(DrishtiError):
    """A payload does not match its contract. ``field`` is a dotted path, ``""`` for the whole payload."""

    def __init__(self, error: str, field: str = "") -> None:
        self.error = error
        self.field = field
        super().__init__(f"{field}: {error}" if field else error)


class UnknownKind(DrishtiError):
    """A message of a kind that this version does not know: of a later one. Treatment: count it and pass it over."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"messages of kind {kind!r} are not known to this version")


class InvalidSubject(DrishtiError):
    """A subject, or a token for one, is outside ``[a-z0-9_-]``."""


class BusConflict(DrishtiError):
    """A stream, consumer or bucket exists with another configuration than the catalogue's."""


class BusUnavailable(DrishtiError):
    """The bus did not confirm in time; nothing may be assumed about the message."""


class BusRefused(DrishtiError):
    """The bus will never take this message: it is too large, its subject or a header is invalid, or the user may not publish
    there. Another try would end the same; other messages are not affected. ``too_large``: in smaller parts it could be sent."""

    def __init__(self, message: str, *, too_large: bool = False) -> None:
        self.too_large = too_large
        super().__init__(message)


class RevisionConflict(DrishtiError):
    """An entry of a bucket was changed by somebody else since it was read; nothing was stored."""


class BucketFull(DrishtiError):
    """A bucket has no room for another entry; nothing was stored."""


class BrokenObject(DrishtiError):
    """An object in the bus's object store is not whole, or is not what was saved."""


class DuplicateMessage(DrishtiError):
    """The stream holds another message with this id already, so this one was not stored.

    For a repetition of one's own message that is success. For any other the id belongs to somebody else's message, and this
    one is lost unless it is published again under a new id.
    """

    def __init__(self, subject: str, sequence: int) -> None:
        self.subject = subject
        self.sequence = sequence
        super().__init__(f"{subject}: not stored, since message {sequence} of the stream has the same id")


class QueryError(DrishtiError):
    """A question cannot be answered; ``code`` is one of ``invalid``, ``unknown`` (what is asked for is not there),
    ``conflict`` (somebody else changed it), ``timeout``, ``unavailable``.

    In an expression, ``length`` characters from ``character`` on, from 0, are wrong. ``nearest``: names that may be meant.
    """

    def __init__(
        self,
        message: str,
        code: str = "invalid",
        field: str = "",
        *,
        character: int | None = None,
        length: int | None = None,
        nearest: Sequence[str] = (),
    ) -> None:
        self.code = code
        self.field = field
        self.character = character
        self.length = length
        self.nearest = list(nearest)
        super().__init__(message)
