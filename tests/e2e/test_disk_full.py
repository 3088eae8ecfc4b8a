"""The whole product on a disk that another program fills: it refuses with the reason, goes on by itself, and is exact."""

from __future__ import annotations

import pytest

from benchmarks.hostile import disk


async def test_full_disk_is_refused_and_everything_goes_on_by_itself_when_there_is_room() -> None:
    try:
        with disk.small_file_system(disk.SIZE_MB) as folder:
            outcome = await disk.measure(folder, full_s=5.0, before_s=2.0)
    except disk.CannotMount as reason:
        pytest.skip(f"no file system can be mounted here: {reason}")
    assert set(outcome.statuses) <= {"202", "503"}, outcome
    assert "nothing is taken in" in outcome.reasons
    assert outcome.readiness.startswith("503"), outcome
    assert "the disk is nearly full" in outcome.readiness
    assert outcome.counting_s <= disk.RECOVER_AT_MOST_S
    assert outcome.counted == outcome.accepted
