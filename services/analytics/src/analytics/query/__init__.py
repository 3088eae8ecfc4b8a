"""Answers to ``query.v1.*``: one module per question, and the request handlers that serve them."""
