import assert from "node:assert/strict";
import { test } from "node:test";
import { boundsOf, fault, FIRST, follows, instantOf, lineKey, queryOf, shownOf, timeQueryOf, toggled } from "../../src/model/shown-time.ts";

/** A Sunday. */
const NOW = Date.UTC(2026, 2, 1, 14, 30, 5, 120);
const HOUR = 3_600_000;

test("instants are read as in questions", () => {
  const read = (text: string, end = false) => instantOf(text, NOW, true, end);
  assert.equal(read("now"), NOW);
  assert.equal(read(" now-2h "), NOW - 2 * HOUR);
  assert.equal(read("NOW-1d+6h"), NOW - 18 * HOUR);
  assert.equal(read("now-1d/d"), Date.UTC(2026, 1, 28));
  assert.equal(read("now/d", true), Date.UTC(2026, 2, 2));
  assert.equal(read("now/w"), Date.UTC(2026, 1, 23));
  assert.equal(read("now/h"), Date.UTC(2026, 2, 1, 14));
  assert.equal(read("2026-03-01"), Date.UTC(2026, 2, 1));
  assert.equal(read("2026-03-01 14:30"), Date.UTC(2026, 2, 1, 14, 30));
  assert.equal(read("2026-03-01T14:30:05.12Z"), NOW);
  assert.equal(read("2026-03-01T15:30:05.120+01:00"), NOW);
  assert.equal(read("1772375405120"), NOW);
  assert.equal(instantOf("2026-03-01 14:30", NOW, false), new Date(2026, 2, 1, 14, 30).getTime());
});

test("where the clock goes back, an hour and a minute are rounded within the hour that it is, and days are as long as they are", () => {
  const before = process.env["TZ"];
  process.env["TZ"] = "Europe/Berlin";
  try {
    // 02:30:20 for the first time, in summer, and for the second one.
    for (const at of [Date.UTC(2026, 9, 25, 0, 30, 20), Date.UTC(2026, 9, 25, 1, 30, 20)]) {
      const hour = Math.floor(at / HOUR) * HOUR;
      assert.deepEqual([instantOf("now/h", at, false), instantOf("now/h", at, false, true)], [hour, hour + HOUR]);
      assert.deepEqual([instantOf("now/m", at, false), instantOf("now/m", at, false, true)], [at - 20_000, at + 40_000]);
    }
    const noon = Date.UTC(2026, 9, 25, 11);
    assert.equal((instantOf("now/d", noon, false, true) as number) - (instantOf("now/d", noon, false) as number), 25 * HOUR);
    const spring = Date.UTC(2026, 2, 29, 10);
    assert.equal((instantOf("now/d", spring, false, true) as number) - (instantOf("now/d", spring, false) as number), 23 * HOUR);
  } finally {
    if (before === undefined) delete process.env["TZ"];
    else process.env["TZ"] = before;
  }
});

test("what is no instant is none", () => {
  for (const text of ["", "yesterday", "now-", "now-2", "now-2y", "now--2h", "now-2h/x", "2026-02-31", "2026-03-01 25:00", "12:00", "1", "9999-01-01", "<b>"]) {
    assert.equal(instantOf(text, NOW, true), null, text);
  }
});

test("a range that is none is refused with the field to blame", () => {
  assert.equal(fault("now-1h", "now", NOW, true), null);
  assert.equal(fault("never", "now", NOW, true)?.field, "from");
  assert.equal(fault("now-1h", "soon", NOW, true)?.field, "to");
  assert.equal(fault("now-1h", "now-2h", NOW, true)?.field, "to");
  assert.equal(fault("now+1h", "now+2h", NOW, true)?.field, "from");
});

test("an address says what is shown, and is read again as it was said", () => {
  const shown = { from: "now-6h", to: "2026-03-01T12:00:00Z", paused: 0, utc: true, replay: 0, compare: null, hidden: new Set([lineKey("Latency & more", "a.p95{x=1,y=ü}")]) };
  assert.deepEqual(shownOf(queryOf(shown), NOW), shown);
  assert.equal(queryOf(FIRST), "");
  assert.equal(queryOf({ ...FIRST, from: "now-1h" }), "?from=now-1h&to=now");
  assert.equal(queryOf({ ...FIRST, paused: NOW }), "?paused=2026-03-01T14:30:05.120Z");
  assert.equal(shownOf("?paused=2026-03-01T14:30:05.120Z", NOW).paused, NOW);
  assert.equal(timeQueryOf(shown), "?from=now-6h&to=2026-03-01T12:00:00Z&tz=utc");
  assert.equal(queryOf(FIRST, "?var=a&from=now-1h"), "?var=a");
});

test("what an address says wrongly is as from the start", () => {
  for (const query of ["?from=never", "?from=now-1h&to=now-2h", "?paused=later", "?paused=2099-01-01", "?from=%3Cscript%3E&to=now"]) {
    assert.deepEqual(shownOf(query, NOW), { ...FIRST, hidden: new Set() }, query);
  }
});

test("what is paused stands where it was paused", () => {
  const shown = { ...FIRST, paused: NOW - HOUR };
  assert.ok(follows(FIRST) && !follows(shown) && !follows({ ...FIRST, to: "now-1h" }));
  assert.deepEqual(boundsOf(shown, NOW), { from: NOW - HOUR - 300_000, to: NOW - HOUR });
});

test("a line is hidden, shown, or shown alone until it is asked for again", () => {
  const lines = ["a", "b", "c"];
  assert.deepEqual([...toggled(new Set(["z"]), "a", lines, false)], ["z", "a"]);
  assert.deepEqual([...toggled(new Set(["a"]), "a", lines, false)], []);
  const alone = toggled(new Set(["a", "z"]), "a", lines, true);
  assert.deepEqual([...alone].sort(), ["b", "c", "z"]);
  assert.deepEqual([...toggled(alone, "a", lines, true)], ["z"]);
});
