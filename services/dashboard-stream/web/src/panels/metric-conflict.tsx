/** Two versions of a definition, where somebody else stored one meanwhile. */
import { type Conflict, type Definition, differences } from "../model/definition.ts";
import { ChangedMeanwhile } from "./changed-meanwhile.tsx";

interface Props {
  conflict: Conflict;
  yours: Definition;
  busy: boolean;
  replace: () => void;
  take: () => void;
}

export function MetricConflict({ conflict: { theirs, revision }, yours, ...ways }: Props) {
  const differ = (theirs ? differences(yours, theirs) : []).map(({ title, ...one }) => ({ ...one, what: title }));
  return <ChangedMeanwhile changed="changed" kept="stored" head="Field" deleted={!theirs} revision={revision} differ={differ} {...ways} />;
}
