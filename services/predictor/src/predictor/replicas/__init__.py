"""Which replica owns which partition, what it holds of it, and what it has yet to publish."""
