/** Two versions of one thing, where somebody else stored one meanwhile: what differs, and the ways on. */
import { useEffect, useRef } from "preact/hooks";

export interface Difference {
  what: string;
  yours: string;
  theirs: string;
}

interface Props {
  /** What they did, as long as it is not deleted. */
  changed: "saved" | "changed";
  /** What is not done with yours yet. */
  kept: "saved" | "stored";
  /** What the rows are named after. */
  head: string;
  /** Their version is there no more. */
  deleted: boolean;
  revision: number;
  differ: readonly Difference[];
  busy: boolean;
  /** Stores yours over theirs. */
  replace: () => void;
  /** Goes on with theirs. */
  take: () => void;
  /** Goes on with yours, stored later. */
  back?: () => void;
}

export function ChangedMeanwhile({ changed, kept, head, deleted, revision, differ, busy, replace, take, back }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <div class="panel conflict" role="alertdialog" aria-label="Changed meanwhile">
      <h3 ref={heading} tabIndex={-1}>
        Somebody else {deleted ? "deleted" : changed} it meanwhile
      </h3>
      <p class="muted">Nothing of yours is {kept} yet.</p>
      {!deleted && !differ.length && <p>Both versions say the same.</p>}
      {differ.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">{head}</th>
              <th scope="col">Yours</th>
              <th scope="col">Theirs, revision {revision}</th>
            </tr>
          </thead>
          <tbody>
            {differ.map((one) => (
              <tr key={one.what}>
                <th scope="row">
                  <bdi>{one.what}</bdi>
                </th>
                <td data-title="Yours">
                  <bdi>{one.yours}</bdi>
                </td>
                <td data-title="Theirs">
                  <bdi>{one.theirs}</bdi>
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      <div class="actions">
        <button type="button" disabled={busy} onClick={take}>
          {deleted ? "Leave it deleted" : "Take theirs"}
        </button>
        <button type="button" disabled={busy} onClick={replace}>
          {deleted ? `${kept === "saved" ? "Save" : "Store"} mine again` : "Replace theirs with mine"}
        </button>
        {back && (
          <button type="button" disabled={busy} onClick={back}>
            Go on editing
          </button>
        )}
      </div>
    </div>
  );
}
