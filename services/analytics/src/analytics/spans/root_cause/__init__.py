"""Where a fault began: evidence from spans, logs and gauges as sums that merge, and the ranking of two such sums. Pure.

``records`` → ``steps`` and ``transitions`` (of one trace) → ``sums`` (of a minute) → ``slow_steps``,
``strange_transitions`` and ``high_gauges`` (a window against what is usual) → ``ranking``.
"""
