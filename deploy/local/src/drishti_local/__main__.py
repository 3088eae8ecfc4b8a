"""``python -m drishti_local run|demo``: the product on this machine, until Ctrl-C."""

from __future__ import annotations

import argparse
import os
import sys

from drishti.errors import SettingsError
from drishti.settings import entries, load
from drishti_local.run import run
from drishti_local.settings import LocalSettings
from drishti_local.terminal import Terminal


def main() -> int:
    variables = "\n".join(f"  {entry.env:<24} {entry.doc} ({_shown(entry.default)})" for entry in entries(LocalSettings))
    parser = argparse.ArgumentParser(
        prog="python -m drishti_local",
        description="Runs Drishti on this machine: NATS, PostgreSQL and the four services, until Ctrl-C.",
        epilog=f"variables:\n{variables}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("what", choices=("run", "demo"), help="demo: the same with the sample wisdom application under load")
    arguments = parser.parse_args()
    try:
        settings = load(LocalSettings, os.environ)
    except SettingsError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return run(settings, demo=arguments.what == "demo", environ=os.environ, terminal=Terminal())


def _shown(default: object) -> str:
    return str(default) if default not in (None, "") and str(default) != "''" else "unset"


if __name__ == "__main__":
    raise SystemExit(main())
