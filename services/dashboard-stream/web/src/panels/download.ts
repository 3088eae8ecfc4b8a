/** Gives the reader a file. */
export function download(name: string, content: string | Blob, type = "text/plain"): void {
  const url = URL.createObjectURL(content instanceof Blob ? content : new Blob([content], { type }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  // A browser that asks where to put it still reads it.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}
