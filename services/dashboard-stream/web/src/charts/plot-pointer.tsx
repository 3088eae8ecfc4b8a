/**
 * What follows the pointer over a chart: one line at the instant that is pointed at in any chart, the values there, and the range
 * that is drawn with the button down (or a finger moved sideways), which becomes the range of the page. Plotly draws none of it.
 */
import type { RefObject } from "preact";
import { useContext, useEffect, useRef, useState } from "preact/hooks";
import { dayAndTime, time } from "../model/format.ts";
import { LEAST_MS } from "../model/shown-time.ts";
import { PageControls } from "./controls.ts";
import { onPoint, pointAt } from "./crosshair.ts";
import type { Figure } from "./figure.ts";
import { type Area, placeOf, pointedMarks, pointedRows, selected, timeAt, within } from "./pointed.ts";

const DAY_MS = 86_400_000;
/** More than this is a drag, less an unsteady hand. */
const DRAG_PX = 4;

interface Props {
  /** Around the drawing. */
  place: RefObject<HTMLDivElement | null>;
  /** What is drawn there now. */
  drawn: RefObject<Figure | null>;
}

export function PlotPointer({ place, drawn }: Props) {
  const page = useContext(PageControls);
  const newest = useRef(page);
  newest.current = page;
  const line = useRef<HTMLDivElement>(null);
  const band = useRef<HTMLDivElement>(null);
  const [over, setOver] = useState<{ at: number; x: number } | null>(null);

  useEffect(() => {
    const stop = onPoint((at) => {
      if (!line.current) return;
      const area = drawn.current && areaOf(drawn.current);
      const x = area && at !== null ? placeOf(area, at) : null;
      line.current.hidden = x === null;
      if (!area || x === null) return;
      line.current.style.cssText = `transform: translateX(${x}px); top: ${area.top}px; height: ${area.bottom - area.top}px`;
    });
    return stop;
  }, []);

  useEffect(() => {
    const host = place.current;
    if (!host) return undefined;
    let began: { x: number; pointer: number } | null = null;
    let dragging = false;
    const at = (event: PointerEvent | MouseEvent) => {
      const box = host.getBoundingClientRect();
      // The drawing begins where its host does.
      return { x: event.clientX - box.left, y: event.clientY - box.top };
    };
    const end = () => {
      began = null;
      dragging = false;
      if (band.current) band.current.hidden = true;
    };
    const leave = () => {
      if (dragging) return;
      setOver(null);
      pointAt(null);
    };
    const move = (event: PointerEvent) => {
      const area = drawn.current && areaOf(drawn.current);
      if (!area) return;
      const { x, y } = at(event);
      if (began && newest.current?.select && (dragging || Math.abs(x - began.x) > DRAG_PX)) {
        if (!dragging) host.setPointerCapture(began.pointer);
        dragging = true;
        const [a, b] = [began.x, Math.min(area.right, Math.max(area.left, x))];
        if (band.current) {
          band.current.hidden = false;
          band.current.style.cssText = `left: ${Math.min(a, b)}px; width: ${Math.abs(a - b)}px; top: ${area.top}px; height: ${area.bottom - area.top}px`;
        }
      }
      if (!dragging && !within(area, x, y)) return leave();
      const instant = timeAt(area, x);
      pointAt(instant);
      setOver({ at: instant, x });
    };
    const down = (event: PointerEvent) => {
      const area = drawn.current && areaOf(drawn.current);
      const { x, y } = at(event);
      if (event.button === 0 && area && within(area, x, y)) began = { x, pointer: event.pointerId };
    };
    const up = (event: PointerEvent) => {
      const area = drawn.current && areaOf(drawn.current);
      const chosen = dragging && began && area ? selected(area, began.x, Math.min(area.right, Math.max(area.left, at(event).x)), LEAST_MS) : null;
      const clicked = !dragging && began && area ? pointedMarks(drawn.current?.pointed?.marks ?? [], timeAt(area, began.x), area).find((mark) => mark.note)?.note : undefined;
      end();
      if (clicked) newest.current?.open?.(clicked);
      if (!chosen) return;
      leave();
      newest.current?.select?.(chosen.from, chosen.to);
    };
    // Plotly would lay a cover over the page that takes what follows, and the browser would mark text.
    const press = (event: MouseEvent) => {
      if (event.button !== 0 || (event.target instanceof Element && event.target.closest("a, button"))) return;
      event.stopPropagation();
      event.preventDefault();
    };
    const twice = () => newest.current?.back?.();
    const key = (event: KeyboardEvent) => {
      if (event.key !== "Escape" || !began) return;
      event.stopPropagation();
      end();
      leave();
    };
    host.addEventListener("pointermove", move);
    host.addEventListener("pointerdown", down);
    host.addEventListener("pointerup", up);
    host.addEventListener("pointercancel", end);
    host.addEventListener("pointerleave", leave);
    host.addEventListener("mousedown", press, true);
    host.addEventListener("dblclick", twice);
    document.addEventListener("keydown", key, true);
    return () => {
      host.removeEventListener("pointermove", move);
      host.removeEventListener("pointerdown", down);
      host.removeEventListener("pointerup", up);
      host.removeEventListener("pointercancel", end);
      host.removeEventListener("pointerleave", leave);
      host.removeEventListener("mousedown", press, true);
      host.removeEventListener("dblclick", twice);
      document.removeEventListener("keydown", key, true);
      pointAt(null);
    };
  }, []);

  return (
    <>
      <div class="crosshair" ref={line} hidden />
      <div class="drawn-range" ref={band} hidden />
      {over && drawn.current && <Values figure={drawn.current} at={over.at} x={over.x} />}
    </>
  );
}

/** The values at the instant that is pointed at, beside it on the side that has room. */
function Values({ figure, at, x }: { figure: Figure; at: number; x: number }) {
  const area = areaOf(figure);
  if (!area || !figure.pointed) return null;
  const { at: instant, rows } = pointedRows(figure.pointed.lines, at, area);
  const marks = pointedMarks(figure.pointed.marks, at, area);
  if (!rows.length && !marks.length) return null;
  const left = x < (area.left + area.right) / 2;
  const said = area.to - area.from > DAY_MS ? dayAndTime : time;
  return (
    <div class="values" aria-hidden="true" style={left ? { left: `${x + 12}px` } : { right: `calc(100% - ${x - 12}px)` }}>
      <b>{said(instant)}</b>
      {rows.map((row, i) => (
        <span key={i}>
          <i style={{ background: row.colour }} />
          <bdi>{row.title}</bdi>
          <b>{row.text}</b>
        </span>
      ))}
      {marks.flatMap((mark) => mark.text.map((text) => <em key={text}>{text}</em>))}
    </div>
  );
}

function areaOf({ layout }: Figure): Area | null {
  const [from, to] = (layout.xaxis?.range ?? []) as number[];
  const { margin, width, height } = layout;
  if (from === undefined || to === undefined || !margin || !width || !height) return null;
  return { left: margin.l ?? 0, right: width - (margin.r ?? 0), top: margin.t ?? 0, bottom: height - (margin.b ?? 0), from, to };
}
