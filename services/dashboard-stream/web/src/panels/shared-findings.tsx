/** What bad traces have in common that others do not have, with traces to look at. */
import type { Asked } from "../model/asked.ts";
import type { SharedAnswer } from "../model/contracts.ts";
import { AskedAnswer } from "./asked-answer.tsx";
import { TraceLink } from "./trace-link.tsx";

const TRACES = 3;

interface Props {
  shared: Asked<SharedAnswer>;
  /** `traces with this error` */
  bad: string;
  jaeger: string;
  retry: () => void;
}

export function SharedFindings({ shared, bad, jaeger, retry }: Props) {
  return (
    <section class="shared" aria-label={`What ${bad} share`}>
      <h2>What {bad} share</h2>
      <AskedAnswer asked={shared} retry={retry}>
        {(found) => (
          <>
            {found.findings.length === 0 ? (
              <p class="muted">{found.reason ? `Nothing can be said: ${found.reason}.` : `Nothing sets them apart: ${found.bad} against ${found.rest} others, ${found.tried} properties tried.`}</p>
            ) : (
              <>
                <ol class="findings">
                  {found.findings.map((one) => (
                    <li key={`${one.property.kind} ${one.property.name} ${one.property.value}`}>
                      <b>
                        <bdi>{one.property.text}</bdi>
                      </b>
                      <p>
                        {one.bad_with} of {one.bad} {bad}, {one.rest_with} of {one.rest} others
                        {one.other_names && one.other_names.length > 0 && <span class="muted"> · the same traces have {one.other_names.slice(0, 3).map((other) => other.text).join(", ")}</span>}
                      </p>
                      <p class="muted">
                        Traces:{" "}
                        {one.traces.slice(0, TRACES).map((id) => (
                          <span key={id}>
                            <TraceLink id={id} jaeger={jaeger} />{" "}
                          </span>
                        ))}
                      </p>
                    </li>
                  ))}
                </ol>
                <p class="muted">
                  {found.bad} {bad} against {found.rest} others{found.sampled ? ", a sample spread over the range" : ""}; {found.tried} properties were tried.
                </p>
              </>
            )}
          </>
        )}
      </AskedAnswer>
    </section>
  );
}
