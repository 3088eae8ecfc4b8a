"""A small wisdom application that Drishti watches, and the people who use it.

It answers questions with two simulated language models and uses Drishti's SDK as any application would: one call to
``drishti.instrument``, decorators and spans around its work, events for what its users do. ``python -m wisdom`` serves it and
drives it with recorded traffic. Nothing in here knows how Drishti works inside.
"""
