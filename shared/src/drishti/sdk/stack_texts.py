"""An exception as Python prints it, with its causes and, of a group, the exceptions in it, but without what any of them
says."""

from __future__ import annotations

import traceback
from typing import Any

MAX_DEPTH = 10
"""Exceptions that are told of a chain of causes, and levels of groups."""

MAX_GROUP = 10


def stack_text(error: BaseException, *, messages: bool = False) -> str:
    """Frames and types; ``messages`` adds what each exception says, and its notes. Messages may quote what a user wrote."""
    told = traceback.TracebackException.from_exception(
        error, max_group_width=MAX_GROUP, max_group_depth=MAX_DEPTH, compact=True
    )
    if not messages:
        _silence(told, 0)
    return "".join(told.format()).rstrip("\n")


def _silence(told: Any, depth: int) -> None:
    told._str = ""
    told.__notes__ = None
    for name in ("msg", "text"):  # of a SyntaxError, which prints its source
        if hasattr(told, name):
            setattr(told, name, None)
    if depth == MAX_DEPTH:
        told.__cause__ = told.__context__ = None
    for further in (told.__cause__, told.__context__, *(told.exceptions or ())):
        if further is not None:
            _silence(further, depth + 1)
