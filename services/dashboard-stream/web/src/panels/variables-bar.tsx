/** What a dashboard is of, to choose above its panels: values of dimensions, as they were seen lately. */
import { useMemo } from "preact/hooks";
import { labelText } from "../model/names.ts";
import { type ChosenVariable, variableTitle } from "../model/variables.ts";
import { Field } from "./field.tsx";
import { useValues } from "./use-values.ts";
import { ValuesField } from "./values-field.tsx";

interface Props {
  variables: readonly ChosenVariable[];
  choose: (variable: ChosenVariable, values: string[]) => void;
}

export function VariablesBar({ variables, choose }: Props) {
  return (
    <section class="variables" aria-label="Variables">
      {variables.map((variable) => (
        <VariableField key={variable.name} variable={variable} choose={(values) => choose(variable, values)} />
      ))}
    </section>
  );
}

function VariableField({ variable, choose }: { variable: ChosenVariable; choose: (values: string[]) => void }) {
  const { metric, dimension, several, values: chosen } = variable;
  const known = useValues(metric, dimension, variable.counted_by);
  const title = variableTitle(variable);
  const options = useMemo(() => [...new Set([...known.values, ...chosen])].sort((a, b) => a.localeCompare(b)), [known, chosen]);
  if (several) {
    return <ValuesField title={title} label={dimension} chosen={chosen} known={known} hint={chosen.length ? "" : "All of them"} placeholder={chosen.length ? "another one" : "all"} set={choose} />;
  }
  const [value = ""] = chosen;
  return (
    <Field title={title}>
      {(about) => (
        <select {...about} value={value} onChange={(event) => choose(event.currentTarget.value ? [event.currentTarget.value] : [])}>
          <option value="">All</option>
          {options.map((one) => (
            <option key={one} value={one}>
              {labelText(dimension, one, dimension === "service" ? known.names[one] : undefined)}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
