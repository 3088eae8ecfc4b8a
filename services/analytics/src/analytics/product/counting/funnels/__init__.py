"""Funnels: how many users do one thing after another within a window. Pure."""
