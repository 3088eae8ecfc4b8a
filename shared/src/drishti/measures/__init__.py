"""What a metric is, what its fields mean, and the registry of every tenant's metrics.

``definitions``, ``built_in``, ``fields`` and ``effective`` are pure; ``registry`` keeps definitions in the bus's key-value
store.
"""
