"""The questions about log records: search, and what they say over and over."""
