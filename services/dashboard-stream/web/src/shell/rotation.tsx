/** Turns from one dashboard to the next in the kiosk: by time, by the keys n and b, and not while the key p holds it. */
import { useEffect, useRef, useState } from "preact/hooks";
import { nextOf, rotationOf } from "../model/rotation.ts";
import type { Dashboard } from "../model/catalogue.ts";
import type { Go } from "./hooks.ts";
import { isTyped } from "./shortcuts.ts";

interface Props {
  query: string;
  /** The dashboard that is shown. */
  name: string;
  /** All that there are, and those of the navigation. */
  dashboards: readonly Dashboard[];
  listed: readonly Dashboard[];
  go: Go;
}

export function Rotation({ query, name, dashboards, listed, go }: Props) {
  const rotation = rotationOf(query);
  const [held, hold] = useState(false);
  const turn = useRef((_: number) => {});
  turn.current = (steps) => {
    const next = rotation && nextOf(rotation, dashboards.map((one) => one.name), listed.map((one) => one.name), name, steps);
    const path = dashboards.find((one) => one.name === next)?.path;
    if (path) go(path, { replace: true });
  };
  const every = rotation?.everyMs ?? 0;
  useEffect(() => {
    if (!every || held) return;
    const timer = setInterval(() => turn.current(1), every);
    return () => clearInterval(timer);
  }, [every, held, name]);
  useEffect(() => {
    if (!every) return;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyped(event.target)) return;
      if (event.key === "p") hold((before) => !before);
      else if (event.key === "n") turn.current(1);
      else if (event.key === "b") turn.current(-1);
      else return;
      event.preventDefault();
    };
    document.addEventListener("keydown", pressed);
    return () => document.removeEventListener("keydown", pressed);
  }, [every]);
  if (!every || !held) return null;
  return (
    <p class="rotation" role="status">
      Held: p goes on
    </p>
  );
}
