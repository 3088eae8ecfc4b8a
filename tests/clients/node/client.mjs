// Sends one span, one metric point and one log record by the exporters of OpenTelemetry's Node SDK: `node client.mjs PROTOCOL URL KEY SERVICE`,
// where PROTOCOL is grpc, http/protobuf or http/json. Ends with status 0 where every export was accepted, else with what was said.
import { Metadata, credentials } from '@grpc/grpc-js';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import { LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs';

const [protocol, url, key, service] = process.argv.slice(2);
const kind = { grpc: 'grpc', 'http/protobuf': 'proto', 'http/json': 'http' }[protocol];
const { OTLPTraceExporter } = await import(`@opentelemetry/exporter-trace-otlp-${kind}`);
const { OTLPMetricExporter } = await import(`@opentelemetry/exporter-metrics-otlp-${kind}`);
const { OTLPLogExporter } = await import(`@opentelemetry/exporter-logs-otlp-${kind}`);

function options(path) {
  if (kind !== 'grpc') {
    return { url: url + path, headers: { authorization: `Bearer ${key}` }, compression: 'gzip' };
  }
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  return { url, metadata, credentials: credentials.createInsecure(), compression: 'gzip' };
}

// The SDK swallows failures of exporters: each result is looked at before it goes on.
const results = [];
function watched(exporter) {
  const send = exporter.export.bind(exporter);
  exporter.export = (items, done) => send(items, (result) => { results.push(result); done(result); });
  return exporter;
}

const resource = resourceFromAttributes({ 'service.name': service });
const traces = new BasicTracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor(watched(new OTLPTraceExporter(options('/v1/traces'))))] });
const reader = new PeriodicExportingMetricReader({ exporter: watched(new OTLPMetricExporter(options('/v1/metrics'))), exportIntervalMillis: 60_000 });
const meters = new MeterProvider({ resource, readers: [reader] });
const logs = new LoggerProvider({ resource, processors: [new SimpleLogRecordProcessor({ exporter: watched(new OTLPLogExporter(options('/v1/logs'))) })] });

const span = traces.getTracer('test').startSpan('work', { attributes: { 'http.route': '/a', n: 3, ok: true, list: ['a', 'b'] } });
span.addEvent('happened', { x: 1.5 });
span.end();
meters.getMeter('test').createCounter('jobs').add(2, { kind: 'a' });
logs.getLogger('test').emit({ severityNumber: 9, body: 'hello', attributes: { a: 1 } });
await Promise.all([traces.forceFlush(), meters.forceFlush(), logs.forceFlush()]);
await Promise.all([traces.shutdown(), meters.shutdown(), logs.shutdown()]);
const failed = results.filter((result) => result.code !== 0);
for (const { error } of failed) console.error(error?.code, error?.message, error?.data);
process.exit(failed.length || results.length < 3 ? 1 : 0);
