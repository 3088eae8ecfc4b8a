/** Who calls whom: a picture, and the same as a table. */
import { useId } from "preact/hooks";
import type { MapEdge, MapNode, ServiceMapAnswer, Traffic } from "../model/contracts.ts";
import { percent } from "../model/explorer-choice.ts";
import { spent } from "../model/explorer.ts";
import { inWords } from "../model/format.ts";
import { edgeId, type Way } from "../model/map-edges.ts";
import { layoutOf, NODE, outlineOf } from "../model/map-layout.ts";
import { usePhone } from "./use-phone.ts";

/** Shares of failed calls from which an edge is drawn as one that is in trouble. */
const SOME_ERRORS = 0.001;
const MANY_ERRORS = 0.05;
/** Letters of a name that fit into a node; of a longer one the beginning and the end are shown. */
const NAME = 21;

const KINDS: Record<MapNode["kind"], string> = {
  service: "service",
  database: "database",
  cache: "cache",
  broker: "broker",
  model: "model",
  external: "external host",
  entry: "from outside",
};

interface PictureProps {
  map: ServiceMapAnswer;
  /** Is told which service was clicked. */
  choose: (service: string) => void;
  /** Is told which edge was clicked; the one that is shown is drawn so. */
  chooseEdge?: (edge: string) => void;
  edge?: string;
}

export function MapPicture({ map, choose, chooseEdge, edge: chosen = "" }: PictureProps) {
  const arrow = useId();
  const phone = usePhone();
  const { width, height, nodes, edges } = phone ? outlineOf(map) : layoutOf(map);
  const most = Math.max(...map.edges.map((edge) => edge.traffic.calls ?? 0), 1);
  return (
    <div class={phone ? "panel map outline" : "panel map"} role="region" aria-label="Map" tabIndex={0}>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label="Services and who calls whom; the table below says the same">
        <defs>
          <marker id={arrow} viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto" markerUnits="userSpaceOnUse">
            <path d="M0,0 L8,4 L0,8 z" />
          </marker>
        </defs>
        {edges.map(({ edge, d }) => (
          <path
            key={`${edge.caller} ${edge.callee}`}
            class={`edge ${tone(edge.traffic)}`}
            d={d}
            style={{ strokeWidth: `${1 + 3 * Math.sqrt((edge.traffic.calls ?? 0) / most)}px` }}
            marker-end={`url(#${arrow})`}
          />
        ))}
        {edges.map(({ edge, d }) => (
          <path key={edgeId(edge)} class={edgeId(edge) === chosen ? "edge-area chosen" : "edge-area"} d={d} onClick={() => chooseEdge?.(edgeId(edge))}>
            <title>{`${edge.caller} → ${edge.callee}: ${inBrief(edge.traffic)}`}</title>
          </path>
        ))}
        {edges.map(({ edge, x, y }) => (
          <text key={`${edge.caller} ${edge.callee}`} class={`edge-label ${tone(edge.traffic)}`} x={x} y={y} text-anchor="middle">
            {rate(edge.traffic)}
            {(edge.traffic.error_rate ?? 0) >= SOME_ERRORS && ` · ${percent(edge.traffic.error_rate ?? 0)} failed`}
          </text>
        ))}
        {nodes.map(({ node, x, y }) => (
          <g
            key={node.id}
            class={`node ${node.kind} ${tone(node.traffic)}`}
            transform={`translate(${x},${y})`}
            onClick={() => node.kind === "service" && choose(node.name)}
          >
            <title>{`${nameOf(node, map)}: ${inBrief(node.traffic)}`}</title>
            <rect width={NODE.width} height={NODE.height} rx={node.kind === "database" || node.kind === "cache" ? 24 : 8} />
            <text x={12} y={20} class="kind">
              {KINDS[node.kind]}
            </text>
            <text x={12} y={37} class="of-node">
              {short(nameOf(node, map))}
            </text>
            <text x={12} y={54} class="kind">
              {node.traffic.calls ? rate(node.traffic) : ""}
              {node.traffic.p95_ms != null && ` · p95 ${spent(node.traffic.p95_ms)}`}
            </text>
          </g>
        ))}
      </svg>
      <p class="muted">On a line: calls a second, and the share of them that failed. In a box: calls a second that it gets, and the 95th percentile (p95) of how long they take; a line is the wider the more calls it has, yellow from 0.1 % failed calls on and red from 5 %. A click on a service shows it with whom it calls and who calls it; one on a line leads to the traces, errors and operations behind it, as the table does.</p>
    </div>
  );
}

/** What stands beside caller and callee, and what it means. */
const COLUMNS = [
  { title: "Calls", about: "Calls of the callee by the caller in the range" },
  { title: "Rate", about: "Calls a second, on average over the range" },
  { title: "Failed", about: "Share of these calls that failed, as the caller or the callee says" },
  { title: "p50", about: "Half of these calls took less, as the caller saw them" },
  { title: "p95", about: "95 of 100 of these calls took less, as the caller saw them" },
  { title: "Share of caller", about: "Share that these calls have of all calls that the caller makes" },
];

interface CallsProps {
  map: ServiceMapAnswer;
  tracesOf: (service: string) => string;
  chooseEdge?: (edge: string) => void;
  edge?: string;
}

export function MapCalls({ map, tracesOf, chooseEdge, edge: chosen = "" }: CallsProps) {
  const nodes = new Map(map.nodes.map((node) => [node.id, node]));
  const name = (id: string) => {
    const node = nodes.get(id);
    if (!node) return id;
    if (node.kind !== "service") return <bdi>{nameOf(node, map)}</bdi>;
    return (
      <a href={tracesOf(node.name)}>
        <bdi>{nameOf(node, map)}</bdi>
      </a>
    );
  };
  return (
    <section class="panel" aria-label="Calls">
      <table class="trace-list calls">
        <thead>
          <tr>
            <th scope="col">Caller</th>
            <th scope="col">Callee</th>
            {COLUMNS.map(({ title, about }) => (
              <th key={title} scope="col" class="value" title={about}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {map.edges.map((edge) => (
            <tr key={`${edge.caller} ${edge.callee}`} class={tone(edge.traffic) === "bad" ? "failed" : ""}>
              <th scope="row">{name(edge.caller)}</th>
              <th scope="row">{name(edge.callee)}</th>
              <td class="value">
                {chooseEdge ? (
                  <button type="button" class="link" aria-expanded={edgeId(edge) === chosen} title="What is behind these calls" onClick={() => chooseEdge(edgeId(edge))}>
                    {inWords(edge.traffic.calls, "{call}")}
                  </button>
                ) : (
                  inWords(edge.traffic.calls, "{call}")
                )}
              </td>
              <td class="value">{rate(edge.traffic)}</td>
              <td class={`value ${tone(edge.traffic)}`}>{percent(edge.traffic.error_rate ?? 0)}</td>
              <td class="value">{edge.traffic.p50_ms == null ? "–" : spent(edge.traffic.p50_ms)}</td>
              <td class="value">{edge.traffic.p95_ms == null ? "–" : spent(edge.traffic.p95_ms)}</td>
              <td class="value">{percent(edge.share)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p class="muted">
        Rate: on average over the range. Failed: the share of these calls that failed. p50, p95: half and 95 % of these calls took less, as the caller saw them. Share of caller: of all calls that
        the caller makes, how many are these.
      </p>
      {(map.folded ?? 0) > 0 && <p class="muted">{map.folded} nodes and edges with few calls are drawn together.</p>}
    </section>
  );
}

/** One edge with the ways on from it. */
export function EdgePanel({ map, edge, ways, close }: { map: ServiceMapAnswer; edge: MapEdge; ways: readonly Way[]; close: () => void }) {
  const nodes = new Map(map.nodes.map((node) => [node.id, node]));
  const name = (id: string) => {
    const node = nodes.get(id);
    return node ? nameOf(node, map) : id;
  };
  return (
    <section class="panel edge-panel" aria-label="Call">
      <h2>
        <span>
          <bdi>{name(edge.caller)}</bdi> → <bdi>{name(edge.callee)}</bdi>
        </span>
      </h2>
      <p>{inBrief(edge.traffic)}</p>
      <ul class="ways">
        {ways.map((way) => (
          <li key={way.title}>
            <a class="button" href={way.address}>
              {way.title}
            </a>
          </li>
        ))}
        <li>
          <button type="button" onClick={close}>
            Close
          </button>
        </li>
      </ul>
      {nodes.get(edge.callee)?.kind === "service" && <p class="muted">Traces, errors and operations are of {name(edge.callee)}, whoever called it.</p>}
    </section>
  );
}

function tone({ error_rate = 0 }: Traffic): string {
  return error_rate >= MANY_ERRORS ? "bad" : error_rate >= SOME_ERRORS ? "warn" : "";
}

function rate({ rate: perSecond = 0 }: Traffic): string {
  return `${inWords(perSecond, "")}/s`;
}

function inBrief(traffic: Traffic): string {
  const p95 = traffic.p95_ms == null ? "" : `, p95 ${spent(traffic.p95_ms)}`;
  return `${traffic.calls ?? 0} calls, ${rate(traffic)}, ${percent(traffic.error_rate ?? 0)} failed${p95}`;
}

function nameOf(node: MapNode, map: ServiceMapAnswer): string {
  return (node.kind === "service" && map.service_names?.[node.name]) || node.name;
}

function short(text: string): string {
  return text.length > NAME ? `${text.slice(0, NAME / 2 - 1)}…${text.slice(-NAME / 2)}` : text;
}
