"""What two learners are compared on: courses, the clock that stops while one is judged, and where
its time goes. Imports neither TensorFlow nor torch, so that both learners can be timed by it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.worlds import facts_of, open_task

HELD = 3  # judgings in a row that hold a score
REPEATS = 200  # of each timed matrix product

Shape = tuple[int, int]


@dataclass(frozen=True)
class Course:
    """One game and the scores to reach on it.

    settings: of our learner, a PolicyConfig's; they also say who judges, and against whom
    steps: env steps that both learners are told they have
    judge_every: seconds of a learner's own clock between two judgings
    episodes: validation episodes of one judging, always the same ones
    targets: scores to reach, rising; the last one ends the run when it is held
    cap: seconds of its own clock after which a learner is stopped
    """

    settings: dict[str, Any]
    steps: int
    judge_every: float
    episodes: int
    targets: tuple[float, ...]
    cap: float

    def config(self, seed: int, out: str = "") -> PolicyConfig:
        """The resolved settings of our learner, one thread."""
        config = PolicyConfig(
            out=out,
            seed=seed,
            steps=self.steps,
            threads=1,
            evaluate_every=self.judge_every,
            evaluation_episodes=self.episodes,
            **self.settings,
        )
        return config.resolved(facts_of(config))


COURSES = {
    # 475: what Gymnasium calls solved; of 500.
    "cartpole": Course({"env": "CartPole-v1"}, 50_000, 1.0, 20, (195.0, 475.0), 180.0),
    # Shares of matches won. Without our filter of fatal actions: the env has none.
    "blast": Course(
        {
            "game": "blast", "reward": "game", "levels": "builtin", "opponents": "idle",
            "safety": "none",
        },
        2_000_000, 2.5, 100, (0.75, 0.8, 0.9), 60.0,
    ),
}  # fmt: skip


def score_of(measured: dict[str, Any]) -> float:
    """The mean return of judged episodes, or the share of matches won."""
    if "return" in measured:
        return float(measured["return"]["mean"])
    rows = measured["against"].values()
    return sum(row["wins"] for row in rows) / sum(row["episodes"] for row in rows)


@dataclass(frozen=True)
class Judging:
    """One judging: both times of the learner's clock, its env steps, the score."""

    seconds: float
    wall_seconds: float
    steps: int
    score: float


def reached(judgings: Sequence[Judging], target: float, in_a_row: int = HELD) -> Judging | None:
    """The first of `in_a_row` judgings in a row of at least `target`; None: there are none."""
    for start in range(len(judgings) - in_a_row + 1):
        if all(row.score >= target for row in judgings[start : start + in_a_row]):
            return judgings[start]
    return None


class ScoreClock:
    """Runs while a learner learns and stands still while it is judged.

    seconds: of the processor, all threads together: what the learner takes on an idle core
    wall_seconds: that went by meanwhile, on a machine that may be busy with other work
    imports: seconds of the processor before there was a clock
    runs: whether it runs now; is_over: whether the highest target is held, or the cap reached
    """

    def __init__(self, course: Course):
        self.imports = time.process_time()
        self.course = course
        self.judge = open_task(course.config(seed=0)).judge(None)
        self.judgings: list[Judging] = []
        self.seconds = self.wall_seconds = 0.0
        self.runs = self.is_over = False
        self._began = (0.0, 0.0)
        self._due = course.judge_every

    def go_on(self) -> None:
        self.runs = True
        self._began = (time.process_time(), time.perf_counter())

    def stop(self) -> None:
        self.runs = False
        self.seconds += time.process_time() - self._began[0]
        self.wall_seconds += time.perf_counter() - self._began[1]
        self._due = self.seconds + self.course.judge_every

    @property
    def is_due(self) -> bool:
        """Whether it is time to stop and judge."""
        return self.seconds + time.process_time() - self._began[0] >= self._due

    def note(self, measured: dict[str, Any], steps: int) -> None:
        """Keep what was measured while the clock stood still."""
        score = score_of(measured)
        row = Judging(round(self.seconds, 3), round(self.wall_seconds, 3), steps, score)
        self.judgings.append(row)
        held = reached(self.judgings, self.course.targets[-1]) is not None
        self.is_over = held or self.seconds >= self.course.cap


class Parts:
    """Seconds and calls of the parts of a learner's work, whose functions are wrapped from outside.

    The first call of each is kept apart: it compiles. What the judge calls does not count.
    """

    def __init__(self, clock: ScoreClock) -> None:
        self.clock = clock
        self.seconds: dict[str, float] = {}
        self.calls: dict[str, int] = {}
        self.first = 0.0

    def timed(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """`function`, its seconds counted as `part`."""
        self.seconds[part], self.calls[part] = 0.0, 0

        def wrapped(*arguments: Any, **named: Any) -> Any:
            if not self.clock.runs:
                return function(*arguments, **named)
            start = time.process_time()
            result = function(*arguments, **named)
            took = time.process_time() - start
            if self.calls[part]:
                self.seconds[part] += took
            else:
                self.first += took
            self.calls[part] += 1
            return result

        return wrapped

    def report(self, whole: float) -> dict[str, float]:
        """Seconds by part; "first calls" and what is left of `whole` are parts too."""
        known = {**self.seconds, "first calls": self.first}
        known["rest"] = whole - sum(known.values())
        return {part: round(seconds, 3) for part, seconds in known.items()}


def product_seconds(kernels: Sequence[Shape], rows: int, forwards: int, learns: bool) -> float:
    """Seconds that NumPy takes for the matrix products of one pass on this core, and nothing else.

    kernels: (inputs, outputs) of each dense layer
    rows: of the batch; forwards: how often it goes through; learns: whether once also back, where
        each layer multiplies twice, the first one once
    """
    seconds = 0.0
    for place, (inputs, outputs) in enumerate(kernels):
        seconds += forwards * _seconds(rows, inputs, outputs)
        if learns:
            seconds += _seconds(inputs, rows, outputs)
            seconds += _seconds(rows, outputs, inputs) if place else 0.0
    return seconds


def _seconds(height: int, inner: int, width: int) -> float:
    """Median seconds of [height, inner] x [inner, width] in float32."""
    random = np.random.default_rng(0)
    left = random.standard_normal((height, inner), np.float32)
    right = random.standard_normal((inner, width), np.float32)
    out = np.empty((height, width), np.float32)
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        np.matmul(left, right, out=out)
        taken.append(time.process_time() - start)
    return float(np.median(taken))


def on_one_core() -> None:
    """Keep this process on one of its cores, where the system can."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def result_of(parts: Parts, products: dict[str, float]) -> dict[str, Any]:
    """What a learner's process prints, JSON-ready.

    products: seconds that the matrix products of the whole run's "acting" and "update" take alone
    """
    clock = parts.clock
    return {
        "imports": round(clock.imports, 3),
        "judgings": [asdict(row) for row in clock.judgings],
        "parts": parts.report(clock.judgings[-1].seconds),
        "calls": parts.calls,
        "products": {name: round(seconds, 3) for name, seconds in products.items()},
    }
