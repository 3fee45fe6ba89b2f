"""Keys become actions without a tap getting lost."""

from engine_plugin.host.input import Command, InputState

ACTIONS = ("wait", "up", "down", "left", "right", "bomb")
ALL = (1,) * 6


def chosen(state: InputState, legal: tuple[int, ...] = ALL) -> str:
    return ACTIONS[state.take_action(ACTIONS, legal)]


def test_a_tap_shorter_than_a_tick_counts_once() -> None:
    state = InputState()
    state.press(Command.LEFT)
    state.release(Command.LEFT)
    assert [chosen(state), chosen(state)] == ["left", "wait"]


def test_a_held_direction_repeats_until_released() -> None:
    state = InputState()
    state.press(Command.UP)
    assert [chosen(state), chosen(state), chosen(state)] == ["up", "up", "up"]
    state.release(Command.UP)
    assert chosen(state) == "wait"


def test_the_latest_of_two_held_directions_leads_and_gives_way() -> None:
    state = InputState()
    state.press(Command.UP)
    state.press(Command.RIGHT)
    assert [chosen(state), chosen(state)] == ["right", "right"]
    state.release(Command.RIGHT)
    assert chosen(state) == "up"


def test_a_blocked_direction_falls_back_to_the_other_held_one() -> None:
    state = InputState()
    state.press(Command.UP)
    state.press(Command.RIGHT)
    without_right = (1, 1, 1, 1, 0, 1)
    assert chosen(state, without_right) == "up"


def test_a_bomb_goes_first_and_the_direction_waits_a_tick() -> None:
    state = InputState()
    state.press(Command.LEFT)
    state.release(Command.LEFT)
    state.press(Command.BOMB)
    assert [chosen(state), chosen(state), chosen(state)] == ["bomb", "left", "wait"]


def test_a_bomb_does_not_repeat_and_is_never_illegal() -> None:
    state = InputState()
    state.press(Command.BOMB)
    assert chosen(state, (1, 1, 1, 1, 1, 0)) == "wait"
    assert chosen(state) == "wait"


def test_release_all_forgets_everything() -> None:
    state = InputState()
    state.press(Command.UP)
    state.press(Command.BOMB)
    state.release_all()
    assert chosen(state) == "wait"


def test_commands_are_taken_once_in_order() -> None:
    state = InputState()
    state.press(Command.PAUSE)
    state.press(Command.UP)
    assert state.take_commands() == [Command.PAUSE, Command.UP]
    assert state.take_commands() == []
