/** Numbers about one thing, each under its name. */
import type { ComponentChildren } from "preact";
import "./timeline.css";

export type Fact = [name: string, value: ComponentChildren];

export function FactList({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl class="user-facts">
      {facts.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
