"""The command ``drishti`` as a process of its own."""

from __future__ import annotations

import asyncio
import os
import sys

from rigs.waiting import DEADLINE_S


class DrishtiCommand:
    """The command in an environment that holds nothing of Drishti's but ``environ``."""

    def __init__(self, environ: dict[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DRISHTI_", "NATS_", "LOG_"))}
        self.environ = clean | environ

    async def __call__(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "drishti.cli",
            *arguments,
            env=self.environ | environ,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(DEADLINE_S):
            output, errors = await process.communicate()
        return process.returncode or 0, output.decode(), errors.decode()
