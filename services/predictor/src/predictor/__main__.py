"""``python -m predictor``: the service, or one of its commands over a file."""

from __future__ import annotations

import os
import sys


def main() -> None:
    # Before numpy is imported: its BLAS would start a thread a core, each with memory of its own, for tiny matrices.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from predictor import command

    if sys.argv[1:] and not sys.argv[1].startswith("-"):
        from predictor.command.main import main as run

        sys.exit(run(sys.argv[1:]))
    import predictor
    from drishti.service import lifecycle
    from predictor.app import serve
    from predictor.settings import PredictorSettings

    commands = f"commands over a file instead: {', '.join(command.NAMES)}; `python -m predictor detect --help` explains one"
    about = f"{predictor.__doc__}\n{commands}"
    lifecycle.run(serve, PredictorSettings, name="predictor", about=about)


if __name__ == "__main__":
    main()
