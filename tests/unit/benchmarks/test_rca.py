"""A small day in the layout of recorded ones: read with its faults mended, converted to OTLP, and ranked."""

from __future__ import annotations

import io
import json
import re
import tarfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from benchmarks.processes import BenchmarkFailed
from benchmarks.rca import converter, product
from benchmarks.rca.__main__ import main
from benchmarks.rca.nezha import Day, Fault, service_of
from drishti.events import encode
from drishti.messages.root_causes import CauseSuspect, RootCauseAnswer

BEGIN = 1_661_140_800
"""2022-08-22 04:00:00 UTC"""

FAULT = BEGIN + 600
FRONT, STOCK, MAIL = "front-579b9bff58-t2dbm", "stock-service-6cfdd55578-gfj6q", "mail-9cdb6588f-554sm"
SPANS = "TraceID,SpanID,ParentID,PodName,OperationName,StartTimeUnixNano,EndTimeUnixNano,Duration"
LOGS = "Timestamp,TimeUnixNano,Node,PodName,Container,TraceID,SpanID,Log"
METRICS = "Time,TimeStamp,PodName,CpuUsage(m),MemoryUsage(Mi),PodWorkload(Ops)"


def trace(number: int, at_s: float, stock_ms: int) -> tuple[list[str], list[str]]:
    """One request of two calls, the rows of its spans and of its log lines."""
    identity, begin, mail = f"{number:032x}", int(at_s * 1000), 7

    def row(span: int, parent: int, pod: str, name: str, start: int, end: int) -> str:
        above = f"{number:08x}{parent:08x}" if parent else "root"
        times = f"{(begin + start) * 10**6},{(begin + end) * 10**6},{(end - start) * 1000}"
        return f"{identity},{number:08x}{span:08x},{above},{pod},{name},{times}"

    def line(span: int, pod: str, at: int, text: str, *, overflowed: bool = False) -> str:
        moment = begin + at
        stamp = datetime.fromtimestamp(moment / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3]
        said = json.dumps({"log": f"{text} id: {number}\n", "stream": "stdout"}).replace('"', '""')
        time_ns = -6795364578871345152 if overflowed else moment * 10**6
        return f'{stamp},{time_ns},node,{pod},server,{identity},{number:08x}{span:08x},"{said}"'

    spans = [
        row(1, 0, FRONT, "/buy", 0, stock_ms + mail + 10),
        row(2, 1, FRONT, "HTTP GET", 1, stock_ms + 4),
        row(3, 2, STOCK, "/stock", 2, stock_ms + 2),
        row(4, 1, FRONT, "HTTP POST", stock_ms + 5, stock_ms + mail + 8),
        row(5, 4, MAIL, "/mail", stock_ms + 6, stock_ms + mail + 6),
    ]
    logs = [line(1, FRONT, 0, "INFO buying"), line(3, STOCK, 3, "WARN looking", overflowed=number % 7 == 0)]
    return spans, logs


def archive(path: Path, files: dict[str, list[str]]) -> None:
    with tarfile.open(path, "w:xz") as tar:
        for name, lines in files.items():
            data = "\n".join(lines).encode()
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten quiet minutes, and three in which the stock is slow. The trace at each change of minute is in both files."""
    made = tmp_path_factory.mktemp("day")
    files: dict[str, dict[str, list[str]]] = {"faultfree": {}, "trace": {}, "log": {}, "metric": {}}
    straddling: tuple[list[str], list[str]] = ([], [])
    for minute in range(13):
        begin = BEGIN + 60 * minute
        spans, logs = [SPANS, *straddling[0]], [LOGS, *straddling[1]]
        for number in range(1, 13):
            at = begin + number * 4.9
            straddling = trace(1000 * minute + number, at, 400 if at >= FAULT else 20 + number % 3)
            spans += straddling[0]
            logs += straddling[1]
        kind = "faultfree" if minute == 0 else "trace"
        backwards = f"e{minute:031x},e{minute:015x},root,{FRONT},/buy,{begin * 10**9 + 5},{begin * 10**9},0"
        files[kind][f"any/2022-08-22/trace/04_{minute:02}_trace.csv"] = [*spans, "a row that ends", backwards]
        files["faultfree" if minute == 0 else "log"][f"any/2022-08-22/log/04_{minute:02}_log.csv"] = logs
    for pod in (FRONT, STOCK, MAIL):
        rows = [METRICS, *(f"day,{BEGIN + 60 * minute},{pod},5.5,100,NaN" for minute in range(13))]
        for kind in ("faultfree", "metric"):
            files[kind][f"any/2022-08-22/metric/{pod}_metric.csv"] = rows
    files["metric"]["any/2022-08-22/metric/front_service.csv"] = ["Time,TimeStamp,ServiceName", "day,1,Frontend"]
    for name, contents in files.items():
        archive(made / f"2022-08-22-{name}.tar.xz", contents)
    fault = {
        "inject_time": "2022-08-22 04:10:00",
        "inject_timestamp": str(FAULT - 60),
        "inject_pod": STOCK,
        "inject_type": "network_delay",
    }
    (made / "2022-08-22-fault_list.json").write_text(json.dumps({"04": [fault]}))
    return made


def test_what_is_wrong_with_the_files_is_mended(folder: Path, tmp_path: Path) -> None:
    day = Day(folder, tmp_path)
    assert day.faults() == [Fault(FAULT, "stock-service", "network_delay")]
    spans = [span for rows in day.spans() for span in rows]
    assert len(spans) == 13 * (12 * 5 + 1)
    assert len({span.span_id for span in spans}) == len(spans)
    assert day.unreadable == 13
    lines = [line for rows in day.logs() for line in rows]
    assert len(lines) == len(set(lines)) == 13 * 12 * 2
    assert all(BEGIN <= line.time_ns / 10**9 < BEGIN + 13 * 60 + 2 for line in lines)
    gauges = [row for rows in day.gauges() for row in rows]
    assert len(gauges) == 3 * 13
    assert gauges[0].values == (("CpuUsage(m)", 5.5), ("MemoryUsage(Mi)", 100.0))


def test_a_day_as_otlp(folder: Path, tmp_path: Path) -> None:
    day = Day(folder, tmp_path)
    rows = next(iter(day.spans()))[:5]
    messages = converter.spans(rows, {rows[2].span_id: "NoStock"})
    kinds = {span.name: span.kind for message in messages for span in message.scope_spans[0].spans}
    assert kinds == {
        "/buy": Span.SPAN_KIND_SERVER,
        "HTTP GET": Span.SPAN_KIND_CLIENT,
        "/stock": Span.SPAN_KIND_SERVER,
        "HTTP POST": Span.SPAN_KIND_CLIENT,
        "/mail": Span.SPAN_KIND_SERVER,
    }
    (failed,) = [span for message in messages for span in message.scope_spans[0].spans if span.events]
    assert (failed.name, failed.events[0].attributes[0].value.string_value) == ("/stock", "NoStock")
    attributes = {pair.key: pair.value.string_value for pair in messages[1].resource.attributes}
    assert attributes == {"service.name": "stock-service", "k8s.pod.name": STOCK}
    (record, *_) = [
        record
        for message in converter.logs(next(iter(day.logs())))
        for record in message.scope_logs[0].log_records
        if record.severity_text == "WARN"
    ]
    assert record.body.string_value.startswith("WARN looking id: ")
    (sent,) = converter.gauges(next(iter(day.gauges())))
    by_name = {metric.name: metric.gauge.data_points[0].as_double for metric in sent.scope_metrics[0].metrics}
    assert by_name == {"k8s.pod.cpu.usage": pytest.approx(0.0055), "k8s.pod.memory.usage": 100 * 2**20}


def test_the_bench_closes_with_both_shares(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(folder), "--why", "--synthetic", "2"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == ["top-1 100.0 %", "top-3 100.0 %"]
    assert "13 spans are refused for their end_time_unix_nano" in said
    assert any("network_delay" in line and "rank 1" in line for line in said)
    assert any("own time of /stock 400 ms instead of 21 ms" in line for line in said)
    assert any(line.startswith("synthetic return") for line in said)


def test_a_folder_without_a_day_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(BenchmarkFailed, match="must hold one file"):
        Day(tmp_path, tmp_path)
    assert main([str(tmp_path)]) == 2
    assert "must hold one file <date>-fault_list.json, and holds 0" in capsys.readouterr().err


def test_unpacked_traces_and_one_fault_are_enough(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day = tmp_path / "day"
    for kind in ("faultfree", "trace"):
        with tarfile.open(folder / f"2022-08-22-{kind}.tar.xz") as tar:
            tar.extractall(tmp_path / kind, filter="data")
        for number, path in enumerate(sorted((tmp_path / kind).rglob("trace/*.csv"))):
            moved = day / "inner" / "trace" / f"{4 if kind == 'trace' else 3}_{number}.csv"
            moved.parent.mkdir(parents=True, exist_ok=True)
            path.rename(moved)
    (day / "fault_list.json").write_text(json.dumps([{"inject_timestamp": FAULT, "inject_pod": STOCK, "inject_type": "slow"}]))
    assert main([str(day), "--synthetic", "0"]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2:] == ["top-1 100.0 %", "top-3 100.0 %"]
    assert {"there are no files of logs: ranked without them", "there are no files of metrics: ranked without them"} <= set(
        said
    )
    assert main([str(day), "--hard", "2"]) == 0


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("2022-08-22-fault_list.json", "{", "2022-08-22-fault_list.json: cannot be read: JSONDecodeError"),
        ("2022-08-22-fault_list.json", '{"04": [{"inject_pod": "a"}]}', "cannot be read: KeyError: 'inject_timestamp'"),
        ("2022-08-22-fault_list.json", "{}", "2022-08-22-fault_list.json: names no fault"),
        ("2022-08-22-trace.tar.xz", "no archive", "2022-08-22-trace.tar.xz: cannot be read: ReadError"),
        ("", "", "has no traces: neither 2022-08-22-trace.tar.xz nor a folder trace with CSV files"),
    ],
)
def test_what_is_wrong_with_a_folder_is_said(name: str, content: str, message: str, tmp_path: Path) -> None:
    fault = {"inject_time": "2022-08-22 04:10:00", "inject_pod": STOCK, "inject_type": "slow"}
    (tmp_path / "2022-08-22-fault_list.json").write_text(json.dumps({"04": [fault]}))
    if name:
        (tmp_path / name).write_text(content)
    with pytest.raises(BenchmarkFailed, match=re.escape(message)):
        Day(tmp_path, tmp_path / "scratch")


def test_a_pod_is_of_a_service() -> None:
    assert service_of("ts-order-service-5b67c48447-fj8b7") == "ts-order-service"
    assert service_of("frontend") == "frontend"


def test_a_day_is_moved_by_whole_minutes_to_end_just_now(folder: Path, tmp_path: Path) -> None:
    day = Day(folder, tmp_path)
    ended_ns, now_ns = day.ended_ns(), 1_800_000_007 * 10**9
    assert ended_ns == (BEGIN + 13 * 60) * 10**9
    moved = product.shift(ended_ns, now_ns)
    assert moved % product.MINUTE_NS == 0
    assert 60 * 10**9 <= now_ns - (ended_ns + moved) < 120 * 10**9
    spans, logs, points = [], [], []
    for (path, body), count in product.spans(day, moved):
        assert path == "/v1/traces"
        sent = ExportTraceServiceRequest.FromString(body).resource_spans
        spans += [span for message in sent for span in message.scope_spans[0].spans]
        assert count == sum(len(message.scope_spans[0].spans) for message in sent)
    for (_, body), _ in product.logs(day, moved):
        found = ExportLogsServiceRequest.FromString(body).resource_logs
        logs += [record for message in found for record in message.scope_logs[0].log_records]
    for (_, body), count in product.metrics(day, moved, ended_ns - 2 * product.MINUTE_NS):
        metrics = ExportMetricsServiceRequest.FromString(body).resource_metrics[0].scope_metrics[0].metrics
        points += [point.time_unix_nano for metric in metrics for point in metric.gauge.data_points]
        assert count == 2 * 11
    first_ns = BEGIN * 10**9 + moved
    assert len(spans) == 13 * (12 * 5 + 1)
    assert (min(span.start_time_unix_nano for span in spans), len(logs)) == (first_ns + 5, 13 * 12 * 2)
    assert all(first_ns <= record.time_unix_nano < ended_ns + moved + 10**9 * 2 for record in logs)
    assert (min(points), max(points)) == (first_ns, first_ns + 10 * product.MINUTE_NS)


async def test_the_product_is_asked_for_three_minutes_from_when_a_fault_began() -> None:
    suspects = [CauseSuspect(service=name, kind="gap", score=30.0, path=[name], evidence=[]) for name in ("front", "stock")]
    late = 0

    async def answered(request: web.Request) -> web.Response:
        from_ms, to_ms = int(request.query["from"]), int(request.query["to"])
        answer = RootCauseAnswer(
            from_ms=from_ms, to_ms=to_ms, as_of=to_ms, complete_to=to_ms - late, usual_from=from_ms, clear=True, traces=5,
            usual_traces=50, sampled=1.0, suspects=suspects,
        )  # fmt: skip
        return web.Response(body=encode(answer))

    app = web.Application()
    app.router.add_get("/api/analytics/root-cause", answered)
    async with TestServer(app) as server, aiohttp.ClientSession(server.make_url("")) as http:
        found = await product.ask(http, Fault(FAULT, "stock", "network_delay"), product.MINUTE_NS)
        other = await product.ask(http, Fault(FAULT, "mail", "network_delay"), 0)
        late = 60_000
        with pytest.raises(BenchmarkFailed, match="were not counted"):
            await product.ask(http, Fault(FAULT, "mail", "network_delay"), 0)
    assert (found.place, other.place) == (2, 0)
    assert (found.answer.from_ms, found.answer.to_ms) == ((FAULT + 60) * 1000, (FAULT + 240) * 1000)
    assert "rank 2" in product.line(found)
    run = product.Run("a day", [found, other], Counter({product.TRACES: 10}), 10, 1.0, 2.0, 3.0, 100.0)
    missed, lost = product.result(run), product.result(run._replace(ranked=[found._replace(place=1)], stored=9))
    met = product.result(run._replace(ranked=[found._replace(place=1)]))
    assert (missed.met, lost.met, met.met) == (False, False, True)
    assert missed.ours.startswith("top-1 0.0 %, top-3 50.0 %; loaded and ranked in 3 s")
