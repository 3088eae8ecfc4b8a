"""What administrators of a tenant see and change over HTTP: its API keys."""
