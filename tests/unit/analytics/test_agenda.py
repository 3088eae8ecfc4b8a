"""What is published when: open, final, corrected, refreshed, silent; and how far everything is stored."""

from __future__ import annotations

from analytics.publish.schedule import ACTIVE_MS, MOST_MS, QUIET_MS, REFRESH_MS, TURN_ROWS, Agenda, Due, Limits
from analytics.publish.watermark import HOLD_MS, Progress
from analytics.rollup.windows import GRACE_MS, Window

NOW = 1_800_000_000_000
TOTAL: tuple[tuple[str, str], ...] = ()


def second(start: int, metric: str = "request_duration_ms") -> Window:
    return Window("1s", "t", metric, start)


def publish(agenda: Agenda, now: int, stored_until: int | None = None) -> list[Due]:
    """Everything due is published; returns what it was."""
    due = agenda.due(now, now if stored_until is None else stored_until)
    for item in due:
        agenda.published(item, agenda.revision(item.window, now), now)
    return due


def test_a_window_is_published_when_it_changed_and_once_final_after_its_grace() -> None:
    agenda = Agenda(NOW)
    window = second(NOW)
    agenda.note([window])
    assert publish(agenda, NOW + 100) == [Due(window, False)]
    assert publish(agenda, NOW + 200) == []
    agenda.note([window])
    assert publish(agenda, NOW + 300) == [Due(window, False)]
    assert publish(agenda, window.end + GRACE_MS["1s"] - 1) == []
    assert publish(agenda, window.end + GRACE_MS["1s"]) == [Due(window, True)]
    assert publish(agenda, NOW + 60_000) == []


def test_a_late_event_is_published_at_once_as_final_again_with_a_higher_revision() -> None:
    agenda = Agenda(NOW)
    window = second(NOW - 3_600_000)
    agenda.note([window])
    assert publish(agenda, NOW) == [Due(window, True)]
    before = agenda.revision(window, NOW - 1)
    agenda.note([window])
    assert publish(agenda, NOW - 1) == [Due(window, True)]
    assert agenda.revision(window, NOW - 1) > before, "also when the clock goes backwards"


def test_nothing_is_final_before_what_waits_on_the_bus_is_stored() -> None:
    agenda = Agenda(NOW)
    window = second(NOW)
    agenda.note([window])
    later = NOW + 60_000
    assert publish(agenda, later, stored_until=NOW) == [Due(window, False)]
    assert publish(agenda, later, stored_until=later) == [Due(window, True)]


def test_what_could_not_be_published_stays_due() -> None:
    agenda = Agenda(NOW)
    agenda.note([second(NOW)])
    assert agenda.due(NOW, NOW) == agenda.due(NOW + 1, NOW + 1) != []


def test_open_minutes_and_hours_are_refreshed_before_the_bus_forgets_them() -> None:
    agenda = Agenda(NOW)
    hour = Window("1h", "t", "events", NOW // 3_600_000 * 3_600_000)
    agenda.note([hour])
    publish(agenda, NOW)
    assert publish(agenda, NOW + REFRESH_MS - 1) == []
    assert publish(agenda, NOW + REFRESH_MS) == [Due(hour, False)]


def test_short_windows_go_first_and_older_before_newer() -> None:
    agenda = Agenda(NOW)
    windows = [Window("1h", "t", "events", 0), second(NOW + 1000), Window("1m", "t", "events", 0), second(NOW)]
    agenda.note(windows)
    assert [due.window for due in publish(agenda, NOW)] == [windows[3], windows[1], windows[2], windows[0]]


def test_an_active_counter_has_every_second_also_the_silent_ones() -> None:
    agenda = Agenda(NOW)
    agenda.note_active("t", "events", [TOTAL, (("event_type", "a"),)], NOW, NOW)
    due = publish(agenda, NOW + 5_000)
    assert [d.window.start for d in due] == [NOW, NOW + 1000, NOW + 2000]
    assert all(d.final and d.silent == {TOTAL, (("event_type", "a"),)} for d in due)
    assert publish(agenda, NOW + 5_000) == []


def test_a_series_is_not_silent_before_it_was_first_seen_nor_long_after_the_last() -> None:
    agenda = Agenda(NOW)
    agenda.note_active("t", "events", [TOTAL], NOW + 2000, NOW + 2000)
    assert [d.window.start for d in publish(agenda, NOW + 5_000)] == [NOW + 2000]
    silent = 0
    for now in range(NOW + 6_000, NOW + 2 * ACTIVE_MS, 1000):
        silent += len(publish(agenda, now))
    assert silent == ACTIVE_MS // 1000


def test_a_long_sleep_of_the_machine_does_not_flood_the_bus() -> None:
    agenda = Agenda(NOW)
    agenda.note_active("t", "events", [TOTAL], NOW, NOW)
    assert len(publish(agenda, NOW + 8 * 3_600_000)) == ACTIVE_MS // 1000 + 1


def test_only_counters_are_silent() -> None:
    agenda = Agenda(NOW)
    agenda.note([second(NOW)])
    assert publish(agenda, NOW + 10_000)[0].silent == frozenset()


def kinds(count: int, first: int = 0) -> list[tuple[tuple[str, str], ...]]:
    return [(("event_type", f"k{n}"),) for n in range(first, first + count)]


def test_the_active_series_of_a_metric_are_bounded_and_a_quiet_one_gives_way() -> None:
    agenda = Agenda(NOW, Limits(series=3))
    agenda.note_active("t", "events", [TOTAL, *kinds(5)], NOW, NOW)
    assert (agenda.active_series, agenda.refused_series) == (4, 2)
    agenda.note_active("t", "events", [(("event_type", "other"),)], NOW, NOW)
    assert agenda.is_active("t", "events", (("event_type", "other"),)), "what stands for the rest always has a place"
    agenda.note_active("t", "events", kinds(2), NOW + QUIET_MS, NOW + QUIET_MS)
    agenda.note_active("t", "events", kinds(1, 7), NOW + QUIET_MS, NOW + QUIET_MS)
    active = [n for n in range(10) if agenda.is_active("t", "events", kinds(1, n)[0])]
    assert active == [0, 1, 7]


def test_new_names_without_an_end_are_forgotten_when_they_are_quiet() -> None:
    agenda = Agenda(NOW)
    at = NOW
    for round_ in range(60):
        at = NOW + round_ * 1000
        agenda.note_active("t", "events", [TOTAL, *kinds(800, round_ * 800)], at, at)
        agenda.note([second(at, "events")])
        publish(agenda, at)
    assert agenda.active_series <= 502
    publish(agenda, at + ACTIVE_MS + 10_000)
    publish(agenda, at + ACTIVE_MS + 20_000)
    assert agenda.active_series == 0
    assert agenda.waiting == 0


def test_a_tenant_that_fills_the_memory_of_all_gives_way_to_the_others() -> None:
    agenda = Agenda(NOW, Limits(series=100, all_series=50))
    agenda.note_active("flood", "events", kinds(100), NOW, NOW)
    assert (agenda.active_series, agenda.refused_series) == (50, 50)
    agenda.note_active("calm", "events", [TOTAL, *kinds(3)], NOW, NOW)
    assert all(agenda.is_active("calm", "events", published) for published in (TOTAL, *kinds(3)))
    assert agenda.active_series == 50


def test_of_windows_that_wait_without_an_end_the_oldest_of_the_tenant_with_most_are_dropped() -> None:
    agenda = Agenda(NOW, Limits(windows=100, all_windows=150))
    agenda.note([Window("1s", "calm", "events", NOW + n * 1000) for n in range(20)])
    for tenant in ("flood", "flood2"):
        agenda.note([Window("1s", tenant, "events", NOW - n * 1000) for n in range(1000)])
    due = agenda.due(NOW, NOW)
    assert len([d for d in due if d.window.tenant == "calm"]) == 20
    assert len(due) <= 150
    assert agenda.dropped_windows == 2020 - len(due)
    assert max(d.window.start for d in due if d.window.tenant == "flood") == NOW


def test_tenants_are_served_in_turn_by_the_rows_that_their_windows_have() -> None:
    agenda = Agenda(NOW)

    def windows(tenant: str) -> list[Window]:
        return [Window("1s", tenant, "events", NOW + n * 1000) for n in range(10)]

    for tenant, rows in (("flood", TURN_ROWS), ("calm", 10)):
        agenda.published(Due(windows(tenant)[0], True), NOW, NOW, rows=rows)
        agenda.note(windows(tenant))
    order = [due.window.tenant for due in agenda.due(NOW, NOW, rows=3 * TURN_ROWS)]
    assert order.count("calm") == 10
    assert order.count("flood") == 3


def test_an_open_window_of_many_series_is_published_less_often_and_its_end_at_once() -> None:
    agenda = Agenda(NOW)
    window = second(NOW)
    agenda.note([window])
    (due,) = agenda.due(NOW, NOW)
    agenda.published(due, NOW, NOW, rows=600)
    agenda.note([window])
    assert agenda.due(NOW + 599, NOW + 599) == []
    assert agenda.due(NOW + 600, NOW + 600) == [Due(window, False)]
    agenda.published(due, NOW, NOW, rows=10**6)
    agenda.note([window])
    assert agenda.due(window.end + GRACE_MS["1s"], NOW + 10_000) == [Due(window, True)]
    assert MOST_MS <= 10_000


def test_a_turn_is_over_when_nothing_of_it_or_of_any_before_it_waits() -> None:
    agenda = Agenda(NOW)
    first = agenda.note([second(NOW)])
    assert agenda.published_until() == first - 1
    later = agenda.note([second(NOW), second(NOW + 1000)])
    due = agenda.due(NOW, NOW)
    agenda.published(due[1], NOW, NOW)
    assert agenda.published_until() == first - 1
    agenda.published(due[0], NOW, NOW)
    assert agenda.published_until() == later


def test_everything_that_had_arrived_by_a_sample_is_stored_once_it_is_acked() -> None:
    progress = Progress()
    progress.sample(NOW, newest=10, acked=4, idle=False)
    progress.sample(NOW + 400, newest=20, acked=9, idle=False)
    assert progress.until(NOW + 400) == NOW + 400 - HOLD_MS
    progress.sample(NOW + 800, newest=30, acked=10, idle=False)
    assert progress.until(NOW + 800) == NOW
    progress.sample(NOW + 1200, newest=30, acked=30, idle=True)
    assert progress.until(NOW + 1200) == NOW + 1200


def test_a_message_that_cannot_be_stored_does_not_hold_up_the_others_for_ever() -> None:
    progress = Progress()
    for n in range(1000):
        progress.sample(NOW + n * 400, newest=100 + n, acked=4, idle=False)
    now = NOW + 400_000
    assert progress.until(now) == now - HOLD_MS


def test_many_tenants_that_have_too_many_windows_together_give_way_alike() -> None:
    agenda = Agenda(NOW, Limits(windows=500, all_windows=6_000))
    agenda.note(Window("1s", "calm", "events", NOW + n * 1_000) for n in range(2))
    agenda.note(Window("1s", f"t{t}", "events", NOW + n * 1_000) for t in range(2_000) for n in range(5))
    assert agenda.waiting <= 6_000
    assert agenda.waiting > 4_000
    assert agenda.dropped_windows == 10_002 - agenda.waiting
    due = [item.window for item in agenda.due(NOW + 10_000, NOW + 10_000)]
    assert [window for window in due if window.tenant == "calm"] == [
        Window("1s", "calm", "events", NOW + n * 1_000) for n in range(2)
    ]
