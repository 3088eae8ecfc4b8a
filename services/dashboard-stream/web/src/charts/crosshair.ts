/** The instant that is pointed at in one chart, for all of them: told once in an animation frame, without drawing anything anew. */

type Listener = (at: number | null) => void;

const listeners = new Set<Listener>();
let pointed: number | null = null;
let queued = false;

export function pointAt(at: number | null): void {
  if (pointed === at) return;
  pointed = at;
  if (queued) return;
  queued = true;
  requestAnimationFrame(() => {
    queued = false;
    for (const listener of listeners) listener(pointed);
  });
}

/** The instant that is pointed at now. */
export function pointedAt(): number | null {
  return pointed;
}

export function onPoint(listener: Listener): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}
