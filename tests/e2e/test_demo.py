"""``make demo`` as a newcomer starts it: the sample application under load, a planted fault, the alarm while it lasts.

Beside it runs the product of the other tests: two runs, each in a folder and on ports of its own, do not disturb each other.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from drishti_local.servers import free_port
from local_rig import PORTS, Running

FAULT_AFTER_S, FAULT_FOR_S = 80, 60
"""Nothing is known in the first minute; an alarm is expected within 15 s, and here only while the fault lasts."""


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    folder = Path(tempfile.mkdtemp(prefix="drishti-tests-"))
    folder.chmod(0o711)
    passed = {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "DRISHTI_DATA") if name in os.environ}
    ports = {name: str(free_port()) for name in (*PORTS, "DEMO_PORT")}
    fault = {"DEMO_FAULT": "errors", "DEMO_FAULT_AFTER": str(FAULT_AFTER_S), "DEMO_FAULT_FOR": str(FAULT_FOR_S)}
    yield {**passed, **ports, **fault, "DRISHTI_HOME": str(folder / "home")}
    shutil.rmtree(folder)


def test_a_planted_fault_is_found_while_it_lasts(environment: dict[str, str], run: tuple[Running, dict[str, str]]) -> None:
    beside, _ = run
    demo = Running(environment, "demo")
    try:
        demo.ready()
        demo.wait_for("FAULT BEGINS: errors", within_s=FAULT_AFTER_S + 30)
        demo.wait_for("requests error_rate .* phase=opened", within_s=FAULT_FOR_S)
        assert not [line for line in demo.seen if "FAULT ENDS" in line]
    finally:
        status = demo.stop()
    assert (status, demo.left()) == (0, [])
    assert not [line for line in demo.seen if "Traceback" in line or " ERROR " in line]
    assert beside.process.poll() is None
    assert all(process.is_running() for process in beside.processes)
