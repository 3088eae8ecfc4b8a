/** Which values of dimensions a question is of: a row for each condition. */
import { useContext } from "preact/hooks";
import type { PanelQuestion } from "../model/contracts.ts";
import { asFields, type Condition, conditionsOf } from "../model/conditions.ts";
import type { Fault } from "../model/definition.ts";
import type { Metric } from "../model/metrics.ts";
import { Choice } from "../panels/choice.tsx";
import { useValues } from "../panels/use-values.ts";
import { ValuesField } from "../panels/values-field.tsx";
import { type Variable, variableTitle } from "../model/variables.ts";
import { countedBy } from "./questions.ts";
import { Variables } from "./variables-form.tsx";

/** As many as a question takes. */
const MOST = 3;

interface Props {
  question: PanelQuestion;
  metric: Metric | null;
  place: string;
  fault: (place: string) => Fault | undefined;
  set: (change: Pick<PanelQuestion, "only" | "without">) => void;
}

export function ConditionsForm({ question, metric, place, fault, set }: Props) {
  const conditions = conditionsOf(question);
  const free = (metric?.dimensions ?? []).filter((label) => conditions.every((one) => one.label !== label));
  const put = (at: number, changed: Partial<Condition>) => set(asFields(conditions.map((one, i) => (i === at ? { ...one, ...changed } : one))));
  return (
    <div class="wide conditions">
      {conditions.map((condition, at) => (
        <div class="form-grid" role="group" aria-label={`Filter ${at + 1}: ${condition.label}`} key={condition.label}>
          <Choice title="Only where" value={condition.label} values={[condition.label, ...free]} words={(label) => label} set={(label) => put(at, { label, values: [] })} />
          <Choice title="Is it" value={condition.excluded ? "not" : "is"} values={["is", "not"]} words={(one) => (one === "is" ? "one of" : "none of")} set={(one) => put(at, { excluded: one === "not" })} />
          <Values condition={condition} metric={metric} fault={faultOf(condition.label)} set={(values) => put(at, { values })} />
          <button type="button" class="remove" aria-label={`Remove filter ${at + 1}`} onClick={() => set(asFields(conditions.filter((_, i) => i !== at)))}>
            Remove filter
          </button>
        </div>
      ))}
      {free.length > 0 && conditions.length < MOST && (
        <button type="button" class="add" onClick={() => set(asFields([...conditions, { label: free[0] as string, values: [], excluded: false }]))}>
          Add a filter
        </button>
      )}
    </div>
  );

  function faultOf(label: string): Fault | undefined {
    // The service names the values of one dimension "[...]".
    const places = ["only", "without"].flatMap((field) => [`${place}.${field}.${label}`, `${place}.${field}[...]`, `${place}.${field}`]);
    const said = places.map(fault).find(Boolean);
    const empty = conditions.find((one) => one.label === label)?.values.length === 0;
    return empty ? { field: "", error: "choose a value" } : said;
  }
}

function Values({ condition, metric, fault, set }: { condition: Condition; metric: Metric | null; fault: Fault | undefined; set: (values: string[]) => void }) {
  const known = useValues(metric?.token ?? "", condition.label, countedBy(metric, condition.label));
  const variables = useContext(Variables);
  return <ValuesField title={`Values of ${condition.label}`} label={condition.label} chosen={condition.values} known={known} more={variables.map(asChoice)} fault={fault} set={set} />;
}

function asChoice(variable: Variable): { value: string; text: string } {
  return { value: `$${variable.name}`, text: `what is chosen for ${variableTitle(variable)}` };
}
