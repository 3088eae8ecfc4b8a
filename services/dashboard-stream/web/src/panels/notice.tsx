/** Why what is shown is old or missing, with what one can do about it. */
import type { ComponentChildren } from "preact";

interface Props {
  tone: "warn" | "bad";
  action: string;
  act: () => void;
  children: ComponentChildren;
}

export function Notice({ tone, action, act, children }: Props) {
  return (
    <div class={`banner ${tone}`} role="alert">
      <p>{children}</p>
      <button type="button" onClick={act}>
        {action}
      </button>
    </div>
  );
}
