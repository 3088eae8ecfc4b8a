"""What stands behind ``drishti.analytics``, ``drishti.tracing`` and ``drishti.instrument``; applications import those.

It buffers, encodes and sends events, follows what traced functions return, and names routes. It imports no HTTP server.
"""
