"""Dashboard-stream: the numbers and insights of the bus as live frames on WebSockets, and the page that draws them.

Consumes AGGREGATES and INSIGHTS, each replica all of them. Produces WebSocket frames. Owns the dashboards and a bounded recent
history in memory, which it rebuilds from JetStream at start. Never computes a metric: every number is a field of an aggregate,
a field divided by its window's length or by another field, or a sum of counts; percentiles and uniques are shown as they came.
"""
