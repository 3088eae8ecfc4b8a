"""The predictor: learns what is normal for every watched series, says when it is not, and what comes next.

Consumes AGGREGATES, each replica all of it by itself, and nothing else. Produces INSIGHTS (``anomaly``, ``forecast``). Owns
its models and the detector's state, in the bus's object store. Never touches PostgreSQL, never alarms while it learns, and
never judges what did not arrive: when the aggregates stop, it is silent.
"""
