/** Which readings stand where on the dashboard `system_overview`. */
import type { Layout } from "../model/layout.ts";
import { HIT_RATE, LLM_LATENCY, LLM_PACE } from "./parts.ts";

export const SYSTEM_OVERVIEW: Layout = {
  tiles: [
    { title: "Requests", value: "requests.rate", spark: "requests.rate", more: [["requests.count.1h", "this hour"]] },
    { title: "Errors", value: "requests.error_rate", spark: "requests.error_rate", more: [["requests.errors.24h", "in 24 h"]] },
    {
      title: "Latency p95",
      value: "request_duration_ms.p95",
      spark: "request_duration_ms.p95",
      more: [["request_duration_ms.p50", "p50"], ["request_duration_ms.p99", "p99"]],
    },
    { title: "LLM calls", value: "llm_requests.rate", spark: "llm_requests.rate", more: [["llm_requests.error_rate", "failed"]] },
    HIT_RATE,
    { title: "Events", value: "events.rate", spark: "events.rate", more: [["events.count.1h", "this hour"]] },
    { title: "Active users", value: "active_users.uniques", spark: "active_users.uniques" },
  ],
  charts: [
    {
      kind: "lines",
      title: "Requests by service",
      of: "requests",
      lines: [{ reading: "requests.rate", name: "all" }, { reading: "requests.rate", by: "service" }],
    },
    {
      kind: "lines",
      title: "Latency",
      of: "time to serve a request",
      lines: [
        { reading: "request_duration_ms.p95", name: "p95" },
        { reading: "request_duration_ms.p50", name: "p50" },
        { reading: "request_duration_ms.p99", name: "p99" },
      ],
    },
    { kind: "lines", title: "Errors by service", of: "share of requests", lines: [{ reading: "requests.error_rate", by: "service" }] },
    { kind: "lines", title: "LLM calls by model", of: "calls", lines: [{ reading: "llm_requests.rate", by: "model" }] },
    LLM_LATENCY,
    LLM_PACE,
    { kind: "lines", title: "LLM errors", of: "share of calls", lines: [{ reading: "llm_requests.error_rate", name: "all models" }] },
    { kind: "lines", title: "CPU", of: "of one core", lines: [{ reading: "cpu_utilization.avg", by: "service" }] },
    { kind: "lines", title: "Memory", of: "resident", lines: [{ reading: "memory_usage_bytes.avg", by: "service" }] },
  ],
  tables: [
    {
      title: "Services",
      label: "service",
      head: "Service",
      columns: [
        { title: "requests", reading: "requests.rate" },
        { title: "errors", reading: "requests.error_rate" },
        { title: "p95", reading: "request_duration_ms.p95" },
        { title: "CPU", reading: "cpu_utilization.avg" },
        { title: "memory", reading: "memory_usage_bytes.avg" },
      ],
    },
    { title: "Responses", label: "status", head: "Status", columns: [{ title: "now", reading: "requests.rate" }] },
    {
      title: "Models",
      label: "model",
      head: "Model",
      columns: [
        { title: "calls", reading: "llm_requests.rate" },
        { title: "p95", reading: "llm_duration_ms.p95" },
        { title: "per token", reading: "llm_time_per_output_token_ms.avg" },
      ],
    },
  ],
};
