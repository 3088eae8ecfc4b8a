/** Whether something is typed and not stored: nobody leaves it without being asked. */
import { useEffect, useRef } from "preact/hooks";

const QUESTION = "What you changed is not saved. Leave it?";

/** The first says whether there is something; the second asks, where there is, and answers whether the page may be left. */
export function useUnsaved(): [(unsaved: boolean) => void, () => boolean] {
  const unsaved = useRef(false);
  const address = useRef(location.href);
  const mayLeave = () => {
    if (unsaved.current && !confirm(QUESTION)) return false;
    unsaved.current = false;
    return true;
  };
  useEffect(() => {
    const leaving = (event: BeforeUnloadEvent) => {
      if (unsaved.current) event.preventDefault();
    };
    const back = (event: PopStateEvent) => {
      if (mayLeave()) return;
      // The step is taken already: it is taken back before anything else hears of it.
      event.stopImmediatePropagation();
      history.pushState(null, "", address.current);
    };
    addEventListener("beforeunload", leaving);
    addEventListener("popstate", back, { capture: true });
    return () => {
      removeEventListener("beforeunload", leaving);
      removeEventListener("popstate", back, { capture: true });
    };
  }, []);
  const set = (value: boolean) => {
    unsaved.current = value;
    address.current = location.href;
  };
  return [set, mayLeave];
}
