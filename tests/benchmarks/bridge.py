"""How fast games of their own loop run in virtual time: frames a second, 60 of which are a second.

    python tests/benchmarks/bridge.py [GAME.py ...] [--seconds 4] [--json]

Without games the pong-sized one of the tests and those of examples/. Of each, with the pipe and a
learner at its other end that answers at once:

    drawing     drawn for real, onto a screen that nobody sees
    stubbed     the same with drawing left out: what plays in training
    CPU         stubbed, in a second of the game's own processor time: what an idle core gives
    4 actors    four of those stepped together, as in training, all frames counted

Actions are drawn at random and held as long as the game's seat says. Rounds that the game ends are
followed by others, and their start-up counts.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from engine_plugin.bridge.actor import Actor
from engine_plugin.bridge.job import Job
from engine_plugin.learn.worlds.loops import LoopWorld

ROOT = Path(__file__).parents[2]
GAMES = (
    "tests/bridge/games/paddles.py",
    *(f"examples/{name}/{name}.py" for name in ("paddle", "snake", "shooter")),
)


def one_actor(game: str, seconds: float, drawing: bool) -> tuple[float, float]:
    """Frames a second of one game, and frames a second of its processor time."""
    idle = _processor_seconds(game, drawing, 0)[1]
    began = time.perf_counter()
    frames, busy = _processor_seconds(game, drawing, seconds)
    return frames / (time.perf_counter() - began), frames / max(busy - idle, 1e-3)


def _processor_seconds(game: str, drawing: bool, seconds: float) -> tuple[int, float]:
    """Frames played in so many seconds, and the processor time of the game's processes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    actor = Actor(Job("act", game, drawing=drawing))
    draw = np.random.default_rng(0)
    frames = frame = 0
    seen = actor.receive()
    began = time.perf_counter()
    while time.perf_counter() - began < seconds or seen.terminated or seen.truncated:
        if not (seen.terminated or seen.truncated):
            assert actor.hello is not None
            actor.answer(int(draw.integers(len(actor.hello.facts.actions))))
        seen = actor.receive()
        # A fresh process counts its frames from 1.
        frames += seen.frame - (0 if seen.frame < frame else frame)
        frame = seen.frame
    actor.close()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return frames, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def several_actors(game: str, seconds: float, count: int = 4) -> float:
    """Frames a second of a world of several games, all together."""
    world = LoopWorld(Job("act", game), count, 0, 0)
    draw = np.random.default_rng(0)
    decisions, began = 0, time.perf_counter()
    try:
        while time.perf_counter() - began < seconds:
            world.step(draw.integers(len(world.facts.actions), size=count).astype(np.uint8))
            decisions += count
        return decisions * world.facts.period / (time.perf_counter() - began)
    finally:
        world.close()


def measure(game: str, seconds: float) -> dict[str, Any]:
    path = str(Path(game).resolve())
    stubbed, of_processor = one_actor(path, seconds, False)
    rates = {
        "drawing": one_actor(path, seconds, True)[0],
        "stubbed": stubbed,
        "CPU": of_processor,
        "4 actors": several_actors(path, seconds),
    }
    return {"game": game, **{name: round(rate) for name, rate in rates.items()}}


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("games", nargs="*")
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    games = arguments.games or [str(ROOT / game) for game in GAMES]
    rows = [measure(game, arguments.seconds) for game in games]
    if arguments.json:
        print(json.dumps(rows))
        return 0
    print(f"{'frames/s':16}" + "".join(f"{name:>10}" for name in list(rows[0])[1:]))
    for row in rows:
        name, *rates = row.values()
        print(f"{Path(name).name:16}" + "".join(f"{rate:>10,}" for rate in rates))
    return 0


if __name__ == "__main__":
    sys.exit(main())
