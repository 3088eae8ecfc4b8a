"""Detectors of anomalies: the interface, and the one that the command line and the judgement by the minute use."""
