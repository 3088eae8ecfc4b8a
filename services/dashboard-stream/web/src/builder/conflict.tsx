/** Two versions of a dashboard, where somebody else stored one meanwhile. */
import type { DashboardDocument } from "../model/contracts.ts";
import type { DocumentConflict } from "../model/dashboards.ts";
import { ChangedMeanwhile } from "../panels/changed-meanwhile.tsx";
import { differences } from "./edits.ts";

interface Props {
  conflict: DocumentConflict;
  yours: DashboardDocument;
  busy: boolean;
  replace: () => void;
  take: () => void;
  back: () => void;
}

export function Conflict({ conflict: { theirs, revision }, yours, ...ways }: Props) {
  const differ = theirs ? differences(yours, theirs) : [];
  return <ChangedMeanwhile changed="saved" kept="saved" head="What" deleted={!theirs} revision={revision} differ={differ} {...ways} />;
}
