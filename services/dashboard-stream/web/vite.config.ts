import { defineConfig } from "vite";
import { chunks } from "./bundling/chunks.ts";
import { finished } from "./bundling/finished.ts";
import { plotlyParts } from "./bundling/plotly-parts.ts";

const source = (path: string) => new URL(path, import.meta.url).pathname;

const together = chunks();

/** Builds into the package that serves it: `index.html`, what lies in `public/`, and `assets/` with a hash in every name. */
export default defineConfig({
  base: "/api/dashboard/",
  plugins: [plotlyParts(), together.plugin, finished()],
  resolve: {
    alias: [
      // Plotly's registry asks for the style of map traces, which are not in the bundle: 83 kB that nothing would use.
      { find: "maplibre-gl/dist/maplibre-gl.css", replacement: source("src/charts/nothing.ts") },
      // Selecting points, and the icons of the mode bar: 20 kB compressed that nothing calls.
      { find: /^.*\/components\/selections$/, replacement: source("src/charts/plotly-unused.ts") },
      { find: /^.*\/fonts\/ploticon$/, replacement: source("src/charts/plotly-unused.ts") },
      // Plotly asks for all colour spaces that there are: 15 kB compressed, of which it uses one.
      { find: /^culori$/, replacement: source("src/charts/plotly-colours.ts") },
    ],
  },
  define: { global: "globalThis" },
  build: {
    target: "es2022",
    outDir: "../src/dashboard_stream/static",
    emptyOutDir: true,
    // The polyfill is an inline script, which the page's policy forbids; every browser of the target preloads by itself.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1200,
    // Which plugin took how long is no news to whoever starts the product.
    rolldownOptions: { checks: { pluginTimings: false }, output: { codeSplitting: { groups: together.groups } } },
  },
});
