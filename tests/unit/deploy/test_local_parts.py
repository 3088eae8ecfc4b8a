"""The parts of a local run that need no server: home, settings, environments, terminal, errors."""

from __future__ import annotations

import configparser
import errno
import io
import json
import os
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from supervisor.loggers import LogRecord

from drishti.messages import catalogue
from drishti.settings import load
from drishti_local import child, home, nats, ports
from drishti_local.errors import LocalError, explain, explain_output
from drishti_local.home import SOCKET_FOLDER_MAX, Home, write_private
from drishti_local.ports import free_port
from drishti_local.programs import Programs, group_of
from drishti_local.recovery import Recovery
from drishti_local.settings import LocalSettings
from drishti_local.spec import Spec
from drishti_local.supervision import Event, Supervisor, parse_event
from drishti_local.supervisord import SafeFileHandler
from drishti_local.terminal import Tail, Terminal


def programs(tmp_path: Path, environ: dict[str, str]) -> Programs:
    secrets = Home(tmp_path / "home").secrets(catalogue.USERS)
    return Programs(load(LocalSettings, environ), secrets, "postgresql://x", environ)


def test_secrets_are_made_once_and_closed(tmp_path: Path) -> None:
    first = Home(tmp_path / "home").secrets(catalogue.USERS)
    again = Home(tmp_path / "home").secrets(catalogue.USERS)
    assert vars(first) == vars(again)
    assert len(set(first.nats.values())) == len(catalogue.USERS)
    assert stat.S_IMODE((tmp_path / "home" / "secrets.json").stat().st_mode) == 0o600


def test_user_added_to_the_catalogue_gets_a_password_and_the_others_keep_theirs(tmp_path: Path) -> None:
    first = Home(tmp_path / "home").secrets(("a",))
    again = Home(tmp_path / "home").secrets(("a", "b"))
    assert again.nats["a"] == first.nats["a"]
    assert again.nats["b"]


def test_damaged_secrets_are_not_replaced(tmp_path: Path) -> None:
    place = Home(tmp_path / "home")
    (place.path / "secrets.json").write_text("{")
    with pytest.raises(LocalError, match="damaged"):
        place.secrets(("a",))
    assert (place.path / "secrets.json").read_text() == "{"


def test_home_is_held_by_one_run_at_a_time(tmp_path: Path) -> None:
    place = Home(tmp_path / "home")
    with place.locked(), pytest.raises(LocalError, match=f"process {os.getpid()}"), Home(tmp_path / "home").locked():
        pass
    with Home(tmp_path / "home").locked():
        pass


def test_foreign_folder_keeps_its_mode(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir(mode=0o750)
    Home(folder)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o750


def test_sockets_of_a_deep_home_lie_where_their_names_fit(tmp_path: Path) -> None:
    deep = Home(tmp_path / ("d" * 100) / "home")
    folder = deep.socket_folder("sockets")
    try:
        assert len(os.fsencode(folder)) <= SOCKET_FOLDER_MAX
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    finally:
        folder.rmdir()


def test_private_file_is_never_open_to_others(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_private(tmp_path / "x", "secret")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_only_analytics_gets_the_database_and_each_its_own_user(tmp_path: Path) -> None:
    environ = {"PATH": "/bin", "AWS_SECRET_ACCESS_KEY": "x", "GATEWAY_LIMIT": "5", "DATABASE_URL": "", "PREDICTOR_WATCH": "a"}
    made = {p.name: p.spec.env for p in programs(tmp_path, environ).services()}
    assert set(made) == set(catalogue.SERVICES)
    assert [name for name, env in made.items() if "DATABASE_URL" in env] == ["analytics"]
    assert [env["NATS_USER"] for env in made.values()] == list(made)
    assert len({env["NATS_PASSWORD"] for env in made.values()}) == len(made)
    assert made["gateway"]["GATEWAY_LIMIT"] == "5"
    assert "GATEWAY_LIMIT" not in made["predictor"]
    assert not any("AWS_SECRET_ACCESS_KEY" in env for env in made.values())


def test_gateway_and_dashboard_stream_share_a_secret_that_no_other_has(tmp_path: Path) -> None:
    name = "DASHBOARD_STREAM_SECRET"
    for given in ({}, {name: "of the user"}):
        made = {p.name: p.spec.env for p in programs(tmp_path, given).services()}
        assert [service for service, env in made.items() if name in env] == ["gateway", "dashboard-stream"]
        assert made["gateway"][name] == made["dashboard-stream"][name]
        assert len(made["gateway"][name]) >= 24 or made["gateway"][name] == given.get(name)


def test_services_send_their_metrics_to_the_gateway_unless_the_user_names_a_place(tmp_path: Path) -> None:
    name = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"
    own = programs(tmp_path, {"GATEWAY_PORT": "9000", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://t"}).services()[0].spec.env
    assert own[name] == "http://127.0.0.1:9000/v1/metrics"
    assert own["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"] == "http://t"
    given = programs(tmp_path, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://jaeger:4318"}).services()[0].spec.env
    assert given[name].endswith("/v1/metrics"), "a place for everything is one for traces"
    assert given["OTEL_EXPORTER_OTLP_ENDPOINT"] == "http://jaeger:4318"
    elsewhere = programs(tmp_path, {name: "http://collector:4318/v1/metrics"}).services()[0].spec.env
    assert elsewhere[name] == "http://collector:4318/v1/metrics"
    assert "OTEL_EXPORTER_OTLP_METRICS_HEADERS" not in elsewhere, "the key is for the gateway alone"


def test_services_send_their_spans_to_the_gateway_unless_the_user_names_a_place(tmp_path: Path) -> None:
    forward = {"DRISHTI_FORWARD_OTLP": "http://jaeger:4318/", "DRISHTI_FORWARD_OTLP_HEADERS": "x=y", "GATEWAY_PORT": "9000"}
    made = {program.name: program.spec.env for program in programs(tmp_path, forward).services()}
    for name, env in made.items():
        assert env["DRISHTI_URL"] == "http://127.0.0.1:9000"
        assert f"Bearer%20{env['DRISHTI_API_KEY']}" in env["OTEL_EXPORTER_OTLP_METRICS_HEADERS"]
        assert ("DRISHTI_FORWARD_OTLP" in env) == (name == "gateway")
    sampled = [name for name, env in made.items() if env.get("OTEL_TRACES_SAMPLER") == "parentbased_rate_limited"]
    assert sampled == ["gateway", "analytics"]
    for place in ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"):
        for program in programs(tmp_path, forward | {place: "http://t"}).services():
            assert program.spec.env[place] == "http://t"
            assert not {"DRISHTI_URL", "DRISHTI_API_KEY", "OTEL_TRACES_SAMPLER"} & set(program.spec.env)
    all_of_them = programs(tmp_path, {"OTEL_TRACES_SAMPLER": "parentbased_always_on"}).services()
    assert {program.spec.env["OTEL_TRACES_SAMPLER"] for program in all_of_them} == {"parentbased_always_on"}


def test_demo_is_a_producer_like_any_other(tmp_path: Path) -> None:
    env = programs(tmp_path, {"DEMO_FAULT": "latency", "DEMO_PORT": "8011"}).demo().spec.env
    assert env["DEMO_FAULT"] == "latency"
    assert env["DRISHTI_NATS_URL"].startswith("nats://producer:")
    assert not {"DATABASE_URL", "NATS_PASSWORD"} & set(env)


def test_gateway_stops_after_the_services_and_before_the_stores() -> None:
    order = ["stores", "gateway", "services", "producers"]
    at = [order.index(group_of(name)) for name in ("nats", "postgres", "gateway", "analytics", "predictor", "demo")]
    assert at == [0, 0, 1, 2, 2, 3]


def test_every_busy_port_is_named_at_once() -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(LocalError) as caught:
            ports.check({"NATS_PORT": port, "DEMO_PORT": port, "GATEWAY_PORT": 70000}, {})
    text = str(caught.value)
    assert f"port {port} is in use by" in text
    assert f"DEMO_PORT and NATS_PORT are both {port}" in text
    assert "GATEWAY_PORT" in text


def test_free_ports_pass() -> None:
    ports.check({"NATS_PORT": free_port()}, {})


def test_configuration_of_nats_quotes_what_it_is_given(tmp_path: Path) -> None:
    text = nats.configuration(tmp_path / 'a "quoted" folder', 4222, {user: 'p"w' for user in catalogue.USERS}, 8222)
    assert '\\"quoted\\"' in text
    assert 'sync_interval: "1s"' in text
    assert 'listen: "127.0.0.1:4222"' in text
    assert 'http: "127.0.0.1:8222"' in text
    assert text.count('p\\"w') == len(catalogue.USERS)


@pytest.mark.parametrize(
    ("line", "event"),
    [
        (
            "2026-11-24 08:09:51,498 INFO spawned: 'dashboard-stream' with pid 133",
            Event("spawned", "dashboard-stream", 133, ""),
        ),
        ("2026-11-24 08:09:51 INFO exited: nats (exit status 1; not expected)", Event("exited", "nats", None, "exit status 1")),
        (
            "2026-11-24 08:09:51 INFO exited: x (terminated by SIGKILL; not expected)",
            Event("exited", "x", None, "terminated by SIGKILL"),
        ),
        ("2026-11-24 08:09:51 INFO stopped: nats (exit status 0)", Event("stopped", "nats", None, "exit status 0")),
        ("2026-11-24 08:09:51 INFO supervisord started with pid 13392", None),
        ("2026-11-24 08:09:51 INFO success: nats entered RUNNING state, process has stayed up", None),
    ],
)
def test_supervisors_log_tells_what_happened(line: str, event: Event | None) -> None:
    assert parse_event(line) == event


def test_supervisors_configuration_survives_a_per_cent_sign_and_spaces(tmp_path: Path) -> None:
    programs = [("nats", "stores", 15, signal.SIGTERM), ("demo", "producers", 15, signal.SIGTERM)]
    supervisor = Supervisor(Home(tmp_path / "50% of it"), programs)
    parser = configparser.RawConfigParser(inline_comment_prefixes=(";", "#"))
    parser.read_string(supervisor._configuration())
    assert parser["group:producers"]["priority"] > parser["group:stores"]["priority"]
    assert "50%% of it" in parser["program:nats"]["stdout_logfile"]
    assert parser["program:nats"]["command"].endswith(f"'{tmp_path}/50%% of it/run/nats.json'")


def test_tail_follows_through_rotation(tmp_path: Path) -> None:
    path = tmp_path / "x.log"
    path.write_text("before\n")
    tail = Tail(path)
    with path.open("a") as file:
        file.write("one\ntwo\nha")
        file.flush()
        assert list(tail.lines()) == ["one", "two"]
        file.write("lf\n")
    path.rename(tmp_path / "x.log.1")
    path.write_text("three\n")
    assert list(tail.lines()) == ["half", "three"]
    assert list(tail.lines()) == []
    tail.close()


def test_tail_waits_for_a_file_that_is_not_there_yet(tmp_path: Path) -> None:
    tail = Tail(tmp_path / "x.log")
    assert list(tail.lines()) == []
    (tmp_path / "x.log").write_text("one\n")
    assert list(tail.lines()) == ["one"]
    tail.close()


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_names_are_coloured_on_a_terminal_only() -> None:
    for out, environ, coloured in (
        (Screen(), {"TERM": "xterm"}, True),
        (Screen(), {"NO_COLOR": "1"}, False),
        (io.StringIO(), {"TERM": "xterm"}, False),
    ):
        terminal = Terminal(out, environ)
        terminal.log("gateway", "hello")
        terminal.progress("step")
        assert ("\x1b[" in out.getvalue()) is coloured
        assert "gateway |" in out.getvalue()


def test_reader_that_went_away_does_not_end_the_run() -> None:
    class Gone(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    terminal = Terminal(Gone(), {})
    terminal.progress("one")
    terminal.progress("two")


@pytest.mark.parametrize(
    ("number", "words"), [(errno.ENOSPC, "disk is full"), (errno.EACCES, "permission denied"), (errno.EROFS, "read-only")]
)
def test_errors_of_the_system_are_one_clear_line(number: int, words: str) -> None:
    text = str(explain(OSError(number, os.strerror(number), "/somewhere")))
    assert words in text
    assert "/somewhere" in text
    assert "DRISHTI_HOME" in text
    assert "\n" not in text


def test_full_disk_is_seen_in_a_programs_output() -> None:
    text = str(explain_output("initdb", "creating files\nFATAL: could not write: No space left on device\nremoving\n"))
    assert "disk is full" in text


def test_telling_line_of_a_programs_output_is_shown() -> None:
    assert "FATAL: role is missing" in str(explain_output("x", "hello\nFATAL: role is missing\nbye\n"))


def test_child_gets_its_environment_and_nothing_else(tmp_path: Path) -> None:
    script = "import json, os; print(json.dumps(dict(os.environ)))"
    spec = Spec(argv=[sys.executable, "-I", "-S", "-c", script], env={"A": "1"}, cwd=tmp_path)
    done = subprocess.run(spec.save(tmp_path / "spec.json"), capture_output=True, text=True, check=True)
    assert json.loads(done.stdout).items() - {("LC_CTYPE", "C.UTF-8")} == {("A", "1")}
    assert Path(child.__file__).is_file()


def test_keys_have_the_form_of_the_platforms_own() -> None:
    assert home.new_key().startswith("dk_")
    assert len(home.new_key()) > 40


def test_all_problems_of_the_settings_are_reported_at_once() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "drishti_local", "run"],
        env={**os.environ, "NATS_PORT": "x", "GATEWAY_PORT": "y"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "NATS_PORT" in done.stderr
    assert "GATEWAY_PORT" in done.stderr
    assert "Traceback" not in done.stderr


def test_programs_are_started_anew_once_for_each_time_the_disk_was_full() -> None:
    result = Recovery(32 << 20)
    assert not result.due(100 << 20, 0.0)
    assert not result.due(1 << 20, 1.0)
    assert not result.due(20 << 20, 2.0), "too little room for them to go on"
    assert result.due(40 << 20, 3.0)
    assert not result.due(40 << 20, 4.0)
    result.heard("[ERR] Filestore [EVENTS] Critical write error: write 1.blk: no space left on device")
    assert not result.due(40 << 20, 5.0), "that was a moment ago"
    assert result.due(40 << 20, 30.0)
    result.heard("[INF] Server is ready")
    assert not result.due(40 << 20, 60.0)


def test_log_file_on_a_full_disk_loses_lines_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a write, nor a rotation, nor opening it may raise: an error there ends supervisord, and with it the run."""
    if not os.access("/dev/full", os.W_OK):
        pytest.skip("no /dev/full on this system")
    path = tmp_path / "x.log"
    handler = SafeFileHandler(str(path), "ab", 1000, 2)
    handler.setFormat("%(message)s")
    handler.emit(LogRecord(20, "before\n"))
    handler.stream.close()
    with open("/dev/full", "ab", buffering=0) as handler.stream:
        for _ in range(100):
            handler.emit(LogRecord(20, "lost\n"))
        with monkeypatch.context() as full:
            full.setattr(handler, "doRollover", _no_space)
            handler.emit(LogRecord(20, "lost too\n"))
    handler.emit(LogRecord(20, "after\n"))
    handler.close()
    text = path.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    nowhere = SafeFileHandler(str(tmp_path / "not there" / "x.log"), "ab", 1000, 2)
    nowhere.emit(LogRecord(20, "lost\n"))
    nowhere.close()


def _no_space() -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_free_ports_lie_where_the_kernel_takes_none_for_outgoing_connections() -> None:
    result = load(LocalSettings, {"ANALYTICS_HEALTH_PORT": "8002"}).with_free_ports(free_port, lambda host, port: True)
    assert result.analytics_port == 8002
    assert (result.gateway_port, result.nats_port) == (8000, 4222)
    chosen = {result.dashboard_stream_port, result.predictor_port, result.postgres_port}
    assert len(chosen) == 3
    assert all(15_000 <= port < 30_000 for port in chosen)


def test_a_port_is_given_once_and_never_one_that_the_settings_name() -> None:
    given = [free_port() for _ in range(200)]
    assert len(set(given)) == 200
    offered = iter([8000, 4222, 9001, 8010, 9002, 9003])
    result = load(LocalSettings, {"ANALYTICS_HEALTH_PORT": "8002"}).with_free_ports(
        lambda: next(offered), lambda host, port: True
    )
    assert [result.dashboard_stream_port, result.predictor_port, result.postgres_port] == [9001, 9002, 9003]


def test_output_on_a_full_disk_comes_again_with_the_room() -> None:
    class Out(io.StringIO):
        full = False

        def flush(self) -> None:
            if self.full:
                raise OSError(errno.ENOSPC, "No space left on device")

    out = Out()
    terminal = Terminal(out, {})
    out.full = True
    terminal.text("lost or late")
    out.full = False
    terminal.text("after")
    assert out.getvalue().endswith("after\n")


@pytest.mark.parametrize(
    ("given", "is_free", "chosen"),
    [
        ({}, True, 4317),
        ({}, False, 9001),
        ({"GATEWAY_PORT": "9000"}, True, 9001),
        ({"NATS_PORT": "4317"}, True, 9001),
        ({"GATEWAY_PORT": "9000", "GATEWAY_OTLP_GRPC_PORT": "4317"}, False, 4317),
    ],
)
def test_grpc_has_its_usual_port_where_no_other_run_can_want_it(given: dict[str, str], is_free: bool, chosen: int) -> None:
    offered = iter(range(9001, 9010))
    result = load(LocalSettings, given).with_free_ports(lambda: next(offered), lambda host, port: is_free)
    assert result.otlp_grpc_port == chosen
    assert result.ports(demo=False)["GATEWAY_OTLP_GRPC_PORT"] == chosen
