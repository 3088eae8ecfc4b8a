/** A place in the page that Plotly draws into, in its turn ({@link draw}), and gives back. */
import type { RefObject } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import type { Figure } from "./figure.ts";
import type Plotly from "./plotly.ts";
import { draw, unwatch, watch } from "./scheduler.ts";

let loading: Promise<typeof Plotly | null> | null = null;
let sayMissing = () => {};
/** Resolves when Plotly could not be fetched. */
export const plotlyMissing = new Promise<void>((resolve) => {
  sayMissing = resolve;
});

let heat: Promise<typeof Plotly | null> | null = null;

/** Fetches what Plotly needs for heat maps besides, once. */
function loadHeatmap(): Promise<typeof Plotly | null> {
  heat ??= Promise.all([loadPlotly(), import("./plotly-heatmap.ts")]).then(
    ([plotly, module]) => {
      plotly?.register(module.default);
      return plotly;
    },
    () => {
      sayMissing();
      return null;
    },
  );
  return heat;
}

/** Fetches Plotly, once: more than half of the page's bytes, which pages without charts do without. `null` where it cannot be loaded. */
export function loadPlotly(): Promise<typeof Plotly | null> {
  loading ??= import("./plotly.ts").then(
    (module) => module.default,
    () => {
      sayMissing();
      return null;
    },
  );
  return loading;
}

/** What is pointed at is said by `plot-pointer.tsx`: Plotly need not watch the pointer. */
const CONFIG = { staticPlot: true, displayModeBar: false, responsive: false } as const;

/** Draws into `host`, lines or a heat map, when `key` or its size changes, but not while it is `empty`; forgets everything when the component goes. */
export function usePlot(figure: () => Figure, key: string, empty: boolean, kind: "lines" | "heatmap" = "lines"): { host: RefObject<HTMLDivElement | null>; drawn: RefObject<Figure | null> } {
  const host = useRef<HTMLDivElement>(null);
  const drawn = useRef<Figure>(null);
  const newest = useRef(figure);
  newest.current = figure;
  const nothing = useRef(empty);
  nothing.current = empty;
  const plotly = useRef<typeof Plotly | null>(null);
  const gone = useRef(false);

  const request = () => {
    const element = host.current;
    if (!element || !plotly.current || nothing.current) return;
    draw(element, () => {
      if (!plotly.current || element.clientWidth === 0) return;
      const made = newest.current();
      drawn.current = made;
      void plotly.current.react(element, made.data, made.layout, CONFIG);
    });
  };

  useLayoutEffect(() => {
    const element = host.current;
    if (!element) return undefined;
    gone.current = false;
    watch(element);
    const observer = new ResizeObserver(request);
    observer.observe(element);
    void (kind === "heatmap" ? loadHeatmap() : loadPlotly()).then((loaded) => {
      if (gone.current) return;
      plotly.current = loaded;
      request();
    });
    return () => {
      gone.current = true;
      observer.disconnect();
      unwatch(element);
      plotly.current?.purge(element);
      plotly.current = null;
    };
  }, []);
  useEffect(request, [key, empty]);
  return { host, drawn };
}
