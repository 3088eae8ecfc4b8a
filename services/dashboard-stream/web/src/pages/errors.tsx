/** The page of errors: one line for each kind, with how often it came, since when, and in which versions. */
import type { Asked } from "../model/asked.ts";
import type { ErrorGroup, ErrorList } from "../model/contracts.ts";
import { ERRORS_PATH, type ErrorChoice, linkTo, sameWindow } from "../model/explorer-choice.ts";
import { plain } from "../model/format.ts";
import { rangeInWords } from "../model/time-range.ts";
import { AskedAnswer } from "../panels/asked-answer.tsx";
import { ConditionsForm, Segments } from "../panels/conditions.tsx";
import { HowToSend } from "../panels/how-to-send.tsx";
import { OwnHidden, OwnSwitch } from "../panels/own-switch.tsx";
import { Sparkline } from "../panels/sparkline.tsx";
import { When } from "../panels/when.tsx";

const MOST_VERSIONS = 3;

const STATES = [
  ["", "All"],
  ["open", "Open"],
  ["resolved", "Resolved"],
  ["ignored", "Ignored"],
] as const;
const ORDERS = [
  ["", "Last seen"],
  ["first_seen", "Newest"],
  ["count", "Most"],
] as const;

interface Props {
  list: Asked<ErrorList>;
  errors: ErrorGroup[];
  more: (() => void) | null;
  why: string;
  choice: ErrorChoice;
  show: (changed: Partial<ErrorChoice>) => void;
  retry: () => void;
  now: number;
}

export function ErrorsPage({ list, errors, more, why, choice, show, retry, now }: Props) {
  const names = list.value?.service_names ?? {};
  const fields = [
    { name: "service", label: "Service", size: 14, value: choice.service, known: [...new Set(errors.map((one) => names[one.service] ?? one.service))] },
    { name: "text", label: "Text", size: 18, value: choice.text, placeholder: "of title or place" },
  ];
  return (
    <div class="traces">
      <h1>Errors</h1>
      <ConditionsForm window={choice} show={show} now={now} fields={fields}>
        <Segments label="Status" options={STATES} value={choice.status} choose={(status) => show({ status })} />
        <Segments label="Order" options={ORDERS} value={choice.order} choose={(order) => show({ order })} />
        <OwnSwitch own={choice.own !== ""} service={choice.service} show={(own) => show({ own: own ? "1" : "" })} />
      </ConditionsForm>
      <AskedAnswer asked={list} retry={retry}>
        {() =>
          errors.length === 0 ? (
            <Nothing choice={choice} show={show} now={now} />
          ) : (
            <section class="panel" aria-label="Errors found">
              <table class="trace-list error-list">
                <thead>
                  <tr>
                    <th scope="col">Error</th>
                    <th scope="col">Service</th>
                    <th scope="col" class="value">
                      In this range
                    </th>
                    <th scope="col">Over time</th>
                    <th scope="col" class="value">
                      In all
                    </th>
                    <th scope="col">First seen</th>
                    <th scope="col">Last seen</th>
                    <th scope="col">Versions</th>
                  </tr>
                </thead>
                <tbody>
                  {errors.map((one) => (
                    <Row key={one.fingerprint} error={one} name={names[one.service] ?? one.service} choice={choice} now={now} />
                  ))}
                </tbody>
              </table>
              {why && <p class="bad">{why}</p>}
              {more && (
                <button type="button" class="more" onClick={more}>
                  Show more
                </button>
              )}
            </section>
          )
        }
      </AskedAnswer>
    </div>
  );
}

function Row({ error, name, choice, now }: { error: ErrorGroup; name: string; choice: ErrorChoice; now: number }) {
  const versions = error.versions ?? [];
  return (
    <tr class={error.status === "open" ? "failed" : ""}>
      <th scope="row">
        <a href={linkTo(ERRORS_PATH, { ...sameWindow(choice), error: error.fingerprint })}>
          <bdi>{error.title}</bdi>
        </a>{" "}
        <ErrorBadges error={error} />
        <small class="matched">
          <bdi>{error.culprit}</bdi>
        </small>
      </th>
      <td data-label="Service">
        <bdi>{name}</bdi>
      </td>
      <td class="value" data-label="In this range">
        {plain(error.in_range, "{error}")}
        {error.in_range >= 10_000 && "+"}
      </td>
      <td class="over-time">
        <Sparkline counts={error.counts ?? []} of="errors" />
      </td>
      <td class="value" data-label="In all">
        {plain(error.count, "{error}")}
      </td>
      <td data-label="First seen">
        <When at={error.first_seen_ms} now={now} />
      </td>
      <td data-label="Last seen">
        <When at={error.last_seen_ms} now={now} />
      </td>
      <td data-label="Versions">
        {versions.slice(0, MOST_VERSIONS).map((one) => (
          <span key={one} class="tag">
            <bdi>{one}</bdi>
          </span>
        ))}
        {versions.length > MOST_VERSIONS && <small> and {versions.length - MOST_VERSIONS} more</small>}
        {versions.length === 0 && <span class="muted">–</span>}
      </td>
    </tr>
  );
}

export function ErrorBadges({ error }: { error: ErrorGroup }) {
  return (
    <>
      {error.status !== "open" && <span class="tag">{error.status}</span>}
      {error.status === "open" && error.regressions > 0 && <span class="tag bad">came back</span>}
      {error.handled && <span class="tag">handled</span>}
    </>
  );
}

function Nothing({ choice, show, now }: Pick<Props, "choice" | "show" | "now">) {
  const bare = !choice.service && !choice.status && !choice.text;
  return (
    <div class="panel empty">
      <p>
        No error {bare ? "was seen" : "meets these conditions"} {rangeInWords(choice, now)}.{bare && " Errors are drawn from spans: either none failed, or none came."}
      </p>
      <OwnHidden own={choice.own !== ""} service={choice.service} show={(own) => show({ own: own ? "1" : "" })} />
      {bare ? (
        <HowToSend />
      ) : (
        <button type="button" onClick={() => show({ service: "", status: "", text: "" })}>
          Clear conditions
        </button>
      )}
    </div>
  );
}
