// Made by `drishti contracts write` from shared/src/drishti/measures/fields.py. Not to be changed by hand.

/** How people call a field beside its metric; a field that is not here is its own label. */
export const LABELS: Readonly<Record<string, string>> = {
  count: "count",
  rate: "rate",
  errors: "errors",
  error_rate: "error rate",
  sum: "sum",
  sum_rate: "rate",
  share: "share",
  avg: "average",
  min: "minimum",
  max: "maximum",
  uniques: "",
  value: "",
  hit_rate: "hit rate",
};

/** Fields between 0 and 1: parts of a count. */
export const RATIOS: ReadonlySet<string> = new Set(["error_rate", "share", "hit_rate"]);

/** Fields per second. */
export const RATES: ReadonlySet<string> = new Set(["rate", "sum_rate"]);
