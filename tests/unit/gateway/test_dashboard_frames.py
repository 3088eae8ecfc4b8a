"""Which frames a viewer still needs."""

from __future__ import annotations

import msgspec
import pytest

from gateway.dashboard.frames import CATCH_UP, FrameLog, SharedFrame, shared_frame


def update(seq: int, epoch: str = "e") -> SharedFrame:
    return SharedFrame((epoch, seq), False, b"u%d" % seq)


def snapshot(seq: int, epoch: str = "e") -> SharedFrame:
    return SharedFrame((epoch, seq), True, b"s%d" % seq)


def log_of(*frames: SharedFrame) -> FrameLog:
    log = FrameLog()
    for frame in frames:
        log.append(frame)
    return log


def needed(log: FrameLog, position: tuple[str, int] | None) -> list[bytes] | None:
    since = log.since(position)
    return None if since is None else [frame.encoded for frame in since]


def test_a_newcomer_begins_with_the_snapshot_and_others_go_on_from_their_frame() -> None:
    log = log_of(snapshot(5), update(6), update(9))
    assert needed(log, None) == [b"s5", b"u6", b"u9"]
    assert needed(log, ("e", 5)) == [b"u6", b"u9"]
    assert needed(log, ("e", 7)) == [b"u9"], "a frame that covers more than is missed is as good"
    assert needed(log, ("e", 9)) == needed(log, ("e", 12)) == []


def test_who_is_from_another_run_begins_anew_and_who_is_too_far_behind_has_to_ask() -> None:
    log = log_of(snapshot(5), update(6))
    assert needed(log, ("earlier", 6)) == [b"s5", b"u6"]
    assert needed(log, ("e", 4)) is None
    assert needed(FrameLog(), None) is None


def test_only_the_newest_frames_are_kept_and_no_snapshot_that_they_do_not_go_on_from() -> None:
    log = log_of(snapshot(0), *(update(seq) for seq in range(1, CATCH_UP + 2)))
    assert needed(log, None) is None
    assert needed(log, ("e", 0)) is None
    assert needed(log, ("e", 1)) == [b"u%d" % seq for seq in range(2, CATCH_UP + 2)]
    log.insert_snapshot(snapshot(0))
    log.insert_snapshot(snapshot(8, "another"))
    assert needed(log, None) is None
    log.insert_snapshot(snapshot(CATCH_UP))
    assert needed(log, None) == [b"s%d" % CATCH_UP, b"u%d" % (CATCH_UP + 1)]
    log.insert_snapshot(snapshot(50))
    assert needed(log, None) == [b"s50"]


def test_a_later_snapshot_of_the_connection_replaces_what_was_before() -> None:
    log = log_of(snapshot(5), update(6), snapshot(7), update(8))
    assert needed(log, None) == [b"s7", b"u8"]
    assert needed(log, ("e", 6)) is None


def test_what_is_no_frame_is_refused() -> None:
    assert shared_frame(b'{"type":"snapshot","epoch":"e","seq":3,"data":{}}', b"x") == SharedFrame(("e", 3), True, b"x")
    with pytest.raises(msgspec.MsgspecError):
        shared_frame(b'{"type":"snapshot"}', b"x")
