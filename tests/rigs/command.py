"""The command ``drishti``, run in the tests' own process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

Command = Callable[..., Awaitable[tuple[int, str, str]]]
"""With its arguments: exit status, standard output and standard error."""
