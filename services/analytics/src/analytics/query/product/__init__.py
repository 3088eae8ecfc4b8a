"""Questions about what users do, and their answers."""
