/** Kinds of errors in a panel, with how often each came: each leads to its own page. */
import { fetchErrors } from "../live/explorer.ts";
import type { ErrorsPanel } from "../model/contracts.ts";
import { ERRORS_PATH, linkTo } from "../model/explorer-choice.ts";
import { plain } from "../model/format.ts";
import { keyOf } from "../model/panels.ts";
import { errorRows, errorSearch, hasSeveral } from "../model/searches.ts";
import { AskedPanel } from "./asked-panel.tsx";
import type { Seen } from "./panel-data.ts";
import { Sparkline } from "./sparkline.tsx";
import { When } from "./when.tsx";

export function ErrorPanel({ panel, seen }: { panel: ErrorsPanel; seen: Seen }) {
  const from = Math.round(seen.now - seen.minutes * 60_000);
  const range = { from, to: Math.round(seen.now) };
  return (
    <AskedPanel
      id={keyOf(panel)}
      title={panel.title}
      link={hasSeveral(panel) ? "" : `${ERRORS_PATH}?${errorSearch(panel, range.from, range.to)}`}
      asks={JSON.stringify([String(errorSearch(panel, 0, 0)), panel.top])}
      seen={seen}
      kind="errors"
      ask={(from, to, signal) => fetchErrors(errorRows(panel, from, to), signal)}
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
