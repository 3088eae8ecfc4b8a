/**
 * What Plotly uses of culori, in place of the whole: the page's colours are sRGB, as `#rrggbb`, `rgb()` and names, and Plotly converts to HSL.
 * See `vite.config.ts`.
 */
import { modeHsl, modeLrgb, modeRgb, useMode } from "culori/fn";

useMode(modeRgb);
useMode(modeHsl);
useMode(modeLrgb);

export { converter, formatHex, formatRgb, wcagContrast, wcagLuminance } from "culori/fn";
