"""One module per signal, named as the suffix of its durable: ``analytics-events`` is read by ``events``.

A module exports ``SIGNAL``. Whatever durable of analytics the catalogue has, its module is loaded from here
(:func:`analytics.ingest.registry.load_signals`); no other place lists the signals.
"""
