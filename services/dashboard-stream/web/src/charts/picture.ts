/** A chart as a picture: what Plotly drew, with its title and the names of its lines. */
import { createContext } from "preact";
import { verbatim } from "../model/names.ts";
import type { Figure } from "./figure.ts";
import type { Place } from "./left.ts";
import { palette, type Theme } from "./palette.ts";

const TITLE_PX = 34;
/** Of a row of the legend, of which each has two names at least. */
const LEGEND_ROW_PX = 20;
/** Sharp on a screen with twice the pixels, and in print. */
const SCALE = 2;
const LONGEST_TITLE = 120;

/** Where a chart leaves how its picture is made (`useLeft`); the frame around it finds that there. */
export const PictureOf = createContext<Place<() => Promise<Blob>>>(null);

/** `figure` as a PNG on the ground of its theme, larger by the room for title and legend. */
export async function pngOf(figure: Figure, title: string, theme: Theme): Promise<Blob> {
  const [{ default: toImage }] = await Promise.all([import("./plotly-picture.ts"), import("./plotly.ts")]);
  const colours = palette(theme);
  const { layout } = figure;
  const margin = layout.margin ?? {};
  const data = figure.data.map((one) => ("name" in one && one.name ? one : { ...one, showlegend: false }));
  const named = figure.data.filter((one) => "name" in one && one.name).length;
  const legendPx = named && 4 + LEGEND_ROW_PX * Math.ceil(named / 2);
  const width = Math.max(layout.width ?? 0, 320);
  const height = Math.max(layout.height ?? 0, 160) + TITLE_PX + legendPx;
  const drawn: object = {
    ...layout,
    width,
    height,
    paper_bgcolor: colours.surface,
    plot_bgcolor: colours.surface,
    margin: { ...margin, t: (margin.t ?? 10) + TITLE_PX, b: (margin.b ?? 26) + legendPx },
    title: { text: verbatim(short(title)), x: 0.01, xanchor: "left", y: 1 - 18 / height, font: { size: 14, color: colours.text } },
    showlegend: named > 0,
    legend: { orientation: "h", x: 0, y: 0, yref: "container", yanchor: "bottom" },
  };
  const url = await toImage({ data, layout: drawn }, { format: "png", width, height, scale: SCALE });
  return blobOf(url);
}

function short(title: string): string {
  return title.length > LONGEST_TITLE ? `${title.slice(0, LONGEST_TITLE)}…` : title;
}

/** What a `data:` address holds: the page's policy lets no script fetch it. */
function blobOf(url: string): Blob {
  const [head = "", body = ""] = url.split(",", 2);
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  return new Blob([bytes], { type: head.slice("data:".length).split(";")[0] ?? "image/png" });
}
