/** Which modules come together: what every page needs in one file and what draws charts in another, instead of a dozen of small ones. */
import type { Plugin } from "vite";

/** In this order: what both need is the page's, which is there first. */
const ENTRIES = [
  { name: "page", path: "/src/main.tsx" },
  { name: "plotly", path: "/src/charts/plotly.ts" },
];

interface Chunks {
  plugin: Plugin;
  /** For the bundler's `codeSplitting`. */
  groups: { name: string; test: (id: string) => boolean; includeDependenciesRecursively: false }[];
}

export function chunks(): Chunks {
  const reached = ENTRIES.map(() => new Set<string>());
  const plugin: Plugin = {
    name: "drishti-chunks",
    buildEnd() {
      ENTRIES.forEach(({ name, path }, i) => {
        const waiting = [...this.getModuleIds()].filter((id) => id.endsWith(path));
        if (waiting.length !== 1) throw new Error(`the chunk ${name} begins with ${path}, of which there are ${waiting.length}`);
        for (let id = waiting.pop(); id !== undefined; id = waiting.pop()) {
          if (reached[i]?.has(id)) continue;
          reached[i]?.add(id);
          waiting.push(...(this.getModuleInfo(id)?.importedIds ?? []));
        }
      });
    },
  };
  return { plugin, groups: ENTRIES.map(({ name }, i) => ({ name, test: (id) => reached[i]?.has(id) ?? false, includeDependenciesRecursively: false })) };
}
