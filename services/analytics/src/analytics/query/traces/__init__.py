"""Answers about stored spans: searches, facets, and one trace."""
