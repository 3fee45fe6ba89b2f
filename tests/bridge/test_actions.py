"""Key presses as actions, and which combinations are learned from."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine_plugin.bridge.actions import MOST_ACTIONS, Actions, PressedKeys, really_used
from engine_plugin.errors import ConfigError

UP, DOWN, FIRE = 1, 2, 3
DECLARED = Actions.declared({"stay": [], "up": [UP], "down": [DOWN], "fire": [FIRE]})


def decision(frames, actions=None):
    """The action of a stretch; frames: [(held, pressed)]."""
    pressed = PressedKeys(actions or DECLARED.with_combinations())
    for held, down in frames:
        pressed.frame(held, down)
    return pressed.actions.names[pressed.decision()]


def test_all_that_can_be_held_together_is_recorded():
    assert DECLARED.with_combinations().names == (
        "stay", "up", "down", "fire", "up+down", "up+fire", "down+fire", "up+down+fire",
    )  # fmt: skip
    assert Actions.declared({"go": [UP]}).with_combinations().names == ("go", "nothing")


def test_many_keys_are_combined_as_far_as_there_is_room():
    many = Actions.declared({f"key {number}": [number] for number in range(20)})
    assert len(many.with_combinations().names) == 1 + 20 + 190


def all_unions(actions):
    """As the text of `with_combinations` says it, the long way."""
    found = dict(zip(actions.keys, actions.names, strict=True))
    found.setdefault(frozenset(), "nothing")
    for count in range(2, len(actions.names) + 1):
        joined = {}
        for chosen in combinations(range(len(actions.names)), count):
            keys = frozenset().union(*(actions.keys[index] for index in chosen))
            if keys not in found:
                joined.setdefault(keys, "+".join(actions.names[index] for index in chosen))
        if len(found) + len(joined) > MOST_ACTIONS:
            break
        found |= joined
    return found


@given(st.sets(st.frozensets(st.integers(1, 6), max_size=4), min_size=1, max_size=8))
@settings(max_examples=200, deadline=None)
def test_combinations_are_all_unions_in_the_order_of_the_actions(keys):
    declared = Actions.declared({f"a{n}": held for n, held in enumerate(sorted(keys, key=sorted))})
    combined = declared.with_combinations()
    assert dict(zip(combined.keys, combined.names, strict=True)) == all_unions(declared)
    assert list(combined.keys) == list(all_unions(declared))


def test_a_stick_with_buttons_is_combined_at_once():
    """36 actions of 6 keys: 2 to the power of 36 choices, 64 of them different."""
    sides = [(), (1,), (2,), (3,), (4,), (1, 3), (1, 4), (2, 3), (2, 4)]
    buttons = [(), (5,), (6,), (5, 6)]
    declared = {f"{a} {b}".replace(",", ""): a + b for a in sides for b in buttons}
    assert len(Actions.declared(declared).with_combinations().names) == 64


def test_the_held_share_decides():
    assert decision([({UP}, ())] * 4 + [((), ())] * 2) == "up"
    assert decision([({UP}, ())] * 2 + [((), ())] * 4) == "up"  # down and up again: a tap
    assert decision([({UP, FIRE}, ())] * 6) == "up+fire"
    assert decision([((), ())] * 6) == "stay"


def test_a_tap_between_two_frames_counts():
    assert decision([((), ()), ((), {FIRE}), ((), ())]) == "fire"


def test_what_goes_down_late_and_stays_counts_in_the_next_stretch():
    pressed = PressedKeys(DECLARED)
    for held in [()] * 5 + [{UP}]:
        pressed.frame(held, ())
    assert DECLARED.names[pressed.decision()] == "stay"
    for held in [{UP}] + [()] * 5:
        pressed.frame(held, ())
    assert DECLARED.names[pressed.decision()] == "up"
    pressed.frame((), ())
    assert DECLARED.names[pressed.decision()] == "stay"


def test_learned_from_are_the_declared_actions_and_what_was_really_used():
    recorded = DECLARED.with_combinations()
    chosen = np.array([0] * 900 + [1] * 90 + [5] * 9 + [4])
    learned, places = really_used(recorded, chosen, DECLARED)
    assert learned.names == ("stay", "up", "down", "fire", "up+fire")
    assert learned.names[places[5]] == "up+fire"
    assert places[4] in (1, 2)  # up+down was pressed once
    assert places[:4].tolist() == [0, 1, 2, 3]


def test_names_lead_back_to_keys():
    named = DECLARED.named(["up+fire", "stay", "nothing"])
    assert named.keys == (frozenset({UP, FIRE}), frozenset(), frozenset())
    with pytest.raises(ConfigError, match="up\\+jump"):
        DECLARED.named(["up+jump"])


@pytest.mark.parametrize(
    ("keys", "says"),
    [
        ({}, "expected"),
        ([1], "expected"),
        ({"up": ["w"]}, "key codes"),
        ({"up": [-1]}, "key codes"),
        ({"up": [True]}, "key codes"),
        ({"a+b": [1]}, "join names"),
        ({"up, left": [1]}, "join names"),
        ({"": [1]}, "names of 1"),
        ({"up": [1], "also up": [1]}, "same keys"),
    ],
)
def test_declared_actions_have_names_and_keys(keys, says):
    with pytest.raises(ConfigError, match=says):
        Actions.declared(keys)
