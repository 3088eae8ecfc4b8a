"""``python -m analytics``: settings, then the service."""

from __future__ import annotations

import os


def main() -> None:
    # Before numpy is imported: its BLAS would start a thread a core, each with memory of its own, and is never used here.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    import analytics
    from analytics import memory
    from analytics.app import serve
    from analytics.settings import AnalyticsSettings
    from drishti.service import lifecycle

    memory.bound_heaps()
    lifecycle.run(serve, AnalyticsSettings, name="analytics", about=analytics.__doc__)


if __name__ == "__main__":
    main()
