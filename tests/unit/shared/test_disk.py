"""A disk with less than its reserve free counts as full, and says so; the reserve follows the size of the disk."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from drishti.service.disk import LEAST, MIB, MOST, Disk, DiskFull, Room


class FakeDisk:
    """Stands in for ``os.statvfs``."""

    def __init__(self, total_mb: int) -> None:
        self.total_mb = total_mb
        self.free_mb = total_mb
        self.inodes = 1000

    def __call__(self, _folder: object) -> SimpleNamespace:
        return SimpleNamespace(f_frsize=MIB, f_bavail=self.free_mb, f_blocks=self.total_mb, f_files=1000, f_favail=self.inodes)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> FakeDisk:
    result = FakeDisk(2000)
    monkeypatch.setattr(os, "statvfs", result)
    return result


def test_reserve_is_a_tenth_of_the_disk_within_bounds() -> None:
    assert Room(0, 300 * MIB).reserve() == LEAST
    assert Room(0, 2000 * MIB).reserve() == 200 * MIB
    assert Room(0, 1_000_000 * MIB).reserve() == MOST
    assert Room(0, 300 * MIB).reserve(7) == 7 * MIB


async def test_full_below_the_reserve_and_open_above_it(disk: FakeDisk) -> None:
    result = Disk(("/data",))
    result.look()
    await result.ping()
    disk.free_mb = 199
    result.look()
    assert result.full == "the disk is nearly full: 199 MiB of /data are free, 200 are kept free"
    with pytest.raises(DiskFull, match="199 MiB"):
        await result.ping()
    waiting = asyncio.create_task(result.wait_room())
    await asyncio.sleep(0)
    assert not waiting.done()
    disk.free_mb = 200
    result.look()
    await waiting


def test_a_share_of_the_reserve_lets_one_service_go_on_while_another_takes_nothing_in(disk: FakeDisk) -> None:
    disk.free_mb = 150
    taking, storing = Disk(("/data",)), Disk(("/data",), share=0.5)
    taking.look()
    storing.look()
    assert (bool(taking.full), bool(storing.full)) == (True, False)


def test_a_disk_without_inodes_is_full(disk: FakeDisk) -> None:
    disk.inodes = 0
    result = Disk(("/data",))
    result.look()
    assert result.full.startswith("the disk is nearly full: 0 MiB")


async def test_without_a_folder_nothing_is_looked_at(tmp_path: Path) -> None:
    result = Disk(())
    await result.run(asyncio.Event())
    gone = Disk((str(tmp_path / "gone"),))
    gone.look()
    assert (result.full, gone.full) == ("", "")
