"""``python -m predictor``: settings, then the service."""

from __future__ import annotations

import asyncio
import os


def main() -> None:
    # Before numpy is imported: its BLAS would start a thread a core, each with memory of its own, for tiny matrices.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    from drishti import service, settings
    from predictor.app import serve
    from predictor.settings import PredictorSettings

    async def work(stop: asyncio.Event) -> None:
        await serve(settings.load(PredictorSettings, os.environ), stop)

    service.run(work, name="predictor")


if __name__ == "__main__":
    main()
