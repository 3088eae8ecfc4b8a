"""Which frames a viewer still needs, and what several of them are as one."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from drishti.events import Frame
from gateway.dashboard.frames import KEPT, KEPT_BYTES, FrameLog, Position, SharedFrame, merged
from gateway.dashboard.parameters import Parameters, WrongParameter, parameters


def frame(kind: str, seq: int, epoch: str = "e", /, **data: Any) -> SharedFrame:
    content = {"values": {"n": seq}, "series": {}, "events": [], "problems": []} | data
    return SharedFrame(
        msgspec.json.encode({"type": kind, "dashboard": "d", "epoch": epoch, "seq": seq, "ts": seq, "data": content})
    )


def update(seq: int, epoch: str = "e", /, **data: Any) -> SharedFrame:
    return frame("update", seq, epoch, **data)


def snapshot(seq: int, epoch: str = "e") -> SharedFrame:
    return frame("snapshot", seq, epoch)


def log_of(*frames: SharedFrame) -> FrameLog:
    log = FrameLog()
    for one in frames:
        log.append(one)
    return log


def needed(log: FrameLog, position: tuple[str, int] | None) -> tuple[tuple[str, int], list[tuple[str, int]]] | None:
    """Where a viewer at ``position`` is after its packet, and the frames of that by type and ``seq``."""
    packet = log.packet(Position(*position) if position is not None else None)
    if packet is None:
        return None
    return packet.position, [("snapshot" if one.snapshot else "update", one.position.seq) for one in packet.frames]


def decoded(one: SharedFrame) -> Frame:
    return msgspec.json.decode(one.text, type=Frame)


def test_a_newcomer_begins_with_the_snapshot_and_others_go_on_from_their_frame() -> None:
    log = log_of(snapshot(5), update(6), update(9))
    assert needed(log, None) == (("e", 9), [("snapshot", 5), ("update", 9)])
    assert needed(log, ("e", 5)) == (("e", 9), [("update", 9)])
    assert needed(log, ("e", 7)) == (("e", 9), [("update", 9)]), "a frame that covers more than is missed is as good"
    assert needed(log, ("e", 9)) == (("e", 9), [])


def test_who_has_a_frame_that_is_not_followed_here_begins_anew() -> None:
    log = log_of(snapshot(5), update(6))
    anew = (("e", 6), [("snapshot", 5), ("update", 6)])
    assert needed(log, ("earlier", 6)) == anew
    assert needed(log, ("e", 4)) == anew
    assert needed(log, ("e", 7)) == anew, "there is no such frame yet"
    assert needed(FrameLog(), None) is None


def test_a_snapshot_for_everybody_goes_to_those_who_have_the_frame_before() -> None:
    log = log_of(snapshot(5), update(6), snapshot(7))
    assert needed(log, ("e", 6)) == (("e", 7), [("snapshot", 7)])
    log.append(snapshot(0, "later"))
    assert needed(log, ("e", 7)) == (("later", 0), [("snapshot", 0)])


def test_only_the_newest_frames_are_kept_and_no_snapshot_that_they_do_not_go_on_from() -> None:
    log = log_of(snapshot(0), *(update(seq) for seq in range(1, KEPT + 2)))
    assert needed(log, None) is None
    assert needed(log, ("e", 0)) is None
    assert needed(log, ("e", 1)) == (("e", KEPT + 1), [("update", KEPT + 1)])
    large = {"name": [(at, None) for at in range(KEPT_BYTES // 20)]}
    log = log_of(snapshot(0), *(update(seq, series=large) for seq in range(1, 5)))
    assert needed(log, ("e", 1)) is None, "their bytes are bounded, too"
    assert needed(log, ("e", 3)) == (("e", 4), [("update", 4)])


def test_a_snapshot_that_came_beside_the_frames_serves_newcomers() -> None:
    log = log_of(snapshot(0), *(update(seq) for seq in range(1, KEPT + 2)))
    log.insert_snapshot(snapshot(0))
    assert needed(log, None) is None, "the frames here do not go on from it"
    log.insert_snapshot(snapshot(KEPT))
    assert needed(log, None) == (("e", KEPT + 1), [("snapshot", KEPT), ("update", KEPT + 1)])
    log.insert_snapshot(snapshot(KEPT + 5))  # it overtook some frames
    assert needed(log, None) == (("e", KEPT + 5), [("snapshot", KEPT + 5)])
    assert needed(log, ("e", KEPT + 5)) == (("e", KEPT + 5), [])
    log.append(update(KEPT + 4))
    assert needed(log, ("e", KEPT + 5)) == (("e", KEPT + 5), [])
    log.append(update(KEPT + 6))
    assert needed(log, ("e", KEPT + 5)) == (("e", KEPT + 6), [("update", KEPT + 6)])


def test_several_updates_are_one_that_leaves_the_same_state() -> None:
    one = update(1, series={"a": [(1, 2), (2, None)]}, events=[{"key": "k", "x": 1}, {"key": "l"}], service_names={"s": "S"})
    two = update(2, series={"a": [(2, 5), (3, 1.25)], "b": [(1, 1)]}, events=[{"key": "k", "x": 2}], problems=["p"], later=[7])
    both = merged([one, two])
    assert both.position == ("e", 2)
    assert not both.snapshot
    assert decoded(both) == msgspec.structs.replace(
        decoded(two),
        data=msgspec.structs.replace(
            decoded(two).data,
            series={"a": [(1, 2), (2, 5), (3, 1.25)], "b": [(1, 1)]},
            events=[{"key": "l"}, {"key": "k", "x": 2}],
        ),
    )
    assert msgspec.json.decode(both.text)["data"]["later"] == [7], "what this version does not know is kept"
    assert merged([one]) is one


def test_the_newest_result_of_each_funnel_is_in_what_several_updates_are() -> None:
    updates = [update(1, funnels={"a": 1, "b": 1}), update(2, funnels={"a": 2}), update(3, funnels={}), update(4)]
    assert msgspec.json.decode(merged(updates).text)["data"]["funnels"] == {"a": 2, "b": 1}


def test_what_is_no_frame_is_refused() -> None:
    for text in (b"", b"[]", b'{"type":"update"}', b"\xff"):
        with pytest.raises((msgspec.MsgspecError, UnicodeDecodeError)):
            SharedFrame(text)


def test_a_viewer_asks_by_the_query_of_its_address() -> None:
    assert parameters("") == (Parameters(), "")
    asked = parameters("panels=a&since=e7-f_3.1%3A42&hz=2&var-x=")
    assert asked == (Parameters(Position("e7-f_3.1", 42), 0.5), "panels=a&var-x=")
    values = ["since=", "since=1", "since=a:b", "since=%20:1", "hz=", "hz=0", "hz=0.1", "hz=11", "hz=nan", "hz=1e1", "hz=-1"]
    for wrong in values:
        with pytest.raises(WrongParameter, match="wanted"):
            parameters(wrong)


@pytest.mark.parametrize(
    "query",
    [
        "panels=b,a&var-m=x+y&var-m=z",
        "var-m=z&&panels=a&panels=b%2Cb,&var-m=x%20y",
        "var-m=z&var%2Dm=x+y&var-m=z&panels=+a%20,b",
    ],
)
def test_who_chooses_the_same_asks_dashboard_stream_in_the_same_way(query: str) -> None:
    assert parameters(query) == (Parameters(), "panels=a,b&var-m=x+y&var-m=z")


@pytest.mark.parametrize("query", ["nobody=1", "t=1732", "panel=a", "var=a", "Hz=2", "=", "panels=a&x"])
def test_a_name_that_there_is_not_is_refused_with_those_that_there_are(query: str) -> None:
    with pytest.raises(WrongParameter, match="since, hz, panels and var-<variable>") as refused:
        parameters(query)
    assert len(str(refused.value)) <= 120, "it fits into a close frame"
