"""The questions about traces, logs and errors that the catalogue gives a path: one route each, made from their types."""
