"""What Drishti costs, beside what the same work costs without it: ``python -m benchmarks``, or ``make bench``.

One run measures both columns of its table. Real servers, started on free ports in temporary folders; every service is a
process of its own with the environment that the local run gives it. Ours and the reference take turns (A B, B A, …), each
round gives a ratio, and the table shows medians: on a machine that others use too, the ratios are what can be trusted, and the
CPU time of the serving process more than the wall clock.

* :mod:`benchmarks.table`, :mod:`benchmarks.figures`: results and the arithmetic on them; pure
* :mod:`benchmarks.ingest`: the gateway against a bare endpoint (:mod:`benchmarks.bare`), driven by :mod:`benchmarks.load`
* :mod:`benchmarks.storage`: analytics against raw COPY and INSERT
* :mod:`benchmarks.freshness`: how soon a dashboard shows an event
* :mod:`benchmarks.stack`: the whole product: time to ready, memory
"""
