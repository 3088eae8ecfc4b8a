import { defineConfig } from "vite";

/** Builds into the package that serves it: `index.html`, what lies in `public/`, and `assets/` with a hash in every name. */
export default defineConfig({
  base: "/api/dashboard/",
  // Plotly's registry asks for the style of map traces, which are not in the bundle: 83 kB that nothing would use.
  resolve: { alias: { "maplibre-gl/dist/maplibre-gl.css": new URL("src/charts/nothing.ts", import.meta.url).pathname } },
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
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
