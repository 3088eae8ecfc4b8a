/** The ways to all pages, in groups: a side bar where there is room for one, else a menu that a button opens. */
import { useEffect, useRef, useState } from "preact/hooks";
import type { Go } from "./hooks.ts";

export interface Place {
  path: string;
  title: string;
  /** The heading that it stands under; empty: none. */
  group: string;
  /** What the link says besides: of dashboards, the range of time. */
  query?: string;
}

interface Props {
  places: readonly Place[];
  /** The path of the page that is shown. */
  path: string;
  go: Go;
}

export function Navigation({ places, path, go }: Props) {
  const [open, setOpen] = useState(false);
  const nav = useRef<HTMLElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    // With many dashboards the bar is longer than the screen.
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
  }, [path, places.length, open]);
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (event.target instanceof Node && !nav.current?.contains(event.target) && !button.current?.contains(event.target)) setOpen(false);
    };
    const escaped = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      setOpen(false);
      button.current?.focus();
    };
    document.addEventListener("pointerdown", outside);
    document.addEventListener("focusin", outside);
    document.addEventListener("keydown", escaped);
    return () => {
      document.removeEventListener("pointerdown", outside);
      document.removeEventListener("focusin", outside);
      document.removeEventListener("keydown", escaped);
    };
  }, [open]);
  return (
    <>
      <button ref={button} type="button" class="menu-button" aria-expanded={open} aria-controls="pages" onClick={() => setOpen(!open)}>
        <svg viewBox="0 0 24 24" width="18" height="18" aria-hidden="true">
          <path d="M4 6h16M4 12h16M4 18h16" />
        </svg>
        <span class="word">Menu</span>
      </button>
      <nav id="pages" aria-label="Pages" ref={nav} class={open ? "open" : ""}>
        {grouped(places).map(([group, those], at) => (
          <div key={group} class="nav-group" role={group ? "group" : undefined} aria-labelledby={group ? `pages-${at}` : undefined}>
            {group && <p id={`pages-${at}`}>{group}</p>}
            {those.map((one) => (
              <a
                key={one.path}
                href={one.path + (one.query ?? "")}
                title={one.title}
                aria-current={one.path === path ? "page" : undefined}
                onClick={(event) => {
                  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey || event.button !== 0) return;
                  event.preventDefault();
                  setOpen(false);
                  const address = one.path + (one.query ?? "");
                  if (address !== location.pathname + location.search) go(address);
                }}
              >
                {one.title}
              </a>
            ))}
          </div>
        ))}
      </nav>
    </>
  );
}

/** The groups in the order in which their first places come. */
function grouped(places: readonly Place[]): [string, Place[]][] {
  const groups = new Map<string, Place[]>();
  for (const place of places) groups.set(place.group, [...(groups.get(place.group) ?? []), place]);
  return [...groups];
}
