/** The switch of Drishti's own services, and the word that they are hidden where nothing else is found. */
import { OWN_TITLE, ownShown } from "../model/own-services.ts";

interface Props {
  /** Whether the address asks for them, and the service that it names. */
  own: boolean;
  service: string;
  show: (own: boolean) => void;
}

export function OwnSwitch({ own, service, show }: Props) {
  const on = ownShown(own, service);
  return (
    <button type="button" aria-pressed={on} disabled={on && !own} onClick={() => show(!on)}>
      {OWN_TITLE}
    </button>
  );
}

export function OwnHidden({ own, service, show }: Props) {
  if (ownShown(own, service)) return null;
  return (
    <p>
      Those of {OWN_TITLE} are not among them.{" "}
      <button type="button" onClick={() => show(true)}>
        Show them
      </button>
    </p>
  );
}
