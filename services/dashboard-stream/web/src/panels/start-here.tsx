/** An installation that has received nothing yet: how to send a first event, which turns the panel green when it arrives. */
import { useState } from "preact/hooks";
import type { Board } from "../model/board.ts";
import type { Entry } from "../model/catalogue.ts";
import { firstEvent, isEmpty, LANGUAGES, type Language } from "./first-event.ts";

export function StartHere({ board, asked, origin }: { board: Board; asked: readonly Entry[]; origin: string }) {
  const [language, setLanguage] = useState<Language>("curl");
  const [id] = useState(() => `first-${Date.now()}`);
  const [seenEmpty, setSeenEmpty] = useState(false);
  const [copied, setCopied] = useState("");
  const empty = isEmpty(board, asked);
  if (empty && !seenEmpty) setSeenEmpty(true);
  if (!empty && !seenEmpty) return null;
  if (!empty) {
    return (
      <section class="panel start-here arrived" role="status">
        <p>
          <strong>✓ The first data has arrived.</strong> It is in the numbers below and on the page <a href="/api/dashboard/metrics">Metrics</a>.
        </p>
      </section>
    );
  }
  const code = firstEvent(language, origin, id);
  const copy = () => {
    navigator.clipboard.writeText(code).then(
      () => setCopied("Copied"),
      () => setCopied("The browser does not allow it: select the text instead"),
    );
  };
  return (
    <section class="panel start-here" aria-label="Start here">
      <h2>
        Start here: send a first event <small>this panel turns green when it arrives</small>
      </h2>
      <p class="muted">
        Load the key into your shell first. Local run: <code>set -a; . .drishti/client.env; set +a</code>. With Docker, or for others: <code>drishti keys create --role producer --name first</code>,
        then <code>export DRISHTI_API_KEY=…</code>.
      </p>
      <div class="segments" role="group" aria-label="Language">
        {LANGUAGES.map((one) => (
          <button
            type="button"
            key={one.name}
            aria-pressed={one.name === language}
            onClick={() => {
              setLanguage(one.name);
              setCopied("");
            }}
          >
            {one.title}
          </button>
        ))}
        <button type="button" class="copy" onClick={copy}>
          Copy
        </button>
        <span role="status" class="muted">
          {copied}
        </span>
      </div>
      <pre tabIndex={0} aria-label="Command">
        <code>{code}</code>
      </pre>
      <p class="muted">
        Requests, calls of models and traces come by themselves from <code>drishti.instrument(app)</code> or any OpenTelemetry SDK with{" "}
        <code>OTEL_EXPORTER_OTLP_ENDPOINT={origin}</code>.
      </p>
    </section>
  );
}
