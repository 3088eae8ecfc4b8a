/** What a capsule may hold as the answer of a panel of stored spans and numbers. Pure. */

/** What a value has to be: of a record each field, `?` behind its name where it may be missing, `*` for any other name; of a list each item. */
type Shape = "text" | "number" | "number or null" | "truth" | readonly [Shape] | { readonly [field: string]: Shape };

const NAMES = { "*": "text" } as const;
const POINTS = 1_000;
const ITEMS = 2_000;

const TRACES: Shape = {
  traces: [{ trace_id: "text", service: "text", operation: "text", start_ms: "number", duration_ms: "number", spans: "number", errors: "number" }],
  "service_names?": NAMES,
};
const ERRORS: Shape = {
  errors: [
    {
      ...{ fingerprint: "text", title: "text", culprit: "text", service: "text", status: "text" },
      ...{ in_range: "number", count: "number", first_seen_ms: "number", last_seen_ms: "number", "regressions?": "number", "counts?": ["number"] },
    },
  ],
  "service_names?": NAMES,
};
const TRAFFIC: Shape = { "*": "number or null" };
const SERVICE_MAP: Shape = {
  nodes: [{ id: "text", kind: "text", name: "text", traffic: TRAFFIC }],
  edges: [{ caller: "text", callee: "text", share: "number", traffic: TRAFFIC }],
  "service_names?": NAMES,
};
const FUNNEL_STEPS: Shape = [{ event_type: "text", users: "number", "of_first?": "number or null", "of_previous?": "number or null" }];
const FUNNEL: Shape = { from: "number", to: "number", sampled: "number", steps: FUNNEL_STEPS };
const COHORTS = { cohorts: [{ from: "number", size: "number", users: ["number"], complete: "number" }], total: { sizes: ["number"], users: ["number"] } } as const;
const RETENTION: Shape = { from: "number", to: "number", kept_from: "number", interval: "text", sampled: "number", columns: [{ first: "number", last: "number" }], ...COHORTS };
const JOURNEYS: Shape = {
  ...{ from: "number", to: "number", sampled: "number", paths: "number", users: "number" },
  nodes: [{ step: "number", name: "text", count: "number", "other?": "truth" }],
  edges: [{ source: "number", target: "number", count: "number", users: "number", median_ms: "number", "latency_ms?": "number or null", "error_rate?": "number or null" }],
};
const HISTOGRAM: Shape = { unit: "text", from: "number", to: "number", at: "number" };
const SPREAD: Shape = { bins: [{ from: "number", to: "number", count: "number" }], count: "number", p50: "number", p95: "number" };
const QUERY: Shape = {
  ...{ at: "number", from: "number", to: "number", resolution: "text", unit: "text", problems: ["text"] },
  totals: [{ query: "number", series: { labels: NAMES, total: "number or null" }, labels: NAMES, group: "text", "tooltip?": "text", others: "truth" }],
};

/** How many points the answer of `panel` has; `null`: it is none. */
export function answerSize(panel: Fields, answer: unknown): number | null {
  switch (panel["kind"]) {
    case "traces":
      return fits(answer, TRACES) ? 0 : null;
    case "errors":
      return fits(answer, ERRORS) ? 0 : null;
    case "service_map":
      return fits(answer, SERVICE_MAP) ? 0 : null;
    case "funnel":
      return funnelFits(answer) ? 0 : null;
    case "retention":
      return retentionFits(answer) ? 0 : null;
    case "journeys":
      return fits(answer, JOURNEYS) ? 0 : null;
    case "histogram":
      return histogramSize(answer);
    case "query":
      return querySize(panel, answer);
    default:
      return null;
  }
}

function funnelFits(answer: unknown): boolean {
  if (!isRecord(answer) || !fits(answer, FUNNEL)) return false;
  const { times = null, groups = [] } = answer;
  return timesFit(times) && groupsFit(groups, { steps: FUNNEL_STEPS }) && (groups as Fields[]).every((group) => timesFit(group["times"] ?? null));
}

function retentionFits(answer: unknown): boolean {
  return isRecord(answer) && fits(answer, RETENTION) && groupsFit(answer["groups"] ?? [], { size: "number", ...COHORTS });
}

/** Groups by the values of a break-down, each with what `shape` says. */
function groupsFit(groups: unknown, shape: { readonly [field: string]: Shape }): boolean {
  if (!Array.isArray(groups) || groups.length > ITEMS) return false;
  return groups.every((group) => isRecord(group) && fits(group, { ...shape, "other?": "truth" }) && (group["value"] === null || fits(group["value"], "text")));
}

function timesFit(times: unknown): boolean {
  return times === null || fits(times, { mean_ms: "number", p50_ms: "number", p90_ms: "number", p99_ms: "number" });
}

function histogramSize(answer: unknown): number | null {
  if (!isRecord(answer) || !fits(answer, HISTOGRAM)) return null;
  const spread = answer["spread"];
  if (spread === null) return 0;
  if (!isRecord(spread) || !fits(spread, SPREAD)) return null;
  const [bins, steps] = [(spread["bins"] as unknown[]).length, spread["steps"]];
  if (!Array.isArray(steps) || steps.length > POINTS) return null;
  const fit = steps.every((step) => Array.isArray(step) && step.length === 2 && fits(step[0], "number") && fits(step[1], ["number"]) && step[1].length === bins);
  return fit ? bins * (steps.length + 1) : null;
}

function querySize(panel: Fields, answer: unknown): number | null {
  const queries = panel["queries"];
  if (!isRecord(answer) || !fits(answer, QUERY) || answer["before"] !== null || !Array.isArray(queries)) return null;
  let size = 0;
  for (const total of answer["totals"] as Fields[]) {
    if (!Object.hasOwn(queries, total["query"] as number)) return null;
    const points = (total["series"] as Fields)["points"];
    if (!Array.isArray(points) || points.length > POINTS) return null;
    if (!points.every((point) => Array.isArray(point) && point.length === 2 && fits(point[0], "number") && fits(point[1], "number or null"))) return null;
    size += points.length;
  }
  return size;
}

type Fields = Record<string, unknown>;

function isRecord(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function fits(value: unknown, shape: Shape): boolean {
  if (shape === "text") return typeof value === "string";
  if (shape === "truth") return typeof value === "boolean";
  if (shape === "number") return typeof value === "number" && Number.isFinite(value);
  if (shape === "number or null") return value === null || fits(value, "number");
  if (isList(shape)) return Array.isArray(value) && value.length <= ITEMS && value.every((one) => fits(one, shape[0]));
  if (!isRecord(value)) return false;
  return Object.entries(shape).every(([name, of]) => {
    if (name === "*") return Object.values(value).every((one) => fits(one, of));
    const field = name.replace("?", "");
    return Object.hasOwn(value, field) ? fits(value[field], of) : field !== name;
  });
}

function isList(shape: Shape): shape is readonly [Shape] {
  return Array.isArray(shape);
}
