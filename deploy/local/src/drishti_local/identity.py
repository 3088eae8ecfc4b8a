"""Whom PostgreSQL runs as: it refuses root, so root drops to an identity that exists everywhere and owns nothing else."""

from __future__ import annotations

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

_NOBODY = 65534


@dataclass(frozen=True)
class Identity:
    """A user and group by number."""

    uid: int
    gid: int

    def can_enter(self, folder: Path) -> bool:
        """Whether this identity can pass every folder down to and into ``folder``, by the mode bits."""
        resolved = folder.resolve()
        return all(self._may_pass(step) for step in (resolved, *resolved.parents))

    def _may_pass(self, folder: Path) -> bool:
        status = folder.stat()
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        if status.st_gid == self.gid:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def unprivileged() -> Identity | None:
    """The identity to drop to; ``None`` for an ordinary user, who keeps their own."""
    if os.geteuid() != 0:
        return None
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        return Identity(_NOBODY, _NOBODY)
    return Identity(nobody.pw_uid, nobody.pw_gid)


def owner_of(path: Path) -> Identity | None:
    """Who owns ``path``, if that is not root: data made by an ordinary user stay theirs when root starts the run."""
    status = path.stat()
    return None if status.st_uid == 0 else Identity(status.st_uid, status.st_gid)
