"""Erases users: from rows, from segments, and from what is on the bus."""
