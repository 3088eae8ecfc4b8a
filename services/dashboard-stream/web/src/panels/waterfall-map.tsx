/** All rows of a waterfall on a strip, and which of them are in the window. For the eye and the pointer alone: keys move in the tree. */
import { useEffect, useRef } from "preact/hooks";
import { hueOf, type Waterfall } from "../model/waterfall.ts";

const HEIGHT = 48;

interface Props {
  tree: Waterfall;
  rows: readonly number[];
  /** The first row in the window, and how many are. */
  top: number;
  shown: number;
  go: (row: number) => void;
}

export function Minimap({ tree, rows, top, shown, go }: Props) {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    if (!element) return undefined;
    const draw = () => paint(element, tree, rows);
    draw();
    const changed = new ResizeObserver(draw);
    changed.observe(element);
    const theme = new MutationObserver(draw);
    theme.observe(document.documentElement, { attributes: true });
    return () => {
      changed.disconnect();
      theme.disconnect();
    };
  }, [tree, rows]);
  const point = (event: PointerEvent) => {
    if (event.type === "pointermove" && !(event.buttons & 1)) return;
    const box = (event.currentTarget as HTMLElement).getBoundingClientRect();
    go(((event.clientY - box.top) / box.height) * rows.length - shown / 2);
  };
  const share = (value: number) => `${Math.min(100, (value / Math.max(1, rows.length)) * 100)}%`;
  return (
    <div class="ruler minimap" aria-hidden="true">
      <small>whole trace</small>
      <div class="strip" onPointerDown={point} onPointerMove={point}>
        <canvas ref={canvas} />
        <span class="window" style={{ top: share(top), height: share(shown) }} />
      </div>
    </div>
  );
}

function paint(canvas: HTMLCanvasElement, tree: Waterfall, rows: readonly number[]): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const ratio = devicePixelRatio;
  const width = Math.max(1, Math.round(canvas.clientWidth * ratio));
  const height = Math.round(HEIGHT * ratio);
  canvas.width = width;
  canvas.height = height;
  const style = getComputedStyle(document.documentElement);
  const colours = Array.from({ length: 8 }, (_, hue) => style.getPropertyValue(`--series-${hue + 1}`).trim());
  const bad = style.getPropertyValue("--bad").trim();
  const line = Math.max(1, height / rows.length);
  rows.forEach((place, row) => {
    context.fillStyle = tree.failed.has(place) ? bad : (colours[hueOf(tree, place)] ?? bad);
    context.fillRect((tree.left[place] ?? 0) * width, (row / rows.length) * height, Math.max(1, (tree.width[place] ?? 0) * width), line);
  });
}
