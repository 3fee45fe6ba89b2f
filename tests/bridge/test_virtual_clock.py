"""Time that passes when a game waits for it."""

from __future__ import annotations

from engine_plugin.bridge.clock import LOOKS, MILLISECOND, SECOND, VirtualClock


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
