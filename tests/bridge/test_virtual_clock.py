"""Time that passes when a game waits for it."""

from __future__ import annotations

from engine_plugin.bridge.clock import LOOKS, MILLISECOND, PICTURES, SECOND, VirtualClock


def test_it_moves_only_when_it_is_waited_for():
    clock = VirtualClock()
    assert clock.look() == clock.look() == 0
    clock.wait(SECOND)
    assert clock.milliseconds == 1_000
    clock.wait(-5)
    assert clock.now == SECOND


def test_a_loop_that_only_looks_does_not_look_for_ever():
    clock, looks = VirtualClock(), 0
    while clock.look() < SECOND:
        looks += 1
    assert looks <= LOOKS + 1_000


def test_timers_come_in_their_order_and_as_often_as_asked():
    clock = VirtualClock()
    clock.set_timer("a", "a", 30)
    clock.set_timer("b", "b", 20, loops=2)
    clock.wait(70 * MILLISECOND)
    assert clock.due_events() == ["b", "a", "b", "a"]
    assert clock.next_due() == 90 * MILLISECOND
    clock.set_timer("a", "a", 0)
    assert clock.next_due() is None
    clock.wait(SECOND)
    assert clock.due_events() == []


def test_pictures_are_the_pace_of_a_game_that_keeps_none():
    clock = VirtualClock()
    for _ in range(60):
        clock.show_picture()
    assert clock.now == 60 * (SECOND // 60)


def test_a_game_that_waits_sets_its_own_pace_however_many_pictures_a_frame_shows():
    clock = VirtualClock()
    for _ in range(10):
        clock.show_picture()
        clock.show_picture()
        clock.wait(10 * MILLISECOND)
    assert clock.now <= 100 * MILLISECOND + 2 * (SECOND // 60)
    before = clock.now
    for _ in range(10):
        clock.wait_until(clock.now)
        clock.show_picture()
    assert clock.now == before


def test_a_wait_at_the_title_does_not_stop_the_time_of_the_play():
    clock = VirtualClock()
    clock.wait(SECOND // 2)
    clock.wait(0)
    for _ in range(PICTURES + 60):
        clock.show_picture()
    assert clock.now == SECOND // 2 + 60 * (SECOND // 60)
