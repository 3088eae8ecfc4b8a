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

/** What is written by the rules of one language and region: the browser's, until {@link writeFor} says another. */
class Locale {
  readonly tag: string | undefined;
  private readonly formats = new Map<string, Intl.NumberFormat>();
  private readonly isolated: boolean;

  constructor(tag?: string) {
    this.tag = tag;
    this.isolated = RIGHT_TO_LEFT.test(new Intl.DateTimeFormat(tag, { month: "short", day: "numeric" }).format(0));
  }

  number(value: number, least: number, most: number): string {
    const key = `${least}-${most}`;
    let format = this.formats.get(key);
    if (!format) {
      format = new Intl.NumberFormat(this.tag, { minimumFractionDigits: least, maximumFractionDigits: most });
      this.formats.set(key, format);
    }
    return this.alone(format.format(value));
  }

  /** Isolated where it may run from right to left: `10 to 20` stays in its order within an English sentence. */
  alone(text: string): string {
    return this.isolated ? `${FIRST_STRONG_ISOLATE}${text}${POP_ISOLATE}` : text;
  }
}

/** Hebrew, Arabic and the scripts beside them, with their digits. */
const RIGHT_TO_LEFT = /[\u0590-\u08ff]/;
const CHANGES_DIRECTION = /[\u0590-\u08ff\u200f\u202a-\u202e\u2066-\u2068\ufb1d-\ufdff\ufe70-\ufefc]/;
const FIRST_STRONG_ISOLATE = "\u2068";
const POP_ISOLATE = "\u2069";

let locale = new Locale();

/** What somebody wrote, within a sentence of ours: isolated where it would change the order of what stands around it. */
export function isolated(text: string): string {
  return CHANGES_DIRECTION.test(text) ? `${FIRST_STRONG_ISOLATE}${text}${POP_ISOLATE}` : text;
}

/** Writes numbers and dates as `tag` does (`de-DE`); without one, as the browser is set to. */
export function writeFor(tag?: string): void {
  locale = new Locale(tag);
  shown = new Zone(shown.utc);
}

/** With at least and at most so many digits behind the decimal sign. */
export function decimal(value: number, least: number, most = least): string {
  return locale.number(value, least, most);
}

/** A count: `12,408`. */
export function whole(value: number): string {
  return locale.number(value, 0, 0);
}

/** `1 panel`, `12 panels`; `many` where it is not the word with an s. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

const WHOLE = /^\{[^}]*\}$/;

/** Three digits that matter; whole things are counted whole; five digits and more are shortened (`12.4 k`). */
export function plain(value: number, unit = ""): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${decimal(value / 1e9, 1, 1)} G`;
  if (size >= 1e6) return `${decimal(value / 1e6, 2, 2)} M`;
  if (size >= 1e5) return `${decimal(value / 1e3, 0, 0)} k`;
  if (WHOLE.test(unit) || size >= 100) return decimal(value, 0, 0);
  if (size === 0) return whole(0);
  if (unit === "1") return decimal(value, 2, 2);
  if (size >= 10) return decimal(value, 1, 1);
  if (size >= 1) return decimal(value, 1, 2);
  return size >= 0.01 ? decimal(value, 1, 2) : decimal(value, 0, 4);
}

/** `3 s`, `2 min 5 s`, `1 h 4 min`, `7 d`. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds < 60) return `${whole(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return minutes < 10 && seconds % 60 ? `${whole(minutes)} min ${whole(seconds % 60)} s` : `${whole(minutes)} min`;
  const hours = Math.floor(minutes / 60);
  if (hours >= 48) return hours % 24 ? `${whole(Math.floor(hours / 24))} d ${whole(hours % 24)} h` : `${whole(hours / 24)} d`;
  return minutes % 60 ? `${whole(hours)} h ${whole(minutes % 60)} min` : `${whole(hours)} h`;
}

const LOCAL_ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;

/**
 * The zone in which all times are shown: the browser's, until {@link showTimesIn} chooses UTC. Clocks have 24 hours in every
 * language, so that times compare at a glance, with those in logs as well.
 */
class Zone {
  readonly clock: (at: number) => string;
  readonly minutes: (at: number) => string;
  readonly calendar: (at: number) => string;
  readonly weekday: (at: number) => string;
  readonly utc: boolean;
  readonly name: string;

  constructor(utc: boolean) {
    this.utc = utc;
    this.name = utc ? "UTC" : LOCAL_ZONE;
    const written = (parts: Intl.DateTimeFormatOptions) => {
      const format = new Intl.DateTimeFormat(locale.tag, { ...parts, ...(utc ? { timeZone: "UTC" } : {}) });
      return (at: number) => locale.alone(format.format(at));
    };
    const clock = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" } as const;
    this.clock = written({ ...clock, second: "2-digit" });
    this.minutes = written(clock);
    this.calendar = written({ ...clock, day: "numeric", month: "short" });
    this.weekday = written({ weekday: "short", day: "numeric" });
  }
}

let shown = new Zone(false);

export function showTimesIn({ utc }: { utc: boolean }): void {
  if (shown.utc !== utc) shown = new Zone(utc);
}

/** The time of day. */
export function time(at: number): string {
  return shown.clock(at);
}

/** The same without seconds. */
export function clockTime(at: number): string {
  return shown.minutes(at);
}

/** Day and time: `12 Nov, 09:30`. */
export function dayAndTime(at: number): string {
  return shown.calendar(at);
}

/** `Thu 12` */
export function day(at: number): string {
  return shown.weekday(at);
}

/** A day, month or year of the calendar of the time zone `tz`, of which `parts` are said; in UTC where the browser does not know the zone. */
export function dateIn(at: number, tz: string, parts: Intl.DateTimeFormatOptions): string {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat(locale.tag, { ...parts, timeZone: tz });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    format = new Intl.DateTimeFormat(locale.tag, { ...parts, timeZone: "UTC" });
  }
  return locale.alone(format.format(at));
}

/** How far the clock that is shown is ahead of UTC at `at`, in ms. */
export function zoneOffset(at: number): number {
  return shown.utc ? 0 : -new Date(at).getTimezoneOffset() * 60_000;
}

/** The name of the zone in which times are shown. */
export function zone(): string {
  return shown.name;
}

/** `text` with a capital at its beginning. */
export function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
