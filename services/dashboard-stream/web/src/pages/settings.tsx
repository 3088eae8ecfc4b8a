/** What this installation keeps and for how long, the limits of the tenant, and the services with their versions: as they say it. */
import type { ComponentChildren } from "preact";
import type { Asked } from "../model/asked.ts";
import { bytesInWords, isNearlyFull, keptInWords, limitInWords, type ServiceSetup } from "../model/setup.ts";
import { Notice } from "../panels/notice.tsx";

/** One service, and what is asked of it. */
export interface AskedSetup {
  name: string;
  asked: Asked<ServiceSetup>;
  retry: () => void;
}

export function SettingsPanels({ services }: { services: readonly AskedSetup[] }) {
  const known = services.flatMap(({ asked }) => (asked.value ? [asked.value] : []));
  const retention = known.flatMap((one) => one.retention ?? []);
  const limits = known.flatMap((one) => one.limits ?? []);
  const failed = services.filter(({ asked }) => asked.failure && !asked.value);
  return (
    <div class="settings">
      {failed.map(({ name, asked, retry }) => (
        <Notice key={name} tone="bad" action="Try now" act={retry}>
          How {name} is set up is not known: {asked.failure?.why}
        </Notice>
      ))}
      <div class="grid">
        <section class="panel" aria-labelledby="limits-title">
          <h2 id="limits-title">Limits</h2>
          <Values head={["Of this tenant", "Used and limit"]} of={limits} value={(one) => (isNearlyFull(one) ? <strong>{limitInWords(one)}, nearly full</strong> : limitInWords(one))} />
        </section>
        <section class="panel" aria-labelledby="retention-title">
          <h2 id="retention-title">Retention</h2>
          <Values
            head={["What", "Kept"]}
            of={retention}
            value={(one) => (
              <>
                {keptInWords(one.seconds)}
                {one.most_bytes !== undefined && <small>{bytesInWords(one.most_bytes)} at most, then the oldest go first</small>}
              </>
            )}
          />
        </section>
        <section class="panel" aria-labelledby="services-title">
          <h2 id="services-title">Services</h2>
          <table>
            <thead>
              <tr>
                <th scope="col">Service</th>
                <th scope="col">Version</th>
                <th scope="col">State</th>
              </tr>
            </thead>
            <tbody>
              {services.map(({ name, asked }) => (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{asked.value?.version ?? "–"}</td>
                  <td>{stateOf(asked)}</td>
                </tr>
              ))}
            </tbody>
          </table>
          <p class="muted">
            Settings are environment variables, read when a service starts: change one where the services are started (in <code>.env</code> with Docker), and start them again. The file{" "}
            <code>docs/settings.md</code> of the repository lists all of them. Dashboards, metrics, KPIs and keys are changed here, at once.
          </p>
        </section>
      </div>
    </div>
  );
}

/** What each of `of` is, with its environment variable, and its value. */
function Values<T extends { what: string; variable?: string }>({ head, of, value }: { head: [string, string]; of: readonly T[]; value: (one: T) => ComponentChildren }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">{head[0]}</th>
          <th scope="col">{head[1]}</th>
        </tr>
      </thead>
      <tbody>
        {of.map((one) => (
          <tr key={one.what}>
            <th scope="row">
              {one.what}
              {one.variable && <small>{one.variable}</small>}
            </th>
            <td>{value(one)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function stateOf(asked: Asked<ServiceSetup>): string {
  if (asked.failure) return "✕ does not answer";
  if (!asked.value) return "…";
  const failing = Object.entries(asked.value.failing ?? {});
  return failing.length ? `! ${failing.map(([name, why]) => `${name}: ${why}`).join("; ")}` : "✓ answers";
}
