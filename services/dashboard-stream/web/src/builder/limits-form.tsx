/** The fields of a panel that say how its number is seen: limits, thresholds, the unit, the ends of a scale. */
import type { Band, Limits, Threshold, TimeSeries } from "../model/contracts.ts";
import type { Fault } from "../model/definition.ts";
import { TextField } from "../panels/field.tsx";
import { Choice } from "../panels/choice.tsx";
import { numeric } from "./numbers.ts";

interface NumberProps {
  title: string;
  value: number | null | undefined;
  fault: Fault | undefined;
  placeholder?: string;
  hint?: string;
  set: (value: number | undefined) => void;
}

/** What is no number yet is kept as it is typed: the service says what is wrong with it. */
export function NumberField({ title, value, fault, placeholder, hint, set }: NumberProps) {
  return <TextField title={title} value={String(value ?? "")} set={(text) => set(text.trim() === "" ? undefined : (numeric(text) as number))} fault={fault} placeholder={placeholder} hint={hint} numeric />;
}

interface UnitProps {
  value: string | undefined;
  fault: Fault | undefined;
  set: (unit: string | undefined) => void;
}

const UNITS = ["ms", "s", "By", "%", "1", "{request}/s", "EUR", "USD"];

export function UnitField({ value, fault, set }: UnitProps) {
  return <TextField title="Unit" value={value ?? ""} list={UNITS} set={(unit) => set(unit || undefined)} fault={fault} placeholder="the metric's own" />;
}

const DIRECTIONS: Readonly<Record<string, string>> = { up: "more is better", down: "less is better" };

interface LimitsProps {
  limits: Limits | null | undefined;
  fault: (place: string) => Fault | undefined;
  set: (limits: Limits | undefined, step?: string) => void;
}

export function LimitsForm({ limits, fault, set }: LimitsProps) {
  const given = limits ?? {};
  const change = (changed: Partial<Limits>, step = "") => {
    const next = { ...given, ...changed };
    const none = next.target == null && next.warn == null && next.bad == null && (next.direction ?? "up") === "up";
    set(none ? undefined : next, step && `limits.${step}`);
  };
  return (
    <>
      <Choice title="Better is" value={given.direction ?? "up"} values={Object.keys(DIRECTIONS)} words={(one) => DIRECTIONS[one] ?? one} fault={fault("limits.direction")} set={(one) => change({ direction: one === "down" ? "down" : undefined })} />
      <NumberField title="Target" value={given.target} fault={fault("limits.target")} hint="In the metric's own unit; a share: 0 to 1." set={(target) => change({ target }, "target")} />
      <NumberField title="Warning from" value={given.warn} fault={fault("limits.warn")} set={(warn) => change({ warn }, "warn")} />
      <NumberField title="Bad from" value={given.bad} fault={fault("limits.bad")} set={(bad) => change({ bad }, "bad")} />
    </>
  );
}

const TONES: Readonly<Record<string, string>> = { good: "good", warn: "warning", bad: "bad" };
const STYLES: Readonly<Record<string, string>> = { line: "lines", area: "areas", stacked: "stacked areas", bars: "bars" };

export function StyleChoice({ panel, fault, set }: { panel: TimeSeries; fault: Fault | undefined; set: (style: TimeSeries["style"]) => void }) {
  return <Choice title="Drawn as" value={panel.style ?? "line"} values={Object.keys(STYLES)} words={(one) => STYLES[one] ?? one} fault={fault} set={(one) => set(one === "line" ? undefined : (one as TimeSeries["style"]))} />;
}

interface ThresholdProps {
  threshold: Threshold;
  place: string;
  fault: (place: string) => Fault | undefined;
  set: (threshold: Threshold, step?: string) => void;
}

export function ThresholdForm({ threshold, place, fault, set }: ThresholdProps) {
  return (
    <>
      <NumberField title="At" value={threshold.value} fault={fault(`${place}.value`)} set={(value) => set({ ...threshold, value: value as number }, `${place}.value`)} />
      <TextField title="Word at the line" value={threshold.word} set={(word) => set({ ...threshold, word }, `${place}.word`)} fault={fault(`${place}.word`)} />
      <Choice title="Tone" value={threshold.tone ?? "warn"} values={Object.keys(TONES)} words={(one) => TONES[one] ?? one} fault={fault(`${place}.tone`)} set={(tone) => set({ ...threshold, tone: tone === "warn" ? undefined : (tone as Threshold["tone"]) })} />
    </>
  );
}

interface BandProps {
  band: Band;
  place: string;
  fault: (place: string) => Fault | undefined;
  set: (band: Band, step?: string) => void;
}

/** A band begins or ends nowhere where that field is empty. */
export function BandForm({ band, place, fault, set }: BandProps) {
  return (
    <>
      <NumberField title="From" value={band.lower} fault={fault(`${place}.lower`) ?? fault(place)} placeholder="no lower end" set={(lower) => set({ ...band, lower }, `${place}.lower`)} />
      <NumberField title="To" value={band.upper} fault={fault(`${place}.upper`)} placeholder="no upper end" set={(upper) => set({ ...band, upper }, `${place}.upper`)} />
      <TextField title="Word in the band" value={band.word} set={(word) => set({ ...band, word }, `${place}.word`)} fault={fault(`${place}.word`)} />
      <Choice title="Tone" value={band.tone ?? "good"} values={Object.keys(TONES)} words={(one) => TONES[one] ?? one} fault={fault(`${place}.tone`)} set={(tone) => set({ ...band, tone: tone === "good" ? undefined : (tone as Band["tone"]) })} />
    </>
  );
}
