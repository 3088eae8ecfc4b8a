"""How a program is to be started: the description that :mod:`drishti_local.child` turns into the program."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from drishti_local.home import write_private
from drishti_local.identity import Identity

_CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, kw_only=True)
class Spec:
    """``argv[0]`` is an absolute path; ``env`` is the whole environment; ``identity`` the user to drop to, if any."""

    argv: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    identity: Identity | None = None
    stop_signal: signal.Signals = signal.SIGTERM

    def save(self, path: Path) -> list[str]:
        """Writes the description to ``path`` (mode 0600) and returns the command that starts the program."""
        text = json.dumps(
            {
                "argv": list(self.argv),
                "env": dict(self.env),
                "cwd": str(self.cwd),
                "uid": self.identity.uid if self.identity else None,
                "gid": self.identity.gid if self.identity else None,
                "death_signal": int(self.stop_signal),
            }
        )
        write_private(path, text)
        return command(path)


def command(path: Path) -> list[str]:
    """The command that starts what the description at ``path`` says."""
    return [sys.executable, "-I", "-S", str(_CHILD), str(path)]
