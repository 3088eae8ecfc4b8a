/**
 * What is done with the files that were built: `dashboard.html` is `index.html` that has the browser fetch at once what a dashboard needs besides,
 * and beside each script and style lie its compressed forms, so that none is compressed while somebody waits for it.
 */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";
import type { Plugin, Rolldown } from "vite";

/** Smaller ones are not worth a file of their own. */
const LEAST_BYTES = 512;
const CHARTS = /\/src\/charts\/plotly\.ts$/;
/** Asked for by every dashboard as soon as it runs. */
const CATALOGUE = "dashboards";

export function finished(): Plugin {
  let base = "/";
  return {
    name: "drishti-finished",
    configResolved(config) {
      base = config.base;
    },
    async writeBundle({ dir = "" }, bundle) {
      const page = await readFile(join(dir, "index.html"), "utf8");
      const scripts = withImports(bundle, CHARTS).filter((file) => !page.includes(file));
      if (!scripts.length) throw new Error("no file has what draws charts");
      const links = [
        ...scripts.map((file) => `<link rel="modulepreload" crossorigin href="${base}${file}">`),
        `<link rel="preload" as="fetch" crossorigin href="${base}${CATALOGUE}">`,
      ];
      await writeFile(join(dir, "dashboard.html"), page.replace("</head>", `  ${links.join("\n    ")}\n  </head>`));
      await Promise.all(Object.values(bundle).map((file) => compressed(join(dir, file.fileName), "code" in file ? file.code : file.source)));
    },
  };
}

/** The file with the module `entry`, and those that it needs. */
function withImports(bundle: Rolldown.OutputBundle, entry: RegExp): string[] {
  const found = new Set<string>();
  const waiting = Object.values(bundle).flatMap((file) => (file.type === "chunk" && file.moduleIds.some((id) => entry.test(id)) ? [file.fileName] : []));
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const file = bundle[name];
    if (found.has(name) || file?.type !== "chunk") continue;
    found.add(name);
    waiting.push(...file.imports);
  }
  return [...found];
}

async function compressed(path: string, content: string | Uint8Array): Promise<void> {
  const bytes = Buffer.from(content);
  if (!/\.(js|css)$/.test(path) || bytes.length < LEAST_BYTES) return;
  await writeFile(`${path}.gz`, await promisify(gzip)(bytes, { level: 9 }));
  await writeFile(`${path}.br`, await promisify(brotliCompress)(bytes, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: bytes.length } }));
}
