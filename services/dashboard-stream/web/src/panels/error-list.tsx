/** Kinds of errors in a panel, with how often each came: each leads to its own page. */
import { fetchErrors } from "../live/explorer.ts";
import type { ErrorsPanel } from "../model/contracts.ts";
import { ERRORS_PATH, linkTo } from "../model/explorer-choice.ts";
import { plain } from "../model/format.ts";
import { AskedPanel } from "./asked-panel.tsx";
import type { Seen } from "./panel-data.ts";
import { Sparkline } from "./sparkline.tsx";
import { When } from "./when.tsx";

const TOP = 10;
/** Columns of the small charts. */
const STEPS = 24;

function searchOf(panel: ErrorsPanel, from: number, to: number): URLSearchParams {
  const asked = new URLSearchParams({ from: String(from), to: String(to) });
  const status = panel.status ?? "open";
  const say = (name: string, value: string | undefined) => value && asked.set(name, value);
  say("service", panel.service);
  say("status", status === "any" ? "" : status);
  say("text", panel.text);
  say("order", panel.order);
  return asked;
}

export function ErrorPanel({ panel, seen }: { panel: ErrorsPanel; seen: Seen }) {
  const from = Math.round(seen.now - seen.minutes * 60_000);
  const range = { from, to: Math.round(seen.now) };
  const ask = (from: number, to: number, signal: AbortSignal) => {
    const asked = searchOf(panel, from, to);
    asked.set("steps", String(STEPS));
    asked.set("limit", String(panel.top ?? TOP));
    return fetchErrors(asked, signal);
  };
  return (
    <AskedPanel
      title={panel.title}
      link={`${ERRORS_PATH}?${searchOf(panel, range.from, range.to)}`}
      asks={JSON.stringify([String(searchOf(panel, 0, 0)), panel.top])}
      seen={seen}
      kind="errors"
      ask={ask}
      rows={({ errors }) => ({
        columns: [
          { title: "Error", unit: "", kind: "text" },
          { title: "Place", unit: "", kind: "text" },
          { title: "Service", unit: "", kind: "text" },
          { title: "Status", unit: "", kind: "text" },
          { title: "In this range", unit: "", kind: "number" },
          { title: "In all", unit: "", kind: "number" },
          { title: "First seen", unit: "", kind: "time" },
          { title: "Last seen", unit: "", kind: "time" },
        ],
        rows: errors.map((one) => [one.title, one.culprit, one.service, one.status, one.in_range, one.count, one.first_seen_ms, one.last_seen_ms]),
      })}
    >
      {({ errors, service_names: names = {} }) =>
        errors.length === 0 ? (
          <p class="empty">No {panel.status === "any" ? "" : `${panel.status ?? "open"} `}error in this range. Errors are drawn from spans: either none failed, or none came.</p>
        ) : (
          <ul class="found" aria-label="Errors">
            {errors.map((error) => (
              <li key={error.fingerprint} class={error.status === "open" ? "bad" : ""}>
                <a href={linkTo(ERRORS_PATH, { error: error.fingerprint, ...range })}>
                  <bdi>{error.title}</bdi>
                </a>
                <b>
                  {plain(error.in_range, "{error}")}
                  {error.in_range >= 10_000 && "+"}
                </b>
                <small>
                  <bdi>{names[error.service] ?? error.service}</bdi> · <When at={error.last_seen_ms} now={seen.now} />
                  {error.status !== "open" && <span class="tag">{error.status}</span>}
                  {error.status === "open" && error.regressions > 0 && <span class="tag bad">came back</span>}
                </small>
                <Sparkline counts={error.counts ?? []} of="errors" />
              </li>
            ))}
          </ul>
        )
      }
    </AskedPanel>
  );
}
