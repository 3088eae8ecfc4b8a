/**
 * Leaves out of Plotly, and of the D3 that it brings, what this page never calls: the page watches the pointer itself (`plot-pointer.tsx`), has no mode
 * bar, and nobody draws or edits shapes. A third of what a browser would fetch and read before it draws the first chart.
 *
 * Each part is named here; one that is not where it is expected, as in another version of Plotly, fails the build.
 */
import type { Plugin } from "vite";

/** Modules of `plotly.js/src` that are called by none of what is left, or where nothing is to be done, and what they export instead. */
const MODULES: Record<string, string> = {
  "components/fx/hover.js": "exports.hover = exports.loneHover = () => {};",
  "components/fx/click.js": "module.exports = () => {};",
  "components/modebar/buttons.js": "module.exports = {};",
  "components/modebar/manage.js": "module.exports = () => {};",
  "components/shapes/display_outlines.js": "module.exports = () => {};",
  "plots/cartesian/dragbox.js": "exports.makeDragBox = () => ({});",
  "plots/command.js": "",
  "traces/bar/cross_trace_calc.js": "exports.setGroupPositions = () => {};",
  "traces/scatter/hover.js": "module.exports = () => [];",
  "traces/scatter/select.js": "module.exports = () => [];",
  "traces/heatmap/hover.js": "module.exports = () => [];",
};

/** Parts of `@plotly/d3`, each from the first of these lines to before the second. */
const D3_PARTS: [string, string][] = [
  ["d3.interpolateZoom = ", "d3.color = "],
  ["d3.xhr = ", "var d3_timer_queueHead"],
  ["d3.geom = ", "d3.interpolateRgb = "],
  ["d3.layout = ", "d3.scale = "],
  ["d3.scale.log = ", "d3.svg = "],
  ["d3.svg = ", "d3_selectionPrototype.transition = "],
  ["d3.svg.axis = ", "if (typeof define"],
];

export function plotlyParts(): Plugin {
  const left = new Set<string>();
  return {
    name: "drishti-plotly-parts",
    buildStart() {
      for (const part of [...Object.keys(MODULES), D3]) left.add(part);
    },
    load(id) {
      const part = /\/plotly\.js\/src\/(.+)$/.exec(id)?.[1] ?? "";
      if (!(part in MODULES)) return null;
      left.delete(part);
      return `"use strict"; ${MODULES[part]}`;
    },
    transform(code, id) {
      if (!id.endsWith(D3)) return null;
      left.delete(D3);
      return { code: D3_PARTS.reduce(without, code), map: null };
    },
    buildEnd(error) {
      if (!error && left.size) throw new Error(`Plotly is another than the one that is known: it has no ${[...left].join(", ")}`);
    },
  };
}

const D3 = "/@plotly/d3/d3.js";

function without(code: string, [from, to]: [string, string]): string {
  const [begin, end] = [code.split(`\n  ${from}`), `\n  ${to}`];
  const [before, after] = begin;
  const at = after?.indexOf(end) ?? -1;
  if (begin.length !== 2 || at < 0) throw new Error(`@plotly/d3 is another than the one that is known: ${from}`);
  return before + (after as string).slice(at);
}
