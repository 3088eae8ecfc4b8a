"""What is said on the bus: the types of messages, their catalogue and subjects, and what JSON may carry.

Pure: nothing here connects, waits or reads a clock. Everything else in Drishti may import it; :mod:`drishti.events` offers the
types to applications and services.
"""
