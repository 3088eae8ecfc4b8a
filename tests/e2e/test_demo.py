"""``make demo``, begun before all else: what is planted in it is looked at by ``test_trouble.py``, when its time has come."""

from __future__ import annotations

from concurrent.futures import Future

from rigs.local_run import Running


def test_the_demo_starts_beside_another_run(
    run: tuple[Running, dict[str, str]], demo: Running, planted_fault: Future[object]
) -> None:
    """Two runs, each in a folder and on ports of its own."""
    assert any("sample app" in line for line in demo.seen)
    assert not planted_fault.done()
    assert [running.process.poll() for running in (run[0], demo)] == [None, None]
