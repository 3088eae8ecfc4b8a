/** The fields of a panel that is a funnel. */
import type { FunnelPanel } from "../model/contracts.ts";
import type { Fault } from "../model/definition.ts";
import { funnelQuestion } from "../model/funnels.ts";
import type { Panel } from "../model/panels.ts";
import { FunnelForm } from "../panels/funnel-form.tsx";
import { useEventNames } from "../panels/use-event-names.ts";

interface Props {
  panel: FunnelPanel;
  fault: (place: string) => Fault | undefined;
  set: (panel: Panel, step?: string) => void;
}

export function FunnelPanelForm({ panel, fault, set }: Props) {
  const names = useEventNames();
  const change = (funnel: ReturnType<typeof funnelQuestion>) => set({ ...panel, steps: funnel.steps, window_s: funnel.window_s, breakdown: funnel.breakdown || undefined } as FunnelPanel, "steps");
  // The service names an item of a list "steps[0]", a question "steps.0".
  const faultAt = (place: string) => fault(place.replace(/\.(\d+)/g, "[$1]"))?.error ?? "";
  return <FunnelForm funnel={funnelQuestion(panel)} set={change} names={names} fault={faultAt} />;
}
