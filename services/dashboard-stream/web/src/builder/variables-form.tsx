/** The variables of a dashboard: what can be chosen above its panels. */
import { createContext } from "preact";
import { useState } from "preact/hooks";
import type { Fault } from "../model/definition.ts";
import type { Metric } from "../model/metrics.ts";
import { type Variable, variableTitle } from "../model/variables.ts";
import { TextField } from "../panels/field.tsx";
import { useValues } from "../panels/use-values.ts";
import { ValuesField } from "../panels/values-field.tsx";
import { Choice } from "../panels/choice.tsx";
import { countedBy } from "./questions.ts";

const MOST = 8;

/** Of the dashboard that is edited: its questions can name them. */
export const Variables = createContext<readonly Variable[]>([]);

interface Props {
  variables: readonly Variable[];
  metrics: readonly Metric[];
  faults: ReadonlyMap<string, Fault>;
  set: (variables: Variable[], step: string) => void;
}

export function VariablesForm({ variables, metrics, faults, set }: Props) {
  const [open, setOpen] = useState(false);
  const put = (at: number, changed: Partial<Variable>, step = "") => set(variables.map((one, i) => (i === at ? { ...one, ...changed } : one)), step && `variables[${at}].${step}`);
  const first = metrics.find((one) => one.enabled && one.dimensions.length);
  const add = () => {
    if (!first) return;
    const dimension = first.dimensions.includes("service") ? "service" : (first.dimensions[0] as string);
    set([...variables, { name: freeName(dimension, variables), metric: first.token, dimension }], "");
  };
  return (
    <details class="panel variables-form" open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        Variables <span class="muted">{variables.length ? variables.map((one) => `$${one.name}`).join(", ") : "none: choices above the panels, such as a service or a model"}</span>
      </summary>
      {variables.map((variable, at) => (
        <fieldset key={at}>
          <legend>{variableTitle(variable)}</legend>
          <VariableForm variable={variable} metrics={metrics} fault={(field) => faults.get(`variables[${at}].${field}`)} set={(changed, step) => put(at, changed, step)} />
          <button type="button" onClick={() => set(variables.filter((_, i) => i !== at), "")}>
            Remove variable {variable.name}
          </button>
        </fieldset>
      ))}
      <button type="button" class="add" disabled={!first || variables.length >= MOST} onClick={add}>
        Add a variable
      </button>
    </details>
  );
}

interface FormProps {
  variable: Variable;
  metrics: readonly Metric[];
  fault: (field: string) => Fault | undefined;
  set: (changed: Partial<Variable>, step?: string) => void;
}

function VariableForm({ variable, metrics, fault, set }: FormProps) {
  const metric = metrics.find((one) => one.token === variable.metric) ?? null;
  const known = useValues(variable.metric, variable.dimension, countedBy(metric, variable.dimension));
  const withDimensions = metrics.filter((one) => one.dimensions.length).map((one) => one.token);
  const dimensions = metric?.dimensions ?? [];
  return (
    <div class="form-grid">
      <TextField title="Name" value={variable.name} set={(name) => set({ name }, "name")} fault={fault("name")} hint={`In filters and titles: $${variable.name}`} />
      <TextField title="Title" value={variable.title ?? ""} set={(title) => set({ title: title || undefined }, "title")} fault={fault("title")} placeholder={variableTitle({ ...variable, title: "" })} />
      <TextField title="Values of the metric" value={variable.metric} list={withDimensions} set={(token) => set({ metric: token.trim() }, "metric")} fault={fault("metric") ?? (metric ? undefined : { field: "", error: "there is no such metric" })} />
      <Choice title="Dimension" value={variable.dimension} values={dimensions.includes(variable.dimension) ? dimensions : [variable.dimension, ...dimensions]} words={(one) => one} fault={fault("dimension")} set={(dimension) => set({ dimension, default: undefined })} />
      <ValuesField title="From the start" label={variable.dimension} chosen={variable.default ?? []} known={known} hint="None: all of them." fault={fault("default")} set={(values) => set({ default: values.length ? (variable.several ? values : values.slice(-1)) : undefined })} />
      <label class="check">
        <input type="checkbox" checked={variable.several === true} onChange={(event) => set({ several: event.currentTarget.checked || undefined, default: event.currentTarget.checked ? variable.default : variable.default?.slice(0, 1) })} />
        <span>Several at once</span>
      </label>
    </div>
  );
}

function freeName(stem: string, variables: readonly Variable[]): string {
  const base = stem.toLowerCase().replace(/[^a-z0-9_]+/g, "_").replace(/^[^a-z]+/, "").slice(0, 28) || "value";
  const taken = new Set(variables.map(({ name }) => name));
  let name = base;
  for (let number = 2; taken.has(name); number++) name = `${base}_${number}`;
  return name;
}
