/** The fields of panels that ask no question of the frames: what models say, traces, errors, the service map, histograms, queries and what users do. */
import type { Distribution } from "../model/contracts.ts";
import type { Fault } from "../model/definition.ts";
import { type AskedPanel, type InsightPanel, isAsked, type Panel } from "../model/panels.ts";
import type { Metric } from "../model/metrics.ts";
import { Field, TextField } from "../panels/field.tsx";
import { Choice } from "../panels/choice.tsx";
import { ProductPanelForm } from "./product-panel-form.tsx";
import { QueryForm } from "./query-form.tsx";

interface Props<P> {
  panel: P;
  metrics: readonly Metric[];
  fault: (place: string) => Fault | undefined;
  set: (panel: Panel, step?: string) => void;
}

export function isInsightPanel(panel: Panel): panel is InsightPanel {
  return panel.kind === "events" || panel.kind === "incidents" || panel.kind === "forecast_scores";
}

export function AskedForm({ panel, metrics, fault, set }: Props<Panel>) {
  if (isInsightPanel(panel)) return <InsightForm panel={panel} metrics={metrics} fault={fault} set={set} />;
  return isAsked(panel) ? <StoredForm panel={panel} metrics={metrics} fault={fault} set={set} /> : null;
}

const ABOUT = { all: "any metric", shown: "what the dashboard shows", some: "some metrics" } as const;

function InsightForm({ panel, metrics, fault, set }: Props<InsightPanel>) {
  const about = panel.all_metrics ? "all" : panel.metrics ? "some" : "shown";
  const chosen = panel.metrics ?? [];
  return (
    <div class="form-grid">
      <Choice
        title="About"
        value={about}
        values={Object.keys(ABOUT)}
        words={(one) => ABOUT[one as keyof typeof ABOUT]}
        set={(one) => set({ ...panel, all_metrics: one === "all" || undefined, metrics: one === "some" ? [] : undefined })}
      />
      {about === "some" && (
        <Field title="Metrics" hint="Those that are chosen; Ctrl or Shift chooses several." fault={fault("metrics")} wide>
          {(told) => (
            <select {...told} multiple size={6} onChange={(event) => set({ ...panel, metrics: [...event.currentTarget.selectedOptions].map((option) => option.value) })}>
              {metrics.map((one) => (
                <option key={one.token} value={one.token} selected={chosen.includes(one.token)}>
                  {one.name}
                </option>
              ))}
            </select>
          )}
        </Field>
      )}
      {panel.kind === "events" && (
        <Choice
          title="At least"
          value={panel.severity ?? "info"}
          values={["info", "warning", "critical"]}
          words={(one) => one}
          set={(severity) => set({ ...panel, severity: severity === "info" ? undefined : (severity as "warning") })}
        />
      )}
      {panel.kind !== "forecast_scores" && <NumberField title="At most, rows" value={panel.top} place="top" fault={fault} set={(top) => set({ ...panel, top }, "top")} placeholder={panel.kind === "events" ? "20" : "10"} />}
    </div>
  );
}

function StoredForm({ panel, metrics, fault, set }: Props<AskedPanel>) {
  if (panel.kind === "histogram") {
    const { values } = panel;
    const known = metrics.filter((one) => one.kind === "distribution").map((one) => one.token);
    const put = (changed: Partial<Distribution>) => set({ ...panel, values: { ...values, ...changed } });
    return (
      <div class="form-grid">
        <Choice title="Metric" value={values.metric} values={known.includes(values.metric) ? known : [values.metric, ...known]} words={(one) => metrics.find((metric) => metric.token === one)?.name ?? (one || "choose a distribution")} fault={fault("values.metric")} set={(metric) => put({ metric, only: undefined, without: undefined })} />
        <Choice title="Drawn as" value={panel.style ?? "bars"} values={["bars", "heatmap"]} words={(one) => (one === "bars" ? "bars, of the whole range" : "heat map over time")} fault={fault("style")} set={(one) => set({ ...panel, style: one === "heatmap" ? one : undefined })} />
        <TextField title="Unit" value={panel.unit ?? ""} set={(unit) => set({ ...panel, unit: unit || undefined }, "unit")} fault={fault("unit")} placeholder="the metric's own" />
      </div>
    );
  }
  if (panel.kind === "funnel" || panel.kind === "retention" || panel.kind === "journeys") return <ProductPanelForm panel={panel} fault={fault} set={set} />;
  if (panel.kind === "query") return <QueryForm panel={panel} metrics={metrics} fault={fault} set={set} />;
  const service = <TextField title="Service" value={panel.service ?? ""} set={(service) => set({ ...panel, service: service || undefined }, "service")} fault={fault("service")} placeholder="any" />;
  if (panel.kind === "service_map") return <div class="form-grid">{service}</div>;
  if (panel.kind === "errors") {
    return (
      <div class="form-grid">
        {service}
        <Choice title="Status" value={panel.status ?? "open"} values={["open", "resolved", "ignored", "any"]} words={(one) => one} set={(status) => set({ ...panel, status: status === "open" ? undefined : (status as "any") })} />
        <TextField title="Text" value={panel.text ?? ""} set={(text) => set({ ...panel, text: text || undefined }, "text")} fault={fault("text")} placeholder="of title or place" />
        <Choice title="Order" value={panel.order ?? "last_seen"} values={["last_seen", "first_seen", "count"]} words={(one) => ({ last_seen: "last seen", first_seen: "newest", count: "most" })[one] ?? one} set={(order) => set({ ...panel, order: order === "last_seen" ? undefined : (order as "count") })} />
        <NumberField title="At most, rows" value={panel.top} place="top" fault={fault} set={(top) => set({ ...panel, top }, "top")} placeholder="10" />
      </div>
    );
  }
  return (
    <div class="form-grid">
      {service}
      <TextField title="Operation" value={panel.operation ?? ""} set={(operation) => set({ ...panel, operation: operation || undefined }, "operation")} fault={fault("operation")} placeholder="any" />
      <NumberField title="At least, ms" value={panel.min_duration_ms} place="min_duration_ms" fault={fault} set={(min_duration_ms) => set({ ...panel, min_duration_ms }, "min_duration_ms")} placeholder="0" />
      <TextField title="Text of errors" value={panel.text ?? ""} set={(text) => set({ ...panel, text: text || undefined }, "text")} fault={fault("text")} />
      <TextField
        title="Attributes"
        value={(panel.attributes ?? []).join(", ")}
        set={(text) => set({ ...panel, attributes: text.trim() ? text.split(/,\s*/) : undefined }, "attributes")}
        fault={fault("attributes") ?? fault("attributes[0]")}
        placeholder="http.route=/cart, size>=3"
      />
      <Choice title="Order" value={panel.order ?? "newest"} values={["newest", "slowest"]} words={(one) => `${one} first`} set={(order) => set({ ...panel, order: order === "slowest" ? order : undefined })} />
      <NumberField title="At most, rows" value={panel.top} place="top" fault={fault} set={(top) => set({ ...panel, top }, "top")} placeholder="10" />
      <label class="check">
        <input type="checkbox" checked={panel.failed ?? false} onChange={(event) => set({ ...panel, failed: event.currentTarget.checked || undefined })} />
        <span>Failed only</span>
      </label>
      <label class="check">
        <input type="checkbox" checked={panel.root ?? false} onChange={(event) => set({ ...panel, root: event.currentTarget.checked || undefined })} />
        <span>Roots only</span>
      </label>
    </div>
  );
}

interface NumberProps {
  title: string;
  value: number | null | undefined;
  place: string;
  placeholder: string;
  fault: (place: string) => Fault | undefined;
  set: (value: number | undefined) => void;
}

function NumberField({ title, value, place, placeholder, fault, set }: NumberProps) {
  // What is no number is kept as it is typed: the service says what is wrong with it.
  const typed = (text: string) => set(text.trim() === "" ? undefined : Number.isFinite(Number(text)) ? Number(text) : (text as unknown as number));
  return <TextField title={title} value={value === null || value === undefined ? "" : String(value)} set={typed} fault={fault(place)} numeric placeholder={placeholder} />;
}
