/** The parts of Plotly that `plotly.ts` puts together; Plotly types only the whole. */
declare module "plotly.js/lib/core" {
  import type { Data, Layout, Config } from "plotly.js";

  const Plotly: {
    register(modules: unknown[]): void;
    react(element: HTMLElement, data: Data[], layout: Partial<Layout>, config: Partial<Config>): Promise<unknown>;
    purge(element: HTMLElement): void;
    /** A `data:` address. */
    toImage(figure: { data: Data[]; layout: object }, options: { format: "png"; width: number; height: number; scale: number }): Promise<string>;
  };
  export default Plotly;
}

declare module "plotly.js/lib/heatmap" {
  const module: unknown;
  export default module;
}
