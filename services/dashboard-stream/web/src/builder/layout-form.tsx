/** The fields of a panel that say how large it is, on each width of the page. */
import type { WidthLayout } from "../model/contracts.ts";
import type { Fault } from "../model/definition.ts";
import type { Panel } from "../model/panels.ts";
import { withLayout } from "./arrange.ts";
import { Choice } from "../panels/choice.tsx";
import { NumberField } from "./limits-form.tsx";

interface Props {
  panel: Panel;
  fault: (place: string) => Fault | undefined;
  set: (panel: Panel, step?: string) => void;
}

export function LayoutForm({ panel, fault, set }: Props) {
  const { layout } = panel;
  const change = (changed: Parameters<typeof withLayout>[1], step: string) => set(withLayout(panel, changed), `layout ${step}`);
  return (
    <fieldset>
      <legend>Size</legend>
      <div class="form-grid">
        <NumberField title="Columns" value={layout?.columns} fault={fault("layout.columns")} placeholder="automatic" hint="Of 12." set={(columns) => change({ columns }, "columns")} />
        <NumberField title="Rows" value={layout?.rows} fault={fault("layout.rows")} placeholder="automatic" hint="Empty: as high as its content." set={(rows) => change({ rows }, "rows")} />
        <NumberField title="First column" value={layout?.x} fault={fault("layout.x")} placeholder="first free" hint="0 is the leftmost." set={(x) => change({ x }, "x")} />
        <Narrower title="On tablets" layout={layout?.tablet} place="tablet" fault={fault} set={(tablet, step) => change({ tablet }, `tablet ${step}`)} />
        <Narrower title="On phones" layout={layout?.phone} place="phone" fault={fault} set={(phone, step) => change({ phone }, `phone ${step}`)} />
      </div>
    </fieldset>
  );
}

interface NarrowerProps {
  title: string;
  place: "tablet" | "phone";
  layout: WidthLayout | null | undefined;
  fault: (place: string) => Fault | undefined;
  set: (layout: WidthLayout, step: string) => void;
}

const WORDS: Readonly<Record<string, string>> = { shown: "shown", hidden: "hidden" };

function Narrower({ title, place, layout, fault, set }: NarrowerProps) {
  const change = (changed: WidthLayout, step: string) => set({ ...layout, ...changed }, step);
  return (
    <>
      <Choice title={title} value={layout?.hidden ? "hidden" : "shown"} values={Object.keys(WORDS)} words={(one) => WORDS[one] ?? one} fault={fault(`layout.${place}.hidden`)} set={(one) => change({ hidden: one === "hidden" }, "hidden")} />
      {!layout?.hidden && (
        <>
          <NumberField title={`${title}: columns`} value={layout?.columns} fault={fault(`layout.${place}.columns`)} placeholder="automatic" set={(columns) => change({ columns }, "columns")} />
          <NumberField title={`${title}: rows`} value={layout?.rows} fault={fault(`layout.${place}.rows`)} placeholder="automatic" set={(rows) => change({ rows }, "rows")} />
        </>
      )}
    </>
  );
}
