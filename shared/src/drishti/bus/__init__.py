"""NATS JetStream behind Drishti's own words: connect, publish, consume, replay, declare, permissions, API keys, dead letters.

The only package that the services reach the bus through. It knows messages and settings, and no HTTP.
"""
