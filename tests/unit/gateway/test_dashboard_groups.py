"""Viewers of one frame are written to together, and may come and go meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from drishti.service.http.encoded import Write, deflated_text_frame, text_frame
from gateway.dashboard.frames import Packet, Position, SharedFrame
from gateway.dashboard.groups import Groups
from gateway.dashboard.parameters import Parameters
from gateway.dashboard.viewers import Viewer

FIRST, SECOND, THIRD = (Position("a", seq) for seq in (1, 2, 3))


class Connection:
    """One that takes everything: see :class:`drishti.service.http.encoded.EncodedFrames`."""

    gone = False

    def __init__(self, *, deflates: bool = False) -> None:
        self.writable = asyncio.Event()
        self.deflates = deflates
        self.written: list[bytes] = []

    def lend_writer(self, on_return: Callable[[], None]) -> Write | None:
        return self.written.append

    def end_writer(self) -> None: ...


def packet(position: Position) -> Packet:
    text = f'{{"type":"update","epoch":"{position.epoch}","seq":{position.seq}}}'.encode()
    return Packet(position, (SharedFrame(text),))


def join(groups: Groups, at: Position = FIRST, *, hz: float = 0.0, deflates: bool = False) -> tuple[Viewer, list[bytes]]:
    connection = Connection(deflates=deflates)
    viewer = Viewer(connection, Parameters(None, 1 / hz if hz else 0.0), lambda: None)
    groups.add(viewer, Packet(at, ()), connection.written.append, now=0.0)
    return viewer, connection.written


def write(groups: Groups, wanted: Packet, *, now: float = 0.0, step: Callable[[], object] = lambda: None) -> None:
    for group in groups.due(now):
        for _ in groups.write(group, wanted, now, at_once=1):
            step()


async def test_all_of_a_group_get_the_same_message_once() -> None:
    groups = Groups()
    written = [join(groups)[1] for _ in range(3)]
    second = packet(SECOND)
    write(groups, second)
    assert written == [[text_frame(second.frames[0].text)]] * 3
    (group,) = groups.due(0.0)
    assert (group.kind.position, len(group.writes)) == (SECOND, 3)


async def test_a_viewer_that_left_while_others_were_written_to_gets_nothing_and_keeps_its_frame() -> None:
    groups = Groups()
    viewers = [join(groups) for _ in range(3)]
    write(groups, packet(SECOND), step=lambda: groups.remove(viewers[2][0]))
    assert [len(written) for _, written in viewers] == [1, 1, 0]
    assert viewers[2][0].position == FIRST
    assert groups.remove(viewers[0][0])
    assert viewers[0][0].position == SECOND
    assert not groups.remove(viewers[0][0])


async def test_a_viewer_that_leaves_once_it_was_written_to_has_the_new_frame_and_the_others_stay_together() -> None:
    groups = Groups()
    first, second = join(groups), join(groups)
    write(groups, packet(SECOND), step=lambda: groups.remove(first[0]))
    assert first[0].position == SECOND
    write(groups, packet(THIRD))
    assert [len(written) for _, written in (first, second)] == [1, 2]


async def test_a_viewer_that_comes_meanwhile_gets_the_next_frame_and_none_twice() -> None:
    groups = Groups()
    join(groups)
    late: list[tuple[Viewer, list[bytes]]] = []
    write(groups, packet(SECOND), step=lambda: late.append(join(groups, SECOND)))
    write(groups, packet(THIRD))
    assert [len(written) for _, written in late] == [1]
    assert len(groups.due(0.0)) == 1


async def test_compressed_frames_are_for_those_who_read_them() -> None:
    groups = Groups()
    _, plain = join(groups)
    _, compressed = join(groups, deflates=True)
    second = packet(SECOND)
    write(groups, second)
    text = second.frames[0].text
    assert (plain, compressed) == ([text_frame(text)], [deflated_text_frame(text)])


async def test_who_asked_for_fewer_frames_waits_for_the_next_multiple() -> None:
    groups = Groups()
    viewer, written = join(groups, hz=2.0)
    assert groups.due(0.4) == []
    write(groups, packet(SECOND), now=0.5)
    assert groups.due(0.9) == []
    assert len(groups.due(1.0)) == 1
    assert len(written) == 1
    assert groups.remove(viewer)
    assert groups.due(1.0) == []


async def test_a_round_without_a_frame_waits_for_the_next_multiple_too() -> None:
    groups = Groups()
    _, written = join(groups, hz=2.0)
    write(groups, Packet(FIRST, ()), now=0.5)
    assert groups.due(0.9) == []
    assert written == []
