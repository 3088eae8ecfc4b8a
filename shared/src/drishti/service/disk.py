"""Room on the disks of the bus and the database: a reserve is kept free, so that neither runs onto the end of its disk.

NATS stops storing at the end of its disk until it is restarted, and PostgreSQL ends. So the gateway refuses new data while less
than the reserve is free, and analytics stores nothing more below half of it: what is left is for what they cannot help writing.

Where no folder is named (``DRISHTI_DISK_FOLDERS``), nothing is looked at and there is always room.
"""

from __future__ import annotations

import asyncio
import logging
import os
from dataclasses import dataclass
from typing import Any

from drishti.errors import DrishtiError
from drishti.settings import setting
from drishti.waiting import pause

log = logging.getLogger(__name__)

CHECK_S = 0.25
MIB = 1 << 20
SHARE, LEAST, MOST = 0.1, 64 * MIB, 1024 * MIB
"""The reserve where none is set: a tenth of the disk, within these bounds."""


class DiskFull(DrishtiError):
    """Less than the reserve is free on a disk that the data need."""


def folders_setting() -> Any:
    return setting(
        "DRISHTI_DISK_FOLDERS",
        "folders on the disks of NATS and PostgreSQL, separated by commas: with too little room there nothing is taken in",
        (),
    )


def reserve_setting() -> Any:
    return setting("DRISHTI_DISK_RESERVE_MB", "MiB that are kept free there; 0: a tenth of the disk, 64 to 1024", 0)


@dataclass(frozen=True)
class Room:
    """What a disk has, in bytes."""

    free: int
    total: int

    @classmethod
    def of(cls, folder: str) -> Room:
        """Of the disk that holds ``folder``, as an ordinary user may use it; raises :class:`OSError`.

        A disk on which no file can be made any more (no inode is left) has no room, whatever else is free.
        """
        status = os.statvfs(folder)
        usable = status.f_favail > 0 or status.f_files == 0  # some file systems have no such number
        return cls(status.f_bavail * status.f_frsize if usable else 0, status.f_blocks * status.f_frsize)

    def reserve(self, reserve_mb: int = 0) -> int:
        return reserve_mb * MIB if reserve_mb else int(min(MOST, max(LEAST, self.total * SHARE)))


class Disk:
    """``run`` until ``stop``; ``full`` says why nothing more should be written, empty while there is room."""

    def __init__(self, folders: tuple[str, ...], *, reserve_mb: int = 0, share: float = 1.0) -> None:
        """``share``: of the reserve, below which it counts as full."""
        self._folders = folders
        self._reserve_mb = reserve_mb
        self._share = share
        self.full = ""
        self._room = asyncio.Event()
        self._room.set()

    async def run(self, stop: asyncio.Event) -> None:
        if not self._folders:
            return
        while not stop.is_set():
            self.look()
            await pause(stop, CHECK_S)

    def look(self) -> None:
        """Looks at the disks now."""
        before, self.full = self.full, ""
        for folder in self._folders:
            try:
                room = Room.of(folder)
            except OSError as error:
                # A folder that is not there yet, or no longer: whoever writes to it will say so better.
                log.debug("no word of a disk", extra={"folder": folder, "reason": str(error)})
                continue
            least = int(room.reserve(self._reserve_mb) * self._share)
            if room.free < least:
                self.full = (
                    f"the disk is nearly full: {room.free // MIB} MiB of {folder} are free, {least // MIB} are kept free"
                )
        if self.full:
            self._room.clear()
        else:
            self._room.set()
        if self.full and not before:
            log.warning("nothing is taken in until there is room on the disk", extra={"reason": self.full})
        elif before and not self.full:
            log.info("there is room on the disk again")

    def require_room(self) -> None:
        """Raises :class:`DiskFull` where there is none."""
        if self.full:
            raise DiskFull(self.full)

    async def wait_room(self) -> None:
        """Returns when there is room."""
        await self._room.wait()

    async def ping(self) -> None:
        """For readiness."""
        self.require_room()
