import assert from "node:assert/strict";
import { test } from "node:test";
import { firstEvent, isEmpty, LANGUAGES } from "../../src/panels/first-event.ts";
import { board, GOOD } from "../fixtures.ts";

test("an installation is empty while nothing of an application was received, and only where that is known", () => {
  const asked = [{ name: "events.count.24h" }, { name: "requests.count.24h" }];
  const nothing = { ...GOOD, "cpu_utilization.avg{service=gateway}": 0.1 };
  assert.equal(isEmpty(board(nothing), asked), true);
  assert.equal(isEmpty(board({ ...nothing, "events.count.24h": 1 }), asked), false);
  assert.equal(isEmpty(board({ ...nothing, "requests.count.24h": 1 }), asked), false);
  assert.equal(isEmpty(board({ ...nothing, "stream.history_ready": 0 }), asked), false);
  assert.equal(isEmpty(board(nothing), []), false, "it does not ask");
});

test("a first event is for this gateway, with its id, in each language", () => {
  for (const { name } of LANGUAGES) {
    const code = firstEvent(name, "http://localhost:8000", "first-1");
    for (const part of ["http://localhost:8000/api/events", '"event_id":"first-1"', "DRISHTI_API_KEY"]) assert.ok(code.includes(part), `${name}: ${part}`);
  }
});
