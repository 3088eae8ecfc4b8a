/** Which readings stand where on the dashboard `dharma_insights`. */
import type { Layout } from "../model/layout.ts";
import { HIT_RATE, LLM_LATENCY, LLM_PACE, SATISFACTION, TOPICS } from "./parts.ts";

export const DHARMA_INSIGHTS: Layout = {
  tiles: [
    {
      title: "Wisdom score",
      value: "wisdom_score.avg",
      spark: "wisdom_score.avg",
      out_of: "of 1",
      more: [["wisdom_score.count.24h", "answers in 24 h"]],
    },
    SATISFACTION,
    { title: "LLM calls", value: "llm_requests.rate", spark: "llm_requests.rate", more: [["llm_requests.count.1h", "this hour"]] },
    { title: "LLM errors", value: "llm_requests.error_rate", spark: "llm_requests.error_rate", more: [["llm_requests.errors.24h", "in 24 h"]] },
    { title: "LLM latency p95", value: "llm_duration_ms.p95", spark: "llm_duration_ms.p95", more: [["llm_duration_ms.p50", "p50"]] },
    { title: "Tokens", value: "llm_tokens.sum_rate", spark: "llm_tokens.sum_rate", more: [["llm_tokens.sum.1h", "this hour"]] },
    { ...HIT_RATE, more: [["cache_requests.count.24h", "look-ups in 24 h"]] },
  ],
  charts: [
    { kind: "heat", title: "Topics", of: "events per minute", lines: [{ reading: "topics.count", by: "topic" }] },
    LLM_LATENCY,
    LLM_PACE,
    { kind: "lines", title: "LLM calls by model", of: "calls", lines: [{ reading: "llm_requests.rate", by: "model" }] },
    { kind: "lines", title: "LLM errors by model", of: "share of calls", lines: [{ reading: "llm_requests.error_rate", by: "model" }] },
    { kind: "lines", title: "Tokens", of: "tokens", lines: [{ reading: "llm_tokens.sum_rate", by: "direction" }] },
    { kind: "lines", title: "Wisdom score", of: "of 1, per minute", lines: [{ reading: "wisdom_score.avg", name: "mean" }], range: [0, 1] },
    { kind: "lines", title: "Events by type", of: "events", lines: [{ reading: "events.rate", by: "event_type" }] },
  ],
  tables: [
    {
      title: "Models",
      label: "model",
      head: "Model",
      columns: [
        { title: "24 h", reading: "llm_requests.count.24h" },
        { title: "now", reading: "llm_requests.rate" },
        { title: "p95", reading: "llm_duration_ms.p95" },
        { title: "per token", reading: "llm_time_per_output_token_ms.avg" },
        { title: "errors", reading: "llm_requests.error_rate" },
        { title: "failed in 24 h", reading: "llm_requests.errors.24h" },
      ],
    },
    TOPICS,
    {
      title: "Tokens",
      label: "direction",
      head: "Direction",
      columns: [
        { title: "24 h", reading: "llm_tokens.sum.24h" },
        { title: "now", reading: "llm_tokens.sum_rate" },
      ],
    },
  ],
};
