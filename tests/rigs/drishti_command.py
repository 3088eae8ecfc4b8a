"""The command ``drishti`` as a process of its own."""

from __future__ import annotations

import os
import sys

from rigs.programs import outcome


class DrishtiCommand:
    """The command in an environment that holds nothing of Drishti's but ``environ``."""

    def __init__(self, environ: dict[str, str]) -> None:
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DRISHTI_", "NATS_", "LOG_"))}
        self.environ = clean | environ

    async def __call__(self, *arguments: str, **environ: str) -> tuple[int, str, str]:
        """Exit status, standard output and standard error."""
        return await outcome(sys.executable, "-m", "drishti.cli", *arguments, env=self.environ | environ)
