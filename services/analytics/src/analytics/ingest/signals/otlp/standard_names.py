"""Metrics of OpenTelemetry's semantic conventions: what they measure, where their messages leave that out. Pure.

What a message says goes first: unit and description here are for those without. ``less_is_better`` is nothing that a message
can say: of such a metric a rise is bad news, of the others the predictor judges changes either way.
"""

from __future__ import annotations

from typing import NamedTuple

from drishti.measures.definitions import Kind


class StandardMetric(NamedTuple):
    """What the conventions say of a metric, its unit as UCUM has it."""

    kind: Kind
    unit: str
    description: str
    less_is_better: bool = False


_C, _G, _D = Kind.COUNTER, Kind.GAUGE, Kind.DISTRIBUTION


def _less(kind: Kind, unit: str, description: str) -> StandardMetric:
    return StandardMetric(kind, unit, description, less_is_better=True)


def _level(kind: Kind, unit: str, description: str) -> StandardMetric:
    return StandardMetric(kind, unit, description)


STANDARD: dict[str, StandardMetric] = {
    "http.server.request.duration": _less(_D, "s", "time to serve an HTTP request"),
    "http.server.duration": _less(_D, "ms", "time to serve an HTTP request"),
    "http.server.active_requests": _level(_G, "{request}", "HTTP requests that are being served"),
    "http.server.request.body.size": _level(_D, "By", "size of the bodies of HTTP requests that were received"),
    "http.server.request.size": _level(_D, "By", "size of the bodies of HTTP requests that were received"),
    "http.server.response.body.size": _level(_D, "By", "size of the bodies of HTTP responses that were sent"),
    "http.server.response.size": _level(_D, "By", "size of the bodies of HTTP responses that were sent"),
    "http.client.request.duration": _less(_D, "s", "time of an HTTP request to another service"),
    "http.client.duration": _less(_D, "ms", "time of an HTTP request to another service"),
    "http.client.active_requests": _level(_G, "{request}", "HTTP requests to other services that are on their way"),
    "http.client.request.body.size": _level(_D, "By", "size of the bodies of HTTP requests that were sent"),
    "http.client.response.body.size": _level(_D, "By", "size of the bodies of HTTP responses that were received"),
    "http.client.open_connections": _level(_G, "{connection}", "HTTP connections to other services, idle or active"),
    "http.client.connection.duration": _level(_D, "s", "time for which HTTP connections to other services were open"),
    "rpc.server.duration": _less(_D, "ms", "time to serve a remote procedure call"),
    "rpc.client.duration": _less(_D, "ms", "time of a remote procedure call to another service"),
    "rpc.server.call.duration": _less(_D, "s", "time to serve a remote procedure call"),
    "rpc.client.call.duration": _less(_D, "s", "time of a remote procedure call to another service"),
    "gen_ai.client.token.usage": _less(_D, "{token}", "tokens of a call to a generative model, input or output"),
    "gen_ai.client.operation.duration": _less(_D, "s", "time of a call to a generative model"),
    "gen_ai.client.operation.time_to_first_chunk": _less(_D, "s", "time until the first part of a model's answer"),
    "gen_ai.client.operation.time_per_output_chunk": _less(_D, "s", "time between parts of a model's answer"),
    "gen_ai.server.request.duration": _less(_D, "s", "time for which a model server works on a request"),
    "gen_ai.server.time_per_output_token": _less(_D, "s", "time for each token of an answer after the first one"),
    "gen_ai.server.time_to_first_token": _less(_D, "s", "time until the first token of an answer"),
    "db.client.operation.duration": _less(_D, "s", "time of an operation on a database"),
    "db.client.response.returned_rows": _level(_D, "{row}", "rows that an operation on a database returned"),
    "db.client.connection.count": _level(_G, "{connection}", "connections of a pool, idle or used"),
    "db.client.connection.idle.max": _level(_G, "{connection}", "idle connections that a pool may keep"),
    "db.client.connection.idle.min": _level(_G, "{connection}", "idle connections that a pool must keep"),
    "db.client.connection.max": _level(_G, "{connection}", "connections that a pool may open"),
    "db.client.connection.pending_requests": _less(_G, "{request}", "requests that wait for a connection of a pool"),
    "db.client.connection.timeouts": _less(_C, "{timeout}", "times that waiting for a connection of a pool took too long"),
    "db.client.connection.create_time": _less(_D, "s", "time to open a connection of a pool"),
    "db.client.connection.wait_time": _less(_D, "s", "time until a connection of a pool was given"),
    "db.client.connection.use_time": _less(_D, "s", "time between borrowing a connection of a pool and returning it"),
    "db.client.connections.usage": _level(_G, "{connection}", "connections of a pool, idle or used"),
    "messaging.client.operation.duration": _less(_D, "s", "time of a messaging operation"),
    "messaging.client.sent.messages": _level(_C, "{message}", "messages that a producer sent"),
    "messaging.client.consumed.messages": _level(_C, "{message}", "messages that a consumer was given"),
    "messaging.process.duration": _less(_D, "s", "time to process a message"),
    "process.cpu.time": _level(_C, "s", "processor time of a process"),
    "process.memory.virtual": _level(_G, "By", "virtual memory of a process"),
    "process.disk.io": _level(_C, "By", "bytes that a process read from and wrote to disks"),
    "process.network.io": _level(_C, "By", "bytes that a process sent and received"),
    "process.thread.count": _level(_G, "{thread}", "threads of a process"),
    "process.open_file_descriptor.count": _less(_G, "{file_descriptor}", "file descriptors that a process has open"),
    "process.unix.file_descriptor.count": _less(_G, "{file_descriptor}", "file descriptors that a process has open"),
    "process.context_switches": _level(_C, "{context_switch}", "context switches of a process"),
    "process.paging.faults": _level(_C, "{fault}", "page faults of a process"),
    "process.uptime": _level(_G, "s", "time since a process started"),
    "process.runtime.cpython.memory": _less(_G, "By", "memory of a Python process"),
    "process.runtime.cpython.cpu_time": _level(_C, "s", "processor time of a Python process"),
    "process.runtime.cpython.gc_count": _level(_C, "{collection}", "collections of Python's garbage collector"),
    "process.runtime.cpython.thread_count": _level(_G, "{thread}", "threads of a Python process"),
    "process.runtime.cpython.context_switches": _level(_C, "{context_switch}", "context switches of a Python process"),
    "process.runtime.cpython.cpu.utilization": _less(_G, "1", "share of the processors that a Python process uses"),
    "system.cpu.time": _level(_C, "s", "processor time by mode"),
    "system.cpu.utilization": _level(_G, "1", "share of a processor's time by mode"),
    "system.cpu.frequency": _level(_G, "Hz", "frequency of a processor"),
    "system.cpu.logical.count": _level(_G, "{cpu}", "logical processors"),
    "system.cpu.physical.count": _level(_G, "{cpu}", "physical processor cores"),
    "system.memory.usage": _level(_G, "By", "memory in use by state"),
    "system.memory.limit": _level(_G, "By", "memory that there is"),
    "system.memory.utilization": _level(_G, "1", "share of the memory by state"),
    "system.paging.usage": _level(_G, "By", "swap space in use"),
    "system.paging.utilization": _level(_G, "1", "share of the swap space by state"),
    "system.paging.faults": _level(_C, "{fault}", "page faults"),
    "system.paging.operations": _level(_C, "{operation}", "pages moved to and from swap space"),
    "system.disk.io": _level(_C, "By", "bytes read from and written to disks"),
    "system.disk.operations": _level(_C, "{operation}", "operations on disks"),
    "system.disk.io_time": _level(_C, "s", "time for which disks were busy"),
    "system.disk.operation_time": _level(_C, "s", "time of operations on disks, added up"),
    "system.disk.merged": _level(_C, "{operation}", "operations on disks that were merged into others"),
    "system.filesystem.usage": _level(_G, "By", "space in use on file systems"),
    "system.filesystem.utilization": _less(_G, "1", "share of the space of file systems that is in use"),
    "system.filesystem.limit": _level(_G, "By", "space of file systems"),
    "system.network.io": _level(_C, "By", "bytes sent and received on networks"),
    "system.network.packets": _level(_C, "{packet}", "packets sent and received on networks"),
    "system.network.packet.count": _level(_C, "{packet}", "packets sent and received on networks"),
    "system.network.packet.dropped": _less(_C, "{packet}", "packets that were dropped"),
    "system.network.dropped": _less(_C, "{packet}", "packets that were dropped"),
    "system.network.errors": _less(_C, "{error}", "errors on networks"),
    "system.network.connection.count": _level(_G, "{connection}", "network connections by state"),
    "system.network.connections": _level(_G, "{connection}", "network connections by state"),
    "system.process.count": _level(_G, "{process}", "processes by state"),
    "system.process.created": _level(_C, "{process}", "processes that were started"),
    "system.thread_count": _level(_G, "{thread}", "threads of all processes"),
    "system.uptime": _level(_G, "s", "time since the system started"),
    "cpython.gc.collections": _level(_C, "{collection}", "collections of Python's garbage collector by generation"),
    "cpython.gc.collected_objects": _level(_C, "{object}", "objects that Python's garbage collector freed"),
    "cpython.gc.uncollectable_objects": _less(_C, "{object}", "objects that Python's garbage collector could not free"),
    "jvm.memory.used": _less(_G, "By", "memory in use by a Java virtual machine"),
    "jvm.memory.committed": _level(_G, "By", "memory that a Java virtual machine has reserved"),
    "jvm.memory.limit": _level(_G, "By", "memory that a Java virtual machine may use"),
    "jvm.memory.used_after_last_gc": _less(_G, "By", "memory in use after the last garbage collection"),
    "jvm.gc.duration": _less(_D, "s", "time of a garbage collection of a Java virtual machine"),
    "jvm.thread.count": _level(_G, "{thread}", "threads of a Java virtual machine"),
    "jvm.class.count": _level(_G, "{class}", "classes that a Java virtual machine has loaded"),
    "jvm.class.loaded": _level(_C, "{class}", "classes that were loaded"),
    "jvm.class.unloaded": _level(_C, "{class}", "classes that were unloaded"),
    "jvm.cpu.count": _level(_G, "{cpu}", "processors that a Java virtual machine may use"),
    "jvm.cpu.time": _level(_C, "s", "processor time of a Java virtual machine"),
    "jvm.cpu.recent_utilization": _less(_G, "1", "share of the processors that a Java virtual machine uses"),
    "go.memory.used": _less(_G, "By", "memory in use by a Go runtime"),
    "go.memory.limit": _level(_G, "By", "memory that a Go runtime may use"),
    "go.memory.allocated": _level(_C, "By", "memory that a Go program allocated on its heap"),
    "go.memory.allocations": _level(_C, "{allocation}", "allocations on the heap of a Go program"),
    "go.memory.gc.goal": _level(_G, "By", "size of the heap at which Go collects garbage"),
    "go.goroutine.count": _level(_G, "{goroutine}", "goroutines of a Go program"),
    "go.processor.limit": _level(_G, "{thread}", "threads that may run Go code at once"),
    "go.schedule.duration": _less(_D, "s", "time for which a goroutine waited to run"),
    "go.config.gogc": _level(_G, "%", "target of Go's garbage collector"),
    "nodejs.eventloop.utilization": _less(_G, "1", "share of the time in which the event loop of Node.js is busy"),
    "nodejs.eventloop.time": _level(_C, "s", "time of the event loop of Node.js by state"),
    "nodejs.eventloop.delay.min": _less(_G, "s", "least delay of the event loop of Node.js"),
    "nodejs.eventloop.delay.max": _less(_G, "s", "largest delay of the event loop of Node.js"),
    "nodejs.eventloop.delay.mean": _less(_G, "s", "mean delay of the event loop of Node.js"),
    "nodejs.eventloop.delay.stddev": _less(_G, "s", "standard deviation of the delay of the event loop of Node.js"),
    "nodejs.eventloop.delay.p50": _less(_G, "s", "median of the delay of the event loop of Node.js"),
    "nodejs.eventloop.delay.p90": _less(_G, "s", "90th percentile of the delay of the event loop of Node.js"),
    "nodejs.eventloop.delay.p99": _less(_G, "s", "99th percentile of the delay of the event loop of Node.js"),
    "v8js.gc.duration": _less(_D, "s", "time of a garbage collection of V8"),
    "v8js.memory.heap.used": _less(_G, "By", "memory in use on the heap of V8"),
    "v8js.memory.heap.limit": _level(_G, "By", "memory that the heap of V8 may use"),
    "dotnet.process.cpu.time": _level(_C, "s", "processor time of a .NET process"),
    "dotnet.process.memory.working_set": _less(_G, "By", "memory of a .NET process"),
    "dotnet.gc.collections": _level(_C, "{collection}", "garbage collections of .NET by generation"),
    "dotnet.gc.pause.time": _less(_C, "s", "time for which garbage collections of .NET stopped the program"),
    "dotnet.gc.heap.total_allocated": _level(_C, "By", "memory that a .NET program allocated"),
    "dotnet.thread_pool.queue.length": _less(_G, "{work_item}", "work that waits for a thread of .NET's pool"),
    "dotnet.thread_pool.thread.count": _level(_G, "{thread}", "threads of .NET's pool"),
    "dotnet.monitor.lock_contentions": _less(_C, "{contention}", "times that .NET code waited for a lock"),
    "dotnet.exceptions": _less(_C, "{exception}", "exceptions that .NET code raised"),
}  # fmt: skip
"""By name, older names that SDKs still send among them."""
