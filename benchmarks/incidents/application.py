"""The simulated application: its services, its models, and how long their work takes when nothing is wrong.

A question to ``assistant`` asks ``search`` for sources, which asks the model ``embed``; then the cache has the answer, or
``large`` or ``small`` makes one. ``accounts`` serves the application's pages, with users of its own.
"""

from __future__ import annotations

ASSISTANT, SEARCH, ACCOUNTS = SERVICES = ("assistant", "search", "accounts")
LARGE, SMALL, EMBED = MODELS = ("large", "small", "embed")

FIRST_TOKEN_MS = {LARGE: 150.0, SMALL: 60.0}
TOKEN_MS = {LARGE: 6.0, SMALL: 2.5}
"""What a large and a small hosted model take to begin and for each token."""

MODEL_SCATTER = 0.15
MAX_TOKENS = 600
LARGE_SHARE = 0.45
"""Each model gets more than one call a second: less is judged by no detector within seconds."""

EMBED_MS = (30.0, 0.3)
OWN_MS = {ASSISTANT: (20.0, 0.4), SEARCH: (40.0, 0.3), ACCOUNTS: (120.0, 0.35)}
"""A service's own work: median, and standard deviation of its logarithm."""

CACHED_MS = 10.0
HIT_SHARE = 0.5

CALL_FAILS = 0.01
REQUEST_FAILS = 0.005
FEEDBACK_SHARE = 0.25
FEEDBACK_AFTER_S = (1.0, 8.0)

ACCOUNTS_SHARE = 0.6
"""Of the recorded rate: some 3.3 requests a second."""

REPORT_EVERY_S = 5.0
"""How often a process reports CPU and memory: the local run's interval."""

MEMORY_BYTES = {ASSISTANT: 3.2e8, SEARCH: 5.4e8, ACCOUNTS: 1.8e8}
MEMORY_SCATTER = 0.004
MEMORY_STICKS = 0.95
"""A process' memory wanders by some per cent, slowly."""

CPU_IDLE = 0.02
CPU_REQUEST_S = {ASSISTANT: 0.012, SEARCH: 0.008, ACCOUNTS: 0.01}
CPU_SCATTER = 0.1

ROUTES = {ASSISTANT: "/ask", SEARCH: "/search", ACCOUNTS: "/pages/{page}"}
EVENTS = ("dharma_query", "wisdom_generated", "feedback", "page_view")
"""What is reported besides ``llm_call`` and ``cache_access``."""

QUERY, GENERATED, FEEDBACK, PAGE = range(len(EVENTS))
