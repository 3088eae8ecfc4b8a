/**
 * Draws charts one after the other, a few in each animation frame: the newest data wins, drawing takes at most
 * {@link BUDGET_MS} of a frame (one chart at least), and what is off the screen waits until it is on it. A hidden tab has no
 * animation frames, so nothing is drawn there, and everything once when it is shown again.
 */

const BUDGET_MS = 12;

const dirty = new Map<Element, () => void>();
const visible = new Set<Element>();
let queued = false;

const observer = new IntersectionObserver(
  (entries) => {
    for (const entry of entries) {
      if (entry.isIntersecting) visible.add(entry.target);
      else visible.delete(entry.target);
    }
    kick();
  },
  { rootMargin: "100px" },
);

export function watch(element: Element): void {
  observer.observe(element);
}

export function unwatch(element: Element): void {
  observer.unobserve(element);
  visible.delete(element);
  dirty.delete(element);
}

/** Has `element` drawn soon. Asked again before that, it keeps its place in the queue: none starves. */
export function draw(element: Element, work: () => void): void {
  dirty.set(element, work);
  kick();
}

function kick(): void {
  if (queued || dirty.size === 0) return;
  queued = true;
  requestAnimationFrame(run);
}

function run(): void {
  queued = false;
  const began = performance.now();
  for (const [element, work] of dirty) {
    if (!visible.has(element)) continue;
    dirty.delete(element);
    work();
    if (performance.now() - began > BUDGET_MS) {
      if ([...dirty.keys()].some((waiting) => visible.has(waiting))) kick();
      return;
    }
  }
}
