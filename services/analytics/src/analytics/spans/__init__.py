"""Spans and what they explain: RED, service map, critical path, errors, what bad traces share, root cause. Pure."""
