"""Node's packages of a client that tests run, installed where they are named, once."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import pytest

from rigs.programs import outcome

INSTALL_S = 300
_VENV = Path(sys.executable).parent


def environment() -> dict[str, str]:
    """The environment in which ``node`` is that of the virtual environment, where it has one, else the machine's."""
    return {**os.environ, "PATH": f"{_VENV}{os.pathsep}{os.environ['PATH']}"}


async def install(folder: Path) -> None:
    """Installs what ``folder/package-lock.json`` names; skips the test where there is no Node, or no registry to ask."""
    lock, done = folder / "package-lock.json", folder / "node_modules" / ".installed"
    if shutil.which("npm", path=environment()["PATH"]) is None:
        pytest.skip("there is no npm on this machine")
    if done.exists() and done.stat().st_mtime >= lock.stat().st_mtime:
        return
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
    status, output, errors = await outcome("npm", "ci", *options, within_s=INSTALL_S, cwd=folder, env=environment())
    if status and (await outcome("npm", "ping", within_s=INSTALL_S, cwd=folder, env=environment()))[0]:
        pytest.skip("the registry of Node's packages does not answer")
    assert status == 0, output + errors
    done.touch()
