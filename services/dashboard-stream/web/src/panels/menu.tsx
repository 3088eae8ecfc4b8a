/** A button that opens a list of things to do, by mouse, finger and keys. */
import { useLayoutEffect, useRef, useState } from "preact/hooks";

export interface MenuItem {
  title: string;
  act: () => void;
  /** The key that does the same. */
  key?: string;
}

const STEPS: Readonly<Record<string, number>> = { ArrowDown: 1, ArrowUp: -1 };

export function Menu({ label, items }: { label: string; items: readonly MenuItem[] }) {
  const [open, setOpen] = useState(false);
  const place = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const all = () => [...(place.current?.querySelectorAll<HTMLButtonElement>("[role=menuitem]") ?? [])];
  // Before the next key: whoever types fast means what is in the list.
  useLayoutEffect(() => {
    if (!open) return undefined;
    all()[0]?.focus();
    const elsewhere = (event: Event) => {
      if (event.target instanceof Node && !place.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener("pointerdown", elsewhere);
    document.addEventListener("focusin", elsewhere);
    return () => {
      document.removeEventListener("pointerdown", elsewhere);
      document.removeEventListener("focusin", elsewhere);
    };
  }, [open]);
  const close = () => {
    setOpen(false);
    button.current?.focus();
  };
  const pressed = (event: KeyboardEvent) => {
    if (!open) return;
    const list = all();
    const at = list.indexOf(document.activeElement as HTMLButtonElement);
    const step = STEPS[event.key];
    if (event.key === "Escape") close();
    else if (step !== undefined) list[(at + step + list.length) % list.length]?.focus();
    else if (event.key === "Home") list[0]?.focus();
    else if (event.key === "End") list.at(-1)?.focus();
    else return;
    event.preventDefault();
  };
  return (
    <div class="frame-menu" ref={place} onKeyDown={pressed}>
      <button type="button" ref={button} aria-label={label} aria-haspopup="menu" aria-expanded={open} onClick={() => setOpen(!open)}>
        ⋮
      </button>
      {open && (
        <div role="menu" aria-label={label}>
          {items.map((item) => (
            <button
              type="button"
              role="menuitem"
              tabIndex={-1}
              key={item.title}
              aria-keyshortcuts={item.key}
              onClick={() => {
                close();
                item.act();
              }}
            >
              {item.title}
              {item.key && <kbd aria-hidden="true">{item.key}</kbd>}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}
