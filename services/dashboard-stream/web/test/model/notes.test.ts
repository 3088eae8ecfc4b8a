import assert from "node:assert/strict";
import { test } from "node:test";
import { annotated } from "../../src/charts/annotation-marks.ts";
import type { Figure } from "../../src/charts/figure.ts";
import type { Palette } from "../../src/charts/palette.ts";
import { incidents } from "../../src/model/incidents.ts";
import { annotationsOf, formOf, type InsightVersion, insightsAt, type Note, noteOf } from "../../src/model/notes.ts";
import { anomaly } from "../fixtures.ts";

const NOW = 1_772_370_000_000;
const MINUTE = 60_000;
const NOTE: Note = { id: "1", revision: 3, at: NOW - 5 * MINUTE, until: NOW - 4 * MINUTE, text: "<b>load</b>\n\ntest", tags: ["a"] };
const COLOURS = { muted: "#666666", text: "#000000", surface: "#ffffff" } as Palette;

test("a form says a note, and what is wrong with it where it is", () => {
  const form = formOf(NOTE);
  const read = noteOf(form, NOW, true);
  assert.deepEqual(read, { note: { at: NOTE.at, until: NOTE.until, text: NOTE.text, tags: ["a"] } });
  assert.deepEqual(noteOf({ ...form, from: "now-10m", to: "" }, NOW, true), { note: { at: NOW - 10 * MINUTE, text: NOTE.text, tags: ["a"] } });
  const wrong = (changed: object) => (noteOf({ ...form, ...changed }, NOW, true) as { field: string }).field;
  assert.deepEqual([wrong({ from: "soon" }), wrong({ to: "later" }), wrong({ to: "now-1h" }), wrong({ text: " \n" })], ["from", "to", "to", "text"]);
  const release = noteOf({ ...form, to: "", kind: "deployment", service: " web ", version: "2", tags: "x, x,y" }, NOW, true) as { note: Note };
  assert.deepEqual([release.note.kind, release.note.service, release.note.version, release.note.tags], ["deployment", "web", "2", ["x", "y"]]);
});

test("notes and changes are marked in charts, and nothing of them is markup", () => {
  const change = { insight_id: "c", tenant: "t", kind: "change", change: "deployment", version: "2", services: ["web"], at: NOW, model: "ci", series: "", key: "c" } as never;
  const marks = annotationsOf([NOTE, { ...NOTE, id: "2", at: NOW - 100 * MINUTE, until: NOW - 90 * MINUTE }], [change, anomaly()]);
  assert.deepEqual(marks.map((one) => [one.kind, one.text[0], one.note]), [["deployment", "Deployment web 2", null], ["note", "Note", "1"], ["note", "Note", "2"]]);
  assert.deepEqual(marks[1]?.text, ["Note", "<b>load</b>", "test", "#a"]);
  const figure: Figure = { data: [], layout: { xaxis: { range: [NOW - 10 * MINUTE, NOW] } }, pointed: { lines: [], marks: [] } };
  const drawn = annotated(figure, marks, COLOURS);
  assert.deepEqual(drawn.layout.shapes?.map((shape) => shape.type), ["line", "rect", "line", "line"]);
  assert.deepEqual(drawn.layout.annotations?.map((word) => word.text), ["▲", "✎"]);
  assert.deepEqual(drawn.pointed?.marks.map((mark) => mark.note), [undefined, "1"]);
  assert.equal(annotated(figure, [], COLOURS), figure);
  assert.equal(annotationsOf(Array.from({ length: 500 }, (_, i) => ({ ...NOTE, id: String(i) })), []).length, 60);
  assert.equal([...(annotationsOf([{ ...NOTE, text: "x".repeat(2_000) }], [])[0]?.text[1] ?? "")].length, 120);
});

test("at an instant of a past exactly that is known which had been said, and what was open then is open", () => {
  const version = (phase: string, published: number, last: number, more: object = {}) =>
    ({ ...anomaly({ phase, at: NOW + published * MINUTE, since: NOW } as never), published_at: NOW + published * MINUTE, last_at: NOW + last * MINUTE, ...more }) as InsightVersion;
  const versions = [version("opened", 1, 1, { severity: "warning" }), version("ongoing", 2, 8, { severity: "critical" }), version("resolved", 9, 9)];
  const at = (minute: number) => incidents(insightsAt(versions, { from: NOW }, NOW + minute * MINUTE), NOW + minute * MINUTE).map((one) => [one.open, one.severity]);
  assert.deepEqual(at(0.5), []);
  assert.deepEqual(at(1.5), [[true, "warning"]]);
  assert.deepEqual(at(5), [[true, "critical"]]);
  assert.deepEqual(at(9), [[false, "critical"]]);
  assert.deepEqual(insightsAt(versions, { from: NOW + 10 * MINUTE }, NOW + 11 * MINUTE), []);
});
