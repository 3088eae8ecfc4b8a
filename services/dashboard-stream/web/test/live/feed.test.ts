import assert from "node:assert/strict";
import { test, type TestContext } from "node:test";
import { address, Feed, type Link, meaning, pause } from "../../src/live/feed.ts";
import type { Frame } from "../../src/model/contracts.ts";

test("a page reconnects after a restart, but not to what does not exist or without a key", () => {
  assert.deepEqual([1006, 1012, 4408, 4429, 4404, 4401, 4403].map((code) => meaning(code).final), [false, false, false, false, true, true, true]);
  assert.deepEqual([meaning(4401).key, meaning(4404).key], [true, false]);
});

test("a page comes soon after a restart, later after a long outage, and not with all others at once", () => {
  assert.deepEqual([pause(0, 0), pause(0, 0.999) < 750, pause(3, 0.5), pause(20, 0.5), pause(22, 0.5), pause(60, 0.5)], [250, true, 1_500, 1_500, 6_000, 15_000]);
  for (let tries = 0; tries <= 20; tries += 1) assert.ok(pause(tries, 0.999) < 2_500);
});

test("a page that has a frame says which", () => {
  const at = (path: string, epoch: string) => String(address(path, epoch, 42, "https://here/api/dashboard/dashboard/a"));
  assert.equal(at("/ws/a", ""), "wss://here/ws/a");
  assert.equal(at("/ws/a", "e7f3.1"), "wss://here/ws/a?since=e7f3.1%3A42");
  assert.equal(at("/ws/a?var-model=b%26c", "e7f3.1"), "wss://here/ws/a?var-model=b%26c&since=e7f3.1%3A42");
});

/** A page with one feed, whose sockets do nothing by themselves and whose clock is set by the test. */
function page(context: TestContext) {
  context.mock.timers.enable({ apis: ["setTimeout", "setInterval", "Date"], now: 1_800_000_000_000 });
  const sockets: { url: string; closed: boolean; onmessage: ((message: { data: string }) => void) | null; onclose: ((event: { code: number }) => void) | null }[] = [];
  class Socket {
    onmessage = null;
    onclose = null;
    closed = false;
    readonly url: string;
    constructor(url: URL) {
      this.url = String(url);
      sockets.push(this);
    }
    close() {
      this.closed = true;
    }
  }
  Object.assign(globalThis, { WebSocket: Socket, window: globalThis, location: { href: "http://here/api/dashboard/dashboard/a" } });
  const links: Link["state"][] = [];
  let seq = 0;
  const feed = new Feed(
    () => address("/api/dashboard/ws/a", "e1", seq, location.href),
    (frame: Frame) => {
      seq = frame.seq;
      return true;
    },
    (link) => links.push(link.state),
  );
  context.after(() => feed.end());
  feed.open();
  return { feed, sockets, links, frame: (number: number) => sockets.at(-1)?.onmessage?.({ data: JSON.stringify({ seq: number }) }) };
}

test("a page that wakes after hours does not wait for its dead socket, and goes on from the frame that it has", (context) => {
  const { feed, sockets, links, frame } = page(context);
  frame(7);
  context.mock.timers.setTime(Date.now() + 3 * 3_600_000); // the machine slept: no timer ran
  feed.returned();
  assert.deepEqual([sockets.length, sockets[0]?.closed, sockets[1]?.url], [2, true, "ws://here/api/dashboard/ws/a?since=e1%3A7"]);
  frame(8);
  assert.deepEqual(links, ["connecting", "open", "connecting", "open"]);
});

test("a page that slept while it was seen notices without any event", (context) => {
  const { sockets, frame } = page(context);
  frame(7);
  context.mock.timers.setTime(Date.now() + 3_600_000);
  context.mock.timers.tick(1_000);
  assert.equal(sockets[0]?.closed, true);
  context.mock.timers.tick(1_000);
  assert.equal(sockets.length, 2);
});

test("a page whose frames come is left alone when somebody returns to it", (context) => {
  const { feed, sockets, frame } = page(context);
  frame(7);
  context.mock.timers.tick(2_000);
  feed.returned();
  assert.deepEqual([sockets.length, sockets[0]?.closed], [1, false]);
});

test("a page that waits for its next try comes at once when the network is back, and soon again where that was too early", (context) => {
  const { feed, sockets, frame } = page(context);
  frame(7);
  sockets[0]?.onclose?.({ code: 1006 });
  assert.equal(sockets.length, 1);
  feed.returned();
  assert.equal(sockets.length, 2);
  frame(8);
  sockets[1]?.onclose?.({ code: 1006 });
  context.mock.timers.tick(750);
  assert.equal(sockets.length, 3);
});
