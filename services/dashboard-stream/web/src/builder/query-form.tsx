/** The fields of a panel of queries: what each asks, checked by the service while it is typed, and how the answers are drawn. */
import { useContext } from "preact/hooks";
import type { QueryPanel, StoredQuery, Threshold } from "../model/contracts.ts";
import type { Fault } from "../model/definition.ts";
import { fieldInWords, type Metric } from "../model/metrics.ts";
import { OVER_TIME, type Panel } from "../model/panels.ts";
import { questionOf } from "../model/stored-query.ts";
import { fromTheStart } from "../model/variables.ts";
import { TextField } from "../panels/field.tsx";
import { refusalOf, type Wrong } from "../panels/query-check.ts";
import { useChecked } from "../panels/use-checked.ts";
import { Choice } from "../panels/choice.tsx";
import { metricOf, metricsIn } from "./completion.ts";
import { ConditionsForm } from "./conditions-form.tsx";
import { ExpressionField } from "./expression-field.tsx";
import { masked } from "./expression-variables.ts";
import { LimitsForm, NumberField, ThresholdForm, UnitField } from "./limits-form.tsx";
import { MetricField } from "./question-form.tsx";
import { fieldsOf, firstQuestion } from "./questions.ts";
import { Variables } from "./variables-form.tsx";

const SHOWS: Readonly<Record<string, string>> = { line: "lines", area: "areas", bars: "bars over time", stacked: "stacked areas", stat: "one number", bar: "bars", pie: "shares", table: "table" };
const STEPS = ["", "1s", "10s", "30s", "1m", "5m", "15m", "30m", "1h", "3h", "6h", "12h", "1d", "1w"];
const MOST = 16;
const MOST_GROUPS = 3;

interface Props {
  panel: QueryPanel;
  metrics: readonly Metric[];
  fault: (place: string) => Fault | undefined;
  set: (panel: Panel, step?: string) => void;
}

export function QueryForm({ panel, metrics, fault, set }: Props) {
  const { queries, thresholds = [] } = panel;
  const how = panel.show ?? "line";
  const put = (at: number, query: StoredQuery, step?: string) => set({ ...panel, queries: queries.map((one, i) => (i === at ? query : one)) }, step && `queries[${at}].${step}`);
  return (
    <>
      {queries.map((query, at) => (
        <fieldset key={at}>
          <legend>Query {at + 1}</legend>
          <OneQuery query={query} at={at} how={how} metrics={metrics} fault={(place) => fault(`queries[${at}].${place}`)} set={(changed, step) => put(at, changed, step)} />
          {queries.length > 1 && (
            <button type="button" onClick={() => set({ ...panel, queries: queries.filter((_, i) => i !== at) })}>
              Remove query {at + 1}
            </button>
          )}
        </fieldset>
      ))}
      {queries.length < MOST && (
        <button type="button" class="add" onClick={() => set({ ...panel, queries: [...queries, { ...(queries.at(-1) as StoredQuery), name: undefined }] })}>
          Add a query
        </button>
      )}
      <div class="form-grid">
        <Choice title="Drawn as" value={how} values={Object.keys(SHOWS)} words={(one) => SHOWS[one] ?? one} fault={fault("show")} set={(one) => set({ ...panel, show: one === "line" ? undefined : (one as QueryPanel["show"]) })} />
        <UnitField value={panel.unit} fault={fault("unit")} set={(unit) => set({ ...panel, unit }, "unit")} />
        <Choice title="Resolution" value={panel.resolution ?? ""} values={STEPS.includes(panel.resolution ?? "") ? STEPS : [panel.resolution ?? "", ...STEPS]} words={(one) => one || "automatic"} fault={fault("resolution")} set={(one) => set({ ...panel, resolution: (one || undefined) as QueryPanel["resolution"] })} />
        {how === "stat" && <LimitsForm limits={panel.limits} fault={fault} set={(limits, step) => set({ ...panel, limits }, step)} />}
      </div>
      {OVER_TIME.has(how) && (
        <>
          {thresholds.map((threshold, at) => (
            <fieldset key={at}>
              <legend>Threshold {at + 1}</legend>
              <div class="form-grid">
                <ThresholdForm threshold={threshold} place={`thresholds[${at}]`} fault={fault} set={(one: Threshold, step) => set({ ...panel, thresholds: thresholds.map((each, i) => (i === at ? one : each)) }, step)} />
              </div>
              <button type="button" onClick={() => set({ ...panel, thresholds: thresholds.filter((_, i) => i !== at) })}>
                Remove threshold {at + 1}
              </button>
            </fieldset>
          ))}
          <button type="button" class="add" onClick={() => set({ ...panel, thresholds: [...thresholds, { value: thresholds.at(-1)?.value ?? 0, word: "limit" }] })}>
            Add a threshold
          </button>
        </>
      )}
    </>
  );
}

interface OneProps {
  query: StoredQuery;
  at: number;
  how: NonNullable<QueryPanel["show"]>;
  metrics: readonly Metric[];
  fault: (place: string) => Fault | undefined;
  set: (query: StoredQuery, step?: string) => void;
}

function OneQuery({ query, at, how, metrics, fault, set }: OneProps) {
  const variables = useContext(Variables);
  const byExpression = query.expression !== undefined;
  const { checked } = useChecked(query, (asked, signal) => checkOf(asked, how, variables, signal));
  const found = checked && checked.text === JSON.stringify(query) ? checked.wrong : null;
  const change = (changed: Partial<StoredQuery>, step?: string) => set({ ...query, ...changed }, step);
  const metric = metricOf(metrics, query.metric ?? "");
  // What the service says of the whole document is said at once, what it says of the answer has its place and names besides.
  const wrong = (place: string): Wrong | null => {
    if (found?.field === place) return found;
    const said = fault(place);
    return said ? { error: said.error, ...(said.character === undefined ? {} : { character: said.character }) } : null;
  };
  const at_ = (place: string): Fault | undefined => fault(place) ?? (found?.field === place ? { field: place, error: found.error } : undefined);
  const labels = byExpression ? sharedLabels(metricsIn(query.expression ?? "", metrics)) : (metric?.dimensions ?? []);
  const groups = query.group_by ?? [];
  const slots = groups.length < MOST_GROUPS && labels.some((label) => !groups.includes(label)) ? [...groups, ""] : groups;
  return (
    <div class="form-grid">
      <Choice
        title="Asks for"
        value={byExpression ? "expression" : "metric"}
        values={["expression", "metric"]}
        words={(one) => (one === "expression" ? "an expression" : "a metric")}
        set={(one) => set(one === "expression" ? asExpression(query) : asMetric(query, metrics))}
      />
      <TextField title="Name in the legend" value={query.name ?? ""} set={(name) => change({ name: name || undefined }, "name")} fault={fault("name")} placeholder="what it asks" />
      {byExpression ? (
        <ExpressionField
          title={`Expression ${at + 1}`}
          value={query.expression ?? ""}
          set={(expression) => change({ expression }, "expression")}
          language={{ kind: "expression" }}
          metrics={metrics}
          wrong={wrong("expression") ?? wrong("metric")}
          hint="Aggregates of metrics, and + - * / over them. Arrow keys and Enter choose, Escape closes."
          placeholder='100 * errors(requests where service = "web") / count(requests)'
        />
      ) : (
        <>
          <MetricField value={query.metric ?? ""} metrics={metrics} fault={at_("metric")} set={(token) => set(ofMetric(query, token, metrics), "metric")} />
          <Choice title="Field" value={query.aggregate ?? ""} values={withValue(fieldsOf(metric), query.aggregate ?? "")} words={fieldInWords} fault={at_("aggregate")} set={(aggregate) => change({ aggregate })} />
          <ConditionsForm question={{ metric: query.metric ?? "", field: query.aggregate ?? "", only: query.only, without: query.without }} metric={metric} place="" fault={(place) => fault(place.replace(/^\./, ""))} set={(conditions) => change(conditions)} />
          <ExpressionField
            title={`Condition ${at + 1}`}
            value={query.where ?? ""}
            set={(where) => change({ where: where || undefined }, "where")}
            language={{ kind: "condition", metric: query.metric ?? "" }}
            metrics={metrics}
            wrong={wrong("where")}
            hint="Further conditions, besides the filters: and, or, not, prefix, exists."
            placeholder='status prefix "5" and not service in ("a", "b")'
          />
        </>
      )}
      {slots.map((label, place) => (
        <Choice
          key={place}
          title={place === 0 ? "Grouped by" : "and by"}
          value={label}
          values={["", ...withValue(labels.filter((one) => one === label || !groups.includes(one)), label).filter(Boolean)]}
          words={(one) => one || (place === 0 ? "nothing: all together" : "nothing more")}
          fault={place === 0 ? at_("group_by") : undefined}
          set={(chosen) => {
            const next = [...groups.slice(0, place), chosen, ...groups.slice(place + 1)].filter(Boolean);
            change({ group_by: next.length ? next : undefined, ...(next.length ? {} : { top: undefined }) });
          }}
        />
      ))}
      {groups.length > 0 && <NumberField title="Largest groups" value={query.top ?? undefined} fault={at_("top")} placeholder={OVER_TIME.has(how) ? "12" : "50"} set={(top) => change({ top }, "top")} />}
    </div>
  );
}

/** What the service says of the query, asked of a minute: variables are some values then. */
async function checkOf(query: StoredQuery, how: OneProps["how"], variables: Parameters<typeof fromTheStart>[1], signal: AbortSignal): Promise<{ text: string; wrong: (Wrong & { field: string }) | null }> {
  const asked = { ...fromTheStart(query, variables), expression: masked(query.expression ?? ""), where: masked(query.where ?? "") };
  return { text: JSON.stringify(query), wrong: await refusalOf(questionOf(asked, how), signal) };
}

function sharedLabels(metrics: readonly Metric[]): string[] {
  const [first, ...others] = metrics;
  return (first?.dimensions ?? []).filter((label) => others.every((one) => one.dimensions.includes(label)));
}

/** The same in the other form, as far as that can say it. */
function asExpression({ metric, aggregate, where, ...rest }: StoredQuery): StoredQuery {
  const { only: _only, without: _without, ...kept } = rest;
  return { ...kept, expression: metric && aggregate ? `${aggregate}(${metric}${where ? ` where ${where}` : ""})` : "" };
}

function asMetric({ expression, ...kept }: StoredQuery, metrics: readonly Metric[]): StoredQuery {
  const metric = metricsIn(expression ?? "", metrics)[0] ?? metrics.find((one) => one.enabled);
  const { field = "" } = metric ? firstQuestion(metric) : {};
  return { ...kept, metric: metric?.token ?? "", aggregate: field };
}

/** The same of another metric: what that does not have is left out. */
function ofMetric(query: StoredQuery, token: string, metrics: readonly Metric[]): StoredQuery {
  const metric = metricOf(metrics, token);
  if (!metric) return { ...query, metric: token };
  const aggregate = query.aggregate && query.aggregate in metric.fields ? query.aggregate : firstQuestion(metric).field;
  const groups = query.group_by?.filter((label) => metric.dimensions.includes(label));
  return { ...query, metric: metric.token, aggregate, group_by: groups?.length ? groups : undefined, ...(groups?.length ? {} : { top: undefined }) };
}

function withValue(values: readonly string[], value: string): string[] {
  return values.includes(value) ? [...values] : [value, ...values];
}
