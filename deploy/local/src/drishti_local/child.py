"""Becomes another program as a file describes it. Run as a script, isolated, with the standard library alone: it must be quick.

``python -I -S child.py SPEC`` reads the JSON object SPEC: ``argv``, ``env`` (all of it, nothing is inherited), ``cwd``,
``uid`` and ``gid`` (or null), ``death_signal``. The environment and the passwords in it stand in a file that only the owner
may read, not in a command line.

The program gets ``death_signal`` when its parent dies, however it dies: a killed run leaves no orphans.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import sys
from typing import Any

PR_SET_PDEATHSIG = 1
MAX_FILES = 65536


def become(spec: dict[str, Any]) -> None:
    """Replaces this process; returns never."""
    parent = os.getppid()
    _soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MAX_FILES if hard == resource.RLIM_INFINITY else min(hard, MAX_FILES)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    os.chdir(spec["cwd"])
    if spec["uid"] is not None:
        os.setgroups([])
        os.setgid(spec["gid"])
        os.setuid(spec["uid"])
    if sys.platform == "linux":
        # After the change of user: the kernel forgets the wish then.
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, spec["death_signal"])
        if os.getppid() != parent:
            raise SystemExit(1)
    os.execve(spec["argv"][0], spec["argv"], spec["env"])


if __name__ == "__main__":
    with open(sys.argv[1], encoding="utf-8") as file:
        become(json.load(file))
