"""An HTTP and WebSocket server that a stranger cannot exhaust: uvicorn, within limits from the first byte to the last."""
