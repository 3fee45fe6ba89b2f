"""Uneven frames give even ticks."""

import pytest

from engine_plugin.host.clock import MAX_TICKS_PER_FRAME, TickClock


def test_sixty_frames_a_second_give_ten_ticks() -> None:
    clock = TickClock(10)
    assert sum(clock.due_ticks(1 / 60) for _ in range(600)) == 100


def test_a_frame_of_exactly_one_tick_always_gives_one() -> None:
    clock = TickClock(10)
    assert {clock.due_ticks(0.1) for _ in range(1000)} == {1}


def test_a_long_frame_stutters_and_does_not_race() -> None:
    clock = TickClock(10)
    assert clock.due_ticks(30.0) == MAX_TICKS_PER_FRAME
    assert clock.due_ticks(0.0) == 0


def test_the_fraction_runs_from_tick_to_tick() -> None:
    clock = TickClock(10)
    clock.due_ticks(0.125)
    assert clock.fraction == pytest.approx(0.25)


def test_speed_moves_in_steps_and_stops_at_the_ends() -> None:
    clock = TickClock(10)
    assert clock.change_speed(1) == 1.5
    assert clock.change_speed(-2) == 0.75
    assert clock.change_speed(-99) == 0.25
    assert clock.due_ticks(0.4) == 1
