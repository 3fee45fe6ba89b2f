"""A seat in a game that runs by itself: nobody, a script or a model in it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pygame
import pytest

import engine_plugin as ai
from engine_plugin.errors import ConfigError

ROOT = Path(__file__).parents[2]
KEYS = {"stay": [], "up": [pygame.K_UP], "down": [pygame.K_DOWN]}


def seat(**settings):
    return ai.Seat("pong", **{"keys": KEYS, "see": lambda: {"a": 1}, **settings})


def test_a_persons_keys_pass_through_and_nothing_is_looked_at():
    def never():
        raise AssertionError("nobody looks")

    empty, pressed = seat(see=never, restart=never), object()
    for _ in range(100):
        assert empty.keys(pressed) is pressed
        empty.tick(score=float("nan"), over=True)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"every": 0}, "every"),
        ({"every": 2.5}, "every"),
        ({"see": {"a": 1}}, "see: expected a function"),
        ({"restart": 3}, "restart: expected a function"),
        ({"nearest": 0}, "nearest"),
        ({"nearest": {"all": "two"}}, "nearest"),
        ({"keys": {}}, "keys"),
        ({"arena": (0, 0)}, "arena"),
        ({"model": "a.onnx", "script": len}, "got both"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, says):
    with pytest.raises(ConfigError, match=says):
        seat(**settings)


def test_a_name_has_letters():
    with pytest.raises(ConfigError, match="name"):
        ai.Seat("", keys=KEYS, see=dict)


SCRIPTED = """
import os
os.environ["SDL_VIDEODRIVER"] = "dummy"
import json
import pygame
import engine_plugin as ai
pygame.init()
screen = pygame.display.set_mode((100, 100))
height, seen, events, frame = 50, [], [], 0

def play(shown):
    if frame >= 12:
        raise RuntimeError("no idea")
    return "up" if shown["height"] > 40 else "down"

seat = ai.Seat("tower", keys={"up": [pygame.K_UP], "down": [pygame.K_DOWN]}, every=3,
               see=lambda: {"height": height}, script=play)
for frame in range(18):
    pressed = pygame.key.get_pressed()
    keys = seat.keys(pressed)
    height += 5 * (keys[pygame.K_DOWN] - keys[pygame.K_UP])
    assert keys[pygame.K_SPACE] == pressed[pygame.K_SPACE]
    events += [(e.type == pygame.KEYDOWN, e.key) for e in pygame.event.get()
               if e.type in (pygame.KEYDOWN, pygame.KEYUP)]
    seen.append(height)
    seat.tick()
print(json.dumps([seen, events]))
"""


def test_a_script_presses_keys_and_one_that_fails_lets_go():
    run = subprocess.run(
        [sys.executable, "-c", SCRIPTED],
        capture_output=True, text=True, timeout=60, cwd=ROOT, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    heights, events = json.loads(run.stdout.splitlines()[-1])
    assert heights[:10] == [50, 45, 40, 35, 40, 45, 50, 45, 40, 35]
    assert heights[13:] == [heights[13]] * 5  # nothing is held
    up, down = pygame.K_UP, pygame.K_DOWN
    assert events[:3] == [[True, up], [False, up], [True, down]]
    assert "no idea" in run.stderr


def test_a_seat_costs_next_to_nothing_to_import():
    code = (
        "import sys, engine_plugin; engine_plugin.Seat;"
        "print([m for m in ('pygame', 'onnxruntime', 'tensorflow', 'gymnasium', 'fastenv')"
        " if m in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, timeout=60, cwd=ROOT, check=True,
    )  # fmt: skip
    assert run.stdout.strip() == "[]"
