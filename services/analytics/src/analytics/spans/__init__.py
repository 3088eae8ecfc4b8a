"""Spans and what they explain: RED, service map, critical path, fingerprints of errors, what bad traces share, root
cause. Pure."""
