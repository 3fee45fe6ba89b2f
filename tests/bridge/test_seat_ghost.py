"""A ghost raised inside a game's own loop: it sees a person's rounds, learns, and sits opposite."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pygame
import pytest

import engine_plugin as ai
from engine_plugin.bridge.actions import Actions
from engine_plugin.bridge.seat_ghost import RoundsKept, Watcher
from engine_plugin.errors import GameLoopError, ModelError
from engine_plugin.facts import ForeignField, ForeignGame

ROOT = Path(__file__).parents[2]

# Two lifts in one loop. A person sends hers after the light; another is at rest until a ghost of
# the person sits there. Her fingers are the stand-in of a keyboard that nobody touches.
LIFTS = """
import os
os.environ["SDL_VIDEODRIVER"] = "dummy"
import json, sys
import pygame
import engine_plugin as ai
pygame.init()
screen = pygame.display.set_mode((100, 100))
UP, DOWN, W, S = pygame.K_UP, pygame.K_DOWN, pygame.K_w, pygame.K_s
fingers = set()

class Keys:
    def __getitem__(self, key):
        return key in fingers

pygame.key.get_pressed = Keys
height, other, light, frame = 50, 50, 80, 0
me = ai.Seat("lift", keys={"stay": [], "up": [UP], "down": [DOWN]}, every=2, watch=True,
             see=lambda: {"height": height, "light": light})
it = ai.Seat("other", game="lift", keys={"stay": [], "up": [W], "down": [S]}, every=2,
             see=lambda: {"height": other, "light": light})

def one_round():
    global height, other, light
    for frame in range(240):
        if frame % 20 == 0:
            light = 20 + frame * 37 % 61
        fingers.clear()
        if abs(light - height) > 2:
            fingers.add(UP if light > height else DOWN)
        mine = me.keys(pygame.key.get_pressed())
        height += 2 * (mine[UP] - mine[DOWN])
        theirs = it.keys(pygame.key.get_pressed())
        other += 2 * (theirs[W] - theirs[S])
        pygame.event.get()
        me.tick(over=frame == 239)
        it.tick(over=frame == 239)
        pygame.time.wait(1)  # as a game's clock does, or the thread that learns gets no turn

told = {"too early": me.ghost.learn(sys.argv[1])}
one_round(), one_round(), one_round()
told["seen"], told["rest"] = len(me.ghost), other
told["began"], told["twice"] = me.ghost.learn(sys.argv[1]), me.ghost.learn(sys.argv[1])
while me.ghost.learning:
    one_round()
told["error"], told["ready"] = repr(me.ghost.error), me.ghost.ready
it.sit(me.ghost.path)
other, apart = 50, []
for _ in range(2):
    one_round()
    apart.append(abs(other - light))
told["apart"] = apart
it.sit(None)
before = other
one_round()
told["left"] = other == before
print(json.dumps(told))
"""


def test_a_ghost_learns_in_the_loop_and_sits_opposite(tmp_path):
    file = tmp_path / "ada.onnx"
    run = subprocess.run(
        [sys.executable, "-c", LIFTS, str(file)],
        capture_output=True, text=True, timeout=120, cwd=ROOT, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    told = json.loads(run.stdout.splitlines()[-1])
    assert told["too early"] is False
    assert told["seen"] == 360 and told["rest"] == 50
    assert told["began"] is True and told["twice"] is False
    assert told["error"] == "None" and told["ready"] is True
    assert max(told["apart"]) <= 8, "the ghost follows the light as she does"
    assert told["left"] is True
    card = ai.read_card(file)
    assert card.game == "lift" and card.actions == ("stay", "up", "down")


def test_nobody_is_watched_unless_asked():
    seat = ai.Seat("lift", keys={"stay": []}, see=lambda: {"a": 1})
    for _ in range(300):
        seat.tick(over=True)
    assert len(seat.ghost) == 0 and not seat.ghost.ready and seat.ghost.progress == 0
    assert seat.ghost.learn("nowhere/x.onnx") is False


def test_a_model_that_cannot_be_loaded_leaves_the_seat_as_it_was(tmp_path):
    seat = ai.Seat("lift", keys={"stay": [], "up": [pygame.K_UP]}, see=lambda: {"a": 1})
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"no model")
    with pytest.raises(ModelError):
        seat.sit(broken)
    pressed = object()
    assert seat.keys(pressed) is pressed


class Recording:
    """Stands for what looks over a player's shoulder: fails from its second frame on."""

    recorder: object | None = None
    frames = 0

    def __init__(self, error: Exception) -> None:
        self.error = error

    def tick(self, score: float, over: bool) -> None:
        self.frames += 1
        if self.frames > 1:
            raise self.error


@pytest.mark.parametrize("error", [GameLoopError("a field is gone", 3), IndexError("no ball")])
def test_what_goes_wrong_while_watching_does_not_stop_the_game(error):
    recording, told = Recording(error), []
    watcher = Watcher(recording, told.append)
    watcher.tick(0, False)
    with pytest.raises(type(error)):  # before the first decision its developer is told
        watcher.tick(0, False)
    recording.recorder = object()
    watcher.tick(0, False)
    watcher.tick(0, False)
    assert recording.frames == 3 and told == [error]


def kept() -> RoundsKept:
    actions = Actions.declared({"stay": [], "up": [1]})
    facts = ForeignGame("lift", actions.names, (ForeignField("a", (1,), 0, 1),))
    return RoundsKept(facts, actions)


def play(rounds: RoundsKept, decisions: int, action: int, ends: bool = True) -> None:
    rounds.begin_episode(0)
    for value in range(decisions):
        rounds.add([action], np.array([[value]], np.float32), np.ones((1, 2), np.uint8))
    if ends:
        rounds.end_episode((0,), terminated=True)


def test_only_rounds_that_ended_count_and_the_last_can_be_withdrawn():
    rounds = kept()
    assert rounds.discard_last() is False
    play(rounds, 30, 0)
    play(rounds, 20, 1)
    play(rounds, 10, 1, ends=False)
    assert len(rounds) == 50
    observations, actions = rounds.arrays()
    assert observations.shape == (50, 1) and actions.tolist() == [0] * 30 + [1] * 20
    assert rounds.discard_last() is True and len(rounds) == 30


def test_the_oldest_rounds_are_forgotten():
    rounds = kept()
    for _ in range(4):
        play(rounds, 10_000, 0)
    assert len(rounds) == 30_000
