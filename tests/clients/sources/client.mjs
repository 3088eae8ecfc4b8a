// The same story as client.py, by the SDKs for Node: `node client.mjs URL KEY COUNT` sends COUNT steps by each of the three.
// Ends with status 0 once every event is delivered, else with what an SDK said.
import { Analytics } from '@segment/analytics-node';
import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import { PostHog } from 'posthog-node';

const [url, key, count] = process.argv.slice(2);
const order = { total: 5, größe: ['L'], unheard: { of: null } };
const failures = [];
const failed = (error) => failures.push(String(error?.reason ?? error));

async function posthog() {
  const client = new PostHog(key, { host: url, flushAt: 20, flushInterval: 100 });
  client.on('error', failed);
  client.capture({ distinctId: 'a-posthog', event: '$pageview', properties: { $process_person_profile: false, $session_id: 's1' } });
  client.identify({ distinctId: 'u-posthog', properties: { $anon_distinct_id: 'a-posthog', plan: 'pro' } });
  client.alias({ distinctId: 'u-posthog', alias: 'old-posthog' });
  client.groupIdentify({ groupType: 'company', groupKey: 'c1', properties: { size: 3 } });
  client.capture({ distinctId: 'u-posthog', event: 'Order Completed', properties: order });
  for (let n = 0; n < count; n++) client.capture({ distinctId: 'u-posthog', event: 'step', properties: { n } });
  await client.shutdown();
}

function call(client, name, sessionId) {
  const userId = `u-${name}`;
  const anonymousId = `a-${name}`;
  client.page({ anonymousId, name: 'Home', properties: { url: '/' } });
  client.identify({ userId, anonymousId, traits: { plan: 'pro' } });
  client.alias({ previousId: anonymousId, userId });
  client.group({ userId, groupId: 'c1', traits: { size: 3 } });
  client.track({ userId, event: 'Order Completed', properties: order, context: { sessionId } });
  for (let n = 0; n < count; n++) client.track({ userId, event: 'step', properties: { n } });
}

async function segment() {
  const client = new Analytics({ writeKey: key, host: url, flushAt: 20, flushInterval: 100 });
  client.on('error', failed);
  call(client, 'segment', 's1');
  await client.closeAndFlush();
}

async function rudderstack() {
  const client = new RudderAnalytics(key, { dataPlaneUrl: url, flushAt: 20, flushInterval: 100, errorHandler: failed });
  const delivered = [];
  const counted = (name) => (message) => delivered.push(new Promise((done) => client[name](message, (error) => done(error && failed(error)))));
  const calls = ['page', 'identify', 'alias', 'group', 'track'].map((name) => [name, counted(name)]);
  call(Object.fromEntries(calls), 'rudderstack', 's1');
  await Promise.all(delivered); // its flush() sends twenty, and does not wait for those that are under way
}

await Promise.all([posthog(), segment(), rudderstack()]);
if (failures.length > 0) {
  console.error(failures.join('\n'));
  process.exit(1);
}
process.exit(0);
