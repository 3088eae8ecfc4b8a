/** What to do where no events of users are there: said on every page that counts users. */
export function HowToIdentify() {
  return (
    <p>
      Users are counted by events with a <code>user_id</code>. Post them to <code>{location.origin}/api/events</code> with the key of a producer, for example{" "}
      <code>{'{"event_id": "1", "event_type": "page_view", "user_id": "ada", "data": {"page": "/tea"}}'}</code>, or point an SDK of PostHog, Segment or RudderStack here. The key of a local run is in <code>.drishti/client.env</code>.
    </p>
  );
}
