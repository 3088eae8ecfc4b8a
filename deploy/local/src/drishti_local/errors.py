"""What can go wrong in a local run, said in one line."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path


class LocalError(Exception):
    """A reason why the run cannot start or go on; its text is one line for the person at the terminal."""


def explain(error: OSError) -> LocalError:
    """``error`` of the operating system as one line that says what to do."""
    where = f" ({error.filename})" if error.filename else ""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return LocalError(f"the disk is full{where}: make room, or put DRISHTI_HOME on another disk")
    if error.errno in (errno.EACCES, errno.EPERM):
        return LocalError(f"permission denied{where}: DRISHTI_HOME must be a folder that this user may write")
    if error.errno == errno.EROFS:
        return LocalError(f"the file system is read-only{where}: set DRISHTI_HOME to a folder that can be written")
    return LocalError(f"{error.strerror or error}{where}")


def explain_output(what: str, output: str, log: Path | None = None) -> LocalError:
    """The last telling line of a program's ``output`` as the reason for ``what``, a failure."""
    if "No space left on device" in output:
        return LocalError(f"{what}: the disk is full; make room, or put DRISHTI_HOME on another disk")
    return LocalError(
        f"{what}: {telling_line(output.splitlines()) or 'it said nothing'}" + (f" (more in {log})" if log else "")
    )


def telling_line(output: Iterable[str]) -> str:
    """The last line that names an error, else the last one; empty where there is none."""
    lines = [line.strip() for line in output if line.strip()]
    telling = [line for line in lines if "error" in line.lower() or "fatal" in line.lower()]
    return (telling or lines or [""])[-1]
