"""The parts of the sample application, without a network."""

from __future__ import annotations

import random
import statistics
from collections import Counter
from itertools import islice
from pathlib import Path

import pytest

from drishti import settings
from drishti.analytics import Analytics, AnalyticsEvent
from drishti.errors import SettingsError
from drishti.events import RequestEvent
from wisdom import arrivals
from wisdom.cache import TtlCache
from wisdom.faults import Faults
from wisdom.library import QUESTIONS, topic_of
from wisdom.llm import Model, NoModelAnswered, Router
from wisdom.people import SESSION_IDLE_S, People
from wisdom.settings import WisdomSettings, take_client_env
from wisdom.visitors import IDLE_S, Sessions, Visitor


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Recorder(Analytics):
    """A client that keeps what is tracked."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[AnalyticsEvent] = []

    def track(self, event: AnalyticsEvent) -> bool:
        self.events.append(event)
        return True

    def track_request(self, request: RequestEvent) -> bool:
        return True


def no_faults() -> Faults:
    return Faults("", after_s=0, for_s=0, rng=random.Random(1))


@pytest.mark.parametrize("kind", ["latency", "errors", "drop"])
def test_a_fault_begins_and_ends_on_time_and_says_so(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    faults = Faults(kind, after_s=120, for_s=60, rng=random.Random(1), clock=clock)

    def seen() -> tuple[float, float, float]:
        faults.watch()
        failing = sum(faults.fails() for _ in range(2000)) / 2000
        return faults.slowness, round(failing, 1), round(sum(faults.arrives() for _ in range(2000)) / 2000, 1)

    expected = {"latency": (5.0, 0.0, 1.0), "errors": (1.0, 0.3, 1.0), "drop": (1.0, 0.0, 0.1)}[kind]
    for clock.now, want in ((119.9, (1.0, 0.0, 1.0)), (120, expected), (179.9, expected), (180, (1.0, 0.0, 1.0))):
        assert seen() == want
    assert [r.getMessage().split(":")[0] for r in caplog.records] == ["FAULT BEGINS", "FAULT ENDS"]


def test_no_fault_leaves_everything_alone() -> None:
    faults = no_faults()
    assert (faults.slowness, faults.fails(), faults.arrives()) == (1.0, False, True)


def test_drawn_arrivals_have_the_statistics_of_the_recorded_ones() -> None:
    hour = arrivals.drawn(108)
    assert hour == arrivals.drawn(108) != arrivals.drawn(109)
    assert hour == sorted(hour, key=lambda a: a.at)
    assert len(hour) == pytest.approx(19_366, rel=0.1)
    seconds = Counter(int(a.at) for a in hour)
    counts = [seconds[s] for s in range(3600)]
    assert statistics.variance(counts) / statistics.mean(counts) == pytest.approx(1.39, abs=0.2)
    prompts, answers = sorted(a.prompt_tokens for a in hour), sorted(a.answer_tokens for a in hour)
    assert prompts[len(hour) // 2] == pytest.approx(1020, rel=0.1)
    assert answers[len(hour) // 2] == pytest.approx(129, rel=0.1)
    assert answers[len(hour) * 95 // 100] == pytest.approx(451, rel=0.05)


def test_recorded_arrivals_are_read_as_they_came(tmp_path: Path) -> None:
    assert arrivals.recorded(tmp_path) is None
    path = tmp_path / arrivals.RECORDED
    path.parent.mkdir()
    path.write_text(
        "TIMESTAMP,ContextTokens,GeneratedTokens\r\n"
        "2023-11-16 18:15:46.6805900,374,44\r\n"
        "2023-11-16 18:15:50.9951690,396,109\r\n"
    )
    assert arrivals.recorded(tmp_path) == [(0.0, 374, 44), (pytest.approx(4.314579), 396, 109)]


def test_the_hour_begins_again_at_its_end_and_runs_faster() -> None:
    hour = [arrivals.Arrival(0.0, 1, 1), arrivals.Arrival(9.5, 2, 2)]
    assert [a.at for a in islice(arrivals.forever(hour, 2.0), 5)] == [0.0, 4.75, 5.0, 9.75, 10.0]


def test_the_hour_begins_again_without_the_edges_in_which_it_fades() -> None:
    edge = arrivals.EDGE_S
    hour = [arrivals.Arrival(float(at), 1, at) for at in (0, edge - 1, edge + 2, edge + 5, edge + 9, 2 * edge + 9)]
    result = list(islice(arrivals.forever(hour, 1.0), 5))
    assert [a.answer_tokens for a in result] == [edge + 2, edge + 5, edge + 9, edge + 2, edge + 5]
    assert [a.at for a in result] == [2.0, 5.0, 9.0, 12.0, 15.0]


def test_people_come_back_in_new_sessions_after_a_silence() -> None:
    people = People(random.Random(1))
    seen = [(p.user_id, p.session_id) for p in (people.somebody(now / 5) for now in range(20_000))]
    assert 150 <= len({user for user, _ in seen}) <= 200
    assert len(set(seen)) > 200
    again = people.somebody(5000.0)
    first = again.session_id
    again.last = 5000.0 - SESSION_IDLE_S
    while people.somebody(5000.0) is not again:
        pass
    assert again.session_id != first


def test_opinions_follow_the_score() -> None:
    people = People(random.Random(1))
    person = people.somebody(0)
    good, bad = ([people.opinion(person, score) for _ in range(200)] for score in (0.95, 0.3))
    assert statistics.mean(good) > statistics.mean(bad) + 0.5
    assert all(0 <= opinion <= 5 for opinion in good + bad)


def test_every_question_is_of_its_topic() -> None:
    wrong = [q for topic, questions in QUESTIONS.items() for q in questions if topic_of(q) != topic]
    assert wrong == []
    assert topic_of("xyzzy") == "life"


def test_the_cache_forgets_by_age_and_by_number() -> None:
    clock = Clock()
    cache: TtlCache[int] = TtlCache(10, capacity=2, clock=clock)
    for key, value in (("a", 1), ("b", 2), ("a", 3), ("c", 4)):
        cache.put(key, value)
    assert [cache.get(k) for k in "abc"] == [3, None, 4]
    clock.now = 10
    assert [cache.get(k) for k in "abc"] == [None, None, None]


FIRST = Model("first", 0, 0, 0.9, failing=1.0)
SECOND = Model("second", 0, 0, 0.5, failing=0.0)


async def test_the_fallback_answers_when_the_first_model_fails_and_both_calls_are_reported() -> None:
    tracked = Recorder()
    router = Router(no_faults(), random.Random(1), (FIRST, SECOND))
    completion = await router.complete(Visitor("u", "s", tracked), 100, 130)
    assert (completion.model, completion.output_tokens) == (SECOND, 130)
    failed, answered = (event.data for event in tracked.events)
    assert (failed["model"], failed["output_tokens"]) == ("first", 0)
    assert failed["error"]
    assert (answered["model"], answered["input_tokens"], answered["output_tokens"]) == ("second", 100, 130)
    assert "error" not in answered


async def test_an_outage_fells_both_models() -> None:
    tracked = Recorder()
    with pytest.raises(NoModelAnswered):
        await Router(no_faults(), random.Random(1), (SECOND, SECOND)).complete(Visitor("u", "s", tracked), 1, 1, down=True)
    assert all("error" in event.data for event in tracked.events)


async def test_sessions_start_once_and_end_after_silence() -> None:
    clock, tracked = Clock(), Recorder()
    sessions = Sessions(tracked, clock)
    for clock.now in (0, 100, 200):
        await sessions.visit("u1", "s1")
    await sessions.visit("u2", "s2")
    clock.now = 200 + IDLE_S
    await sessions.visit("u3", "s3")
    kinds = [(str(e.event_type), e.session_id, e.data) for e in tracked.events]
    assert kinds == [
        ("session_start", "s1", {}),
        ("session_start", "s2", {}),
        ("session_end", "s1", {"duration_s": 200}),
        ("session_end", "s2", {"duration_s": 0}),
        ("session_start", "s3", {}),
    ]


def test_wrong_settings_are_named() -> None:
    for name, value in (("DEMO_FAULT", "fire"), ("DEMO_SPEED", "0"), ("DEMO_PORT", "x")):
        with pytest.raises(SettingsError, match=name):
            settings.load(WisdomSettings, {name: value})
    assert settings.load(WisdomSettings, {}).database_url == "sqlite+aiosqlite://"


def test_the_client_env_of_a_local_run_is_taken_unless_a_destination_is_named(tmp_path: Path) -> None:
    path = tmp_path / "client.env"
    path.write_text("DRISHTI_URL=http://127.0.0.1:8000\nDRISHTI_NATS_URL='nats://u:p@127.0.0.1:4222'\nPATH=/evil\n")
    environ = {"DRISHTI_HOME": str(tmp_path)}
    assert take_client_env(environ) == path
    assert environ["DRISHTI_NATS_URL"] == "nats://u:p@127.0.0.1:4222"
    assert "PATH" not in environ
    named = {"DRISHTI_HOME": str(tmp_path), "DRISHTI_URL": "http://elsewhere"}
    assert take_client_env(named) is None
    assert take_client_env({"DRISHTI_HOME": str(tmp_path / "missing")}) is None
