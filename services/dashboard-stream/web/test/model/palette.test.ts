import assert from "node:assert/strict";
import { test } from "node:test";
import { inKiosk, withKiosk, withoutKiosk } from "../../src/model/kiosk.ts";
import type { Dashboard } from "../../src/model/catalogue.ts";
import type { Metric } from "../../src/model/metrics.ts";
import type { Note } from "../../src/model/notes.ts";
import { commandsOf, found, MOST_FOUND } from "../../src/model/palette.ts";
import { GO_TO } from "../../src/model/shortcuts.ts";

const DASHBOARDS = [{ name: "mine", title: "Latency of shops", description: "", path: "/d/mine", own: true, panels: [] }] as unknown as Dashboard[];
const METRICS = [
  { name: "request_duration_ms", description: "time to serve a request", services: ["kitchen", "shop"] },
  { name: "a.(b*", description: "" },
] as unknown as Metric[];
const NOW = Date.UTC(2026, 10, 28, 12);
const NOTES: Note[] = [{ id: "n", revision: 1, at: NOW - 7_200_000, text: "New kettle\nin the kitchen", tags: ["tea"], kind: "deployment" }];
const HERE = { pages: [{ title: "Traces", path: "/traces" }, { title: "Latency of shops", path: "/d/mine" }], dashboards: DASHBOARDS, metrics: METRICS, notes: NOTES, path: "/d/mine", query: "?var-model=a", now: NOW };
const COMMANDS = commandsOf(HERE);

const titles = (typed: string) => found(COMMANDS, typed).map((one) => one.title);

test("pages, dashboards, services and metrics are found by any of their words, in any order", () => {
  assert.deepEqual(titles("trace")[0], "Traces");
  assert.deepEqual(titles("shops lat"), ["Latency of shops", "Edit Latency of shops"]);
  assert.equal(found(COMMANDS, "duration")[0]?.address, "/api/dashboard/metrics?metric=request_duration_ms");
  assert.equal(found(COMMANDS, "kitchen logs")[0]?.address, "/api/dashboard/logs?service=kitchen");
  assert.deepEqual(titles("no such thing"), []);
});

test("what is typed is no pattern, and not everything is shown", () => {
  assert.deepEqual(titles("(b*"), ["a.(b*"]);
  const many = Array.from({ length: 50 }, (_, place) => ({ kind: "Page", title: `Page ${place}`, about: "", address: `/${place}` }));
  assert.equal(found(many, "page").length, MOST_FOUND);
});

test("a dashboard that is in the navigation is found once", () => {
  assert.equal(COMMANDS.filter((one) => one.title === "Latency of shops").length, 1);
});

test("ranges of time, comparisons and replay are found, of the dashboard that is looked at, with what else it shows", () => {
  const address = (typed: string) => found(COMMANDS, typed)[0]?.address;
  assert.equal(address("last 24"), "/d/mine?var-model=a&from=now-24h&to=now");
  assert.equal(address("compare day"), "/d/mine?var-model=a&compare=1d");
  assert.equal(address("replay"), "/d/mine?var-model=a&from=now-1h&to=now&replay=60");
  assert.equal(address("pause"), "/d/mine?var-model=a&paused=2026-11-28T12:00:00Z");
  const paused = commandsOf({ ...HERE, query: "?paused=2026-11-28T11:00:00Z" });
  assert.equal(found(paused, "live")[0]?.address, "/d/mine");
  const elsewhere = commandsOf({ ...HERE, path: "/api/dashboard/errors", query: "?from=1&to=2&service=a" });
  assert.deepEqual(found(elsewhere, "last 6 h").map((one) => one.address), ["/d/mine?from=now-6h&to=now", "/api/dashboard/errors?service=a&range=6h"]);
});

test("notes are found by their words and tags, and lead to their time", () => {
  const [one] = found(COMMANDS, "kettle tea");
  assert.deepEqual([one?.kind, one?.title, one?.address], ["Deployment", "New kettle", "/d/mine?from=2026-11-28T09:30:00Z&to=2026-11-28T10:30:00Z"]);
});

test("actions are found by what they do", () => {
  assert.deepEqual(["dark", "kiosk", "shortcut", "deployment note"].map((typed) => found(COMMANDS, typed)[0]?.action), ["theme", "kiosk", "shortcuts", "note"]);
  assert.equal(found(commandsOf({ ...HERE, path: "/traces" }), "add note").length, 0);
});

test("a pasted trace id leads to its trace, however it is written", () => {
  const id = "4BF92F35-77b34da6a3ce929d0e0e4736";
  assert.deepEqual(
    found(COMMANDS, ` ${id} `).map((one) => one.address),
    ["/api/dashboard/traces?trace=4bf92f3577b34da6a3ce929d0e0e4736"],
  );
  assert.deepEqual(found(COMMANDS, id.slice(0, 20)), []);
});

test("each key leads to one page", () => {
  assert.equal(new Set(GO_TO.map((one) => one.key)).size, GO_TO.length);
});

test("the kiosk is in the address, beside what else it says", () => {
  assert.ok(inKiosk("?kiosk") && inKiosk("?a=1&kiosk=1"));
  assert.ok(!inKiosk("") && !inKiosk("?kiosk=0"));
  assert.equal(withKiosk("/d?from=now-1h"), "/d?from=now-1h&kiosk=1");
  assert.equal(withoutKiosk("/d?from=now-1h&kiosk"), "/d?from=now-1h");
  assert.equal(withoutKiosk("/d?kiosk=1"), "/d");
});

test("deployments that nobody announced are found by service and version, and lead to the dashboard at their time", () => {
  const seen = { insight_id: "c", tenant: "t", kind: "change", change: "deployment", version: "1.4.2", services: ["shop"], at: NOW - 3_600_000, message: "shop runs version 1.4.2; before: 1.4.1", key: "c" } as never;
  const [one] = found(commandsOf({ ...HERE, insights: [seen] }), "shop 1.4.2");
  assert.deepEqual([one?.kind, one?.title], ["Deployment", "shop 1.4.2"]);
  assert.match(one?.about ?? "", / · shop runs version 1\.4\.2; before: 1\.4\.1$/);
  assert.equal(one?.address, "/d/mine?from=2026-11-28T10:30:00Z&to=2026-11-28T11:30:00Z");
});
