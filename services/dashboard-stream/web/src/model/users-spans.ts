/** A trace without the spans of Drishti's own services, which come after what people look for: its storing and counting. Pure. */
import type { OutlineAnswer } from "./contracts.ts";
import { isOwn } from "./own-services.ts";

/** `outline` without those of its spans, but for what a span of another service is below; itself, where no others would be left. */
export function withoutOwnSpans(outline: OutlineAnswer): OutlineAnswer {
  const own = outline.services.map(isOwn);
  if (!own.includes(true)) return outline;
  const kept = keptOf(outline, own);
  const places = new Map<number, number>();
  kept.forEach((keep, place) => keep && places.set(place, places.size));
  if (places.size === 0 || places.size === kept.length) return outline;
  const left = <T>(values: readonly T[]): T[] => values.filter((_, place) => kept[place]);
  const path = outline.critical_path;
  const sections = path.places.map((place) => places.has(place));
  const ofPath = (values: readonly number[]): number[] => values.filter((_, section) => sections[section]);
  const moved = (those: readonly number[]): number[] => those.flatMap((place) => places.get(place) ?? []);
  return {
    ...outline,
    span_ids: left(outline.span_ids),
    depths: left(outline.depths),
    of_service: left(outline.of_service),
    of_name: left(outline.of_name),
    starts_ms: left(outline.starts_ms),
    durations_ms: left(outline.durations_ms),
    self_ms: left(outline.self_ms),
    failed: outline.failed.flatMap((one) => {
      const place = places.get(one.place);
      return place === undefined ? [] : [{ ...one, place }];
    }),
    critical_path: { places: moved(path.places), from_ms: ofPath(path.from_ms), to_ms: ofPath(path.to_ms), waiting: ofPath(path.waiting) },
    ...(outline.missing_parent && { missing_parent: moved(outline.missing_parent) }),
  };
}

/** Whether the span is one that {@link withoutOwnSpans} leaves out. */
export function isHiddenSpan(users: OutlineAnswer, outline: OutlineAnswer, span: string): boolean {
  return users !== outline && outline.span_ids.includes(span) && !users.span_ids.includes(span);
}

function keptOf({ depths, of_service }: OutlineAnswer, own: readonly boolean[]): boolean[] {
  const kept = depths.map((_, place) => !own[of_service[place] ?? 0]);
  // From the last to the first, what is below a span is known before it is asked for; `wanted` is the depth of a kept span above which one is wanted.
  let wanted = 0;
  for (let place = depths.length - 1; place >= 0; place--) {
    const depth = depths[place] ?? 0;
    if (depth < wanted) kept[place] = true;
    if (kept[place]) wanted = depth;
  }
  return kept;
}
