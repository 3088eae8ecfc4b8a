import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.logs.Severity;
import io.opentelemetry.exporter.otlp.http.logs.OtlpHttpLogRecordExporter;
import io.opentelemetry.exporter.otlp.http.metrics.OtlpHttpMetricExporter;
import io.opentelemetry.exporter.otlp.http.trace.OtlpHttpSpanExporter;
import io.opentelemetry.exporter.otlp.logs.OtlpGrpcLogRecordExporter;
import io.opentelemetry.exporter.otlp.metrics.OtlpGrpcMetricExporter;
import io.opentelemetry.exporter.otlp.trace.OtlpGrpcSpanExporter;
import io.opentelemetry.sdk.common.CompletableResultCode;
import io.opentelemetry.sdk.logs.SdkLoggerProvider;
import io.opentelemetry.sdk.logs.export.LogRecordExporter;
import io.opentelemetry.sdk.logs.export.SimpleLogRecordProcessor;
import io.opentelemetry.sdk.metrics.SdkMeterProvider;
import io.opentelemetry.sdk.metrics.export.MetricExporter;
import io.opentelemetry.sdk.metrics.export.PeriodicMetricReader;
import io.opentelemetry.sdk.resources.Resource;
import io.opentelemetry.sdk.trace.SdkTracerProvider;
import io.opentelemetry.sdk.trace.export.SimpleSpanProcessor;
import io.opentelemetry.sdk.trace.export.SpanExporter;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Sends one span, one metric point and one log record by the exporters of OpenTelemetry's Java SDK: {@code Client PROTOCOL URL
 * KEY SERVICE}, where PROTOCOL is grpc or http/protobuf. Fails where an export is not accepted: the exporters log why.
 */
public final class Client {
  private static final int WAIT_S = 60;

  public static void main(String[] arguments) {
    String protocol = arguments[0], url = arguments[1], authorization = "Bearer " + arguments[2];
    Resource resource = Resource.create(Attributes.of(AttributeKey.stringKey("service.name"), arguments[3]));
    SpanExporter spans;
    MetricExporter points;
    LogRecordExporter records;
    if (protocol.equals("grpc")) {
      spans = OtlpGrpcSpanExporter.builder().setEndpoint(url).addHeader("authorization", authorization).setCompression("gzip").build();
      points = OtlpGrpcMetricExporter.builder().setEndpoint(url).addHeader("authorization", authorization).build();
      records = OtlpGrpcLogRecordExporter.builder().setEndpoint(url).addHeader("authorization", authorization).setCompression("gzip").build();
    } else {
      spans = OtlpHttpSpanExporter.builder().setEndpoint(url + "/v1/traces").addHeader("authorization", authorization).setCompression("gzip").build();
      points = OtlpHttpMetricExporter.builder().setEndpoint(url + "/v1/metrics").addHeader("authorization", authorization).build();
      records = OtlpHttpLogRecordExporter.builder().setEndpoint(url + "/v1/logs").addHeader("authorization", authorization).setCompression("gzip").build();
    }
    SdkTracerProvider traces =
        SdkTracerProvider.builder().setResource(resource).addSpanProcessor(SimpleSpanProcessor.create(spans)).build();
    traces.get("test").spanBuilder("work").startSpan()
        .setAttribute("http.route", "/a").setAttribute("n", 3)
        .setAttribute(AttributeKey.stringArrayKey("list"), List.of("a", "b"))
        .addEvent("happened").end();
    PeriodicMetricReader reader = PeriodicMetricReader.builder(points).setInterval(Duration.ofMinutes(1)).build();
    SdkMeterProvider meters = SdkMeterProvider.builder().setResource(resource).registerMetricReader(reader).build();
    meters.get("test").counterBuilder("jobs").build().add(2);
    SdkLoggerProvider logs =
        SdkLoggerProvider.builder().setResource(resource).addLogRecordProcessor(SimpleLogRecordProcessor.create(records)).build();
    logs.get("test").logRecordBuilder().setSeverity(Severity.INFO).setBody("hello").emit();
    check("spans", traces.forceFlush());
    check("points", meters.forceFlush());
    check("records", logs.forceFlush());
    check("end", CompletableResultCode.ofAll(List.of(traces.shutdown(), meters.shutdown(), logs.shutdown())));
    System.exit(0);
  }

  private static void check(String what, CompletableResultCode result) {
    if (!result.join(WAIT_S, TimeUnit.SECONDS).isSuccess()) {
      System.err.println(what + " were not accepted");
      System.exit(1);
    }
  }
}
