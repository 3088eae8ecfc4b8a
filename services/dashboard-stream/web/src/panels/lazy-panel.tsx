/** Kinds of panels whose code is fetched when a dashboard first has one: the first chart of others does not wait for it. */
import type { FunctionComponent } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Notice } from "./notice.tsx";

/** A panel whose code `load` fetches. */
export function lazyPanel<Props extends { panel: { title: string } }>(load: () => Promise<FunctionComponent<Props>>): FunctionComponent<Props> {
  let loaded: FunctionComponent<Props> | null = null;
  return (props) => {
    const [Panel, setPanel] = useState(() => loaded);
    const [failed, setFailed] = useState(false);
    useEffect(() => {
      if (Panel || failed) return undefined;
      let gone = false;
      load().then(
        (fetched) => {
          loaded = fetched;
          if (!gone) setPanel(() => fetched);
        },
        () => gone || setFailed(true),
      );
      return () => {
        gone = true;
      };
    }, [failed]);
    if (Panel) return <Panel {...props} />;
    return (
      <article class="panel asked" aria-busy={!failed}>
        <h2>{props.panel.title}</h2>
        {failed ? (
          <Notice tone="bad" action="Try again" act={() => setFailed(false)}>
            What draws this panel could not be loaded: the server is not responding, or was updated.
          </Notice>
        ) : (
          <p class="empty">Loading…</p>
        )}
      </article>
    );
  };
}
