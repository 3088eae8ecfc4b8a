// Made by `drishti contracts write` from shared/src/drishti/messages. Not to be changed by hand.

/**
 * The answer to an :class:`ActivityQuery`: ``from`` and ``to`` are those of whole periods, in which ``users`` were active.
 *
 * ``stickiness`` is the mean of that of the days that are complete. What happened before ``kept_from`` is not stored any more:
 * a first event is the first one since then. ``groups``: the values with the most users; ``more_values`` are left out.
 * ``sampled`` is the share of all users that was counted.
 */
export interface ActivityAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  /** milliseconds since 1970-01-01T00:00Z */
  kept_from: number;
  interval: "day" | "month" | "week";
  sampled: number;
  users: number;
  periods: ActivityPeriod[];
  days: ActivityDay[];
  stickiness?: number | null;
  groups?: ActivityGroup[];
  more_values?: number;
  /** people who were left out by rule, of the days that were read */
  excluded_users?: number;
}

/**
 * Users who were active on a day of the calendar, and in the 7 and 30 days that end with it. ``stickiness``: the share of
 * the users of 30 days who were active on this day; of nobody, there is none.
 */
export interface ActivityDay {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  active: number;
  last_7: number;
  last_30: number;
  stickiness?: number | null;
  complete?: boolean;
}

/** The users with an event that has this value of the break-down. ``value`` is null where the event has none. */
export interface ActivityGroup {
  value: string | null;
  users: number;
  periods: ActivityPeriod[];
}

/**
 * ``active`` users of ``[from, to)`` are ``new`` (their first event of any kind is here), ``returning`` (active in the
 * period before) or ``resurrected`` (active again). ``dormant`` ones were active in the period before, and are not in this
 * one; while that is not ``complete``, they are not yet.
 */
export interface ActivityPeriod {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  active: number;
  new: number;
  returning: number;
  resurrected: number;
  dormant: number;
  complete?: boolean;
}

/**
 * A question to analytics: how many users were active in each day, week (from Monday) or month of ``tz`` that shares an
 * instant with ``[from, to)``, by an event of ``event_types`` (none: of any) that meets ``where``; how many of them are new,
 * come back from the period before or from longer ago; and how many were active in the period before alone.
 *
 * ``breakdown``: a property of the events; the users of each of its values are those with such an event.
 */
export interface ActivityQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  interval?: "day" | "month" | "week";
  /** an IANA name, such as `Europe/Berlin` */
  tz?: string;
  event_types?: string[];
  where?: PropertyCondition[];
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** a property */
  breakdown?: string;
  /** values of the break-down */
  limit?: number;
  sample?: boolean;
}

/**
 * A question to analytics: the users behind one number of :class:`ActivityAnswer`: of the period that begins at
 * ``period_from``, those in this ``state``.
 */
export interface ActivityUsersQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  interval?: "day" | "month" | "week";
  /** an IANA name, such as `Europe/Berlin` */
  tz?: string;
  event_types?: string[];
  where?: PropertyCondition[];
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** a property */
  breakdown?: string;
  /** users in the answer */
  limit?: number;
  sample?: boolean;
  /** `from` of a period in the answer */
  period_from: number;
  state?: "active" | "dormant" | "new" | "resurrected" | "returning";
}

/**
 * All series of one metric in one window, whole: a later ``revision`` of the same window replaces this one.
 *
 * ``window_start`` inclusive; the window is ``resolution`` long. ``final`` says that no more is expected; a late event still
 * yields a later final revision. ``published_at`` is when analytics read the numbers. A series that was active a moment
 * ago and is silent now is present with ``count`` 0 (counters only). The series with empty labels is the total.
 *
 * A message is never a part: it fits the bus by itself. Of each set of labels it names the series that were active lately and
 * then those that count most, up to a limit (``ANALYTICS_PUBLISHED_SERIES``, fewer where the message would be too large); what
 * is beyond is one series whose labels are all ``other``. So each set of labels adds up to the total.
 *
 * A KPI is published like any other metric, as ``value``: the total, and the label sets that all of its terms have and one of
 * them publishes. Its numbers come from the merged cells of the terms in the window, so those of a label set do not add up.
 *
 * ``version`` is that of the metric's definition: after a change of what is counted, windows that had ended before keep the
 * numbers of the old version.
 */
export interface Aggregate {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  unit: string;
  resolution: "1h" | "1m" | "1s";
  /** milliseconds since 1970-01-01T00:00Z */
  window_start: number;
  revision: number;
  final?: boolean;
  /** milliseconds since 1970-01-01T00:00Z */
  published_at: number;
  series: AggregateSeries[];
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
  version?: number;
}

/**
 * The answer to :class:`TraceAggregate`: ``steps`` in the order of a tree, callers first. ``truncated``: the traces had
 * more spans than were read, and some are cut. ``folded`` spans are counted with their callers.
 * ``sampled``: more traces meet the conditions, or may; these are the newest or slowest that began from ``searched_from`` on,
 * where that is given.
 */
export interface AggregateAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  traces: number;
  mean_ms: number;
  steps: PathStep[];
  trace_ids: string[];
  folded?: number;
  truncated?: boolean;
  sampled?: boolean;
  searched_from?: number | null;
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/**
 * One series of one window. A field is absent where the metric's kind does not have it.
 *
 * ``count`` observations, of them ``errors`` failed; ``sum``, ``min``, ``max`` in the metric's unit; ``p50``, ``p95``,
 * ``p99`` within 1 % of the true value; ``uniques`` a HyperLogLog estimate (1.6 % standard error). ``value`` is what a KPI's
 * expression comes to; a KPI's series has nothing else, and is absent where the expression has no value in the window.
 */
export interface AggregateSeries {
  labels?: Record<string, string>;
  count?: number;
  errors?: number | null;
  sum?: number | null;
  min?: number | null;
  max?: number | null;
  p50?: number | null;
  p95?: number | null;
  p99?: number | null;
  uniques?: number | null;
  value?: number | null;
}

/**
 * Something that a user or the application did.
 *
 * Sending the same ``event_id`` again changes nothing. Without ``timestamp`` the instant at which the bus stored the event
 * counts. Metrics are drawn from these keys of ``data``, whatever the type: ``satisfaction`` (number), ``wisdom_score``
 * (number), ``topic`` (text); of ``llm_call``: ``model``, ``input_tokens``, ``output_tokens``, ``duration_ms``,
 * ``time_to_first_token_ms``, ``cached_tokens``, ``cache_write_tokens``, ``response_model``, ``cost_usd``, ``error``; of
 * ``cache_access``: ``cache``, ``hit``.
 */
export interface AnalyticsEvent {
  event_id: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  event_type: string;
  user_id?: string | null;
  data?: Record<string, unknown>;
  timestamp?: string | null;
  session_id?: string | null;
  service?: string | null;
  service_name?: string | null;
  version?: string | null;
  traceparent?: string | null;
}

/**
 * That a series is unusual, or what is known of one that is watched (then there is no ``phase``).
 *
 * ``score`` in [0, 1]: how unusual, 1 most. ``state`` is ``learning`` until the model has seen what it needs; ``confidence``
 * in [0, 1] says how much of that it has. ``phase`` is ``opened``, ``ongoing`` or ``resolved`` (an ``ongoing`` that is
 * ``escalated`` says that the severity rose), ``anomaly`` what sort it is, ``value`` the observed and
 * ``lower``/``expected``/``upper`` the band in the metric's unit, or in ``unit`` where that is given. All four are of the one
 * ``statistic`` of the ``window_ms`` before ``judged_at`` (``at``, where it is missing) that decided, and where the phase is
 * ``opened`` or ``ongoing`` the value is outside of the band, on the side of ``direction``. ``observed`` and ``usual`` are the
 * window's mean and the expected one in the metric's unit, where ``value`` is something else. The window held so many
 * ``observations`` (requests of a share or of durations, reports of a gauge).
 *
 * ``unjudged`` says why the series, or its incident, cannot be judged at ``at``: it is neither well nor unwell then. The value
 * and the band of such an incident are those of its last judgement; a ``resolved`` one was closed without another, and nothing
 * is known of how it ended. ``catching_up`` marks what a predictor says of the past, on its way to the present.
 *
 * A ``resolved`` that is ``adapted`` did not recover: the incident is closed because the detector takes ``value`` as the new
 * normal from ``at`` on. It is a ``shift``, as severe as the incident ever was, and tells what was expected before; the
 * band of then only where it is still known.
 */
export interface AnomalyInsight {
  kind: "anomaly";
  insight_id: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  at: number;
  model: string;
  severity?: "critical" | "info" | "warning" | (string & {}) | null;
  message?: string | null;
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  field: string;
  labels?: Record<string, string>;
  state: "learning" | "ready" | (string & {});
  phase?: "ongoing" | "opened" | "resolved" | (string & {}) | null;
  direction?: "down" | "up" | null;
  score?: number | null;
  value?: number | null;
  expected?: number | null;
  lower?: number | null;
  upper?: number | null;
  anomaly?: "drift" | "drop" | "shift" | "silence" | "spike" | "variance" | (string & {}) | null;
  confidence?: number | null;
  escalated?: boolean;
  adapted?: boolean;
  statistic?: "gap" | "level" | "likelihood" | "mean" | "step" | (string & {}) | null;
  window_ms?: number | null;
  judged_at?: number | null;
  unit?: string | null;
  observed?: number | null;
  usual?: number | null;
  observations?: number | null;
  unjudged?: string | null;
  catching_up?: boolean;
}

/**
 * One line of an answer. ``total`` is the aggregate, or the expression, over the whole range, not a sum or mean of the
 * points. ``compared`` are the points of the earlier range, at the instants of the steps that they are compared with.
 * ``counts`` are how many values lie in each range between the ``edges`` of the answer, ``counts_by_step`` those of a step.
 */
export interface AnswerSeries {
  labels: Record<string, string>;
  total: number | null;
  points: ([number, number | null])[];
  compared_total?: number | null;
  compared?: ([number, number | null])[];
  counts?: number[];
  counts_by_step?: [number, number[]][];
}

/**
 * The answers to a :class:`QuestionSet`, in its order. ``from`` and ``to`` are widened to whole steps; ``source`` is the
 * rollup that was read; ``as_of``: everything committed before this instant is in it. ``compared_from`` and ``compared_to``
 * are the earlier range.
 */
export interface AnswerSet {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  resolution: "10m" | "10s" | "12h" | "15m" | "15s" | "1d" | "1h" | "1m" | "1s" | "1w" | "30m" | "30s" | "3h" | "5m" | "6h";
  source: string;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  answers: QuestionAnswer[];
  compared_from?: number | null;
  compared_to?: number | null;
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/** Another difference, and how likely chance alone makes as much among users who are alike in it. */
export interface AutopsyAlike {
  text: string;
  p: number;
}

/**
 * A value of ``property`` that goes with going on or leaving: the text ``value``, or numbers from ``from_value`` to below
 * ``to_value``. ``difference`` is that of the shares, with its interval of 95 %, and ``lift`` their quotient. ``corrected_p``:
 * for all values that were tried. ``users`` and ``trace_ids`` are samples of those who have it and left.
 */
export interface AutopsyDifference {
  property: string;
  /** in the event of the first step, in that of the step before the one that is asked for, or around that */
  moment: "after" | "before" | "first_step" | "step";
  value?: string | null;
  from_value?: number | null;
  to_value?: number | null;
  text: string;
  having: AutopsyGroup;
  others: AutopsyGroup;
  difference: number;
  low: number;
  high: number;
  lift?: number | null;
  p: number;
  corrected_p: number;
  alike?: AutopsyAlike[];
  users?: string[];
  trace_ids?: string[];
}

/** ``went_on`` of ``users``; the share with its interval of 95 %. */
export interface AutopsyGroup {
  users: number;
  went_on: number;
  share: number;
  low: number;
  high: number;
}

/**
 * How far the history of a metric that is drawn from events is filled: back ``until`` an instant, ``percent`` of the range
 * for which events are kept, out of so many ``rows`` of events. Of a KPI, that of what is least far.
 */
export interface Backfill {
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  state: string;
  /** milliseconds since 1970-01-01T00:00Z */
  until: number;
  percent: number;
  rows?: number;
}

/** A coloured range of values, in the metric's own unit: from ``lower`` to ``upper``, or from one of them on. */
export interface Band {
  lower?: number | null;
  upper?: number | null;
  word: string;
  tone?: "bad" | "good" | "warn";
}

/** The values of the question's ``by`` as bars, the ``top`` largest first. */
export interface Bar {
  kind: "bar";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  bars: PanelQuestion;
  top?: number;
  /** a unit (UCUM) to show instead of the metric's own: ms, By, {order}/s, EUR */
  unit?: string;
}

/**
 * The answer to a :class:`BottlenecksQuery`: root operations by their time in all. ``traces_walked`` of ``traces_seen``
 * traces are in it. ``complete_to``: minutes from there on are not counted yet. ``method`` says how gains are estimated.
 */
export interface BottlenecksAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  /** milliseconds since 1970-01-01T00:00Z */
  complete_to: number;
  traces_seen: number;
  traces_walked: number;
  method: string;
  roots: RootBottlenecks[];
  root_operations: number;
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/**
 * A question to analytics: what requests waited for that began in the minutes of ``[from, to)``, by root operation.
 *
 * ``service`` and ``operation`` choose root operations, but for those of ``without_service``; ``quantile`` is the one above
 * which traces count as slow; ``limit``: root operations in the answer, and parts of each. Trends compare with the same range
 * a day earlier.
 */
export interface BottlenecksQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  service?: string;
  operation?: string;
  /** 0.95: traces at and above the 95th percentile are the slow ones */
  quantile?: number;
  limit?: number;
  /** tokens of services that are left out */
  without_service?: string[];
}

/**
 * When a forecast crosses ``threshold`` (in the metric's unit), within its horizon.
 *
 * ``probability`` that it does within the horizon; ``at`` when the mean does, ``earliest`` and ``latest`` when the edges of
 * the inner interval do; absent: not within the horizon.
 */
export interface Breach {
  threshold: number;
  direction: "down" | "up";
  probability: number;
  at?: number | null;
  earliest?: number | null;
  latest?: number | null;
}

/**
 * Calls of one span that could be fewer (``repeated``: one query for each item) or that could be made at once (``serial``).
 *
 * Seen in ``traces`` traces, with ``calls_each`` calls on average and ``most`` at once. ``gain_ms`` is what could be saved in
 * an average one of those traces, at most.
 */
export interface CallPattern {
  kind: "repeated" | "serial";
  summary: string;
  caller: OperationName;
  callees: OperationName[];
  traces: number;
  share_of_traces: number;
  calls_each: number;
  most: number;
  time_ms: number;
  gain_ms: number;
  examples: string[];
}

/**
 * How many replicas of what serves a load it needs: ``now``, and ``needed`` at ``needed_at``, when the upper edge of the
 * forecast's inner interval is highest; each carries ``per_replica`` (in the metric's unit).
 */
export interface Capacity {
  per_replica: number;
  now: number;
  needed: number;
  /** milliseconds since 1970-01-01T00:00Z */
  needed_at: number;
}

/**
 * The answer to a :class:`CatalogueQuery`: metrics that were never seen are absent. ``as_of`` as in a
 * :class:`QueryAnswer`.
 */
export interface CatalogueAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  metrics: MetricSeen[];
  backfills?: Backfill[];
}

/** A question to analytics: what was seen of a tenant's metrics, of all or of those whose tokens are in ``metrics``. */
export interface CatalogueQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  metrics?: string[];
}

/**
 * One reason to suspect a service, in words and numbers. ``weight`` is in nats: calls times the logarithm of how many times
 * more than usual, less what chance makes of it. ``operation`` is empty where the service as a whole is meant.
 */
export interface CauseEvidence {
  kind: "errors" | "gap" | "gauge" | "log_lines" | "own_time" | "path" | (string & {});
  operation?: string;
  weight: number;
  summary: string;
}

/**
 * A service with what speaks against it, the weightiest first. ``score`` is the weight of all evidence; ``operation`` and
 * ``kind`` are of the weightiest. ``path`` leads from where requests enter to the service, along the most travelled calls; a
 * database, broker or host that sends no spans may be the last of it.
 */
export interface CauseSuspect {
  service: string;
  operation?: string;
  kind: "errors" | "gap" | "gauge" | "log_lines" | "own_time" | "path" | (string & {});
  score: number;
  path: string[];
  evidence: CauseEvidence[];
}

/** That a system was changed: ``change`` says how, and ``version`` what runs from ``at`` on, where it has one. */
export interface ChangeInsight {
  kind: "change";
  insight_id: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  at: number;
  model: string;
  severity?: "critical" | "info" | "warning" | (string & {}) | null;
  message?: string | null;
  services?: string[];
  about?: SeriesName[];
  change?: "configuration" | "deployment" | "scaling" | (string & {}) | null;
  version?: string | null;
}

/** A cohort as it is stored; ``user_count`` ids and ``users`` of a static one. */
export interface Cohort {
  name: string;
  title: string;
  description: string;
  kind: "live" | "static";
  revision: number;
  /** milliseconds since 1970-01-01T00:00Z */
  changed_ms: number;
  condition?: CohortCondition | null;
  user_count?: number | null;
  users?: string[];
}

/**
 * One of: ``all`` of these conditions, ``any`` of them, ``not`` this one, or what the user ``did``, or a ``metric`` of the
 * user.
 */
export interface CohortCondition {
  all?: CohortCondition[];
  any?: CohortCondition[];
  not?: CohortCondition | null;
  did?: DidEvents | null;
  metric?: UserMetric | null;
}

/** All cohorts of a tenant by name, without the ids of static ones. */
export interface CohortList {
  cohorts: Cohort[];
}

/** Users of the first cohort, of the other, and of both. ``sampled``: the share of all users that was looked at. */
export interface CohortOverlap {
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  users: number;
  other_users: number;
  both: number;
  sampled?: number;
}

/** A question to analytics: how many users two cohorts have in common at this moment. */
export interface CohortOverlapQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  name: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  other: string;
  sample?: boolean;
}

/** A question to analytics: one cohort with its definition. */
export interface CohortQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  name: string;
}

/**
 * A question to analytics: how many users a cohort has at this moment, and some of them. Only users who have an event that
 * is stored are counted.
 */
export interface CohortUsersQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  name: string;
  /** users in the answer */
  limit?: number;
  sample?: boolean;
}

/** A question to analytics: the tenant's cohorts. */
export interface CohortsQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
}

/** A column of a table, whose dimension is ``by``. */
export interface Column {
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  /** a field of the metric: count, rate, avg, p95, … */
  field: string;
  by?: string | null;
  /** by dimension: one value of it, or several */
  only?: Record<string, string | string[]>;
  /** by dimension: one value of it, or several */
  without?: Record<string, string | string[]>;
  total?: boolean;
  resolution?: "1m" | "1s";
  over_s?: number;
  span?: "1h" | "24h" | null;
  title: string;
}

/** The answer to :class:`TraceComparison`: ``steps`` that are in one of the traces only have nothing on the other side. */
export interface ComparisonAnswer {
  left: string;
  right: string;
  left_ms: number;
  right_ms: number;
  steps: PathStep[];
  folded?: number;
  truncated?: boolean;
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/** What else tells users apart. ``trend``: that within its values, of all of them together. */
export interface Confounder {
  name: string;
  strata: DoseStratum[];
  trend?: DoseTrend | null;
}

/** From the first step to the last, in ms, of users who took all; percentiles by the nearest rank. */
export interface ConversionTimes {
  mean_ms: number;
  p50_ms: number;
  p90_ms: number;
  p99_ms: number;
}

/**
 * A part of the critical path: what the trace waited for from ``start_ms`` to ``end_ms``. ``waiting``: the span had been
 * asked for and had not begun.
 */
export interface CriticalSection {
  span_id: string;
  start_ms: number;
  end_ms: number;
  waiting: boolean;
}

/** A dashboard. ``feed`` are questions that no panel shows, whose numbers are in the frames for programs. */
export interface DashboardDocument {
  schema?: number;
  /** one token of a subject: a-z, 0-9, _ and - */
  name: string;
  title: string;
  description?: string;
  variables?: Variable[];
  panels?: (Stat | TimeSeries | Heatmap | Table | Gauge | Bar | Pie | TextPanel | EventsPanel | IncidentsPanel | ForecastScoresPanel | TracesPanel | ErrorsPanel | ServiceMapPanel | HistogramPanel | QueryPanel | FunnelPanel | RetentionPanel | JourneysPanel)[];
  feed?: PanelQuestion[];
}

/**
 * A message that was refused, as it came. ``payload`` is base64 in JSON; ``headers`` holds what came with it.
 *
 * A ``truncated`` letter holds the beginning only, since the bus carries no more: the whole is at ``sequence`` of ``stream``.
 */
export interface DeadLetter {
  subject: string;
  stream: string;
  sequence: number;
  reason: string;
  refused_by: string;
  /** milliseconds since 1970-01-01T00:00Z */
  at: number;
  payload: string;
  headers?: Record<string, string>;
  truncated?: boolean;
}

/** An order to analytics: delete a cohort that is at ``revision``. */
export interface DeleteCohort {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  name: string;
  revision: number;
}

/** An order to analytics: delete a saved funnel that is at ``revision``. */
export interface DeleteSavedFunnel {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  name: string;
  revision: number;
}

/**
 * The user has ``at_least`` events, and not more than ``at_most``, of one of ``event_types`` (of any where none is given)
 * that meet all conditions of ``where`` and lie in ``[from, to)``: of all that are stored where neither is given. What is
 * relative is so to the moment of each question, in UTC.
 */
export interface DidEvents {
  event_types?: string[];
  where?: PropertyCondition[];
  /** ISO 8601, epoch ms as a text, or relative, such as `now-30d` */
  from?: string;
  /** ISO 8601, epoch ms as a text, or relative, such as `now-30d` */
  to?: string;
  at_least?: number;
  at_most?: number | null;
}

/** All values of a metric of the kind ``distribution``, or those with or without some values of dimensions. */
export interface Distribution {
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  /** by dimension: one value of it, or several */
  only?: Record<string, string | string[]>;
  /** by dimension: one value of it, or several */
  without?: Record<string, string | string[]>;
}

/** What is met: how many of these events, or the mean or the largest value of a numeric ``property`` of them. */
export interface Dose {
  event_type?: string;
  where?: PropertyCondition[];
  measure?: "count" | "max" | "mean";
  property?: string;
}

/**
 * Users with a dose in ``[from_dose, to_dose)``; an end that is null is open. ``value``: the share of them with the
 * outcome, 0 to 1, of ``active_days`` their mean, and its 95 % interval from ``low`` to ``high``. ``few``: fewer than 30.
 */
export interface DoseBin {
  users: number;
  value: number;
  from_dose?: number | null;
  to_dose?: number | null;
  mean_dose?: number | null;
  with_outcome?: number | null;
  low?: number | null;
  high?: number | null;
  few?: boolean;
}

/**
 * The answer to a :class:`DoseResponseQuery`. ``users`` have a dose and an outcome that is known; of ``not_yet`` the time
 * for the outcome is not over; ``without_dose`` met no such event. ``spearman``: the rank correlation, -1 to 1. ``text`` says
 * what the numbers mean, and what they do not.
 */
export interface DoseResponseAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  sampled: number;
  /** people who were left out by rule, of the days that were read */
  excluded_users?: number;
  users: number;
  not_yet: number;
  bins: DoseBin[];
  without_dose?: DoseBin | null;
  trend?: DoseTrend | null;
  spearman?: number | null;
  confounders?: Confounder[];
  text?: string[];
}

/**
 * A question to analytics: what users do after they met something, by how much of it they met.
 *
 * A user takes part whose first event of ``start`` lies in ``[from, to)``. The dose is met within ``exposure_s`` from there,
 * the outcome is looked for within ``within_s`` after that. Users are told apart by ranges of the dose: ``bins`` of as many
 * users each, or those between ``edges``. ``strata``: what else may tell them apart, `activity` or properties.
 */
export interface DoseResponseQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  start?: EventsMet;
  dose: Dose;
  outcome?: Outcome;
  /** seconds from a user's first event in which the dose is met; 30 days at most */
  exposure_s?: number;
  /** seconds after that in which the outcome is looked for; 90 days at most */
  within_s?: number;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  sample?: boolean;
  bins?: number;
  /** where ranges of the dose begin, ascending */
  edges?: number[];
  /** `activity`, or properties; `activity`, `service` and `version` if not given */
  strata?: string[];
}

/**
 * A question to analytics: the users of a range of the dose that a :class:`DoseResponseQuery` counts. ``with_outcome``:
 * those with the outcome, or without it. ``as_of``: that of the answer; without it, now.
 */
export interface DoseResponseUsersQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  start?: EventsMet;
  dose: Dose;
  outcome?: Outcome;
  /** seconds from a user's first event in which the dose is met; 30 days at most */
  exposure_s?: number;
  /** seconds after that in which the outcome is looked for; 90 days at most */
  within_s?: number;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  sample?: boolean;
  from_dose?: number | null;
  to_dose?: number | null;
  without_dose?: boolean;
  with_outcome?: boolean | null;
  as_of?: number | null;
  /** users in the answer */
  limit?: number;
}

/** Users of one value, with the ranges of all. ``value`` is null where the event has none. */
export interface DoseStratum {
  value: string | null;
  users: number;
  bins: StratumBin[];
  trend?: DoseTrend | null;
  /** all further values together */
  other?: boolean;
}

/** ``z`` above 0: the outcome rises with the dose. ``p``: how likely chance alone gives as much of a trend, two-sided. */
export interface DoseTrend {
  z: number;
  p: number;
}

/**
 * Spans of ``[from_ms, to_ms)`` milliseconds, with the traces of three of them: the slowest, the one in the middle, and
 * the slowest that failed (empty: none did).
 */
export interface DurationBucket {
  from_ms: number;
  to_ms: number;
  spans: number;
  errors: number;
  trace_id: string;
  median_trace_id?: string;
  failed_trace_id?: string;
}

/**
 * One user's score, which is the sum of the points of its parts, and what they follow from: the last event, the active days
 * of the window, the events in it, and the ratings with their mean. Without ratings there is no satisfaction, and the other
 * parts count more.
 */
export interface EngagedUser {
  user_id: string;
  score: number;
  recency: EngagementPart;
  frequency: EngagementPart;
  depth: EngagementPart;
  satisfaction?: EngagementPart | null;
  /** milliseconds since 1970-01-01T00:00Z */
  last_ms: number;
  active_days: number;
  events: number;
  ratings: number;
  mean_rating?: number | null;
}

/**
 * The answer to an :class:`EngagementUsersQuery`: ``total`` users at the instant ``at``, and some of them in the order that
 * was asked for. ``sampled``: the share of all users that was looked at.
 */
export interface EngagedUsers {
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  /** milliseconds since 1970-01-01T00:00Z */
  at: number;
  total: number;
  users: EngagedUser[];
  sampled?: number;
  /** people who were left out by rule, of the days that were read */
  excluded_users?: number;
}

/**
 * The answer to an :class:`EngagementQuery`: of the ``users`` at ``to``, or at ``as_of`` where that is earlier, of whom
 * ``rated`` rated something, the mean score, percentiles by the nearest rank, the means of the parts and how many have which
 * scores. What happened before ``kept_from`` is not stored any more.
 */
export interface EngagementAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  /** milliseconds since 1970-01-01T00:00Z */
  kept_from: number;
  interval: "day" | "month" | "week";
  sampled: number;
  users: number;
  rated: number;
  mean?: number | null;
  p10?: number | null;
  p50?: number | null;
  p90?: number | null;
  parts?: EngagementParts | null;
  distribution?: EngagementBin[];
  series?: EngagementPoint[];
  groups?: EngagementGroup[];
  /** people who were left out by rule, of the days that were read */
  excluded_users?: number;
}

/** Users with a score in ``[from_score, to_score)``; 100 is in the last one. */
export interface EngagementBin {
  from_score: number;
  to_score: number;
  users: number;
}

/** The users of one value of the break-down at ``to``. ``value`` is null where none of a user's events has one. */
export interface EngagementGroup {
  value: string | null;
  users: number;
  rated: number;
  mean?: number | null;
  p50?: number | null;
  parts?: EngagementParts | null;
  distribution?: EngagementBin[];
  series?: EngagementPoint[];
  /** all further values together */
  other?: boolean;
}

/** Where each part is 50: so many days after the last event, active days of the window, and events on an active day. */
export interface EngagementHalves {
  recency_days?: number;
  active_days?: number;
  events_per_day?: number;
}

/** ``value``: 0 to 100. ``points``: what of the score comes from it. */
export interface EngagementPart {
  value: number;
  points: number;
}

/** The means of users' parts, 0 to 100; of satisfaction that of the users who rated, null where nobody did. */
export interface EngagementParts {
  recency: number;
  frequency: number;
  depth: number;
  satisfaction?: number | null;
}

/** The users at the instant ``at``, which ends the period from ``start``. Means are null of nobody. */
export interface EngagementPoint {
  /** milliseconds since 1970-01-01T00:00Z */
  start: number;
  /** milliseconds since 1970-01-01T00:00Z */
  at: number;
  users: number;
  rated: number;
  mean?: number | null;
  parts?: EngagementParts | null;
}

/**
 * A question to analytics: how engaged users are, from 0 to 100, at ``to``, and at the end of each earlier day, week or
 * month of ``tz`` that shares an instant with ``[from, to)``.
 *
 * At an instant each user counts who has an event of ``activity`` that meets ``where`` within the local day of the instant and
 * the ``window_days - 1`` days before it. ``breakdown``: a property, by whose last value in these events users are
 * grouped. ``sample``: of a sixteenth of the users only.
 */
export interface EngagementQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  interval?: "day" | "month" | "week";
  /** an IANA name, such as `Europe/Berlin` */
  tz?: string;
  activity?: EventSelection;
  where?: PropertyCondition[];
  satisfaction?: EngagementRatings | null;
  window_days?: number;
  weights?: EngagementWeights;
  halves?: EngagementHalves;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** a property */
  breakdown?: string;
  /** values of the break-down; the rest together as `other` */
  limit?: number;
  sample?: boolean;
}

/**
 * What tells satisfaction: numbers of ``property`` in events of one of ``event_types``, of any where none is given, that
 * meet all of ``where``; from ``low``, which is 0, to ``high``, which is 100.
 */
export interface EngagementRatings {
  property: string;
  event_types?: string[];
  where?: PropertyCondition[];
  low?: number;
  high?: number;
}

/**
 * A question to analytics: the users behind an :class:`EngagementAnswer`, with what their scores are made of: those with
 * the lowest or the highest scores, of ``[from_score, to_score)`` and of a ``value`` of the break-down where these are
 * given.
 */
export interface EngagementUsersQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  interval?: "day" | "month" | "week";
  /** an IANA name, such as `Europe/Berlin` */
  tz?: string;
  activity?: EventSelection;
  where?: PropertyCondition[];
  satisfaction?: EngagementRatings | null;
  window_days?: number;
  weights?: EngagementWeights;
  halves?: EngagementHalves;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** a property */
  breakdown?: string;
  /** users in the answer */
  limit?: number;
  sample?: boolean;
  /** `at` of a point of the series; the last one if not given */
  at?: number | null;
  order?: "highest" | "lowest";
  from_score?: number;
  /** 100 is included */
  to_score?: number;
  value?: string | null;
  /** those of whom no event has a value of `breakdown` */
  without_value?: boolean;
}

/** What each part counts, beside the others: only the ratios matter. */
export interface EngagementWeights {
  recency?: number;
  frequency?: number;
  depth?: number;
  satisfaction?: number;
}

/**
 * An order to analytics: erase everything that names this user. ``asked_by``: the id of the administrator's key.
 *
 * With ``block`` no event of this user is ever stored again; without, those that happen ten minutes after the order or
 * later are.
 */
export interface EraseUser {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** as events have it */
  user_id: string;
  asked_by: string;
  block?: boolean;
}

/**
 * The receipt of an erasure, which does not hold the id of the user.
 *
 * ``user_hash`` is SHA-256 of tenant, a zero byte and the id. ``before_ms``: nothing of this user that happened earlier is
 * stored again; null where nothing ever is (``block``). ``removed`` counts what was removed, by store: rows of tables, and
 * messages of streams as ``stream EVENTS``.
 */
export interface Erasure {
  id: string;
  state: "done" | "running";
  user_hash: string;
  asked_by: string;
  /** milliseconds since 1970-01-01T00:00Z */
  asked_ms: number;
  before_ms: number | null;
  removed: Record<string, number>;
  finished_ms?: number | null;
}

/** Receipts of a tenant, the latest first. */
export interface ErasureList {
  erasures: Erasure[];
}

/** A question to analytics: the receipt of one erasure. */
export interface ErasureQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  id: string;
}

/** A question to analytics: the latest receipts of a tenant. */
export interface ErasuresQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  limit?: number;
}

/**
 * One error. ``message`` is that of its first occurrence; ``frames`` have the innermost call first, and are of the root
 * cause, which reached the operation as ``raised_as`` where that is another type.
 *
 * ``rate`` has the steps of ``step_s`` in which it came. ``users``, ``routes`` and ``versions`` are of the newest ``read``
 * occurrences in the range; ``sampled``: there are more. Users of requests that name none are not counted.
 */
export interface ErrorAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  error: ErrorGroup;
  operation?: string;
  message?: string;
  raised_as?: string;
  frames?: ErrorFrame[];
  step_s: number;
  rate: ErrorsAt[];
  read: number;
  sampled?: boolean;
  users: number;
  routes: ErrorsWith[];
  versions: ErrorsWith[];
  traces: ErrorTrace[];
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/**
 * Resolves, ignores or opens an error. Resolved in a ``version``, those that were seen until then may still have it;
 * without one, each later occurrence opens it again.
 */
export interface ErrorChange {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** what is the same for equal errors: 16 hexadecimal digits */
  fingerprint: string;
  status: "ignored" | "open" | "resolved";
  version?: string;
}

/** A call of a stack trace, without its line. */
export interface ErrorFrame {
  function: string;
  where?: string;
  in_app?: boolean;
}

/**
 * One kind of error. ``count`` is of all time, ``in_range`` of the range, up to 10,000. ``culprit`` is where it comes from:
 * the innermost frame of the application, or the operation.
 *
 * ``regressions``: how often it came again after it was resolved, the last time at ``regressed_ms``. ``status_ms`` is when its
 * status was last changed by a person. ``counts`` has one number for each step that a list was asked for, of the newest 10,000
 * occurrences in the range, and ``versions`` those in which they came, 20 at most.
 */
export interface ErrorGroup {
  /** what is the same for equal errors: 16 hexadecimal digits */
  fingerprint: string;
  service: string;
  type: string;
  title: string;
  culprit: string;
  count: number;
  in_range: number;
  /** milliseconds since 1970-01-01T00:00Z */
  first_seen_ms: number;
  /** milliseconds since 1970-01-01T00:00Z */
  last_seen_ms: number;
  status: "ignored" | "open" | "resolved";
  status_ms?: number | null;
  resolved_in?: string | null;
  regressions: number;
  regressed_ms?: number | null;
  handled: boolean;
  trace_id?: string | null;
  counts?: number[];
  versions?: string[];
}

/** The answer to an :class:`ErrorSearch`. ``cursor`` asks for what follows; empty: nothing does. */
export interface ErrorList {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  errors: ErrorGroup[];
  cursor?: string;
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/** One error, with what is known of it in a range of time. */
export interface ErrorQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** what is the same for equal errors: 16 hexadecimal digits */
  fingerprint: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
}

/**
 * Errors that were seen in a range of time and meet these conditions.
 *
 * ``text`` is looked for in titles and culprits; of it and ``texts`` any may be met, and so of services. Of a ``trace_id``
 * all errors are asked for, whatever the range. With ``steps``, each error has a count for each of so many equal parts of the
 * range. ``cursor`` is that of the answer before.
 */
export interface ErrorSearch {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  service?: string;
  status?: "ignored" | "open" | "resolved" | null;
  type?: string;
  text?: string;
  trace_id?: string | null;
  order?: "count" | "first_seen" | "last_seen";
  steps?: number;
  limit?: number;
  cursor?: string;
  /** several, of which any may be met */
  services?: string[];
  /** several, of which any may be met */
  texts?: string[];
  /** tokens of services that are left out */
  without_service?: string[];
}

/** A span that had the error. */
export interface ErrorTrace {
  trace_id: string;
  span_id: string;
  /** milliseconds since 1970-01-01T00:00Z */
  time_ms: number;
  route?: string | null;
  version?: string | null;
  user_id?: string | null;
}

/** How often an error came in the step that begins at ``time_ms``. */
export interface ErrorsAt {
  /** milliseconds since 1970-01-01T00:00Z */
  time_ms: number;
  count: number;
}

/**
 * Kinds of errors, with how often they came; ``text`` is in their titles or places.
 * Of ``service`` and ``services`` together any is meant, and so of texts.
 */
export interface ErrorsPanel {
  kind: "errors";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  service?: string;
  /** several, of which any is meant */
  services?: string[];
  status?: "any" | "ignored" | "open" | "resolved";
  text?: string;
  /** several, of which any is meant */
  texts?: string[];
  order?: "count" | "first_seen" | "last_seen";
  /** at most so many rows */
  top?: number;
}

/** How often an error came with this value, and from when to when. */
export interface ErrorsWith {
  value: string;
  count: number;
  /** milliseconds since 1970-01-01T00:00Z */
  first_seen_ms: number;
  /** milliseconds since 1970-01-01T00:00Z */
  last_seen_ms: number;
}

/**
 * An event that must not lie between two steps: ``from_step`` and ``to_step``, counted from 1; the first and the last, if
 * they are not given.
 */
export interface EventBetween {
  event_type: string;
  where?: EventCondition[];
  from_step?: number | null;
  to_step?: number | null;
}

/** Events of one of ``event_types``, of any where none is given, that meet all conditions of ``where``. */
export interface EventChoice {
  event_types?: string[];
  where?: EventCondition[];
}

/**
 * A condition on a property of an event, as in a question: ``value`` of all operators but ``in``, which has ``values``, and
 * ``exists``, which has none.
 */
export interface EventCondition {
  property: string;
  op?: "!=" | "<" | "<=" | "=" | ">" | ">=" | "exists" | "in" | "prefix";
  value?: string;
  values?: string[];
}

/** Events of a type that meet all conditions. */
export interface EventFilter {
  event_type: string;
  where?: EventCondition[];
}

/**
 * Types and properties of stored events with a user, in the order of the alphabet; ``properties`` as conditions and
 * break-downs name them. ``more``: there are more than could be listed.
 */
export interface EventNames {
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  event_types: string[];
  properties: string[];
  more?: boolean;
}

/** A question to analytics: the names that questions about users can have. */
export interface EventNamesQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
}

/** Events of one of ``event_types``, of any where none is given, that meet all conditions of ``where``. */
export interface EventSelection {
  event_types?: string[];
  where?: PropertyCondition[];
}

/** Events of a type, of any if none is given, that meet all conditions. */
export interface EventsMet {
  event_type?: string;
  where?: PropertyCondition[];
}

/** Anomalies, the newest first: those that are or were at least as grave as ``severity``. */
export interface EventsPanel {
  kind: "events";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  metrics?: string[];
  all_metrics?: boolean;
  severity?: "critical" | "info" | "warning";
  /** at most so many rows */
  top?: number;
}

/** The rules by which people are left out, and since when. */
export interface Exclusion {
  rules: ExclusionRule[];
  revision: number;
  changed_ms?: number | null;
}

/** A question to analytics: who is left out of answers about users? */
export interface ExclusionQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
}

/**
 * People with an event that meets all conditions of ``where`` are left out. There, the property ``user_id`` is the id under
 * which the event was sent, with the operators `=`, `in` and `prefix`. ``bots``: the event's `user_agent` must be one by which
 * crawlers, monitors and other programs are known.
 */
export interface ExclusionRule {
  name: string;
  where?: PropertyCondition[];
  bots?: boolean;
}

/**
 * One page of an export: rows as :class:`ExportedEvent` or :class:`ExportedRequest`, of which there may be none.
 *
 * ``cursor`` is empty at the end. ``done`` is how much of all pages on disk was read, 0 to 1.
 */
export interface ExportPage {
  rows: unknown[];
  /** where the next page begins, as the page before says */
  cursor: string;
  done: number;
}

/**
 * A question to analytics: the rows of a tenant whose time is in ``[from, to)``, as they are stored at the first page.
 *
 * ``type``: only events of these types. ``cursor`` is that of the page before; with it, range and snapshot are those of
 * the first page.
 */
export interface ExportQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  rows: "events" | "requests";
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  type?: string[];
  /** where the next page begins, as the page before says */
  cursor?: string;
}

/** What one field or attribute is, most frequent values first. */
export interface Facet {
  name: string;
  values: FacetValue[];
}

/**
 * The answer to :class:`TraceFacets`. ``spans`` were read, the newest; ``sampled``: there are more, or may be, before
 * ``searched_from``. Attributes are those of the newest ``attribute_spans`` of them.
 */
export interface FacetAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  spans: number;
  errors: number;
  sampled: boolean;
  searched_from?: number | null;
  facets: Facet[];
  attribute_spans: number;
  attributes: Facet[];
  durations: DurationBucket[];
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/** One value and how many spans have it. */
export interface FacetValue {
  value: string;
  spans: number;
  errors: number;
}

/** A span that failed, by its place, and the beginning of what its status says. */
export interface FailedSpan {
  place: number;
  message?: string;
}

/**
 * How a series goes on, as far as a model can tell.
 *
 * ``points`` holds ``[epoch_ms, mean, lower, upper]`` at ``interval`` coverage and, where there is an ``outer_interval``, its
 * lower and upper bound behind them; ``horizon_ms`` is how far it reaches, ``standing`` how the forecasts before it came out
 * (before that is known, ``scored_at`` says when it will be, at the earliest), ``benched`` the model that lost against the one
 * that speaks. ``breach`` is there where a threshold is known, ``capacity`` where it is known what one replica carries.
 */
export interface ForecastInsight {
  kind: "forecast";
  insight_id: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  at: number;
  model: string;
  severity?: "critical" | "info" | "warning" | (string & {}) | null;
  message?: string | null;
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  field: string;
  labels?: Record<string, string>;
  state: "learning" | "ready" | (string & {});
  interval?: number | null;
  points?: number[][] | null;
  outer_interval?: number | null;
  horizon_ms?: number | null;
  standing?: ForecastScore | null;
  scored_at?: number | null;
  benched?: string | null;
  breach?: Breach | null;
  capacity?: Capacity | null;
}

/**
 * How a series' forecasts of one horizon came out, over the ``marked`` values whose hour has come.
 *
 * ``mae`` is the mean absolute error and ``naive_mae`` that of the naive forecast of the same values (the value of a season
 * ago where one was seen, else the last one), in the metric's unit; ``bias`` the mean of forecast minus value. ``coverage``
 * and ``outer_coverage`` are the shares of values that lay in the inner and outer interval.
 */
export interface ForecastScore {
  marked: number;
  mae: number;
  naive_mae: number;
  bias: number;
  coverage: number;
  outer_coverage: number;
}

/** How accurate forecasts were. */
export interface ForecastScoresPanel {
  kind: "forecast_scores";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  metrics?: string[];
  all_metrics?: boolean;
}

/**
 * One log record. ``body`` is what it says: a text, or a value of any kind. ``severity`` is trace, debug, info, warn,
 * error, fatal or unset. ``cut``: it is too large for an answer, so only the beginning of its body is here, and no
 * attributes. ``resource`` are the attributes of its sender.
 */
export interface FoundRecord {
  id: string;
  /** ISO 8601 with an offset */
  time: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  service: string;
  severity: string;
  /** as OpenTelemetry numbers severities; 0 where it is not set */
  severity_number?: number;
  severity_text?: string;
  /** the hash of a template's text: 16 hexadecimal digits */
  template: string;
  trace_id?: string | null;
  span_id?: string | null;
  event_name?: string;
  scope?: string;
  body?: unknown;
  attributes?: Record<string, unknown>;
  resource?: Record<string, unknown>;
  cut?: boolean;
}

/** A span that met the conditions of a search. */
export interface FoundSpan {
  span_id: string;
  service: string;
  operation: string;
  start_ms: number;
  duration_ms: number;
  status?: "error" | "ok" | "unset";
}

/**
 * Log records that say the same but for what differs each time. ``count`` of them, of which ``errors`` are of the severity
 * error or more; ``severity`` is the highest. ``ids`` are the templates of the lines themselves, where several are one
 * because they differ in a word that varies; as many as a :class:`LogSearch` takes. ``example`` is the body of the newest.
 * ``counts`` has one number for each step.
 */
export interface FoundTemplate {
  /** the hash of a template's text: 16 hexadecimal digits */
  id: string;
  text: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  service: string;
  severity: string;
  count: number;
  errors?: number;
  /** ISO 8601 with an offset */
  first_seen: string;
  /** ISO 8601 with an offset */
  last_seen: string;
  example?: string;
  ids?: string[];
  counts?: number[];
}

/**
 * A trace in a list. ``service`` and ``operation`` are those of its root, or of its first span where that is missing
 * (``missing_root``). ``matched`` is the span that met the conditions: of several, the newest or the slowest. ``services`` are
 * those with the most spans; ``further_services`` are left out.
 */
export interface FoundTrace {
  trace_id: string;
  service: string;
  operation: string;
  start_ms: number;
  duration_ms: number;
  spans: number;
  errors: number;
  services: ServiceSpans[];
  matched: FoundSpan;
  missing_root?: boolean;
  further_services?: number;
}

/** What a browser receives. The first frame is a ``snapshot``; ``seq`` counts frames within one ``epoch``. */
export interface Frame {
  type: "snapshot" | "update";
  dashboard: string;
  epoch: string;
  seq: number;
  /** milliseconds since 1970-01-01T00:00Z */
  ts: number;
  data: FrameData;
}

/**
 * ``values`` is always complete; ``series`` holds points to append or, by equal time, replace; ``events`` are new ones.
 *
 * ``problems`` is complete too: sentences for people, why the numbers are not current or leave something out. So is
 * ``service_names``. ``funnels``: the newest results of saved funnels that panels show, by their names: all, or in an update
 * those that are new.
 */
export interface FrameData {
  values: Record<string, number | null>;
  series: Record<string, ([number, number | null])[]>;
  events: Record<string, unknown>[];
  problems?: string[];
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
  funnels?: Record<string, FunnelResult>;
}

/**
 * The answer to a :class:`FunnelQuery`: all users, and those of each value of the break-down, most users first.
 *
 * ``sampled`` is the share of all users that was counted, by a hash of ``user_id``; numbers are of these users, not
 * multiplied. ``met_exclusion``: units that are counted in no step for an exclusion.
 */
export interface FunnelAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  window_s: number;
  sampled: number;
  /** people who were left out by rule, of the days that were read */
  excluded_users?: number;
  /** whose events are taken together, and counted */
  unit?: "account" | "session" | "user";
  met_exclusion?: number;
  steps: FunnelStepCount[];
  times?: ConversionTimes | null;
  groups?: FunnelGroup[];
}

/**
 * The answer to a :class:`FunnelAutopsyQuery`, the surest difference first. Of ``not_yet`` the window is not over.
 * ``tried`` values were compared; where nothing differs, the probability that any is reported is ``false_discoveries`` at
 * most. ``not_compared``: properties with too many values, or beyond the most that are compared at once.
 */
export interface FunnelAutopsyAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  sampled: number;
  /** people who were left out by rule, of the days that were read */
  excluded_users?: number;
  step: number;
  around_s: number;
  went_on: number;
  left: number;
  not_yet: number;
  tried: number;
  false_discoveries: number;
  differences?: AutopsyDifference[];
  not_compared?: string[];
  text?: string[];
}

/**
 * A question to analytics: what differs between those who reached ``step`` of a funnel and those who left before it.
 *
 * ``properties`` are compared; if none is given, all that events have, as far as they are not too many. ``limit`` is of
 * differences. Only funnels by user, without a break-down.
 */
export interface FunnelAutopsyQuery {
  steps: FunnelStep[];
  /** seconds that a user has from the first step to the last; 90 days at most */
  window_s?: number;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** steps one after the other, with nothing else in between, or in any order */
  order?: "any" | "ordered" | "strict";
  exclusions?: FunnelExclusion[];
  /** whose events are taken together, and counted */
  unit?: "account" | "session" | "user";
  /** a session ends where so many seconds pass without an event of the user */
  gap_s?: number;
  account?: string;
  breakdown?: string;
  /** values of the break-down in the answer; the rest together as `other` */
  limit?: number;
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  sample?: boolean;
  /** counted from 1 */
  step: number;
  /** seconds before and after the step before in which events count */
  around_s?: number;
  properties?: string[];
  /** users who have a value, and who have not, for it to be tried */
  min_users?: number;
}

/**
 * An event that must not lie between two steps: ``from_step`` and ``to_step``, counted from 1; the first and the last, if
 * they are not given.
 */
export interface FunnelExclusion {
  event_type: string;
  where?: PropertyCondition[];
  from_step?: number | null;
  to_step?: number | null;
}

/** The users of one value of the break-down. ``value`` is null where the event has none. */
export interface FunnelGroup {
  value: string | null;
  steps: FunnelStepCount[];
  times?: ConversionTimes | null;
  /** all further values together */
  other?: boolean;
}

/**
 * How many users do one step after another, the last within ``window_s`` of the first; ``breakdown`` is a property of the
 * first step, of which the ``limit`` values with the most users are shown. ``account``: the property that tells accounts
 * apart, where ``unit`` is ``account``.
 *
 * ``saved``: the name of a saved funnel, which is shown instead, with its own range of days, where there is one and the
 * dashboard shows the present. Its numbers come as they change.
 */
export interface FunnelPanel {
  kind: "funnel";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  steps: EventFilter[];
  /** seconds that a user has from the first step to the last; 90 days at most */
  window_s?: number;
  /** steps one after the other, with nothing else in between, or in any order */
  order?: "any" | "ordered" | "strict";
  exclusions?: EventBetween[];
  /** whose events are taken together, and counted */
  unit?: "account" | "session" | "user";
  /** a session ends where so many seconds pass without an event of the user */
  gap_s?: number;
  account?: string;
  breakdown?: string;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** values of the break-down in the answer; the rest together as `other` */
  limit?: number;
  saved?: string;
}

/**
 * A question to analytics: how many users got how far in a funnel.
 *
 * The first step lies in ``[from, to)``; later ones may follow after ``to``. ``sample``: of a sixteenth of the users only,
 * which takes a sixteenth of the time.
 */
export interface FunnelQuery {
  steps: FunnelStep[];
  /** seconds that a user has from the first step to the last; 90 days at most */
  window_s?: number;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** steps one after the other, with nothing else in between, or in any order */
  order?: "any" | "ordered" | "strict";
  exclusions?: FunnelExclusion[];
  /** whose events are taken together, and counted */
  unit?: "account" | "session" | "user";
  /** a session ends where so many seconds pass without an event of the user */
  gap_s?: number;
  account?: string;
  breakdown?: string;
  /** values of the break-down in the answer; the rest together as `other` */
  limit?: number;
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  sample?: boolean;
}

/**
 * What the question ``funnel`` answers for a saved funnel at ``revision``, or the ``error`` that it answers.
 *
 * ``as_of`` is when the events were read, all that were stored by then.
 */
export interface FunnelResult {
  name: string;
  title: string;
  revision: number;
  funnel: RecentFunnel;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  answer?: FunnelAnswer | null;
  error?: string;
}

/** An event of this type that meets all conditions. */
export interface FunnelStep {
  event_type: string;
  where?: PropertyCondition[];
}

/**
 * Users, or whatever the ``unit`` is, who got to a step; in any order, who took so many of them. ``of_first`` and
 * ``of_previous`` are shares from 0 to 1; of nobody, there is none.
 */
export interface FunnelStepCount {
  event_type: string;
  users: number;
  of_first?: number | null;
  of_previous?: number | null;
}

/**
 * A question to analytics: who is behind a step of a funnel, by the same definition and the same events.
 *
 * With a ``breakdown``, only those of its ``value``, where one is given.
 */
export interface FunnelUsersQuery {
  steps: FunnelStep[];
  /** seconds that a user has from the first step to the last; 90 days at most */
  window_s?: number;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** steps one after the other, with nothing else in between, or in any order */
  order?: "any" | "ordered" | "strict";
  exclusions?: FunnelExclusion[];
  /** whose events are taken together, and counted */
  unit?: "account" | "session" | "user";
  /** a session ends where so many seconds pass without an event of the user */
  gap_s?: number;
  account?: string;
  breakdown?: string;
  /** users in the answer */
  limit?: number;
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  sample?: boolean;
  /** counted from 1 */
  step: number;
  /** who reached the step, or the one before and not this one */
  outcome?: "converted" | "dropped";
  value?: string | null;
  /** those whose first step has no value of `breakdown` */
  without_value?: boolean;
}

/** One number on a scale from ``min`` to ``max``; without ``max`` the scale of a share ends at the whole. */
export interface Gauge {
  kind: "gauge";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  value: PanelQuestion;
  min?: number;
  max?: number | null;
  limits?: Limits | null;
  /** a unit (UCUM) to show instead of the metric's own: ms, By, {order}/s, EUR */
  unit?: string;
}

/** A row for each value of the question's ``by``, the darker the more. */
export interface Heatmap {
  kind: "heatmap";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  rows: PanelQuestion;
  measures?: string;
}

/** How the values of a metric are spread over the range of time that is shown; as a ``heatmap`` also when they came. */
export interface HistogramPanel {
  kind: "histogram";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  values: Distribution;
  style?: "bars" | "heatmap";
  /** a unit (UCUM) to show instead of the metric's own: ms, By, {order}/s, EUR */
  unit?: string;
}

/** That something is wrong with a system, from ``since`` on, whichever of its series show it. */
export interface IncidentInsight {
  kind: "incident";
  insight_id: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  at: number;
  model: string;
  severity?: "critical" | "info" | "warning" | (string & {}) | null;
  message?: string | null;
  services?: string[];
  about?: SeriesName[];
  phase?: "ongoing" | "opened" | "resolved" | (string & {}) | null;
  since?: number | null;
}

/** Anomalies that began together as one incident: open ones first, then the newest. */
export interface IncidentsPanel {
  kind: "incidents";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  metrics?: string[];
  all_metrics?: boolean;
  /** at most so many rows */
  top?: number;
}

/** An event of this type, or of any, that meets all conditions. */
export interface JourneyAnchor {
  event_type?: string;
  where?: EventCondition[];
}

/** Names of steps that match ``pattern``, with `*` for any characters, are one step, called ``name`` or as the pattern. */
export interface JourneyGroup {
  pattern: string;
  name?: string;
}

/** What users do one thing after another, from ``start`` on, before ``end``, or in each session, as a Sankey diagram. */
export interface JourneysPanel {
  kind: "journeys";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  event_types?: string[];
  where?: EventCondition[];
  /** `event_type`, or the property whose values are nodes */
  node?: string;
  group?: JourneyGroup[];
  start?: JourneyAnchor | null;
  end?: JourneyAnchor | null;
  /** steps of a path, counted from its start or end */
  max_steps?: number;
  collapse_repeats?: boolean;
  window_s?: number | null;
  /** seconds without an event of its user after which a session has ended; a day at most */
  gap_s?: number;
  /** a session ends at midnight of `tz` as well */
  midnight?: boolean;
  /** another `utm_campaign` begins another session */
  campaign?: boolean;
  /** IANA name of the time zone of days, weeks and months */
  tz?: string;
  /** the property with the latency of an event in ms; none if empty */
  latency?: string;
  errors?: boolean;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** nodes of each step; the rest together as `other` */
  limit?: number;
}

/** A trace that is to be kept for days, as ``pinned`` by a person. */
export interface KeepTrace {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** the id of a trace: 32 hexadecimal digits */
  trace_id: string;
  keep?: boolean;
}

/** A range of time whose traces are to be kept as ``cited``: of all services, or of some. */
export interface KeepWindow {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  services?: string[];
}

/**
 * A person, by the id by which answers name them. ``last_day``: the UTC day of the latest event of those of their ids that
 * the list looked through, as YYYY-MM-DD. ``matched``: an id of theirs that begins with the prefix, where theirs does not.
 */
export interface KnownUser {
  user_id: string;
  last_day: string;
  matched?: string | null;
}

/** The answer to a :class:`UsersQuery`. ``more``: others are not listed. */
export interface KnownUsers {
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  users: KnownUser[];
  more?: boolean;
}

/** A condition on a label: ``value`` of ``=``, ``!=`` and ``prefix``, ``values`` of ``in``; ``exists``: it is not empty. */
export interface LabelFilter {
  label: string;
  op?: "!=" | "=" | "exists" | "in" | "prefix";
  value?: string;
  values?: string[];
}

/**
 * The size of a panel on a grid of 12 columns, on which panels stand in their order, each at the first place with room.
 *
 * Without ``columns`` it is as wide as its kind usually is and takes free columns beside it; without ``rows`` it is as high
 * as its content needs. ``x`` is the column at which it begins, 0 being the first. ``tablet`` is for pages of 721 to 1180 px,
 * ``phone`` for narrower ones, on which panels are one below the other, or two of at most 6 columns side by side.
 */
export interface Layout {
  columns?: number | null;
  rows?: number | null;
  x?: number | null;
  tablet?: WidthLayout | null;
  phone?: WidthLayout | null;
}

/** The most that there may be of something; 0: any number. ``used``: how many the tenant has now, where that is counted. */
export interface Limit {
  what: string;
  most: number;
  used?: number | null;
  variable?: string;
}

/**
 * From where on a number is good, a warning and bad, in the metric's own unit (a share: 0 to 1), as a KPI has them.
 *
 * ``direction`` is where better lies. Every limit may be left out.
 */
export interface Limits {
  direction?: "down" | "up";
  target?: number | null;
  warn?: number | null;
  bad?: number | null;
}

/** Lines of a chart. ``name`` is what the legend calls the line of all of it. */
export interface Line {
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  /** a field of the metric: count, rate, avg, p95, … */
  field: string;
  by?: string | null;
  /** by dimension: one value of it, or several */
  only?: Record<string, string | string[]>;
  /** by dimension: one value of it, or several */
  without?: Record<string, string | string[]>;
  total?: boolean;
  resolution?: "1m" | "1s";
  over_s?: number;
  span?: "1h" | "24h" | null;
  name?: string;
}

/** The answer to a :class:`LogSearch`. ``cursor`` asks for what follows; empty: nothing does. */
export interface LogList {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  records: FoundRecord[];
  cursor?: string;
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/**
 * Log records that meet all of these conditions, the newest first.
 *
 * ``text`` is looked for in what a record says and in its exception, in upper or lower case; ``template``: ids of templates.
 * Of a ``trace_id`` all records are asked for, whatever the range. ``cursor`` is that of the answer before.
 */
export interface LogSearch {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** a service, by its name or token */
  service?: string;
  /** records of this severity and above */
  severity?: "debug" | "error" | "fatal" | "info" | "trace" | "warn" | null;
  template?: string[];
  text?: string;
  trace_id?: string | null;
  limit?: number;
  cursor?: string;
  /** tokens of services that are left out */
  without_service?: string[];
}

/** Calls of one node by another, by ``id``, timed as the caller saw them. ``share``: of all calls that the caller makes. */
export interface MapEdge {
  caller: string;
  callee: string;
  share: number;
  traffic: Traffic;
}

/**
 * A service by its token, or whom services call: a database, cache, broker, model or external host. ``entry`` is who calls
 * from outside: ``user`` begins traces, ``unreported`` hands on a trace and sends no spans here.
 */
export interface MapNode {
  id: string;
  kind: "broker" | "cache" | "database" | "entry" | "external" | "model" | "service";
  name: string;
  traffic: Traffic;
}

/**
 * An event of the type ``kind`` said that ``from_id`` and ``to_id`` are one person: of several the earliest, with
 * ``event_id`` and at ``at_ms``; of a merge that was undone before, the earliest since.
 *
 * ``ignored``: it joins nothing, since an earlier event says whose ``from_id`` is, or since that is a user.
 */
export interface Merge {
  kind: "alias" | "identify";
  from_id: string;
  to_id: string;
  state: "ignored" | "joined" | "undone";
  /** milliseconds since 1970-01-01T00:00Z */
  at_ms: number;
  event_id: string;
  undone_ms?: number | null;
}

/**
 * The merges that name an id of the person, in the order of ``from_id``. ``cursor`` asks for what follows; empty: nothing
 * does.
 */
export interface MergesAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  person_id: string;
  merges: Merge[];
  cursor?: string;
}

/**
 * A question to analytics: what was said of the ids of a person, one of which is ``user_id``? ``cursor`` is that of the
 * answer before.
 */
export interface MergesQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** an id as events have it in `user_id` */
  user_id: string;
  limit?: number;
  cursor?: string;
}

/**
 * What was seen of one metric: the start of the newest window that has data, the number of ``series`` in the newest hour
 * that has any, and the ``services`` in their labels, by token.
 */
export interface MetricSeen {
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  /** milliseconds since 1970-01-01T00:00Z */
  last_seen: number;
  series: number;
  services?: string[];
}

/** What spans count under. */
export interface OperationName {
  service: string;
  operation: string;
  kind: "client" | "consumer" | "internal" | "producer" | "server" | "unspecified";
}

/**
 * What is done afterwards: any event (``return``), an event of this type (``conversion``), or the number of UTC days with
 * such an event, or with any (``active_days``).
 */
export interface Outcome {
  kind?: "active_days" | "conversion" | "return";
  event_type?: string;
  where?: PropertyCondition[];
}

/**
 * One trace of up to 10,000 spans, as columns: the n-th of each list is of the n-th span, in the order of a tree, parents
 * first. A span's parent is the last one before it of the depth above.
 *
 * ``of_service`` and ``of_name`` are places in ``services`` and ``names``. ``starts_ms`` count from ``start_ms``, the start of
 * the root, which others may be before. ``self_ms`` is how long the whole trace waited for the span and for nothing below it.
 * ``missing_parent``: places of spans that name a parent that is not there. ``truncated``: the trace has more spans than
 * an answer; long names may be cut. ``shortened_path``: the shortest sections of the critical path are left out.
 */
export interface OutlineAnswer {
  trace_id: string;
  root: string;
  start_ms: number;
  duration_ms: number;
  services: string[];
  names: string[];
  span_ids: string[];
  depths: number[];
  of_service: number[];
  of_name: number[];
  starts_ms: number[];
  durations_ms: number[];
  self_ms: number[];
  failed: FailedSpan[];
  critical_path: PathSections;
  missing_parent?: number[];
  events?: UserEvent[];
  duplicates?: number;
  truncated?: boolean;
  shortened_path?: boolean;
  kept?: string[];
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/** One trace, without the details of its spans. */
export interface OutlineQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** the id of a trace: 32 hexadecimal digits */
  trace_id: string;
}

/**
 * One field of one metric: of all of it, or where ``by`` names a dimension, for each of its values.
 *
 * ``only`` are the values of dimensions that it is of, ``without`` those that are left out: ``only: {service: web}``,
 * ``without: {status: ["500", "503"]}``.
 *
 * With ``by`` the number of all of it is in the frames too, but for ``total: false``, where it would say nothing. A number
 * "now" is computed over the last ``over_s`` seconds, or with ``span`` added over the clock hours (UTC) of it; a line has a
 * point each ``resolution``.
 */
export interface PanelQuestion {
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  /** a field of the metric: count, rate, avg, p95, … */
  field: string;
  by?: string | null;
  /** by dimension: one value of it, or several */
  only?: Record<string, string | string[]>;
  /** by dimension: one value of it, or several */
  without?: Record<string, string | string[]>;
  total?: boolean;
  resolution?: "1m" | "1s";
  over_s?: number;
  span?: "1h" | "24h" | null;
}

/**
 * What an operation has to do with the time of a root operation.
 *
 * ``share`` is its own time on the critical path of all traces, ``slow_share`` on that of the slow ones. With ``waiting`` it
 * is the time before its spans began, after what caused them had ended: in a queue, for a worker. ``path_ms`` and ``gain_ms``
 * are of an average trace: its own time on the path, and what would be gained if it were half as long. ``trend`` is how much
 * ``path_ms`` has changed since a day earlier: 0.5 is half as much again; ``None`` where it was not there. Where only a sample
 * of traces was walked, the true shares are within ``share_margin`` and ``slow_share_margin`` of those given, with a
 * probability of 95 %.
 */
export interface PartOfRoot {
  operation: OperationName;
  summary: string;
  waiting?: boolean;
  share: number;
  slow_share: number;
  share_margin?: number | null;
  slow_share_margin?: number | null;
  path_ms: number;
  gain_ms: number;
  gain_share: number;
  spans?: number;
  errors?: number;
  spans_each?: number;
  mean_ms?: number | null;
  trend?: number | null;
  path_ms_before?: number | null;
  /** 32 hexadecimal digits */
  example?: string;
}

/** An event of this type, or of any, that meets all conditions. */
export interface PathAnchor {
  event_type?: string;
  where?: PropertyCondition[];
}

/** Paths that are the same from end to end. */
export interface PathCount {
  steps: string[];
  count: number;
}

/**
 * ``count`` paths of ``users`` go from one node to another, which are places in `nodes`. ``median_ms``: the time between
 * the two events; ``latency_ms``: the median latency of the second one, of those that have it; ``error_rate``: the share of
 * them that failed, from 0 to 1.
 */
export interface PathEdge {
  source: number;
  target: number;
  count: number;
  users: number;
  median_ms: number;
  latency_ms?: number | null;
  error_rate?: number | null;
}

/**
 * Values that match ``pattern``, in which `*` stands for any characters, are one node, called ``name`` or as the
 * pattern.
 */
export interface PathGroup {
  pattern: string;
  name?: string;
}

/** ``count`` paths have ``name`` as their ``step``: 0 is the start; before an end steps are negative, and the end is 0. */
export interface PathNode {
  step: number;
  name: string;
  count: number;
  /** all further names of the step together */
  other?: boolean;
}

/**
 * The critical path, as columns: what the trace waited for ``from_ms`` to ``to_ms`` after its start, by the span's place.
 * ``waiting``: 1 where the span had been asked for and had not begun.
 */
export interface PathSections {
  places: number[];
  from_ms: number[];
  to_ms: number[];
  waiting: number[];
}

/**
 * A place in the tree: an operation below the way to it. ``times`` are those of the traces, or of the left one of two;
 * ``right`` of the other.
 */
export interface PathStep {
  depth: number;
  service: string;
  operation: string;
  kind: "client" | "consumer" | "internal" | "producer" | "server" | "unspecified";
  times?: PathTimes | null;
  right?: PathTimes | null;
}

/**
 * What happened at one place in some traces. ``calls_each`` and times are of an average one of the ``traces`` that have it;
 * ``path_ms`` is what a whole trace waited for there, ``share`` that part of the duration of all traces.
 */
export interface PathTimes {
  traces: number;
  calls_each: number;
  errors: number;
  total_ms: number;
  mean_ms: number;
  path_ms: number;
  share: number;
}

/**
 * The answer to a :class:`PathsQuery`: ``paths`` of ``users``. ``missed``: by so many at most each of ``top_paths`` is more
 * frequent than its count says; 0 unless there are very many different ones.
 *
 * ``sampled`` is the share of all users that was counted; numbers are of these users, not multiplied.
 */
export interface PathsAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  sampled: number;
  /** people who were left out by rule, of the days that were read */
  excluded_users?: number;
  paths: number;
  users: number;
  nodes: PathNode[];
  edges: PathEdge[];
  top_paths?: PathCount[];
  missed?: number;
}

/**
 * A question to analytics: what users do one thing after another, after ``start`` or before ``end``, in sessions that began
 * in `[from, to)`, or by user where ``window_s`` is given.
 *
 * Steps are events of ``event_types`` that meet all of ``where``. ``limit``: nodes of each step; the rest together as
 * `other`. ``sample``: of a sixteenth of the users only.
 */
export interface PathsQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** the types of events that count; all if none is given */
  event_types?: string[];
  where?: PropertyCondition[];
  /** `event_type`, or the property whose values are nodes */
  node?: string;
  group?: PathGroup[];
  start?: PathAnchor | null;
  end?: PathAnchor | null;
  /** steps of a path, counted from its start or end */
  max_steps?: number;
  collapse_repeats?: boolean;
  window_s?: number | null;
  /** seconds without an event of its user after which a session has ended; a day at most */
  gap_s?: number;
  /** a session ends at midnight of `tz` as well */
  midnight?: boolean;
  /** another `utm_campaign` begins another session */
  campaign?: boolean;
  /** IANA name of the time zone of days, weeks and months */
  tz?: string;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  sample?: boolean;
  /** the property with the latency of an event in ms; none if empty */
  latency?: string;
  /** whether each edge has the share of its events that failed */
  errors?: boolean;
  /** nodes of each step; the rest together as `other` */
  limit?: number;
}

/**
 * A question to analytics: the users of paths as of a :class:`PathsQuery` that have ``name`` as their ``step``, and
 * ``next_name`` as the one after it where that is given.
 */
export interface PathsUsersQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** the types of events that count; all if none is given */
  event_types?: string[];
  where?: PropertyCondition[];
  /** `event_type`, or the property whose values are nodes */
  node?: string;
  group?: PathGroup[];
  start?: PathAnchor | null;
  end?: PathAnchor | null;
  /** steps of a path, counted from its start or end */
  max_steps?: number;
  collapse_repeats?: boolean;
  window_s?: number | null;
  /** seconds without an event of its user after which a session has ended; a day at most */
  gap_s?: number;
  /** a session ends at midnight of `tz` as well */
  midnight?: boolean;
  /** another `utm_campaign` begins another session */
  campaign?: boolean;
  /** IANA name of the time zone of days, weeks and months */
  tz?: string;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  sample?: boolean;
  step: number;
  name: string;
  next_name?: string;
  /** users in the answer */
  limit?: number;
}

/**
 * ``person_id`` is the id that all answers give for this person. ``ids`` are up to 1,000 of theirs, that one first and the
 * others by the order of their characters, and ``id_count`` says how many there are. ``events`` are those that are stored,
 * under any of the ids; ``first_ms`` and ``last_ms`` when the first and the last of them happened, and ``sessions`` how many
 * sessions they make where half an hour without one ends it. ``requests`` are those that services served to the person,
 * null where counting them would take too long; ``failed_requests`` of them have an error or a status of 500 or more. ``days``
 * are in order. ``properties`` are those that the person has now, and ``account`` is that of their latest `group` event.
 */
export interface PersonAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  person_id: string;
  ids: string[];
  id_count: number;
  events?: number;
  first_ms?: number | null;
  last_ms?: number | null;
  sessions?: number;
  requests?: number | null;
  failed_requests?: number | null;
  days?: PersonDay[];
  properties?: Record<string, string>;
  account?: string | null;
}

/** What a person did on one UTC day, as YYYY-MM-DD: at least one event or request. */
export interface PersonDay {
  day: string;
  events?: number;
  requests?: number;
  failed_requests?: number;
}

/** A question to analytics: whose is this id, and which others are the same person's? */
export interface PersonQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** an id as events have it in `user_id` */
  user_id: string;
}

/** What each value of the question's ``by`` is of the whole: as a ring, or as areas (``treemap``). */
export interface Pie {
  kind: "pie";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  parts: PanelQuestion;
  style?: "ring" | "treemap";
  /** a unit (UCUM) to show instead of the metric's own: ms, By, {order}/s, EUR */
  unit?: string;
}

/**
 * A condition on a property of an event: a key of its `data`, or its `service` or `version`. ``value`` of all operators but
 * ``in``, which has ``values``, and ``exists``, which has none. An event without the property meets only ``!=``.
 */
export interface PropertyCondition {
  property: string;
  op?: "!=" | "<" | "<=" | "=" | ">" | ">=" | "exists" | "in" | "prefix";
  value?: string;
  values?: string[];
}

/**
 * An order to analytics: store a cohort in place of ``revision`` (0: there is none yet). It is live, the users who meet
 * ``condition`` whenever somebody asks, or static: these ``users``, or those of the cohort ``users_of`` at this moment.
 */
export interface PutCohort {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  name: string;
  title?: string;
  description?: string;
  condition?: CohortCondition | null;
  users?: string[] | null;
  users_of?: string | null;
  revision?: number;
}

/** An order to analytics: store a funnel in place of ``revision`` (0: there is none yet). */
export interface PutSavedFunnel {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  name: string;
  title?: string;
  description?: string;
  funnel: RecentFunnel;
  revision?: number;
}

/**
 * A question to analytics: one aggregate of one metric over ``[from, to)``.
 *
 * ``filters`` maps a dimension to the value it must have; ``group_by`` lists the dimensions to keep apart.
 */
export interface Query {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  aggregate: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  resolution?: "1h" | "1m" | "1s" | null;
  group_by?: string[];
  filters?: Record<string, string>;
}

/** The answer to a :class:`Query`. ``as_of``: everything committed before this instant is in it. */
export interface QueryAnswer {
  metric: string;
  aggregate: string;
  unit: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  resolution: "1h" | "1m" | "1s";
  source: string;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  series: QuerySeries[];
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/**
 * Why a :class:`Query` or :class:`QuestionSet` has no answer; ``field`` names the wrong parameter where one is.
 *
 * ``code`` may be one that a reader does not know.
 *
 * In an expression, ``length`` characters from ``character`` on, from 0, are wrong. ``nearest``: names that may be meant.
 */
export interface QueryFailure {
  code: "invalid" | "timeout" | "unavailable" | "unknown" | (string & {});
  error: string;
  field?: string;
  character?: number | null;
  length?: number | null;
  nearest?: string[];
}

/**
 * Anything that stored numbers answer, asked over the range that is shown and drawn as ``show`` says.
 *
 * ``stat`` is the total of the first query, with those of further ones in words; ``bar``, ``pie`` and ``table`` are of totals,
 * too. ``resolution`` is the width of a point; as fits the range without one. ``limits`` are those of a ``stat``.
 */
export interface QueryPanel {
  kind: "query";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  queries: StoredQuery[];
  show?: "area" | "bar" | "bars" | "line" | "pie" | "stacked" | "stat" | "table";
  /** a unit (UCUM) to show instead of the metric's own: ms, By, {order}/s, EUR */
  unit?: string;
  resolution?: "10m" | "10s" | "12h" | "15m" | "15s" | "1d" | "1h" | "1m" | "1s" | "1w" | "30m" | "30s" | "3h" | "5m" | "6h" | null;
  thresholds?: Threshold[];
  limits?: Limits | null;
}

/** One line of an answer. ``total`` is the aggregate over the whole range, not a sum or mean of the points. */
export interface QuerySeries {
  labels: Record<string, string>;
  total: number | null;
  points: ([number, number | null])[];
}

/**
 * An ``aggregate`` of a ``metric`` or an ``expression`` over several; an answer repeats ``name``.
 *
 * ``filters`` must all be met, and so must ``where``, a condition as in an expression: both are for a metric. ``group_by``
 * lists the labels to keep apart; with ``top``, only so many groups by their totals, and the rest together as ``other``.
 * ``bins``, with a percentile of a metric: its values are counted in so many ranges, too.
 */
export interface Question {
  name?: string;
  metric?: string;
  aggregate?: string;
  expression?: string;
  filters?: LabelFilter[];
  where?: string;
  group_by?: string[];
  top?: number | null;
  bins?: number | null;
}

/**
 * The answer to one :class:`Question`. ``unit`` is empty where it is not known. ``merged``: so many groups are in the
 * series ``other``. ``edges`` are the bounds of ``bins``, ascending, one more than these.
 */
export interface QuestionAnswer {
  name?: string;
  metric?: string;
  aggregate?: string;
  expression?: string;
  unit: string;
  series: AnswerSeries[];
  merged?: number;
  edges?: number[];
}

/**
 * Some questions to analytics over one range ``[from, to)``, in steps of ``resolution`` (``None``: as fits the range).
 *
 * Days and weeks begin at midnight in ``time_zone``. ``compare``: the same over the range before, or a day or week earlier.
 */
export interface QuestionSet {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  questions: Question[];
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  resolution?: "10m" | "10s" | "12h" | "15m" | "15s" | "1d" | "1h" | "1m" | "1s" | "1w" | "30m" | "30s" | "3h" | "5m" | "6h" | null;
  time_zone?: string;
  compare?: "1d" | "1w" | "previous" | null;
}

/**
 * Messages of a ``destination`` (queue, topic or subject) of a messaging ``system`` that a ``service`` worked on.
 *
 * ``wait`` is from the end of sending to the start of the work, of the messages whose sending is known; ``work`` is the time
 * of the spans that do it, of which ``errors`` failed. ``wait_share`` of the time from sending to the end of the work is
 * waiting, on average; ``None`` where no wait is known.
 */
export interface QueueTraffic {
  system: string;
  destination: string;
  service: string;
  messages: number;
  rate: number;
  errors: number;
  wait: Times;
  work: Times;
  wait_share?: number | null;
}

/**
 * The answer to a :class:`QueuesQuery`, the longest waits in all first. ``complete_to``: minutes from there on are not
 * counted yet. Rates are by ``covered_s`` seconds, which is the range without the time before the first span and that after
 * ``complete_to``.
 */
export interface QueuesAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  /** milliseconds since 1970-01-01T00:00Z */
  complete_to: number;
  covered_s?: number;
  queues: QueueTraffic[];
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/**
 * A question to analytics: messages that were worked on in the minutes that begin in ``[from, to)``; with ``service``, by
 * that service.
 */
export interface QueuesQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  service?: string;
}

/** A funnel of which the first step lies in the last ``days`` days of UTC, today among them. */
export interface RecentFunnel {
  steps: FunnelStep[];
  /** seconds that a user has from the first step to the last; 90 days at most */
  window_s?: number;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** steps one after the other, with nothing else in between, or in any order */
  order?: "any" | "ordered" | "strict";
  exclusions?: FunnelExclusion[];
  /** whose events are taken together, and counted */
  unit?: "account" | "session" | "user";
  /** a session ends where so many seconds pass without an event of the user */
  gap_s?: number;
  account?: string;
  breakdown?: string;
  /** values of the break-down in the answer; the rest together as `other` */
  limit?: number;
  days?: number;
}

/** What somebody should do, in ``message``; ``because`` holds the ids of the insights from which it follows. */
export interface RecommendationInsight {
  kind: "recommendation";
  insight_id: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  at: number;
  model: string;
  severity?: "critical" | "info" | "warning" | (string & {}) | null;
  message?: string | null;
  services?: string[];
  about?: SeriesName[];
  because?: string[];
}

/** A further number in words: ``text`` is what is said behind it. */
export interface Remark {
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  /** a field of the metric: count, rate, avg, p95, … */
  field: string;
  by?: string | null;
  /** by dimension: one value of it, or several */
  only?: Record<string, string | string[]>;
  /** by dimension: one value of it, or several */
  without?: Record<string, string | string[]>;
  total?: boolean;
  resolution?: "1m" | "1s";
  over_s?: number;
  span?: "1h" | "24h" | null;
  text: string;
}

/**
 * One served request. ``route`` is the template (``/items/{id}``), never the path with its values.
 *
 * ``timestamp`` is when the answer ended: a slow request counts where it is known how slow it was, not in a closed window.
 */
export interface RequestEvent {
  event_id: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  service: string;
  method: string;
  route: string;
  status: number;
  duration_ms: number;
  timestamp?: string | null;
  error?: string | null;
  user_id?: string | null;
  session_id?: string | null;
  model?: string | null;
  traceparent?: string | null;
  service_name?: string | null;
}

/**
 * Something that is kept for ``seconds``, and no longer; or less where it would take more than ``most_bytes``.
 *
 * ``variable`` is the environment variable by which that is set when the service starts; none where it cannot be set.
 */
export interface Retention {
  what: string;
  seconds: number;
  most_bytes?: number | null;
  variable?: string;
}

/**
 * The answer to a :class:`RetentionQuery`: ``from`` and ``to`` are those of whole periods. What happened before
 * ``kept_from`` is not stored any more: a first event is the first one since then. ``sampled`` is the share of all users that
 * was counted.
 */
export interface RetentionAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  /** milliseconds since 1970-01-01T00:00Z */
  kept_from: number;
  interval: "day" | "month" | "week";
  sampled: number;
  /** people who were left out by rule, of the days that were read */
  excluded_users?: number;
  columns: RetentionColumn[];
  cohorts: RetentionCohort[];
  total: RetentionTotal;
  groups?: RetentionGroup[];
}

/**
 * ``size`` users who began in ``[from, to)``, and how many of them met each column, also as a share from 0 to 1; of nobody,
 * there is none. Columns that have not begun are left out; those from place ``complete`` on are not over, and may still
 * grow.
 */
export interface RetentionCohort {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  size: number;
  users: number[];
  shares: (number | null)[];
  complete: number;
}

/** The periods after the cohort's own that a column is about, ``last`` included. */
export interface RetentionColumn {
  first: number;
  last: number;
}

/** The users of one value of the break-down. ``value`` is null where the start has none. */
export interface RetentionGroup {
  value: string | null;
  size: number;
  cohorts: RetentionCohort[];
  total: RetentionTotal;
  /** all further values together */
  other?: boolean;
}

/**
 * How many of the users who began in a period came back in later ones, as a heat map. ``retention_kind`` is the ``kind`` of
 * the question; ``breakdown`` is a property of the start, whose values the panel offers to choose from.
 */
export interface RetentionPanel {
  kind: "retention";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  interval?: "day" | "month" | "week";
  /** an IANA name, such as `Europe/Berlin` */
  tz?: string;
  start?: EventChoice;
  return?: EventChoice;
  where?: EventCondition[];
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  recurring?: boolean;
  retention_kind?: "bracketed" | "classic" | "rolling";
  /** columns: the cohort's own period, and those after it */
  periods?: number;
  brackets?: string[];
  /** a property */
  breakdown?: string;
  /** values of the break-down in the answer; the rest together as `other` */
  limit?: number;
}

/**
 * A question to analytics: how many of the users who began in a period came back in later ones.
 *
 * Cohorts are the users with a ``start`` in each day, week (from Monday) or month of ``tz`` that shares an instant with
 * ``[from, to)``: with their first one of all that is kept, or with ``recurring`` with any. They are retained by an event that
 * meets ``return``: ``classic`` in exactly that period, ``rolling`` in it or any later one, ``bracketed`` in any period of
 * each of ``brackets``. Period 0 is the cohort's own, and is met by the start. ``where`` holds for both events.
 * ``breakdown``: a property of the start.
 */
export interface RetentionQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  interval?: "day" | "month" | "week";
  /** an IANA name, such as `Europe/Berlin` */
  tz?: string;
  start?: EventSelection;
  return?: EventSelection;
  where?: PropertyCondition[];
  recurring?: boolean;
  kind?: "bracketed" | "classic" | "rolling";
  /** columns: the cohort's own period, and those after it */
  periods?: number;
  brackets?: string[];
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** a property */
  breakdown?: string;
  /** values of the break-down; the rest together as `other` */
  limit?: number;
  sample?: boolean;
}

/** For each column the users of the cohorts for which it is complete, and how many of them met it. */
export interface RetentionTotal {
  sizes: number[];
  users: number[];
  shares: (number | null)[];
}

/**
 * A question to analytics: the users behind one cell of :class:`RetentionAnswer`: of the cohort that begins at
 * ``cohort_from``, those who met column ``cell``, or did not (yet). With a ``breakdown``, only those of its ``value``, where
 * one is given.
 */
export interface RetentionUsersQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  interval?: "day" | "month" | "week";
  /** an IANA name, such as `Europe/Berlin` */
  tz?: string;
  start?: EventSelection;
  return?: EventSelection;
  where?: PropertyCondition[];
  recurring?: boolean;
  kind?: "bracketed" | "classic" | "rolling";
  /** columns: the cohort's own period, and those after it */
  periods?: number;
  brackets?: string[];
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  /** a property */
  breakdown?: string;
  /** users in the answer */
  limit?: number;
  sample?: boolean;
  /** `from` of a cohort in the answer */
  cohort_from: number;
  /** the place of the column, from 0 */
  cell?: number;
  value?: string | null;
  /** those whose start has no value of `breakdown` */
  without_value?: boolean;
  outcome?: "lost" | "retained";
}

/**
 * One root operation: ``traces`` of it that were walked, and what they waited for, the largest part first.
 *
 * ``time_share``: of the time of all root operations. ``slow_traces`` took ``slow_from_ms`` at least: the step of 10 % that
 * has the quantile asked for, and those above. ``trend``: how much ``mean_ms`` has changed since a day earlier.
 */
export interface RootBottlenecks {
  operation: OperationName;
  summary: string;
  traces: number;
  errors: number;
  time_share: number;
  mean_ms: number;
  p50_ms: number;
  p95_ms: number;
  p99_ms: number;
  slow_from_ms: number;
  slow_traces: number;
  trend?: number | null;
  parts: PartOfRoot[];
  patterns: CallPattern[];
  examples: string[];
}

/**
 * The answer to a :class:`RootCauseQuery`, the likeliest suspect first.
 *
 * Without ``clear`` not even the first has much against it, or there was nothing to compare with: ``note`` says which.
 * ``traces`` are those of the window, ``usual_traces`` those of the minutes before it; ``sampled`` is the share of the
 * window's traces of which the course was looked at. ``complete_to``: minutes from there on are not counted yet.
 */
export interface RootCauseAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  /** milliseconds since 1970-01-01T00:00Z */
  complete_to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  usual_from: number;
  clear: boolean;
  note?: string;
  traces: number;
  usual_traces: number;
  sampled: number;
  suspects: CauseSuspect[];
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/**
 * A question to analytics: which service is to blame for a trouble in the minutes of ``[from, to)``.
 *
 * ``from`` is when it began; the first three minutes say most. ``limit``: suspects in the answer. ``own``: Drishti's own
 * services are suspects, too.
 */
export interface RootCauseQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** how many minutes before the trouble say what is usual; what was out of line in them is left out */
  usual_minutes?: number;
  limit?: number;
  own?: boolean;
}

/** A funnel as it is stored. ``result``: the newest of this revision; none until it was first counted, and in lists. */
export interface SavedFunnel {
  name: string;
  title: string;
  description: string;
  revision: number;
  /** milliseconds since 1970-01-01T00:00Z */
  changed_ms: number;
  funnel: RecentFunnel;
  result?: FunnelResult | null;
}

/** All saved funnels of a tenant by name. */
export interface SavedFunnelList {
  funnels: SavedFunnel[];
}

/** A question to analytics: one saved funnel with its result. */
export interface SavedFunnelQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  name: string;
}

/** A question to analytics: the tenant's saved funnels. */
export interface SavedFunnelsQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
}

/** A series by its name. Without ``field`` all of them are meant; without ``labels`` the total. */
export interface SeriesName {
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  field?: string;
  labels?: Record<string, string>;
}

/**
 * The answer to a :class:`ServiceMapQuery`, the busiest first. ``complete_to``: minutes from there on are not counted yet.
 * Rates are by ``covered_s`` seconds, which is the range without the time before the first span and that after
 * ``complete_to``. ``folded`` nodes and edges are drawn together as ``(other)``.
 */
export interface ServiceMapAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  /** milliseconds since 1970-01-01T00:00Z */
  complete_to: number;
  covered_s?: number;
  nodes: MapNode[];
  edges: MapEdge[];
  folded?: number;
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/** Who calls whom; with ``service`` whom it calls and who calls it, with ``services`` what any of them has to do with. */
export interface ServiceMapPanel {
  kind: "service_map";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  service?: string;
  /** several, of which any is meant */
  services?: string[];
}

/**
 * A question to analytics: the service map of the minutes that begin in ``[from, to)``; with ``service``, only it, whom it
 * calls and who calls it. Of several ``services``, what any of them has to do with.
 */
export interface ServiceMapQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  service?: string;
  /** several, with all their neighbours */
  services?: string[];
}

/** One service. ``failing``: what does not answer it, by name, with the reason. */
export interface ServiceSetup {
  service: string;
  /** of Drishti, as the service runs it */
  version: string;
  retention?: Retention[];
  limits?: Limit[];
  failing?: Record<string, string>;
}

/** How many spans of a trace one service has. */
export interface ServiceSpans {
  /** one token of a subject: a-z, 0-9, _ and - */
  service: string;
  spans: number;
  errors: number;
}

/**
 * Sessions of one value of the break-down, null where no event has one. ``users`` is null for ``other``, in which a user
 * may be several times.
 */
export interface SessionGroup {
  value: string | null;
  sessions: number;
  users?: number | null;
  bounce_rate?: number | null;
  duration_ms?: SessionMeasure | null;
  depth?: SessionMeasure | null;
  series?: SessionPeriod[];
  /** all further values together */
  other?: boolean;
}

/** What sessions have of something; percentiles by the nearest rank. */
export interface SessionMeasure {
  mean: number;
  p50: number;
  p90: number;
}

/** Sessions that began or ended with a value. */
export interface SessionPage {
  value: string | null;
  sessions: number;
  /** all further values together */
  other?: boolean;
}

/** The sessions that began in ``[start, end)``. Rates and means are null where there are none. */
export interface SessionPeriod {
  /** milliseconds since 1970-01-01T00:00Z */
  start: number;
  /** milliseconds since 1970-01-01T00:00Z */
  end: number;
  sessions: number;
  users: number;
  bounce_rate?: number | null;
  mean_duration_ms?: number | null;
  mean_depth?: number | null;
}

/**
 * The answer to a :class:`SessionsQuery`. ``bounce_rate``: the share of sessions with one event. ``depth``: events of a
 * session.
 *
 * ``sampled`` is the share of all users that was counted; numbers are of these users, not multiplied.
 */
export interface SessionsAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  gap_s: number;
  sampled: number;
  /** people who were left out by rule, of the days that were read */
  excluded_users?: number;
  sessions: number;
  users: number;
  bounce_rate?: number | null;
  duration_ms?: SessionMeasure | null;
  depth?: SessionMeasure | null;
  series?: SessionPeriod[];
  groups?: SessionGroup[];
  entries?: SessionPage[];
  exits?: SessionPage[];
}

/**
 * A question to analytics: the sessions that began in ``[from, to)``, with how long they took and what they had.
 *
 * A session counts where one of its events meets all of ``where``. ``breakdown``: a property, by whose first value in it
 * sessions are grouped. ``page``: the property whose first and last values are a session's entry and exit. ``sample``: of a
 * sixteenth of the users only.
 */
export interface SessionsQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** the types of events that count; all if none is given */
  event_types?: string[];
  where?: PropertyCondition[];
  /** seconds without an event of its user after which a session has ended; a day at most */
  gap_s?: number;
  /** a session ends at midnight of `tz` as well */
  midnight?: boolean;
  /** another `utm_campaign` begins another session */
  campaign?: boolean;
  /** IANA name of the time zone of days, weeks and months */
  tz?: string;
  breakdown?: string;
  page?: string;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  sample?: boolean;
  /** of the series; none if not given. Weeks begin on Monday */
  interval?: "" | "day" | "month" | "week";
  /** values of the break-down, entries and exits in the answer */
  limit?: number;
}

/**
 * A question to analytics: the users of sessions that a :class:`SessionsQuery` counts, and that are chosen by all of what
 * is given: ``value`` of ``breakdown``, ``entry`` and ``exit`` by ``page``, and whether they bounced.
 */
export interface SessionsUsersQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** the types of events that count; all if none is given */
  event_types?: string[];
  where?: PropertyCondition[];
  /** seconds without an event of its user after which a session has ended; a day at most */
  gap_s?: number;
  /** a session ends at midnight of `tz` as well */
  midnight?: boolean;
  /** another `utm_campaign` begins another session */
  campaign?: boolean;
  /** IANA name of the time zone of days, weeks and months */
  tz?: string;
  breakdown?: string;
  page?: string;
  /** the name of a cohort: the question is about its users only; everybody if not given */
  cohort?: string;
  sample?: boolean;
  value?: string | null;
  /** those in which no event has a value of `breakdown` */
  without_value?: boolean;
  entry?: string | null;
  exit?: string | null;
  bounced?: boolean | null;
  /** users in the answer */
  limit?: number;
}

/**
 * An order to analytics: these rules, and no others, say from now on who is left out. ``revision`` is that of the rules
 * which they replace: 0 where there are none.
 */
export interface SetExclusion {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  rules: ExclusionRule[];
  revision: number;
}

/** Asks how analytics is set up, as far as it concerns ``tenant``. */
export interface SetupQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
}

/**
 * The answer to a :class:`SharedSearch`, the strongest finding first. ``reason``: why nothing can be said. ``sampled``: a
 * sample of the traces was compared, spread over the range.
 */
export interface SharedAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  bad: number;
  rest: number;
  tried: number;
  sampled?: boolean;
  reason?: string;
  findings: SharedFinding[];
}

/**
 * A property that bad traces have more often: ``bad_with`` of ``bad``, and ``rest_with`` of ``rest``.
 *
 * ``lift`` is how many times as frequent bad traces are among those that have it as among all; ``p_value`` is corrected for
 * all properties that were tried. Nearly the same traces have the ``other_names``; ``related`` ones make no difference of
 * their own.
 */
export interface SharedFinding {
  property: SharedProperty;
  text: string;
  bad_with: number;
  bad: number;
  rest_with: number;
  rest: number;
  lift: number;
  p_value: number;
  other_names?: SharedProperty[];
  related?: SharedProperty[];
  traces: string[];
}

/** Something that traces have; ``text`` says it in words. */
export interface SharedProperty {
  kind: "attribute" | "event" | "missing_operation" | "missing_service" | "number" | "operation" | "service" | "version" | (string & {});
  name: string;
  value?: string;
  text: string;
}

/**
 * What do the failing or slow traces of a range share, against the others? Among those of a ``service`` and ``operation``
 * where these are given.
 *
 * Slow is what takes longer than ``min_duration_ms``, else than 95 % of the traces of the same operation. With the fingerprint
 * of an ``error``, bad are the traces that have it.
 */
export interface SharedSearch {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  bad?: "failing" | "slow";
  service?: string;
  operation?: string;
  min_duration_ms?: number | null;
  error?: string;
  limit?: number;
}

/** One span of a trace. ``start_ms`` is by the clock of its own host. ``truncated``: it says more than an answer carries. */
export interface SpanAnswer {
  trace_id: string;
  span_id: string;
  parent_id?: string | null;
  service: string;
  name: string;
  operation: string;
  kind: "client" | "consumer" | "internal" | "producer" | "server" | "unspecified";
  start_ms: number;
  duration_ms: number;
  status?: "error" | "ok" | "unset";
  message?: string;
  attributes?: Record<string, unknown>;
  events?: TraceEvent[];
  links?: TraceLink[];
  resource?: Record<string, unknown>;
  scope?: string;
  trace_state?: string;
  truncated?: boolean;
}

/** One span of a trace, with all that it says. */
export interface SpanQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** the id of a trace: 32 hexadecimal digits */
  trace_id: string;
  /** the id of a span: 16 hexadecimal digits */
  span_id: string;
}

/** The ids of the spans found, the earliest first, among the first 10,000 of the trace, as an outline has them. */
export interface SpanSearchAnswer {
  trace_id: string;
  span_ids: string[];
}

/**
 * The spans of one trace in which ``text`` is, in capitals or not: in an attribute as ``name=value``, in one of the
 * resource as ``resource.name=value``, or in the name or an attribute of an event.
 */
export interface SpanSearchQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** the id of a trace: 32 hexadecimal digits */
  trace_id: string;
  text: string;
}

/**
 * One number that matters now, with the line it came along unless ``sparkline`` is false. ``out_of``: "of 5".
 *
 * ``limits`` are the panel's own; without them those of a KPI hold.
 */
export interface Stat {
  kind: "stat";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  value: PanelQuestion;
  limits?: Limits | null;
  /** a unit (UCUM) to show instead of the metric's own: ms, By, {order}/s, EUR */
  unit?: string;
  sparkline?: boolean;
  more?: Remark[];
  out_of?: string;
}

/**
 * A question to stored numbers: an ``aggregate`` of a ``metric``, or an ``expression`` over several (docs/query.md).
 *
 * ``only``, ``without`` and ``where`` are conditions on the labels of a ``metric``; an ``expression`` has its own inside. In
 * both, ``$name`` after ``=``, ``!=`` or within ``in (…)`` is what was chosen for a variable. ``group_by`` lists labels to
 * keep apart; with ``top`` only so many groups, and the rest together as "other". ``name`` is what the legend calls it.
 */
export interface StoredQuery {
  name?: string;
  metric?: string;
  aggregate?: string;
  expression?: string;
  /** by dimension: one value of it, or several */
  only?: Record<string, string | string[]>;
  /** by dimension: one value of it, or several */
  without?: Record<string, string | string[]>;
  where?: string;
  group_by?: string[];
  top?: number | null;
}

/** Users of a stratum and a range of the dose; of nobody there is no value. */
export interface StratumBin {
  users: number;
  value?: number | null;
}

/** A row for each value of the dimension ``by``, the largest of the first column first; ``head`` is its title. */
export interface Table {
  kind: "table";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  /** one token of a subject: a-z, 0-9, _ and - */
  by: string;
  head: string;
  columns: Column[];
}

/**
 * The answer to a :class:`TemplateSearch`: of ``count`` records, ``other`` are of templates that are not listed. The range
 * is the widened one; it has one step more than asked for where it began amid a minute, or hour.
 */
export interface TemplateList {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  step_ms: number;
  count: number;
  templates: FoundTemplate[];
  other?: number;
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/**
 * The templates of log records that meet these conditions, those with the most records first: lines that differ in numbers,
 * ids, names and the like alone are of one. Each with a count for each of ``steps`` equal parts of the range, which is widened
 * to whole minutes, or, where it is longer than three hours, to whole hours; the parts are of whole ones, too.
 */
export interface TemplateSearch {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** a service, by its name or token */
  service?: string;
  /** records of this severity and above */
  severity?: "debug" | "error" | "fatal" | "info" | "trace" | "warn" | null;
  limit?: number;
  steps?: number;
  /** tokens of services that are left out */
  without_service?: string[];
}

/** Words: headings, lists, emphasis, code and links of Markdown. HTML is shown as it is written. */
export interface TextPanel {
  kind: "text";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  text: string;
}

/** A line over the whole width of a chart at ``value``, in the metric's own unit, with the word that is said at it. */
export interface Threshold {
  value: number;
  word: string;
  tone?: "bad" | "good" | "warn";
}

/**
 * Lines over time. ``measures`` says what is counted, in the corner; ``range`` fixes the ends of the axis.
 *
 * ``stacked`` puts the values of a dimension on each other, ``bars`` beside each other; the line of all of them stays a line.
 */
export interface TimeSeries {
  kind: "time_series";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  lines: Line[];
  measures?: string;
  range?: [number, number] | null;
  style?: "area" | "bars" | "line" | "stacked";
  thresholds?: Threshold[];
  bands?: Band[];
  /** a unit (UCUM) to show instead of the metric's own: ms, By, {order}/s, EUR */
  unit?: string;
}

/**
 * The answer to a :class:`TimelineQuery`. ``entries`` are in the order of time, newest first; ``before`` asks for those
 * before them, and is empty where there are none. ``searched_from``: the time was over before the whole past was searched;
 * what happened from there on was, and ``before`` goes on from there. ``sessions`` and ``traces`` are those of the entries.
 */
export interface TimelineAnswer {
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  person_id: string;
  entries: TimelineEntry[];
  sessions?: TimelineSession[];
  traces?: TimelineTrace[];
  before?: string;
  searched_from?: number | null;
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/**
 * One event (``name`` is its type, ``data`` all of its data), one served request (``name`` is its method and route,
 * ``duration_ms`` how long it took, ``failed`` whether its status is 500 or more or it has an ``error``), or one error of a
 * span (``name`` is its title). ``user_id`` is the id under which it was sent, ``session`` when the session began in which it
 * lies.
 */
export interface TimelineEntry {
  kind: "error" | "event" | "request";
  id: string;
  /** milliseconds since 1970-01-01T00:00Z */
  time_ms: number;
  user_id?: string | null;
  name: string;
  service?: string | null;
  version?: string | null;
  trace_id?: string | null;
  session?: number | null;
  data?: Record<string, unknown>;
  status?: number | null;
  duration_ms?: number | null;
  model?: string | null;
  error?: string | null;
  failed?: boolean;
  fingerprint?: string | null;
}

/**
 * A question to analytics: what did this person do, under any of their ids, newest first?
 *
 * ``kinds``: of these alone; ``event_types``: of events those of these types; ``before``: what is before the last page, by
 * its answer.
 */
export interface TimelineQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** an id as events have it in `user_id` */
  user_id: string;
  to?: number | null;
  /** all if none is given */
  kinds?: ("error" | "event" | "request")[];
  /** the types of events that count; all if none is given */
  event_types?: string[];
  /** seconds without an event of its user after which a session has ended; a day at most */
  gap_s?: number;
  /** entries in the answer */
  limit?: number;
  before?: string;
}

/**
 * A session, by the definition of questions about sessions, with all of its events, those on other pages among them.
 * ``began_before``: it began even earlier, so far back that this was not looked for; ``goes_on``: it ended later.
 */
export interface TimelineSession {
  /** milliseconds since 1970-01-01T00:00Z */
  start_ms: number;
  /** milliseconds since 1970-01-01T00:00Z */
  end_ms: number;
  events: number;
  began_before?: boolean;
  goes_on?: boolean;
}

/** A trace of an entry, as far as its spans are stored. */
export interface TimelineTrace {
  trace_id: string;
  service: string;
  operation: string;
  start_ms: number;
  duration_ms: number;
  spans: number;
  errors: number;
}

/** How long ``count`` of something took. Milliseconds, percentiles within 1 %; ``None`` where there are none. */
export interface Times {
  count?: number;
  mean_ms?: number | null;
  p50_ms?: number | null;
  p95_ms?: number | null;
  p99_ms?: number | null;
}

/** Traces with a span that meets all of these conditions, as one tree: the newest or slowest ``limit`` of them. */
export interface TraceAggregate {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  service?: string;
  operation?: string;
  kind?: "client" | "consumer" | "internal" | "producer" | "server" | "unspecified" | null;
  min_duration_ms?: number | null;
  max_duration_ms?: number | null;
  status?: "error" | "ok" | "unset" | null;
  status_code?: number | null;
  user_id?: string;
  session_id?: string;
  attribute?: string[];
  text?: string;
  root?: boolean;
  /** tokens of services that are left out */
  without_service?: string[];
  /** several, of which any may be met */
  services?: string[];
  /** several, of which any may be met */
  operations?: string[];
  /** several, of which any may be met */
  texts?: string[];
  any_attribute?: string[];
  order?: "newest" | "slowest";
  limit?: number;
}

/**
 * One trace. ``spans`` are in the order of a tree, parents first; ``start_ms`` and ``duration_ms`` are those of the root
 * ``root``. ``truncated``: it has more spans than an answer; ``kept``: why it stays for days.
 */
export interface TraceAnswer {
  trace_id: string;
  root: string;
  start_ms: number;
  duration_ms: number;
  errors: number;
  spans: TraceSpan[];
  resources: Record<string, unknown>[];
  critical_path: CriticalSection[];
  events?: UserEvent[];
  duplicates?: number;
  truncated?: boolean;
  kept?: string[];
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/** Two traces side by side. */
export interface TraceComparison {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** the id of a trace: 32 hexadecimal digits */
  left: string;
  /** the id of a trace: 32 hexadecimal digits */
  right: string;
}

/** An event of a span: an exception mostly. */
export interface TraceEvent {
  time_ms: number;
  name: string;
  attributes?: Record<string, unknown>;
}

/** What the spans are that meet all of these conditions. */
export interface TraceFacets {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  service?: string;
  operation?: string;
  kind?: "client" | "consumer" | "internal" | "producer" | "server" | "unspecified" | null;
  min_duration_ms?: number | null;
  max_duration_ms?: number | null;
  status?: "error" | "ok" | "unset" | null;
  status_code?: number | null;
  user_id?: string;
  session_id?: string;
  attribute?: string[];
  text?: string;
  root?: boolean;
  /** tokens of services that are left out */
  without_service?: string[];
  /** several, of which any may be met */
  services?: string[];
  /** several, of which any may be met */
  operations?: string[];
  /** several, of which any may be met */
  texts?: string[];
  any_attribute?: string[];
}

/** For which reasons a trace is kept; none: for as long as every other. */
export interface TraceKept {
  trace_id: string;
  kept: ("cited" | "error" | "pinned" | "sampled" | "slow" | (string & {}))[];
}

/** A link of a span to another, mostly of another trace. */
export interface TraceLink {
  trace_id: string;
  span_id: string;
  attributes?: Record<string, unknown>;
}

/**
 * The answer to a :class:`TraceSearch`. ``cursor`` asks for what follows; empty: nothing does.
 * ``searched_from``: the time was over before the whole range was searched; spans from there on were. Newest first, the cursor
 * goes on from there.
 */
export interface TraceList {
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  traces: FoundTrace[];
  cursor?: string;
  searched_from?: number | null;
  /** the names that services were given, by their tokens; where known */
  service_names?: Record<string, string>;
}

/** One trace, whole. */
export interface TraceQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** the id of a trace: 32 hexadecimal digits */
  trace_id: string;
}

/** Traces with a span that meets all of these conditions; ``cursor`` is that of the answer before. */
export interface TraceSearch {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  /** milliseconds since 1970-01-01T00:00Z */
  from: number;
  /** milliseconds since 1970-01-01T00:00Z */
  to: number;
  service?: string;
  operation?: string;
  kind?: "client" | "consumer" | "internal" | "producer" | "server" | "unspecified" | null;
  min_duration_ms?: number | null;
  max_duration_ms?: number | null;
  status?: "error" | "ok" | "unset" | null;
  status_code?: number | null;
  user_id?: string;
  session_id?: string;
  attribute?: string[];
  text?: string;
  root?: boolean;
  /** tokens of services that are left out */
  without_service?: string[];
  /** several, of which any may be met */
  services?: string[];
  /** several, of which any may be met */
  operations?: string[];
  /** several, of which any may be met */
  texts?: string[];
  any_attribute?: string[];
  order?: "newest" | "slowest";
  limit?: number;
  cursor?: string;
}

/**
 * One span of a trace. ``depth`` counts from 0 at a root; ``resource`` is a place in the list of the answer.
 *
 * ``self_ms`` is how long the whole trace waited for this span and for nothing below it: the times of all spans of the
 * critical path add up to the duration of the trace's root. ``moved_ms``: its clock is taken to be off by so much, since it
 * would lie outside of its parent. ``missing_parent``: the span names a parent that is not there.
 */
export interface TraceSpan {
  span_id: string;
  parent_id?: string | null;
  depth: number;
  service: string;
  name: string;
  operation: string;
  kind: "client" | "consumer" | "internal" | "producer" | "server" | "unspecified";
  start_ms: number;
  duration_ms: number;
  self_ms?: number;
  moved_ms?: number;
  missing_parent?: boolean;
  status?: "error" | "ok" | "unset";
  message?: string;
  attributes?: Record<string, unknown>;
  events?: TraceEvent[];
  links?: TraceLink[];
  resource: number;
  scope?: string;
  trace_state?: string;
}

/**
 * Traces with a span that meets all conditions; ``failed``: one that failed, ``root``: the root of its trace.
 *
 * Of ``service`` and ``services`` together any is meant, and so of operations and texts. One of ``attributes`` that is a JSON
 * list of conditions is met where any of them is.
 */
export interface TracesPanel {
  kind: "traces";
  id?: string | null;
  title: string;
  description?: string;
  layout?: Layout | null;
  service?: string;
  /** several, of which any is meant */
  services?: string[];
  operation?: string;
  /** several, of which any is meant */
  operations?: string[];
  failed?: boolean;
  root?: boolean;
  min_duration_ms?: number | null;
  text?: string;
  /** several, of which any is meant */
  texts?: string[];
  attributes?: string[];
  order?: "newest" | "slowest";
  /** at most so many rows */
  top?: number;
}

/**
 * ``calls``, a second ``rate`` of them, and how many of them were ``errors``. Times are in milliseconds, percentiles within
 * 1 %; ``None`` where there are no calls.
 */
export interface Traffic {
  calls?: number;
  errors?: number;
  rate?: number;
  error_rate?: number;
  mean_ms?: number | null;
  p50_ms?: number | null;
  p95_ms?: number | null;
  p99_ms?: number | null;
}

/**
 * An order to analytics: this merge joins nothing from now on, until an event that happens later says it again. A second
 * time changes nothing.
 */
export interface UndoMerge {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  kind: "alias" | "identify";
  /** an id as events have it in `user_id` */
  from_id: string;
  /** an id as events have it in `user_id` */
  to_id: string;
}

/** An analytics event of the trace, or of its user or session at about that time. */
export interface UserEvent {
  event_id: string;
  event_type: string;
  /** milliseconds since 1970-01-01T00:00Z */
  time_ms: number;
  user_id?: string | null;
  session_id?: string | null;
  data?: Record<string, unknown>;
  in_trace?: boolean;
}

/** ``total`` users, and the ids of some of them. ``sampled``: the share of all users that was looked at. */
export interface UserList {
  /** milliseconds since 1970-01-01T00:00Z */
  as_of: number;
  total: number;
  users: string[];
  sampled?: number;
  /** people who were left out by rule, of the days that were read */
  excluded_users?: number;
}

/**
 * A number of the user, compared with ``value``: of the numbers that ``property`` has in the events that are chosen as by
 * :class:`DidEvents`, their ``count``, ``sum``, ``mean``, ``min``, ``max`` or ``last``. Where there are none, the count is 0
 * and nothing else is met. The last is that of the latest event; of several at one instant the largest.
 */
export interface UserMetric {
  function: "count" | "last" | "max" | "mean" | "min" | "sum";
  property: string;
  op: "!=" | "<" | "<=" | "=" | ">" | ">=";
  value: number;
  event_types?: string[];
  where?: PropertyCondition[];
  /** ISO 8601, epoch ms as a text, or relative, such as `now-30d` */
  from?: string;
  /** ISO 8601, epoch ms as a text, or relative, such as `now-30d` */
  to?: string;
}

/**
 * A question to analytics: users of whom an event is stored. With a ``prefix`` those whose ids begin with it, in the order
 * of their ids; without, those who were active last.
 */
export interface UsersQuery {
  /** one token of a subject: a-z, 0-9, _ and - */
  tenant: string;
  prefix?: string;
  /** users in the answer */
  limit?: number;
}

/**
 * Something to choose above the panels: a value of ``dimension``, as ``metric`` has them, or ``several`` at once.
 *
 * Questions name it as ``$name`` (``only: {model: $model}``), titles too. Where nothing is chosen and there is no ``default``,
 * they are of all values.
 */
export interface Variable {
  /** a-z, 0-9 and _; begins with a letter */
  name: string;
  title?: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  metric: string;
  /** one token of a subject: a-z, 0-9, _ and - */
  dimension: string;
  default?: string[];
  several?: boolean;
}

/** The size of a panel on narrower pages. ``hidden``: it is not shown there. */
export interface WidthLayout {
  columns?: number | null;
  rows?: number | null;
  hidden?: boolean;
}

/**
 * How many traces of the window are kept that were not cited before; at most 100, failed ones and the slowest first.
 * ``searched_from``: the window is so long that only what began from there on was looked at.
 */
export interface WindowKept {
  traces: number;
  searched_from?: number | null;
}

export type Insight = AnomalyInsight | ForecastInsight | IncidentInsight | RecommendationInsight | ChangeInsight;
