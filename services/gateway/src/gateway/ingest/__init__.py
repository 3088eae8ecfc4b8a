"""What is sent to be stored: reading it within bounds, checking it, and having JetStream confirm it before the answer."""
