// Command otlpclient sends one span, one metric point and one log record by OpenTelemetry's exporters for Go:
// otlpclient PROTOCOL ADDRESS KEY SERVICE, where PROTOCOL is grpc or http/protobuf. It fails where an export is not accepted.
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetricgrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlpmetric/otlpmetrichttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func main() {
	protocol, address, key, service := os.Args[1], os.Args[2], os.Args[3], os.Args[4]
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	headers := map[string]string{"authorization": "Bearer " + key}
	var spans sdktrace.SpanExporter
	var points sdkmetric.Exporter
	var records sdklog.Exporter
	var err error
	if protocol == "grpc" {
		spans, err = otlptracegrpc.New(ctx, otlptracegrpc.WithInsecure(), otlptracegrpc.WithEndpoint(address),
			otlptracegrpc.WithHeaders(headers), otlptracegrpc.WithCompressor("gzip"))
		check(err)
		points, err = otlpmetricgrpc.New(ctx, otlpmetricgrpc.WithInsecure(), otlpmetricgrpc.WithEndpoint(address),
			otlpmetricgrpc.WithHeaders(headers))
		check(err)
		records, err = otlploggrpc.New(ctx, otlploggrpc.WithInsecure(), otlploggrpc.WithEndpoint(address),
			otlploggrpc.WithHeaders(headers), otlploggrpc.WithCompressor("gzip"))
	} else {
		spans, err = otlptracehttp.New(ctx, otlptracehttp.WithInsecure(), otlptracehttp.WithEndpoint(address),
			otlptracehttp.WithHeaders(headers), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		check(err)
		points, err = otlpmetrichttp.New(ctx, otlpmetrichttp.WithInsecure(), otlpmetrichttp.WithEndpoint(address),
			otlpmetrichttp.WithHeaders(headers))
		check(err)
		records, err = otlploghttp.New(ctx, otlploghttp.WithInsecure(), otlploghttp.WithEndpoint(address),
			otlploghttp.WithHeaders(headers), otlploghttp.WithCompression(otlploghttp.GzipCompression))
	}
	check(err)
	about := resource.NewSchemaless(attribute.String("service.name", service))

	traces := sdktrace.NewTracerProvider(sdktrace.WithResource(about))
	recorded := &kept{}
	traces.RegisterSpanProcessor(recorded)
	_, span := traces.Tracer("test").Start(ctx, "work")
	span.SetAttributes(attribute.String("http.route", "/a"), attribute.Int("n", 3), attribute.StringSlice("list", []string{"a", "b"}))
	span.AddEvent("happened")
	span.End()
	check(spans.ExportSpans(ctx, recorded.spans))
	check(spans.Shutdown(ctx))

	reader := sdkmetric.NewPeriodicReader(points)
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithResource(about), sdkmetric.WithReader(reader))
	counter, err := meters.Meter("test").Int64Counter("jobs")
	check(err)
	counter.Add(ctx, 2)
	check(meters.ForceFlush(ctx))
	check(meters.Shutdown(ctx))

	logs := sdklog.NewLoggerProvider(sdklog.WithResource(about), sdklog.WithProcessor(sdklog.NewSimpleProcessor(records)))
	var record log.Record
	record.SetTimestamp(time.Now())
	record.SetSeverity(log.SeverityInfo)
	record.SetBody(attribute.StringValue("hello"))
	logs.Logger("test").Emit(ctx, record)
	check(logs.ForceFlush(ctx))
	check(logs.Shutdown(ctx))
}

// kept keeps the spans that have ended, so that the error of their export is seen.
type kept struct{ spans []sdktrace.ReadOnlySpan }

func (k *kept) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (k *kept) OnEnd(span sdktrace.ReadOnlySpan)                { k.spans = append(k.spans, span) }
func (k *kept) Shutdown(context.Context) error                  { return nil }
func (k *kept) ForceFlush(context.Context) error                { return nil }
