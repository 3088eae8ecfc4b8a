"""One module per signal: how its messages are decoded, stored and turned into observations."""
