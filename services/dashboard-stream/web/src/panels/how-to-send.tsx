/** What to do where no spans have been received: said on every page that is drawn from spans. */
export function HowToSend() {
  return (
    <p>
      Send spans with any OpenTelemetry SDK: <code>OTEL_EXPORTER_OTLP_ENDPOINT={location.origin}</code>, <code>OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf</code> and{" "}
      <code>OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer%20&lt;key&gt;</code>. The key of a local run is in <code>.drishti/client.env</code>.
    </p>
  );
}
