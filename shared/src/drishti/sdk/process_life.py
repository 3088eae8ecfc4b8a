"""What the SDK does where a process forks and where it ends.

*Ends.* Children of ``multiprocessing`` (processes, pools, ``concurrent.futures``) end by ``os._exit`` once their own finalizers
have run, so ``atexit`` never runs there: :func:`at_end_of_worker` joins those finalizers. A child forgets what was registered
before it began its work and then calls whoever asked to be called after a fork, whether it was forked or spawned. So the
finalizer is registered at that call.

*Forks.* A module that one thread imports while another forks can never be imported in the child: nobody there releases its
lock. So what the SDK imports late it imports inside :func:`forks_wait`.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from typing import Any

from opentelemetry import _logs, metrics, trace

log = logging.getLogger(__name__)

_LATE = -10
"""Priority among the finalizers of a child: after the application's own, which may track more."""

FORK_WAITS_S = 10.0
"""How long a fork waits at most. Importing a client of NATS takes a second on a slow machine."""


class _Registration:
    """What ``multiprocessing`` keeps hold of by a weak reference."""


_registration = _Registration()
_functions: list[Callable[[], object]] = []
_joined = False
_forking = threading.RLock()
_forker = threading.local()


@contextlib.contextmanager
def forks_wait() -> Iterator[None]:
    """Keeps other threads from forking meanwhile."""
    with _forking:
        yield


def at_end_of_worker(function: Callable[[], object]) -> None:
    """Has ``function`` called where a worker process ends by itself: its work returned, raised or called ``sys.exit``."""
    _functions.append(function)
    _join()


def flush_telemetry(timeout_s: float) -> None:
    """Has this process's providers send what they hold; returns after ``timeout_s`` though they may still be busy."""
    providers: tuple[Any, ...] = (trace.get_tracer_provider(), metrics.get_meter_provider(), _logs.get_logger_provider())
    flushes = [provider.force_flush for provider in providers if hasattr(provider, "force_flush")]

    def run() -> None:
        for each in flushes:
            try:
                each()
            except Exception:
                # An exporter's own failure: the process ends as it would have.
                log.warning("telemetry could not be flushed", exc_info=True)

    if flushes:
        # No provider keeps to a deadline, hence a thread that can be left alone.
        thread = threading.Thread(target=run, name="drishti-flush", daemon=True)
        thread.start()
        thread.join(timeout_s)


def _join() -> None:
    global _joined
    util: Any = sys.modules.get("multiprocessing.util")
    if util is None or _joined:  # whoever uses it has imported it, and others need not pay for it
        return
    import multiprocessing

    _joined = True
    util.register_after_fork(_registration, lambda _: _finalize(util))
    if multiprocessing.parent_process() is not None:
        _finalize(util)  # this is a child that has begun already


def _finalize(util: Any) -> None:
    util.Finalize(None, _run, exitpriority=_LATE)


def _run() -> None:
    for function in _functions:
        try:
            function()
        except Exception:
            # The others shall have their turn, and the process its end.
            log.warning("a last flush failed", exc_info=True)


def _before_fork() -> None:
    _forker.holds = _forking.acquire(timeout=FORK_WAITS_S)


def _after_fork_in_parent() -> None:
    if _forker.holds:
        _forking.release()


def _after_fork_in_child() -> None:
    global _forking
    _forking = threading.RLock()
    _join()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
