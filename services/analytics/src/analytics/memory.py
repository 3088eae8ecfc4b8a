"""What is freed goes back to the system: settings of glibc's allocator, where that is what this process has.

Threads get heaps of their own, and what a burst freed in the middle of a heap stays with the process: a flood of a minute would
be paid for until the next start. Elsewhere (musl, macOS) nothing is done.
"""

from __future__ import annotations

import ctypes
from functools import cache
from typing import Any

_M_ARENA_MAX = -8
ARENAS = 1


@cache
def _glibc() -> Any:
    """The C library; ``None`` where it is no glibc."""
    library = ctypes.CDLL(None)
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None


def bound_heaps() -> None:
    """All threads share :data:`ARENAS` heaps: each more keeps as much as one thread ever needed. To be called before there are
    threads."""
    if (glibc := _glibc()) is not None:
        glibc.mallopt(_M_ARENA_MAX, ARENAS)


def give_back() -> None:
    """Gives free memory back to the system. Takes some milliseconds, in which no other thread allocates."""
    if (glibc := _glibc()) is not None:
        glibc.malloc_trim(0)
