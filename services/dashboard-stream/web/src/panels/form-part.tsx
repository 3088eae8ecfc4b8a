/** A part of a form with a heading: a step of a funnel, the event that a journey starts with. */
import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

interface Props {
  title: string;
  /** Buttons beside the heading. */
  actions?: ComponentChildren;
  children: ComponentChildren;
}

export function Part({ title, actions, children }: Props) {
  const id = useId();
  return (
    <div class="step" role="group" aria-labelledby={id}>
      <header>
        <h3 id={id}>{title}</h3>
        {actions}
      </header>
      {children}
    </div>
  );
}
