"""``python -m dashboard_stream``: settings, then the service."""

from __future__ import annotations

import dashboard_stream
from dashboard_stream.app import serve
from dashboard_stream.settings import DashboardSettings
from drishti.service import lifecycle

if __name__ == "__main__":
    lifecycle.run(serve, DashboardSettings, name="dashboard-stream", about=dashboard_stream.__doc__)
