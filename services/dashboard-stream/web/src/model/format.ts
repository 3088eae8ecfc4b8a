/** Numbers, units and times as people read them. Pure, but for the zone and the language of the browser. */

/** What a number is multiplied with to be shown in `unit`. */
export interface Scale {
  factor: number;
  unit: string;
}

const KIBI = 1024;

/**
 * The scale in which numbers of `unit` up to `size` read well: `ms` become seconds, bytes MiB, shares percent. Units are
 * UCUM's, as the service names them: `ms`, `By`, `1`, `{request}/s`; `share` is ours for a part of one, and
 * `utilization` for a part that may be more than one.
 */
export function scaleFor(unit: string, size: number): Scale {
  if (unit === "ms") return size >= 1000 ? { factor: 1 / 1000, unit: "s" } : { factor: 1, unit: "ms" };
  if (unit === "By") {
    const power = Math.min(4, Math.max(0, Math.floor(Math.log(Math.max(1, size)) / Math.log(KIBI))));
    return { factor: KIBI ** -power, unit: ["B", "KiB", "MiB", "GiB", "TiB"][power] ?? "B" };
  }
  if (unit === "share" || unit === "utilization") return { factor: 100, unit: "%" };
  if (unit === "1") return { factor: 1, unit: "" };
  return { factor: 1, unit: annotation(unit) };
}

/** `{request}/s` → `/s`, `{user}` → nothing: the title says already what is counted. */
function annotation(unit: string): string {
  return unit.replace(/\{[^}]*\}/g, "");
}

/** What stands behind a number in `scale`: ` s`, `/s`, or nothing. */
export function suffix(scale: Scale): string {
  return scale.unit ? (scale.unit.startsWith("/") ? scale.unit : ` ${scale.unit}`) : "";
}

export interface Shown {
  text: string;
  unit: string;
}

export const NONE = "–";

/** A value with its unit; {@link NONE} where it is not known. */
export function show(value: number | null | undefined, unit: string): Shown {
  if (value === null || value === undefined || !Number.isFinite(value)) return { text: NONE, unit: "" };
  const scale = scaleFor(unit, Math.abs(value));
  return { text: plain(value * scale.factor, unit), unit: scale.unit };
}

/** An edge of a band in one text. What is a part of a whole is at least nothing and at most all of it, whatever a model says. */
export function edgeInWords(value: number | null | undefined, unit: string): string {
  return inWords(unit === "share" && typeof value === "number" ? Math.min(1, Math.max(0, value)) : value, unit);
}

/** Both in one text: `1.9 s`, `37 %`, `12.4/s`. */
export function inWords(value: number | null | undefined, unit: string): string {
  const shown = show(value, unit);
  if (!shown.unit) return shown.text;
  return shown.unit.startsWith("/") ? shown.text + shown.unit : `${shown.text} ${shown.unit}`;
}

const formats = new Map<string, Intl.NumberFormat>();

function digits(least: number, most: number): Intl.NumberFormat {
  const key = `${least}-${most}`;
  let format = formats.get(key);
  if (!format) {
    format = new Intl.NumberFormat("en", { minimumFractionDigits: least, maximumFractionDigits: most });
    formats.set(key, format);
  }
  return format;
}

const WHOLE = /^\{[^}]*\}$/;

/** Three digits that matter; whole things are counted whole; five digits and more are shortened (`12.4 k`). */
export function plain(value: number, unit = ""): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${digits(1, 1).format(value / 1e9)} G`;
  if (size >= 1e6) return `${digits(2, 2).format(value / 1e6)} M`;
  if (size >= 1e5) return `${digits(0, 0).format(value / 1e3)} k`;
  if (WHOLE.test(unit) || size >= 100) return digits(0, 0).format(value);
  if (size === 0) return "0";
  if (unit === "1") return digits(2, 2).format(value);
  if (size >= 10) return digits(1, 1).format(value);
  if (size >= 1) return digits(1, 2).format(value);
  return size >= 0.01 ? digits(1, 2).format(value) : digits(0, 4).format(value);
}

/** `3 s`, `2 min 5 s`, `1 h 4 min`, `7 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes < 10 && seconds % 60 ? `${minutes} min ${seconds % 60} s` : `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return hours % 24 ? `${Math.floor(hours / 24)} d ${hours % 24} h` : `${hours / 24} d`;
  return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
}

const LOCAL_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/** The zone in which all times are shown: the browser's, until {@link showTimesIn} chooses UTC. */
class Zone {
  readonly clock: Intl.DateTimeFormat;
  readonly minutes: Intl.DateTimeFormat;
  readonly calendar: Intl.DateTimeFormat;
  readonly weekday: Intl.DateTimeFormat;
  readonly utc: boolean;
  readonly name: string;

  constructor(utc: boolean) {
    this.utc = utc;
    this.name = utc ? "UTC" : LOCAL_ZONE;
    const zone = utc ? { timeZone: "UTC" } : {};
    const [hour, minute, second] = ["2-digit", "2-digit", "2-digit"] as const;
    this.clock = new Intl.DateTimeFormat("en-GB", { ...zone, hour, minute, second });
    this.minutes = new Intl.DateTimeFormat("en-GB", { ...zone, hour, minute });
    this.calendar = new Intl.DateTimeFormat("en-GB", { ...zone, day: "numeric", month: "short", hour, minute });
    this.weekday = new Intl.DateTimeFormat("en-GB", { ...zone, weekday: "short", day: "numeric" });
  }
}

let shown = new Zone(false);

export function showTimesIn({ utc }: { utc: boolean }): void {
  if (shown.utc !== utc) shown = new Zone(utc);
}

/** The time of day. */
export function time(at: number): string {
  return shown.clock.format(at);
}

/** The same without seconds. */
export function clockTime(at: number): string {
  return shown.minutes.format(at);
}

/** Day and time: `12 Nov, 09:30`. */
export function dayAndTime(at: number): string {
  return shown.calendar.format(at);
}

/** `Thu 12` */
export function day(at: number): string {
  return shown.weekday.format(at);
}

/** How far the clock that is shown is ahead of UTC at `at`, in ms. */
export function zoneOffset(at: number): number {
  return shown.utc ? 0 : -new Date(at).getTimezoneOffset() * 60_000;
}

/** The name of the zone in which times are shown. */
export function zone(): string {
  return shown.name;
}
