/** The fields of a panel of what users do: the same as on its page. */
import type { FunnelPanel, JourneysPanel, RetentionPanel } from "../model/contracts.ts";
import type { Fault } from "../model/definition.ts";
import { type FunnelQuestion, funnelQuestion, withFunnel } from "../model/funnels.ts";
import type { Panel } from "../model/panels.ts";
import { questionOfPanel, withQuestion } from "../model/product.ts";
import { retentionQuestion, withRetention } from "../model/retention.ts";
import { FunnelForm } from "../panels/funnel-form.tsx";
import { FunnelOptions } from "../panels/funnel-options.tsx";
import { JourneysForm } from "../panels/journeys-form.tsx";
import { RetentionForm } from "../panels/retention-form.tsx";
import { useEventNames } from "../panels/use-event-names.ts";
import { SavedFunnelField } from "../panels/saved-funnel-field.tsx";

interface Props {
  panel: FunnelPanel | RetentionPanel | JourneysPanel;
  fault: (place: string) => Fault | undefined;
  set: (panel: Panel, step?: string) => void;
}

export function ProductPanelForm({ panel, fault, set }: Props) {
  const names = useEventNames();
  // The service names an item of a list "steps[0]", a question "steps.0".
  const faultAt = (place: string) => fault(place.replace(/\.(\d+)/g, "[$1]"))?.error ?? "";
  switch (panel.kind) {
    case "funnel": {
      const about = { funnel: funnelQuestion(panel), set: (funnel: FunnelQuestion) => set(withFunnel(panel, funnel), "question"), names, fault: faultAt };
      return (
        <>
          <SavedFunnelField saved={panel.saved} set={(saved) => set({ ...panel, saved } as FunnelPanel, "saved")} error={faultAt("saved")} />
          <FunnelForm {...about} />
          <FunnelOptions {...about} />
        </>
      );
    }
    case "retention":
      return <RetentionForm question={retentionQuestion(panel)} set={(question) => set(withRetention(panel, question), "question")} names={names} fault={(place) => faultAt(place === "kind" ? "retention_kind" : place)} />;
    case "journeys":
      return <JourneysForm question={questionOfPanel(panel)} set={(question) => set(withQuestion(panel, question), "question")} names={names} fault={faultAt} />;
  }
}
