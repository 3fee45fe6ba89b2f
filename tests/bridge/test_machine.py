"""What a game gets from calls whose drawing is left out: the same as from those that draw."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]

SAME_ANSWERS = """
import os, random
os.environ["SDL_VIDEODRIVER"] = "dummy"
import pygame
real = {name: getattr(pygame.draw, name) for name in ("rect", "circle", "ellipse")}
RealFont = pygame.font.Font
from engine_plugin.bridge.machine.undrawn import Screen
from engine_plugin.bridge.machine.virtual import VirtualMachine
VirtualMachine().install()
pygame.init()
screen, drawn = pygame.display.set_mode((320, 240)), pygame.Surface((320, 240))
assert type(screen) is Screen and pygame.display.get_surface() is screen
random.seed(3)

def box():
    return [random.randint(-60, 340) for _ in "xy"] + [random.randint(-9, 300) for _ in "wh"]

def pair(name):
    if name == "rect":
        given = [box(), random.choice([0, 0, 0, 2, 40])]
        more = random.choice([{}, {"border_radius": 6}, {"border_top_left_radius": 9}])
    elif name == "circle":
        given, more = [box()[:2], random.choice([0, 0.5, random.uniform(0, 90)])], {}
    else:
        given, more = [box(), random.choice([0, 0, 2])], {}
    return getattr(pygame.draw, name)(screen, "red", *given, **more), real[name](
        drawn, "red", *given, **more), given

shortcuts = 0
for _ in range(6000):
    answer, expected, given = pair(random.choice(["rect", "circle", "ellipse"]))
    assert answer == expected, (given, answer, expected)
    given = random.choice([None, box()])
    assert screen.fill("blue", given) == drawn.fill("blue", given), given
    image = pygame.Surface((random.randint(0, 80), random.randint(1, 80)))
    where = random.choice([box()[:2], pygame.Rect(box()), pygame.Vector2(9.7, -3.2)])
    area = random.choice([None, (5, 5, 10, 10)])
    assert screen.blit(image, where, area) == drawn.blit(image, where, area), (where, area)
group = pygame.sprite.Group()
for x in (10, 300):
    sprite = pygame.sprite.Sprite(group)
    sprite.image, sprite.rect = pygame.Surface((40, 40)), pygame.Rect(x, 20, 40, 40)
group.draw(screen)
assert [tuple(rect) for rect in group.spritedict.values()] == [(10, 20, 40, 40), (300, 20, 20, 40)]
font, plain = pygame.font.Font(None, 30), RealFont(None, 30)
for _ in range(2):
    for text in ("12", "13"):
        one, other = font.render(text, True, "red"), plain.render(text, True, "red")
        assert pygame.image.tobytes(one, "RGBA") == pygame.image.tobytes(other, "RGBA")
        one.fill("green")  # a game may draw on it: the next one is not changed by that
sound = pygame.mixer.Sound("nowhere.ogg")
assert sound.play().get_busy() is False and sound.get_length() == 0
pygame.mixer.music.load("nowhere.ogg"); pygame.mixer.music.play(-1)
assert isinstance(screen, pygame.Surface) and screen.get_size() == (320, 240)
pygame.Surface((4, 4)).convert_alpha()
print("the same")
"""


def test_answers_are_the_same_with_drawing_and_without():
    run = subprocess.run(
        [sys.executable, "-c", SAME_ANSWERS],
        capture_output=True, text=True, timeout=120, cwd=ROOT, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "the same"


TIME = """
import os
os.environ["SDL_VIDEODRIVER"] = "dummy"
import pygame, random, time, numpy
from engine_plugin.bridge.machine.randomness import seed_randomness
from engine_plugin.bridge.machine.virtual import VirtualMachine
VirtualMachine().install()
pygame.init()
pygame.display.set_mode((100, 100))
clock, began = pygame.time.Clock(), time.time()
passed = [clock.tick(60) for _ in range(60)]
assert sum(passed) == 1_000 and set(passed) == {16, 17}, passed
assert abs(time.time() - began - 1) < 1e-6 and pygame.time.get_ticks() == 1_000
began = time.perf_counter()
time.sleep(0.25)
assert round(time.perf_counter() - began, 6) == 0.25
pygame.time.set_timer(pygame.USEREVENT, 100, 3)
pygame.time.wait(1_000)
assert len(pygame.event.get(pygame.USEREVENT)) == 3
pygame.event.clear()
assert pygame.event.get() == []
draws = []
for _ in range(2):
    seed_randomness(5)
    draws.append((random.random(), numpy.random.rand(), numpy.random.default_rng().random()))
assert draws[0] == draws[1]
print("on time")
"""


def test_time_events_and_randomness_are_the_runs_own():
    run = subprocess.run(
        [sys.executable, "-c", TIME],
        capture_output=True, text=True, timeout=120, cwd=ROOT, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "on time"


FONTS = """
import os
os.environ["SDL_VIDEODRIVER"] = "dummy"
import subprocess, sys, time
import pygame
import pygame.sysfont as system
from engine_plugin.bridge.machine.virtual import VirtualMachine
waited = []

def list_fonts():  # as pygame does, by a program for which it waits a second at most
    began = time.monotonic()
    slow = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.3)"])
    assert slow.wait(timeout=20) == 0
    waited.append(time.monotonic() - began)

system.initsysfonts = list_fonts
VirtualMachine().install()
pygame.init()
began = time.monotonic()
pygame.font.SysFont("arial", 20)
assert waited and waited[0] > 0.2, waited
assert time.monotonic() == began
print("listed")
"""


def test_the_systems_fonts_are_listed_in_real_time_and_cost_the_game_none():
    run = subprocess.run(
        [sys.executable, "-c", FONTS],
        capture_output=True, text=True, timeout=120, cwd=ROOT, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines()[-1] == "listed"
