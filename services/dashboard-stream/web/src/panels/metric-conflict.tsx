/** Two versions of a definition, where somebody else stored one meanwhile: what differs, and the two ways on. */
import { useEffect, useRef } from "preact/hooks";
import { type Conflict, type Definition, differences } from "../model/definition.ts";

interface Props {
  conflict: Conflict;
  yours: Definition;
  busy: boolean;
  /** Stores yours over theirs. */
  replace: () => void;
  /** Goes on with theirs. */
  take: () => void;
}

export function MetricConflict({ conflict, yours, busy, replace, take }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const differ = conflict.theirs ? differences(yours, conflict.theirs) : [];
  return (
    <div class="panel conflict" role="alertdialog" aria-label="Changed meanwhile">
      <h3 ref={heading} tabIndex={-1}>
        {conflict.theirs ? "Somebody else changed it meanwhile" : "Somebody else deleted it meanwhile"}
      </h3>
      <p class="muted">Nothing of yours is stored yet.</p>
      {conflict.theirs && !differ.length && <p>Both versions say the same.</p>}
      {differ.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">Field</th>
              <th scope="col">Yours</th>
              <th scope="col">Theirs, revision {conflict.revision}</th>
            </tr>
          </thead>
          <tbody>
            {differ.map((one) => (
              <tr key={one.field}>
                <th scope="row">{one.title}</th>
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
          {conflict.theirs ? "Take theirs" : "Leave it deleted"}
        </button>
        <button type="button" disabled={busy} onClick={replace}>
          {conflict.theirs ? "Replace theirs with mine" : "Store mine again"}
        </button>
      </div>
    </div>
  );
}
