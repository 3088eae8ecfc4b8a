"""What is said on the bus: message types' catalogue, subjects, names of metrics and attributes, and what JSON may carry.

Pure: nothing here connects, waits or reads a clock. Everything else in Drishti may import it.
"""
