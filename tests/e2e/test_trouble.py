"""The outage that was planted in the demo: its alarm comes while it lasts; then everything stops, with nothing left."""

from __future__ import annotations

from concurrent.futures import Future
from typing import TYPE_CHECKING

from rigs.local_run import Running

if TYPE_CHECKING:
    from e2e.conftest import Fault


def test_a_planted_fault_is_found_while_it_lasts(
    run: tuple[Running, dict[str, str]], demo: Running, planted_fault: Future[Fault]
) -> None:
    fault = planted_fault.result()
    assert not [line for line in fault.lines if "FAULT ENDS" in line]
    assert (fault.status, fault.left) == (0, [])
    # The sample says itself what its fault does to its requests.
    assert not [line for line in demo.seen if "Traceback" in line or (" ERROR " in line and " ERROR wisdom." not in line)]
    assert run[0].process.poll() is None
