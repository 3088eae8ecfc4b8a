/** Two versions of a dashboard, where somebody else stored one meanwhile: what differs, and the ways on. */
import { useEffect, useRef } from "preact/hooks";
import type { DashboardDocument } from "../model/contracts.ts";
import type { DocumentConflict } from "../model/dashboards.ts";
import { differences } from "./edits.ts";

interface Props {
  conflict: DocumentConflict;
  yours: DashboardDocument;
  busy: boolean;
  /** Stores yours over theirs. */
  replace: () => void;
  /** Goes on with theirs. */
  take: () => void;
  /** Goes on with yours, stored later. */
  back: () => void;
}

export function Conflict({ conflict, yours, busy, replace, take, back }: Props) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  const { theirs, revision } = conflict;
  const differ = theirs ? differences(yours, theirs) : [];
  return (
    <div class="panel conflict" role="alertdialog" aria-label="Changed meanwhile">
      <h3 ref={heading} tabIndex={-1}>
        {theirs ? "Somebody else saved it meanwhile" : "Somebody else deleted it meanwhile"}
      </h3>
      <p class="muted">Nothing of yours is saved yet.</p>
      {theirs && !differ.length && <p>Both versions say the same.</p>}
      {differ.length > 0 && (
        <table>
          <thead>
            <tr>
              <th scope="col">What</th>
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
          {theirs ? "Take theirs" : "Leave it deleted"}
        </button>
        <button type="button" disabled={busy} onClick={replace}>
          {theirs ? "Replace theirs with mine" : "Save mine again"}
        </button>
        <button type="button" disabled={busy} onClick={back}>
          Go on editing
        </button>
      </div>
    </div>
  );
}
