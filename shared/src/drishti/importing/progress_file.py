"""How far the import of a file is, kept beside the file: an interrupted one goes on there, and of a file that grew what is new
is sent."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """The first ``rows`` of a file were sent. ``digest`` is that of their texts; ``rejects_bytes`` is how long the file of
    wrong rows was then."""

    rows: int = 0
    digest: str = ""
    accepted: int = 0
    wrong: int = 0
    rejects_bytes: int = 0


class ProgressFile:
    """``identity``: where the rows went, and as what; an import with another one begins anew."""

    def __init__(self, path: Path, identity: Mapping[str, str]) -> None:
        self.path = path
        self._identity = {"version": VERSION, **identity}

    def read(self) -> Done:
        """Nothing done where the file is not there, or is about another import."""
        try:
            found: Any = json.loads(self.path.read_text(encoding="utf-8"))
            if not isinstance(found, dict) or found.get("import") != self._identity:
                return Done()
            return Done(**found["done"])
        except (OSError, ValueError, KeyError, TypeError):
            return Done()

    def write(self, done: Done) -> None:
        """Replaces the file as a whole."""
        new = self.path.with_name(self.path.name + ".new")
        new.write_text(json.dumps({"import": self._identity, "done": asdict(done)}), encoding="utf-8")
        os.replace(new, self.path)
