"""``python -m predictor``: settings, then the service."""

from __future__ import annotations

import os


def main() -> None:
    # Before numpy is imported: its BLAS would start a thread a core, each with memory of its own, for tiny matrices.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    import predictor
    from drishti import service
    from predictor.app import serve
    from predictor.settings import PredictorSettings

    service.run(serve, PredictorSettings, name="predictor", about=predictor.__doc__)


if __name__ == "__main__":
    main()
