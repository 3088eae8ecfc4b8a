"""Ends a service whose event loop is blocked, so that whatever supervises it starts it anew.

How this works
--------------
A service can be alive and do nothing any more: a computation without an end, a lock that is never released. Supervisors
restart what has ended, so such a process has to end itself. A thread asks the event loop for a sign of life, again and again,
and counts in which state the loop's thread is until the sign comes: the seconds in which it *computed* and those in which it
*slept*. Where they are :attr:`WatchdogSettings.after_s` together, the stacks of all threads are written to standard error, and
the process ends with status :data:`STATUS`.

Time on the clock does not count. A thread that would compute and gets no processor, or waits for a disk, is not stuck but
on a busy machine. While the machine sleeps, or the process is stopped, nobody counts.

Code that keeps Python's lock for ever, as a regular expression that backtracks does, stops the watchdog, too. For that there
is a timer of the kernel, which the watchdog sets anew as long as it runs: it counts the processor time of the process, and at
its end the stacks are written and the process is ended by ``SIGPROF``.
"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import math
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drishti.settings import setting

STATUS = 70
"""``EX_SOFTWARE`` of sysexits.h: an internal fault."""

TICK_S = 1.0
TICKS = 20
"""The loop is asked every second, and this many times at least before it counts as stuck."""

RESERVE = 1.25
"""So much later than the watchdog, as a factor, the kernel's timer ends the process: of the two, the watchdog says more."""

_ASLEEP = "S"
_AFTER_NAME = ") "


@dataclass(frozen=True, kw_only=True)
class WatchdogSettings:
    """When a service counts as stuck."""

    after_s: float = setting(
        "DRISHTI_WATCHDOG_S",
        "seconds that a service's event loop may compute or wait without a turn, before the service ends itself with the "
        "stacks of its threads in the log, to be started anew; 0: it never does",
        60.0,
    )

    def __post_init__(self) -> None:
        if not (math.isfinite(self.after_s) and self.after_s >= 0):
            raise ValueError(f"DRISHTI_WATCHDOG_S: {self.after_s:g} is no number of seconds")


@contextlib.contextmanager
def watching(settings: WatchdogSettings, name: str) -> Iterator[None]:
    """Watches the running event loop of this thread, of the service ``name``, as long as the block lasts."""
    if settings.after_s == 0:
        yield
        return
    watchdog = _Watchdog(settings.after_s, name, asyncio.get_running_loop())
    watchdog.start()
    try:
        yield
    finally:
        watchdog.end()


class _Watchdog:
    def __init__(self, after_s: float, name: str, loop: asyncio.AbstractEventLoop) -> None:
        """Made in the thread of ``loop``."""
        self._after_s = after_s
        self._name = name
        self._loop = loop
        self._looping = _Looping()
        self._tick_s = min(TICK_S, after_s / TICKS)
        self._ended = threading.Event()
        self._answered = True
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        faulthandler.register(signal.SIGPROF, file=sys.stderr, all_threads=True, chain=True)
        self._set_timer()
        self._thread.start()

    def end(self) -> None:
        """From the thread of the loop."""
        self._ended.set()
        self._thread.join()
        signal.setitimer(signal.ITIMER_PROF, 0)
        faulthandler.unregister(signal.SIGPROF)

    def _run(self) -> None:
        stuck_s = 0.0
        computed_s = self._looping.computed_s()
        while not self._ended.wait(self._tick_s):
            self._set_timer()
            before_s, computed_s = computed_s, self._looping.computed_s()
            if self._answered:
                stuck_s = 0.0
                self._ask()
                continue
            computed = computed_s - before_s
            # A thread that slept for a part of the time computed in the other, and that is counted.
            slept = max(0.0, self._tick_s - computed) if self._looping.asleep() else 0.0
            stuck_s += computed + slept
            if stuck_s >= self._after_s:
                self._give_up(stuck_s)

    def _set_timer(self) -> None:
        signal.setitimer(signal.ITIMER_PROF, RESERVE * self._after_s)

    def _ask(self) -> None:
        self._answered = False
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        self._answered = True

    def _give_up(self, stuck_s: float) -> None:
        """Ends the process. The log is not used: what it locks may be what is waited for."""
        os.write(
            2,
            f"CRITICAL {__name__} the event loop of {self._name} has computed or waited for {stuck_s:.0f} s without a turn; "
            f"the process ends, to be started anew. The stacks of its threads:\n".encode(),
        )
        faulthandler.dump_traceback(file=2, all_threads=True)
        os._exit(STATUS)


class _Looping:
    """What the system says of the thread that this is made in."""

    def __init__(self) -> None:
        self._clock = time.pthread_getcpuclockid(threading.get_ident())
        self._state = Path(f"/proc/self/task/{threading.get_native_id()}/stat")

    def computed_s(self) -> float:
        """Processor time that it has had."""
        return time.clock_gettime(self._clock)

    def asleep(self) -> bool:
        """Whether it waits for something that is neither a processor nor a disk."""
        try:
            stat = self._state.read_text()
        except OSError:  # a system without /proc: who does not compute there counts as asleep
            return True
        return stat.rpartition(_AFTER_NAME)[2][:1] == _ASLEEP
