"""What is published when: open, final, corrected, refreshed, silent; and how far everything is stored."""

from __future__ import annotations

from analytics.publish.active_series import ACTIVE_MS, QUIET_MS
from analytics.publish.schedule import CADENCE_MS, MOST_MS, REFRESH_MS, REMEMBERED_MS, TURN_ROWS, Due, Schedule, ScheduleLimits
from analytics.publish.watermark import HOLD_MS, Watermark
from analytics.rollup.windows import GRACE_MS, Window

NOW = 1_800_000_000_000
TOTAL: tuple[tuple[str, str], ...] = ()


def second(start: int, metric: str = "request_duration_ms") -> Window:
    return Window("1s", "t", metric, start)


def publish(schedule: Schedule, now: int, stored_until: int | None = None) -> list[Due]:
    """Everything due is published; returns what it was."""
    due = schedule.due(now, now if stored_until is None else stored_until)
    for item in due:
        schedule.published(item, schedule.revision(item.window, now), now)
    return due


def test_a_window_is_published_when_it_changed_and_once_final_after_its_grace() -> None:
    schedule = Schedule(NOW)
    window = second(NOW)
    schedule.note([window])
    assert publish(schedule, NOW + 100) == [Due(window, False)]
    assert publish(schedule, NOW + 200) == []
    schedule.note([window])
    assert publish(schedule, NOW + 300) == [Due(window, False)]
    assert publish(schedule, window.end + GRACE_MS["1s"] - 1) == []
    assert publish(schedule, window.end + GRACE_MS["1s"]) == [Due(window, True)]
    assert publish(schedule, NOW + 60_000) == []


def test_a_late_event_is_published_at_once_as_final_again_with_a_higher_revision() -> None:
    schedule = Schedule(NOW)
    window = second(NOW - 3_600_000)
    schedule.note([window])
    assert publish(schedule, NOW) == [Due(window, True)]
    before = schedule.revision(window, NOW - 1)
    schedule.note([window])
    assert publish(schedule, NOW - 1) == [Due(window, True)]
    assert schedule.revision(window, NOW - 1) > before, "also when the clock goes backwards"


def test_revisions_are_forgotten_once_the_clock_is_ahead_of_them() -> None:
    schedule = Schedule(NOW)
    windows = [second(NOW - 3_600_000 - n * 1_000) for n in range(50)]
    schedule.note(windows)
    publish(schedule, NOW)
    assert all(schedule.revision(window, NOW - 1) > NOW for window in windows)
    schedule.note(windows[:1])
    publish(schedule, NOW + REMEMBERED_MS)
    assert all(schedule.revision(window, NOW) == NOW for window in windows[1:])
    assert schedule.revision(windows[0], NOW) > NOW + REMEMBERED_MS


def test_nothing_is_final_before_what_waits_on_the_bus_is_stored() -> None:
    schedule = Schedule(NOW)
    window = second(NOW)
    schedule.note([window])
    later = NOW + 60_000
    assert publish(schedule, later, stored_until=NOW) == [Due(window, False)]
    assert publish(schedule, later, stored_until=later) == [Due(window, True)]


def test_what_could_not_be_published_stays_due() -> None:
    schedule = Schedule(NOW)
    schedule.note([second(NOW)])
    assert schedule.due(NOW, NOW) == schedule.due(NOW + 1, NOW + 1) != []


def test_open_minutes_and_hours_are_refreshed_before_the_bus_forgets_them() -> None:
    schedule = Schedule(NOW)
    hour = Window("1h", "t", "events", NOW // 3_600_000 * 3_600_000)
    schedule.note([hour])
    publish(schedule, NOW)
    assert publish(schedule, NOW + REFRESH_MS - 1) == []
    assert publish(schedule, NOW + REFRESH_MS) == [Due(hour, False)]


def test_short_windows_go_first_and_older_before_newer() -> None:
    schedule = Schedule(NOW)
    windows = [Window("1h", "t", "events", 0), second(NOW + 1000), Window("1m", "t", "events", 0), second(NOW)]
    schedule.note(windows)
    assert [due.window for due in publish(schedule, NOW)] == [windows[3], windows[1], windows[2], windows[0]]


def test_an_active_counter_has_every_second_also_the_silent_ones() -> None:
    schedule = Schedule(NOW)
    schedule.active.note("t", "events", [TOTAL, (("event_type", "a"),)], NOW, NOW)
    due = publish(schedule, NOW + 5_000)
    assert [d.window.start for d in due] == [NOW, NOW + 1000, NOW + 2000]
    assert all(d.final and d.silent == {TOTAL, (("event_type", "a"),)} for d in due)
    assert publish(schedule, NOW + 5_000) == []


def test_a_series_is_not_silent_before_it_was_first_seen_nor_long_after_the_last() -> None:
    schedule = Schedule(NOW)
    schedule.active.note("t", "events", [TOTAL], NOW + 2000, NOW + 2000)
    assert [d.window.start for d in publish(schedule, NOW + 5_000)] == [NOW + 2000]
    silent = 0
    for now in range(NOW + 6_000, NOW + 2 * ACTIVE_MS, 1000):
        silent += len(publish(schedule, now))
    assert silent == ACTIVE_MS // 1000


def test_a_long_sleep_of_the_machine_does_not_flood_the_bus() -> None:
    schedule = Schedule(NOW)
    schedule.active.note("t", "events", [TOTAL], NOW, NOW)
    assert len(publish(schedule, NOW + 8 * 3_600_000)) == ACTIVE_MS // 1000 + 1


def test_only_counters_are_silent() -> None:
    schedule = Schedule(NOW)
    schedule.note([second(NOW)])
    assert publish(schedule, NOW + 10_000)[0].silent == frozenset()


def kinds(count: int, first: int = 0) -> list[tuple[tuple[str, str], ...]]:
    return [(("event_type", f"k{n}"),) for n in range(first, first + count)]


def test_the_active_series_of_a_metric_are_bounded_and_a_quiet_one_gives_way() -> None:
    schedule = Schedule(NOW, ScheduleLimits(series=3))
    schedule.active.note("t", "events", [TOTAL, *kinds(5)], NOW, NOW)
    assert (schedule.active.count, schedule.active.refused) == (4, 2)
    schedule.active.note("t", "events", [(("event_type", "other"),)], NOW, NOW)
    assert schedule.active.has("t", "events", (("event_type", "other"),)), "what stands for the rest always has a place"
    schedule.active.note("t", "events", kinds(2), NOW + QUIET_MS, NOW + QUIET_MS)
    schedule.active.note("t", "events", kinds(1, 7), NOW + QUIET_MS, NOW + QUIET_MS)
    active = [n for n in range(10) if schedule.active.has("t", "events", kinds(1, n)[0])]
    assert active == [0, 1, 7]


def test_new_names_without_an_end_are_forgotten_when_they_are_quiet() -> None:
    schedule = Schedule(NOW)
    at = NOW
    for round_ in range(60):
        at = NOW + round_ * 1000
        schedule.active.note("t", "events", [TOTAL, *kinds(800, round_ * 800)], at, at)
        schedule.note([second(at, "events")])
        publish(schedule, at)
    assert schedule.active.count <= 502
    publish(schedule, at + ACTIVE_MS + 10_000)
    publish(schedule, at + ACTIVE_MS + 20_000)
    assert schedule.active.count == 0
    assert schedule.waiting == 0


def test_a_tenant_that_fills_the_memory_of_all_gives_way_to_the_others() -> None:
    schedule = Schedule(NOW, ScheduleLimits(series=100, all_series=50))
    schedule.active.note("flood", "events", kinds(100), NOW, NOW)
    assert (schedule.active.count, schedule.active.refused) == (50, 50)
    schedule.active.note("calm", "events", [TOTAL, *kinds(3)], NOW, NOW)
    assert all(schedule.active.has("calm", "events", published) for published in (TOTAL, *kinds(3)))
    assert schedule.active.count == 50


def test_of_windows_that_wait_without_an_end_the_oldest_of_the_tenant_with_most_are_dropped() -> None:
    schedule = Schedule(NOW, ScheduleLimits(windows=100, all_windows=150))
    schedule.note([Window("1s", "calm", "events", NOW + n * 1000) for n in range(20)])
    for tenant in ("flood", "flood2"):
        schedule.note([Window("1s", tenant, "events", NOW - n * 1000) for n in range(1000)])
    due = schedule.due(NOW, NOW)
    assert len([d for d in due if d.window.tenant == "calm"]) == 20
    assert len(due) <= 150
    assert schedule.dropped_windows == 2020 - len(due)
    assert max(d.window.start for d in due if d.window.tenant == "flood") == NOW


def test_tenants_are_served_in_turn_by_the_rows_that_their_windows_have() -> None:
    schedule = Schedule(NOW)

    def windows(tenant: str) -> list[Window]:
        return [Window("1s", tenant, "events", NOW + n * 1000) for n in range(10)]

    for tenant, rows in (("flood", TURN_ROWS), ("calm", 10)):
        schedule.published(Due(windows(tenant)[0], True), NOW, NOW, rows=rows)
        schedule.note(windows(tenant))
    order = [due.window.tenant for due in schedule.due(NOW, NOW, rows=3 * TURN_ROWS)]
    assert order.count("calm") == 10
    assert order.count("flood") == 3


def test_an_open_window_of_many_series_is_published_less_often_and_its_end_at_once() -> None:
    schedule = Schedule(NOW)
    window = second(NOW)
    schedule.note([window])
    (due,) = schedule.due(NOW, NOW)
    schedule.published(due, NOW, NOW, rows=600)
    schedule.note([window])
    assert schedule.due(NOW + 599, NOW + 599) == []
    assert schedule.due(NOW + 600, NOW + 600) == [Due(window, False)]
    schedule.published(due, NOW, NOW, rows=10**6)
    schedule.note([window])
    assert schedule.due(window.end + GRACE_MS["1s"], NOW + 10_000) == [Due(window, True)]
    assert MOST_MS <= 10_000


def test_a_turn_is_over_when_nothing_of_it_or_of_any_before_it_waits() -> None:
    schedule = Schedule(NOW)
    first = schedule.note([second(NOW)])
    assert schedule.published_until() == first - 1
    later = schedule.note([second(NOW), second(NOW + 1000)])
    due = schedule.due(NOW, NOW)
    schedule.published(due[1], NOW, NOW)
    assert schedule.published_until() == first - 1
    schedule.published(due[0], NOW, NOW)
    assert schedule.published_until() == later


def test_everything_that_had_arrived_by_a_sample_is_stored_once_it_is_acked() -> None:
    watermark = Watermark()
    watermark.sample(NOW, newest=10, acked=4, idle=False)
    watermark.sample(NOW + 400, newest=20, acked=9, idle=False)
    assert watermark.until(NOW + 400) == NOW + 400 - HOLD_MS
    watermark.sample(NOW + 800, newest=30, acked=10, idle=False)
    assert watermark.until(NOW + 800) == NOW
    watermark.sample(NOW + 1200, newest=30, acked=30, idle=True)
    assert watermark.until(NOW + 1200) == NOW + 1200


def test_a_message_that_cannot_be_stored_does_not_hold_up_the_others_for_ever() -> None:
    watermark = Watermark()
    for n in range(1000):
        watermark.sample(NOW + n * 400, newest=100 + n, acked=4, idle=False)
    now = NOW + 400_000
    assert watermark.until(now) == now - HOLD_MS


def test_many_tenants_that_have_too_many_windows_together_give_way_alike() -> None:
    schedule = Schedule(NOW, ScheduleLimits(windows=500, all_windows=6_000))
    schedule.note(Window("1s", "calm", "events", NOW + n * 1_000) for n in range(2))
    schedule.note(Window("1s", f"t{t}", "events", NOW + n * 1_000) for t in range(2_000) for n in range(5))
    assert schedule.waiting <= 6_000
    assert schedule.waiting > 4_000
    assert schedule.dropped_windows == 10_002 - schedule.waiting
    due = [item.window for item in schedule.due(NOW + 10_000, NOW + 10_000)]
    assert [window for window in due if window.tenant == "calm"] == [
        Window("1s", "calm", "events", NOW + n * 1_000) for n in range(2)
    ]


def test_open_minutes_and_hours_have_a_cadence_and_their_ends_none() -> None:
    schedule = Schedule(NOW)
    for resolution, cadence in CADENCE_MS.items():
        window = Window(resolution, "t", "events", NOW // 3_600_000 * 3_600_000 if resolution == "1h" else NOW)
        schedule.note([window])
        assert publish(schedule, NOW) == [Due(window, False)], "the first change is published at once"
        schedule.note([window])
        if cadence:
            assert publish(schedule, NOW + cadence - 1) == []
        assert publish(schedule, NOW + cadence) == [Due(window, False)]
        schedule.note([window])
        closed_at = window.end + GRACE_MS[resolution]
        assert publish(schedule, closed_at) == [Due(window, True)]
        schedule.note([window])
        assert publish(schedule, closed_at) == [Due(window, True)], "a correction waits for nothing"


def test_at_the_end_everything_that_changed_is_published_whatever_the_cadence() -> None:
    schedule = Schedule(NOW)
    minute = Window("1m", "t", "events", NOW // 60_000 * 60_000)
    schedule.note([minute])
    publish(schedule, NOW)
    schedule.note([minute])
    assert schedule.due(NOW, NOW) == []
    assert schedule.due(NOW, NOW, ending=True) == [Due(minute, False)]


def test_what_others_publish_is_forgotten() -> None:
    schedule = Schedule(NOW)
    for metric in ("events", "requests"):
        schedule.note([second(NOW, metric), second(NOW + 1000, metric)])
        schedule.active.note("t", metric, [TOTAL, *kinds(2)], NOW, NOW)
    (open_window, *_) = schedule.due(NOW, NOW)
    schedule.published(open_window, NOW, NOW)
    schedule.keep(lambda tenant, metric: (tenant, metric) == ("t", "requests"))
    assert {due.window.metric for due in publish(schedule, NOW + 60_000)} == {"requests"}
    assert schedule.active.count == 3
    schedule.keep(lambda _tenant, _metric: False)
    assert (publish(schedule, NOW + 120_000), schedule.active.count, schedule.waiting) == ([], 0, 0)


def test_seconds_that_another_one_should_have_closed_are_closed_again() -> None:
    schedule = Schedule(NOW)
    publish(schedule, NOW + 20_000)
    schedule.active.note("t", "events", [TOTAL], NOW + 5_000, NOW + 9_000)
    schedule.active.note("t", "request_duration_ms", [TOTAL], NOW, NOW)
    found = list(schedule.active.closed_since(NOW + 2_000, lambda _tenant, _metric: True))
    assert [window.start for window in found] == [NOW + n * 1000 for n in range(5, 18)]
    assert {window.metric for window in found} == {"events"}
    assert list(schedule.active.closed_since(NOW, lambda _tenant, metric: metric != "events")) == []
