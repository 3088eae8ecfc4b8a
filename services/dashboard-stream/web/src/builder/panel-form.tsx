/** The form of one panel: what it is called, and what it asks. */
import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import type { Column, Line, Remark, Stat, Table, TimeSeries } from "../model/contracts.ts";
import type { Fault } from "../model/definition.ts";
import type { Metric } from "../model/metrics.ts";
import { isAsked, type Panel, questionsOf } from "../model/panels.ts";
import { Field, TextField } from "../panels/field.tsx";
import { AskedForm, isInsightPanel } from "./asked-form.tsx";
import { Choice } from "../panels/choice.tsx";
import { LayoutForm } from "./layout-form.tsx";
import { BandForm, LimitsForm, NumberField, StyleChoice, ThresholdForm, UnitField } from "./limits-form.tsx";
import { numeric } from "./numbers.ts";
import { QuestionForm } from "./question-form.tsx";
import { KINDS, newPanel, retitled, tableSplits } from "./questions.ts";

interface Props {
  panel: Panel;
  metrics: readonly Metric[];
  /** By their place in the panel. */
  faults: ReadonlyMap<string, Fault>;
  set: (panel: Panel, step?: string) => void;
}

export function PanelForm({ panel, metrics, faults, set: change }: Props) {
  const set = (changed: Panel, step?: string) => change(retitled(panel, changed, metrics), step);
  const fault = (place: string) => faults.get(place);
  const elsewhere = [...faults].filter(([place]) => !SHOWN.test(place) && !((isAsked(panel) || isInsightPanel(panel)) && ASKED.test(place)));
  return (
    <div class="panel-form" role="group" aria-label={`Panel ${panel.title}`}>
      {elsewhere.map(([place, { error }]) => (
        <p class="fault" role="alert" key={place}>
          {place ? `${place}: ` : ""}
          {error}
        </p>
      ))}
      <div class="form-grid">
        <TextField title="Title" value={panel.title} set={(title) => set({ ...panel, title }, "title")} fault={fault("title")} />
        <TextField title="Description" value={panel.description ?? ""} set={(description) => set({ ...panel, description }, "description")} fault={fault("description")} />
      </div>
      {panel.kind === "stat" && <StatForm panel={panel} metrics={metrics} fault={fault} set={set} />}
      {panel.kind === "time_series" && <LinesForm panel={panel} metrics={metrics} fault={fault} set={set} />}
      {panel.kind === "heatmap" && (
        <div class="form-grid">
          <QuestionForm question={panel.rows} metrics={metrics} place="rows" fault={fault} set={(rows, step) => set({ ...panel, rows }, step)} shows="line" rows />
          <TextField title="Measured" value={panel.measures ?? ""} set={(measures) => set({ ...panel, measures }, "measures")} fault={fault("measures")} hint="Below the title: what is counted, such as requests per second." />
        </div>
      )}
      {panel.kind === "gauge" && (
        <div class="form-grid">
          <QuestionForm question={panel.value} metrics={metrics} place="value" fault={fault} set={(value, step) => set({ ...panel, value }, step)} shows="number" split={false} />
          <NumberField title="Scale from" value={panel.min ?? 0} fault={fault("min")} set={(min) => set({ ...panel, min }, "min")} />
          <NumberField title="Scale to" value={panel.max} fault={fault("max")} placeholder="automatic" set={(max) => set({ ...panel, max }, "max")} />
          <UnitField value={panel.unit} fault={fault("unit")} set={(unit) => set({ ...panel, unit }, "unit")} />
          <LimitsForm limits={panel.limits} fault={fault} set={(limits, step) => set({ ...panel, limits }, step)} />
        </div>
      )}
      {panel.kind === "bar" && (
        <div class="form-grid">
          <QuestionForm question={panel.bars} metrics={metrics} place="bars" fault={fault} set={(bars, step) => set({ ...panel, bars }, step)} shows="number" rows />
          <NumberField title="Bars at most" value={panel.top ?? 10} fault={fault("top")} set={(top) => set({ ...panel, top }, "top")} />
          <UnitField value={panel.unit} fault={fault("unit")} set={(unit) => set({ ...panel, unit }, "unit")} />
        </div>
      )}
      {panel.kind === "pie" && (
        <div class="form-grid">
          <QuestionForm question={panel.parts} metrics={metrics} place="parts" fault={fault} set={(parts, step) => set({ ...panel, parts }, step)} shows="number" rows />
          <Choice title="Drawn as" value={panel.style ?? "ring"} values={["ring", "treemap"]} words={(style) => style} set={(style) => set({ ...panel, style: style === "treemap" ? style : undefined })} />
          <UnitField value={panel.unit} fault={fault("unit")} set={(unit) => set({ ...panel, unit }, "unit")} />
        </div>
      )}
      {panel.kind === "text" && (
        <Field title="Text" hint="Markdown: headings, lists, links." fault={fault("text")} wide>
          {(about) => <textarea {...about} rows={8} value={panel.text} onInput={(event) => set({ ...panel, text: event.currentTarget.value }, "text")} />}
        </Field>
      )}
      {panel.kind === "table" && <TableForm panel={panel} metrics={metrics} fault={fault} set={set} />}
      <AskedForm panel={panel} metrics={metrics} fault={fault} set={set} />
      <LayoutForm panel={panel} fault={fault} set={set} />
      {!(panel.kind in KINDS) && <JsonForm panel={panel} set={set} />}
    </div>
  );
}

/** Places that have a field in the form of panels that ask no question of frames. */
const ASKED = /^(service|operation|min_duration_ms|text|top|unit|attributes(\[0\])?|metrics|values\.metric|show|style|resolution|limits\.\w+|thresholds\[\d+\]\.\w+|queries\[\d+\]\.(name|metric|aggregate|expression|where|group_by|top|only.*|without.*))$/;

/** Places that have a field, which says what is wrong. */
const SHOWN = /^(layout\.(columns|rows|x|(tablet|phone)\.(columns|rows|hidden))|bands\[\d+\](\.(lower|upper|word|tone))?|unit|min|max|top|style|limits\.(direction|target|warn|bad)|thresholds\[\d+\]\.(value|word|tone)|title|description|measures|out_of|by|head|text|range(\[\d\])?|(value|rows|bars|parts|(more|lines|columns)\[\d+\])\.(metric|field|by|over_s|span|resolution|name|text|title|only.*|without.*))$/;

interface FormProps<P> {
  panel: P;
  metrics: readonly Metric[];
  fault: (place: string) => Fault | undefined;
  set: (panel: P, step?: string) => void;
}

function StatForm({ panel, metrics, fault, set }: FormProps<Stat>) {
  const more = panel.more ?? [];
  const put = (more: Remark[], step?: string) => set({ ...panel, more }, step);
  return (
    <>
      <div class="form-grid">
        <QuestionForm question={panel.value} metrics={metrics} place="value" fault={fault} set={(value, step) => set({ ...panel, value }, step)} shows="number" split={false}>
          <TextField title="Suffix" value={panel.out_of ?? ""} set={(out_of) => set({ ...panel, out_of }, "out_of")} fault={fault("out_of")} placeholder="of 5" />
          <label class="check">
            <input type="checkbox" checked={panel.sparkline !== false} onChange={(event) => set({ ...panel, sparkline: event.currentTarget.checked ? undefined : false })} />
            <span>Sparkline</span>
          </label>
          <UnitField value={panel.unit} fault={fault("unit")} set={(unit) => set({ ...panel, unit }, "unit")} />
          <LimitsForm limits={panel.limits} fault={fault} set={(limits, step) => set({ ...panel, limits }, step)} />
        </QuestionForm>
      </div>
      <Several
        title="Further number"
        items={more}
        add={() => put([...more, { ...panel.value, span: "24h", over_s: undefined, text: "in 24 h" }])}
        remove={(i) => put(more.filter((_, at) => at !== i))}
        draw={(remark, i) => (
          <QuestionForm question={remark} metrics={metrics} place={`more[${i}]`} fault={fault} set={(one, step) => put(replaced(more, i, one), step)} shows="number" split={false}>
            <TextField title="Words behind it" value={remark.text} set={(text) => put(replaced(more, i, { ...remark, text }), `more[${i}].text`)} fault={fault(`more[${i}].text`)} />
          </QuestionForm>
        )}
      />
    </>
  );
}

function LinesForm({ panel, metrics, fault, set }: FormProps<TimeSeries>) {
  const { lines, thresholds = [], bands = [] } = panel;
  const put = (lines: Line[], step?: string) => set({ ...panel, lines }, step);
  const [low = "", high = ""] = (panel.range ?? []) as (number | string)[];
  // What is no number yet is kept as it is typed: the service says what is wrong with it.
  const end = (ends: [number | string, number | string], step: string) =>
    set({ ...panel, range: ends.every((one) => one === "") ? null : (ends as [number, number]) }, step);
  return (
    <>
      <Several
        title="Line"
        items={lines}
        least={1}
        add={() => put([...lines, { ...(lines.at(-1) as Line), name: "" }])}
        remove={(i) => put(lines.filter((_, at) => at !== i))}
        draw={(line, i) => (
          <QuestionForm question={line} metrics={metrics} place={`lines[${i}]`} fault={fault} set={(one, step) => put(replaced(lines, i, one), step)} shows="line">
            {!line.by && <TextField title="Name in the legend" value={line.name ?? ""} set={(name) => put(replaced(lines, i, { ...line, name }), `lines[${i}].name`)} fault={fault(`lines[${i}].name`)} />}
          </QuestionForm>
        )}
      />
      <div class="form-grid">
        <TextField title="Measured" value={panel.measures ?? ""} set={(measures) => set({ ...panel, measures }, "measures")} fault={fault("measures")} hint="Below the title: what is counted, such as requests per second." />
        <TextField title="Axis from" value={String(low)} set={(text) => end([numeric(text), high], "range 0")} fault={fault("range") ?? fault("range[0]")} numeric placeholder="automatic" />
        <TextField title="Axis to" value={String(high)} set={(text) => end([low, numeric(text)], "range 1")} fault={fault("range[1]")} numeric placeholder="automatic" />
        <StyleChoice panel={panel} fault={fault("style")} set={(style) => set({ ...panel, style })} />
        <UnitField value={panel.unit} fault={fault("unit")} set={(unit) => set({ ...panel, unit }, "unit")} />
      </div>
      <Several
        title="Threshold"
        items={thresholds}
        add={() => set({ ...panel, thresholds: [...thresholds, { value: thresholds.at(-1)?.value ?? 0, word: "limit" }] })}
        remove={(i) => set({ ...panel, thresholds: thresholds.filter((_, at) => at !== i) })}
        draw={(threshold, i) => (
          <ThresholdForm threshold={threshold} place={`thresholds[${i}]`} fault={fault} set={(one, step) => set({ ...panel, thresholds: replaced(thresholds, i, one) }, step)} />
        )}
      />
      <Several
        title="Band"
        items={bands}
        add={() => set({ ...panel, bands: [...bands, { lower: bands.at(-1)?.upper ?? 0, upper: (bands.at(-1)?.upper ?? 0) + 1, word: "usual" }] })}
        remove={(i) => set({ ...panel, bands: bands.filter((_, at) => at !== i) })}
        draw={(band, i) => <BandForm band={band} place={`bands[${i}]`} fault={fault} set={(one, step) => set({ ...panel, bands: replaced(bands, i, one) }, step)} />}
      />
    </>
  );
}

function TableForm({ panel, metrics, fault, set }: FormProps<Table>) {
  const { columns } = panel;
  const put = (columns: Column[], step?: string) => set({ ...panel, columns }, step);
  const splits = tableSplits(panel, metrics);
  return (
    <>
      <div class="form-grid">
        <Choice title="A row for each" value={panel.by} values={splits.includes(panel.by) ? splits : [panel.by, ...splits]} words={(one) => one || "choose a dimension"} fault={fault("by")} set={(by) => set({ ...panel, by, head: panel.head === panel.by ? by : panel.head })} />
        <TextField title="Title of the rows" value={panel.head} set={(head) => set({ ...panel, head }, "head")} fault={fault("head")} />
      </div>
      <Several
        title="Column"
        items={columns}
        least={1}
        add={() => put([...columns, { ...(columns.at(-1) as Column) }])}
        remove={(i) => put(columns.filter((_, at) => at !== i))}
        draw={(column, i) => (
          <QuestionForm question={column} metrics={metrics} place={`columns[${i}]`} fault={fault} set={(one, step) => put(replaced(columns, i, one), step)} shows="number" split={false}>
            <TextField title="Title of the column" value={column.title} set={(title) => put(replaced(columns, i, { ...column, title }), `columns[${i}].title`)} fault={fault(`columns[${i}].title`)} />
          </QuestionForm>
        )}
      />
    </>
  );
}

interface SeveralProps<T> {
  title: string;
  items: readonly T[];
  least?: number;
  add: () => void;
  remove: (at: number) => void;
  draw: (item: T, at: number) => ComponentChildren;
}

function Several<T>({ title, items, least = 0, add, remove, draw }: SeveralProps<T>) {
  return (
    <>
      {items.map((item, i) => (
        <fieldset key={i}>
          <legend>
            {title} {i + 1}
          </legend>
          <div class="form-grid">{draw(item, i)}</div>
          {items.length > least && (
            <button type="button" onClick={() => remove(i)}>
              Remove {title.toLowerCase()} {i + 1}
            </button>
          )}
        </fieldset>
      ))}
      <button type="button" class="add" onClick={add}>
        Add a {title.toLowerCase()}
      </button>
    </>
  );
}

/** What of a panel the form has no fields for, as JSON. */
function JsonForm({ panel, set }: { panel: Panel; set: (panel: Panel, step?: string) => void }) {
  const [text, setText] = useState(() => JSON.stringify(panel, null, 2));
  const [wrong, setWrong] = useState("");
  const typed = (text: string) => {
    setText(text);
    try {
      set(JSON.parse(text) as Panel, "json");
      setWrong("");
    } catch (error) {
      setWrong(error instanceof Error ? error.message : String(error));
    }
  };
  return (
    <Field title="As JSON" hint="This kind of panel has no form yet." fault={wrong ? { field: "", error: wrong } : undefined} wide>
      {(about) => <textarea {...about} rows={10} spellcheck={false} value={text} onInput={(event) => typed(event.currentTarget.value)} />}
    </Field>
  );
}

/** A panel of another kind that asks the same, as far as that kind can. */
export function ofKind(panel: Panel, kind: string, metrics: readonly Metric[]): Panel {
  const first = questionsOf(panel)[0]?.[1];
  const made = newPanel(kind, first ? metrics.filter((one) => one.token === first.metric) : metrics);
  return { ...made, id: panel.id, title: panel.title, description: panel.description };
}

function replaced<T>(items: readonly T[], at: number, item: T): T[] {
  return items.map((one, i) => (i === at ? item : one));
}
