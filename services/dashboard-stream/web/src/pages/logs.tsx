/** The page of log records: what they say over and over, and the records themselves with their traces. */
import { useState } from "preact/hooks";
import type { Asked } from "../model/asked.ts";
import type { FoundRecord, FoundTemplate, LogList, TemplateList } from "../model/contracts.ts";
import { linkTo, LOGS_PATH, type LogChoice, sameWindow } from "../model/explorer-choice.ts";
import { said } from "../model/explorer.ts";
import { dayAndTime, plain, time } from "../model/format.ts";
import { rangeInWords } from "../model/time-range.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { Attributes } from "../panels/attributes.tsx";
import { ConditionsForm } from "../panels/conditions.tsx";
import { OwnHidden, OwnSwitch } from "../panels/own-switch.tsx";
import { Sparkline } from "../panels/sparkline.tsx";
import { TraceLink } from "../panels/trace-link.tsx";
import { When } from "../panels/when.tsx";

const DAY_MS = 86_400_000;
const SEVERITIES = ["trace", "debug", "info", "warn", "error", "fatal"];
/** Letters of a record that are shown before it is opened. */
const BODY = 400;

interface Props {
  templates: Asked<TemplateList>;
  list: Asked<LogList>;
  records: FoundRecord[];
  more: (() => void) | null;
  why: string;
  choice: LogChoice;
  show: (changed: Partial<LogChoice>) => void;
  retry: () => void;
  retryTemplates: () => void;
  now: number;
  jaeger: string;
}

export function LogsPage({ templates, list, records, more, why, choice, show, retry, retryTemplates, now, jaeger }: Props) {
  const names = { ...templates.value?.service_names, ...list.value?.service_names };
  const fields = [
    { name: "service", label: "Service", size: 14, value: choice.service, known: [...new Set((templates.value?.templates ?? []).map((one) => names[one.service] ?? one.service))] },
    { name: "text", label: "Text", size: 18, value: choice.text, placeholder: "of body or exception" },
    { name: "trace_id", label: "Trace id", size: 14, value: choice.trace_id, placeholder: "32 hex digits" },
  ];
  return (
    <div class="traces">
      <h1>Logs</h1>
      <ConditionsForm window={choice} show={show} now={now} fields={fields}>
        <label>
          Severity
          <select value={choice.severity} onChange={(event) => show({ severity: (event.target as HTMLSelectElement).value })}>
            <option value="">any</option>
            {SEVERITIES.map((one) => (
              <option key={one} value={one}>
                {one === "fatal" ? one : `${one} and above`}
              </option>
            ))}
          </select>
        </label>
        <OwnSwitch own={choice.own !== ""} service={choice.service} show={(own) => show({ own: own ? "1" : "" })} />
      </ConditionsForm>
      {choice.template && (
        <p class="chosen">
          <button type="button" class="tag" onClick={() => show({ template: "" })}>
            only lines like <bdi>{templates.value?.templates.find((one) => choice.template === idsOf(one))?.text ?? "this template"}</bdi> ×
          </button>
        </p>
      )}
      {!choice.trace_id && !choice.template && !choice.text && (templates.value || !list.failure) && (
        <AskedAnswer asked={templates} retry={retryTemplates}>
          {(found) => (found.templates.length === 0 ? <></> : <Templates found={found} names={names} choice={choice} now={now} />)}
        </AskedAnswer>
      )}
      <AskedAnswer asked={list} retry={retry}>
        {() =>
          records.length === 0 && !more ? (
            <Nothing choice={choice} show={show} now={now} />
          ) : (
            <section class="panel" aria-label="Log records">
              <h2>{choice.trace_id ? "Log records of the trace" : "Log records, newest first"}</h2>
              <Records records={records} names={names} now={now} jaeger={jaeger} />
              {records.length === 0 && <p class="muted">None yet in what was searched: most of the range is still to be looked through.</p>}
              {why && <p class="bad">{why}</p>}
              {more && (
                <button type="button" class="more" onClick={more}>
                  {records.length ? "Show more" : "Search on"}
                </button>
              )}
            </section>
          )
        }
      </AskedAnswer>
    </div>
  );
}

function Templates({ found, names, choice, now }: { found: TemplateList; names: Record<string, string>; choice: LogChoice; now: number }) {
  return (
    <section class="panel" aria-label="What records say">
      <h2>
        {plain(found.count, "{record}")} records, by what they say{(found.other ?? 0) > 0 && <span class="muted"> · {plain(found.other ?? 0, "{record}")} of others</span>}
      </h2>
      <table class="trace-list error-list">
        <thead>
          <tr>
            <th scope="col">Template</th>
            <th scope="col">Severity</th>
            <th scope="col">Service</th>
            <th scope="col" class="value">
              Records
            </th>
            <th scope="col">Over time</th>
            <th scope="col">Last seen</th>
          </tr>
        </thead>
        <tbody>
          {found.templates.map((one) => (
            <tr key={`${one.service} ${one.id}`}>
              <th scope="row">
                <a href={linkTo(LOGS_PATH, { ...sameWindow(choice), own: choice.own, service: one.service, severity: choice.severity, template: idsOf(one) })} title={one.example}>
                  <bdi>{one.text}</bdi>
                </a>
              </th>
              <td>
                <Severity of={one.severity} />
              </td>
              <td data-label="Service">
                <bdi>{names[one.service] ?? one.service}</bdi>
              </td>
              <td class="value" data-label="Records">
                {plain(one.count, "{record}")}
              </td>
              <td class="over-time">
                <Sparkline counts={one.counts ?? []} of="records" />
              </td>
              <td data-label="Last seen">
                <When at={Date.parse(one.last_seen)} now={now} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

/** The templates of a line, as an address has them. */
function idsOf(template: FoundTemplate): string {
  return (template.ids?.length ? template.ids : [template.id]).join(",");
}

function Severity({ of }: { of: string }) {
  const tone = of === "error" || of === "fatal" ? "bad" : of === "warn" ? "warn" : "quiet";
  return <span class={`severity ${tone}`}>{of}</span>;
}

interface RecordsProps {
  records: readonly FoundRecord[];
  names: Record<string, string>;
  now: number;
  jaeger: string;
  /** In a trace, every record is of that one. */
  withTrace?: boolean;
}

export function Records({ records, names, now, jaeger, withTrace = true }: RecordsProps) {
  const [open, setOpen] = useState("");
  return (
    <ul class="log-records">
      {records.map((one) => {
        const text = said(one.body ?? "") || one.event_name || "(no body)";
        const at = Date.parse(one.time);
        return (
          <li key={one.id} class={one.severity}>
            <div class="record">
              <time dateTime={one.time} title={one.time}>
                {now - at > DAY_MS ? dayAndTime(at) : time(at)}
              </time>
              <Severity of={one.severity} />
              <bdi class="of">{names[one.service] ?? one.service}</bdi>
              <button type="button" class="body" aria-expanded={open === one.id} onClick={() => setOpen(open === one.id ? "" : one.id)}>
                <bdi>{text.length > BODY ? `${text.slice(0, BODY)}…` : text}</bdi>
              </button>
              {withTrace && one.trace_id && <TraceLink id={one.trace_id} span={one.span_id} jaeger={jaeger} />}
            </div>
            {open === one.id && (
              <div class="details">
                {text.length > BODY && <pre class="message">{text}</pre>}
                {one.cut && <p class="warn">It is too large to be shown whole.</p>}
                <Attributes title="Record" pairs={factsOf(one)} />
                <Attributes title="Attributes" pairs={Object.entries(one.attributes ?? {}).map(([name, value]) => [name, said(value)])} />
                <Attributes title="Resource" pairs={Object.entries(one.resource ?? {}).map(([name, value]) => [name, said(value)])} />
              </div>
            )}
          </li>
        );
      })}
    </ul>
  );
}

function factsOf(record: FoundRecord): [string, string][] {
  const facts: [string, string | null | undefined][] = [
    ["time", record.time],
    ["severity", record.severity_text],
    ["event", record.event_name],
    ["logger", record.scope],
    ["trace", record.trace_id],
    ["span", record.span_id],
  ];
  return facts.filter((fact): fact is [string, string] => Boolean(fact[1]));
}

function Nothing({ choice, show, now }: Pick<Props, "choice" | "show" | "now">) {
  const bare = !choice.service && !choice.severity && !choice.template && !choice.text && !choice.trace_id;
  return (
    <div class="panel empty">
      <p>
        {choice.trace_id ? "No log record of this trace was received." : `No log record ${bare ? "was received" : "meets these conditions"} ${rangeInWords(choice, now)}.`}
      </p>
      <OwnHidden own={choice.own !== "" || choice.trace_id !== ""} service={choice.service} show={(own) => show({ own: own ? "1" : "" })} />
      {bare ? (
        <p>
          Send log records with any OpenTelemetry SDK to <code>{location.origin}/v1/logs</code>, with the header <code>authorization: Bearer &lt;key&gt;</code>. The key of a local run is in{" "}
          <code>.drishti/client.env</code>.
        </p>
      ) : (
        <button type="button" onClick={() => show({ service: "", severity: "", template: "", text: "", trace_id: "" })}>
          Clear conditions
        </button>
      )}
    </div>
  );
}
