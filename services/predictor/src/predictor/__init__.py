"""The predictor: learns what is normal for every watched series, says when it is not, and what comes next.

Consumes AGGREGATES of all resolutions, shared with its other replicas by partition, and nothing else. Produces INSIGHTS
(``anomaly``, ``forecast``). Owns its models and the detectors' state, in the bus's object store. Never touches PostgreSQL,
never alarms while it learns, and never judges what did not arrive: when the aggregates stop, it is silent.
"""
