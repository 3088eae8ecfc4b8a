/** The question of a panel: a metric, completed while it is typed, with the fields and dimensions that it has. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";
import type { PanelQuestion } from "../model/contracts.ts";
import type { Fault } from "../model/definition.ts";
import { fieldInWords, kindInWords, type Metric } from "../model/metrics.ts";
import { Field } from "../panels/field.tsx";
import { Choice } from "../panels/choice.tsx";
import { ConditionsForm } from "./conditions-form.tsx";
import { fieldsOf, metricOf, ofMetric, splitsWith } from "./questions.ts";

/** Seconds over which a number of now is computed. */
const OVER_S = [1, 5, 10, 30, 60, 300, 900, 3600];

interface Props<Q extends PanelQuestion> {
  question: Q;
  metrics: readonly Metric[];
  /** Where the question stands in the panel: `lines[0]`. */
  place: string;
  fault: (place: string) => Fault | undefined;
  /** `step`: what is typed in one field in a row. */
  set: (question: Q, step: string) => void;
  /** What the panel shows of the question: a number of now, or a line. */
  shows: "number" | "line";
  /** Whether it can be split; a table is, as a whole. */
  split?: boolean;
  /** Whether it must be. */
  rows?: boolean;
  children?: ComponentChildren;
}

export function QuestionForm<Q extends PanelQuestion>({ question, metrics, place, fault, set, shows, split = true, rows = false, children }: Props<Q>) {
  const metric = metrics.find((one) => one.token === question.metric) ?? null;
  const change = (changed: Partial<PanelQuestion>, step = "") => set({ ...question, ...changed }, step && `${place}.${step}`);
  const splits = splitsWith(metric, question);
  const { field, by, span, over_s = 10, resolution = "1s", total = true } = question;
  return (
    <>
      <MetricField
        value={question.metric}
        metrics={metrics}
        fault={fault(`${place}.metric`)}
        set={(token) => set(ofMetric(question, token, metrics), `${place}.metric`)}
      />
      <Choice title="Field" value={field} values={withValue(fieldsOf(metric), field)} words={fieldInWords} fault={fault(`${place}.field`)} set={(field) => change({ field })} />
      {split && (
        <Choice
          title={rows ? "A row for each" : "Split by"}
          value={by ?? ""}
          values={withValue(rows ? splits : ["", ...splits], by ?? "")}
          words={(label) => label || (rows ? "choose a dimension" : "nothing: all together")}
          fault={fault(`${place}.by`)}
          set={(by) => change({ by: by || undefined, ...(by ? {} : { total: undefined }) })}
        />
      )}
      {shows === "number" && (
        <Choice
          title="Counted over"
          value={span ?? String(over_s)}
          values={withValue([...OVER_S.map(String), "1h", "24h"], span ?? String(over_s))}
          words={(over) => (over === "1h" ? "this hour and the last" : over === "24h" ? "24 hours" : `the last ${over} s`)}
          fault={fault(`${place}.over_s`) ?? fault(`${place}.span`)}
          set={(over) => change(over === "1h" || over === "24h" ? { span: over, over_s: undefined } : { span: undefined, over_s: over === "10" ? undefined : Number(over) })}
        />
      )}
      {!span && (
        <Choice
          title="Resolution"
          value={resolution}
          values={["1s", "1m"]}
          words={(one) => (one === "1s" ? "a point each second" : "a point each minute")}
          fault={fault(`${place}.resolution`)}
          set={(one) => change({ resolution: one === "1m" ? "1m" : undefined })}
        />
      )}
      {split && by && !rows && shows === "line" && (
        <label class="check">
          <input type="checkbox" checked={total} onChange={(event) => change({ total: event.currentTarget.checked ? undefined : false })} />
          <span>All together is sent too</span>
        </label>
      )}
      {children}
      <ConditionsForm question={question} metric={metric} place={place} fault={fault} set={change} />
    </>
  );
}

export function MetricField({ value, metrics, fault, set }: { value: string; metrics: readonly Metric[]; fault?: Fault; set: (token: string) => void }) {
  const options = useId();
  const known = metrics.find((one) => one.token === value) ?? null;
  const hint = known ? [kindInWords(known.kind), known.unit !== "1" && known.unit, known.description].filter(Boolean).join(" · ") : "Type a part of its name.";
  return (
    <Field title="Metric" hint={<bdi>{hint}</bdi>} fault={fault}>
      {(about) => (
        <>
          <input
            {...about}
            type="text"
            value={value}
            list={options}
            autocomplete="off"
            spellcheck={false}
            onInput={(event) => set(event.currentTarget.value.trim())}
            // Who types a name means the metric of that name.
            onBlur={() => {
              const meant = metricOf(metrics, value);
              if (meant && meant.token !== value) set(meant.token);
            }}
          />
          <datalist id={options}>
            {metrics.map((one) => (
              <option key={one.token} value={one.token} label={one.name === one.token ? one.description : one.name} />
            ))}
          </datalist>
        </>
      )}
    </Field>
  );
}

/** The choices, with what is chosen although it is none of them. */
function withValue(values: readonly string[], value: string): string[] {
  return values.includes(value) ? [...values] : [value, ...values];
}
