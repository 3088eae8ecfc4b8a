/** The parts of Plotly and culori that `plotly.ts` puts together; Plotly types only the whole. */
declare module "plotly.js/src/plot_api/plot_api" {
  import type { Data, Layout, Config } from "plotly.js";

  export function react(element: HTMLElement, data: Data[], layout: Partial<Layout>, config: Partial<Config>): Promise<unknown>;
  export function purge(element: HTMLElement): void;
}

declare module "plotly.js/src/plot_api/to_image" {
  import type { Data } from "plotly.js";

  /** A `data:` address. */
  export default function toImage(
    figure: { data: Data[]; layout: object },
    options: { format: "png"; width: number; height: number; scale: number },
  ): Promise<string>;
}

declare module "plotly.js/src/registry" {
  export function register(modules: unknown): void;
}

declare module "plotly.js/src/components/*" {
  const component: unknown;
  export default component;
}

declare module "plotly.js/src/traces/*" {
  const trace: unknown;
  export default trace;
}

declare module "plotly.js/src/locale-*" {
  const locale: unknown;
  export default locale;
}

declare module "plotly.js/build/plotcss";

declare module "culori/fn" {
  export const modeHsl: unknown;
  export const modeLrgb: unknown;
  export const modeRgb: unknown;
  export function useMode(mode: unknown): void;
  export const converter: unknown;
  export const formatHex: unknown;
  export const formatRgb: unknown;
  export const wcagContrast: unknown;
  export const wcagLuminance: unknown;
}
