"""Each package of the checkout, built and installed alone in a fresh environment, must import whole.

This is how a missing dependency shows: in the environment of the checkout every package finds the others' too.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import venv
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVICES = ("services/gateway", "services/analytics", "services/predictor", "services/dashboard-stream")
AT_ONCE = 2
"""More do not go faster: installing is the processor's work as much as the network's."""

FOLDERS = ("shared", *SERVICES, "deploy/local", "examples/wisdom")

_IMPORT_ALL = """
import importlib, pkgutil, sys
package = importlib.import_module(sys.argv[1])
optional = sys.argv[2].split(",")
for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
    if not module.name.endswith("__main__") and module.name not in optional:
        importlib.import_module(module.name)
"""

# The SDK alone, without the extra that services ask for: these modules are the services' own.
NEED_EXTRA = (
    "drishti.exporting.parquet",
    "drishti.service.health",
    "drishti.service.lifecycle",
    "drishti.service.http.encoded",
    "drishti.service.http.protocol",
    "drishti.service.http.bodies",
    "drishti.service.http.refusals",
    "drishti.service.http.server",
    "drishti.service.http.websocket",
)


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="drishti-packages-") as temporary:
        wheels = Path(temporary, "wheels")
        sources = [copied(folder, Path(temporary, "sources")) for folder in FOLDERS]
        pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", str(wheels), *map(str, sources))

        def checked(folder: str, source: Path) -> None:
            began = time.monotonic()
            check(source, wheels, Path(temporary, folder.replace("/", "-")))
            print(f"{folder:<28} ok ({time.monotonic() - began:.0f} s)", flush=True)

        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(checked, FOLDERS, sources))  # raises what the first of them raised
    return 0


def copied(folder: str, to: Path) -> Path:
    """A copy to build from: a build leaves its traces, and traces of an earlier one would get into the wheel."""
    ignore = shutil.ignore_patterns("build", "*.egg-info", "web", "node_modules", "__pycache__")
    return Path(shutil.copytree(ROOT / folder, to / folder, ignore=ignore))


def check(folder: Path, wheels: Path, environment: Path) -> None:
    """Installs the package of ``folder`` into a new environment and imports every module of it there."""
    name = tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"]
    packages = [path.parent.name for path in (folder / "src").glob("*/__init__.py")]
    venv.create(environment, with_pip=False, symlinks=True)
    python = str(environment / "bin" / "python")
    # Our own wheels by their paths: a public index may know their names for something else.
    own = [str(wheel) for needed in {name, "drishti"} for wheel in wheels.glob(f"{needed.replace('-', '_')}-[0-9]*.whl")]
    pip("--python", python, "install", "-c", str(ROOT / "constraints.txt"), *own)
    for package in packages:
        run([python, "-W", "error", "-I", "-c", _IMPORT_ALL, package, ",".join(NEED_EXTRA)])


def pip(*arguments: str) -> None:
    run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments])


def run(command: list[str]) -> None:
    environment = {**os.environ, "PIP_ROOT_USER_ACTION": "ignore"}
    done = subprocess.run(command, cwd="/", env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"failed: {' '.join(command)}\n{done.stdout}{done.stderr}")


if __name__ == "__main__":
    raise SystemExit(main())
