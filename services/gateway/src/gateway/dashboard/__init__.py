"""The way of browsers to dashboard-stream: who may see what, and the proxy that carries requests and WebSockets."""
