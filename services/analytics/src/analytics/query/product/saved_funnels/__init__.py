"""Saved funnels: what is asked about them, and their results as events come."""
