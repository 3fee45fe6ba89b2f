"""What a ghost costs and what it is worth: one command.

    python tests/benchmarks/ghost.py [--episodes 2000] [--seed 1] [--beside MODEL ...]

Records the hunter's play (seed 0), then prints
- the seconds, on the clock and of the processor, in which a ghost learns 3,000 and 12,000
  transitions of it;
- the time between two pictures of a match that is drawn 60 times a second, as the host draws it,
  without and with a ghost that learns beside it, in turns;
- the style score of both ghosts and of the shipped agent that the discriminator trained, and
  their behaviour beside the demonstrator's, on matches of a seed that nothing was trained on.
  --beside adds models, such as the clone of `python tests/benchmarks/style.py --only clone`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("SDL_VIDEODRIVER", "dummy")
os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")

import pygame

import fastenv
from engine_plugin.ghost.ghost import Ghost
from engine_plugin.host.clock import TickClock
from engine_plugin.host.match import Match
from engine_plugin.host.renderer import HEIGHT, WIDTH, BoardRenderer
from engine_plugin.host.seats import make_seat
from engine_plugin.host.tileset import load_sprites
from engine_plugin.learn.demonstrations import load_demonstrations
from engine_plugin.learn.judge import judge_model
from engine_plugin.learn.record import record_scripted
from engine_plugin.levels.source import levels_from

SPEC = fastenv.game_spec("blast")
SCALE, FRAMES_A_SECOND = 4, 60
TURNS, PLAIN_SECONDS = 3, 4.0


def ghost_of(demonstrations: Path) -> Ghost:
    """A ghost that has seen all of a file."""
    ghost = Ghost(SPEC, name="ghost of the hunter", safety="survivable")
    shown = load_demonstrations(demonstrations, SPEC, "none").transitions.arrays
    for seen, did in zip(shown["observations"][:, 0], shown["actions"][:, 0], strict=True):
        ghost.add(seen, int(did))
    return ghost


def learned(demonstrations: Path, out: Path) -> None:
    ghost = ghost_of(demonstrations)
    started, worked = time.perf_counter(), time.process_time()
    ghost.learn()
    seconds, work = time.perf_counter() - started, time.process_time() - worked
    ghost.save(out)
    print(
        f"{len(ghost):6} transitions: {seconds:5.2f} s on the clock, {work:4.2f} s of one core, "
        f"{len(ghost.model):,} bytes",
        flush=True,
    )


class Pictures:
    """A match of two scripted players, drawn as the host draws it."""

    def __init__(self) -> None:
        self._screen = pygame.display.set_mode((WIDTH * SCALE, HEIGHT * SCALE))
        self._canvas = pygame.Surface((WIDTH, HEIGHT))
        self._match = Match("blast", [make_seat(f"bot:{name}", "blast") for name in
                                      ("hunter", "survivor")])  # fmt: skip
        self._match.start_round(None, 1)
        self._board = BoardRenderer(load_sprites(SPEC), SPEC)
        self._clock = TickClock(SPEC.tick_rate)
        self._pace = pygame.time.Clock()

    def while_(self, goes_on: Callable[[], bool]) -> list[float]:
        """Milliseconds from picture to picture."""
        frames, last = [], time.perf_counter()
        while goes_on():
            for _ in range(self._clock.due_ticks(1 / FRAMES_A_SECOND)):
                if self._match.result is not None:
                    self._match.start_round(None, len(frames))
                self._match.choose()
                self._match.tick()
            self._board.draw(self._canvas, self._match, self._clock.fraction)
            self._screen.blit(pygame.transform.scale_by(self._canvas, SCALE), (0, 0))
            pygame.display.flip()
            self._pace.tick(FRAMES_A_SECOND)
            now = time.perf_counter()
            frames.append(1000 * (now - last))
            last = now
        return frames[2:]


def frame_times(demonstrations: Path) -> None:
    pictures, ghost = Pictures(), ghost_of(demonstrations)
    plain: list[float] = []
    beside: list[float] = []
    for _ in range(TURNS):
        until = time.perf_counter() + PLAIN_SECONDS
        plain += pictures.while_(lambda until=until: time.perf_counter() < until)
        trainer = ghost.start()
        beside += pictures.while_(lambda trainer=trainer: trainer.running)
    pygame.quit()
    for name, frames in (("without a ghost", plain), ("while one learns", beside)):
        middle, high, highest = np.percentile(frames, (50, 99, 100))
        late = np.mean(np.array(frames) > 1.5 * 1000 / FRAMES_A_SECOND)
        print(
            f"{name:17} {len(frames):5} pictures, ms from one to the next: p50 {middle:5.1f}   "
            f"p99 {high:5.1f}   most {highest:5.1f}   a picture late: {100 * late:.1f} %",
            flush=True,
        )


def judged(model: str, demonstrations: Path, episodes: int, seed: int, names: bool) -> None:
    result = judge_model(
        model, "blast", ("survivor",), episodes, seed, "generator", str(demonstrations)
    )["style"]
    rows = [(Path(model).name, result["profile"])]
    if names:
        players = ("demonstrator", "survivor")
        rows[:0] = [(name, result[f"{name}_profile"]) for name in players]
        print(f"{'':22} {'   '.join(f'{rate:>8}' for rate in rows[0][1])}")
    for name, rates in rows:
        print(f"{name:22} {'   '.join(f'{value:8.2f}' for value in rates.values())}", end="")
        print("" if name != rows[-1][0] else f"   {told(result)}", flush=True)


def told(style: dict[str, dict[str, float]]) -> str:
    scores = []
    for safety, words in (("survivable", "style"), ("none", "without the filter")):
        low, high = style["interval_by_safety"][safety]
        scores.append(f"{words} {style['score_by_safety'][safety]:.2f} ({low:.2f} to {high:.2f})")
    return ", ".join(scores)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--episodes", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--beside", nargs="*", default=[])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        for transitions in (3_000, 12_000):
            demonstrations = folder / f"hunter-{transitions}.npz"
            record_scripted(
                SPEC, "hunter", ("survivor", "hunter"), transitions, 0,
                levels_from("generator", SPEC, 0), demonstrations,
            )  # fmt: skip
            learned(demonstrations, folder / f"ghost-{transitions}.onnx")
        frame_times(demonstrations)
        models = [str(folder / f"ghost-{count}.onnx") for count in (12_000, 3_000)]
        for index, model in enumerate([*models, "blast/medium", *given.beside]):
            judged(model, demonstrations, given.episodes, given.seed, names=index == 0)


if __name__ == "__main__":
    main()
