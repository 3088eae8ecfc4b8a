"""The outage that was planted in the demo: its alarm comes while it lasts; then everything stops, with nothing left."""

from __future__ import annotations

from rigs.local_run import Running


def test_a_planted_fault_is_found_while_it_lasts(run: tuple[Running, dict[str, str]], demo: Running) -> None:
    demo.wait_for("FAULT BEGINS: errors", within_s=110)
    demo.wait_for("requests error_rate .* phase=opened", within_s=60)
    assert not [line for line in demo.seen if "FAULT ENDS" in line]
    assert (demo.stop(), demo.left()) == (0, [])
    # The sample says itself what its fault does to its requests.
    assert not [line for line in demo.seen if "Traceback" in line or (" ERROR " in line and " ERROR wisdom." not in line)]
    assert run[0].process.poll() is None
