"""Our learner on a course, in a process of its own: `fast_learner.py` starts it and reads its line.

    python tests/benchmarks/learner_ours.py COURSE SEED
"""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Any

from learner_courses import (
    COURSES,
    Course,
    Parts,
    ScoreClock,
    on_one_core,
    product_seconds,
    result_of,
)

from engine_plugin.learn.acting import Values
from engine_plugin.learn.stopping import StopRequest
from engine_plugin.learn.train import TrainingRun
from engine_plugin.learn.worlds import open_task


class TimedRun(TrainingRun):
    """The run as it is, judged when the clock says and stopped by it. Checkpoints do not count."""

    clock: ScoreClock

    @property
    def evaluation_is_due(self) -> bool:
        return self.clock.is_due or (self.is_over and self.steps > self.evaluated_at)

    @property
    def is_over(self) -> bool:
        return super().is_over or self.clock.is_over

    def evaluate(self, line: dict[str, Any], stop: StopRequest | None = None) -> dict[str, Any]:
        self.clock.stop()
        line = super().evaluate(line, stop)
        self.clock.note(line, self.steps)
        self.clock.go_on()
        return line

    def save(self) -> None:
        self.clock.stop()
        super().save()
        self.clock.go_on()


def train(course: Course, seed: int, out: str) -> dict[str, Any]:
    config = course.config(seed, out)
    clock = ScoreClock(course)
    parts = Parts(clock)
    clock.go_on()
    run = TimedRun(config, "", open_task(config), None)
    run.clock = clock
    learner = run.learner
    run.prepare = parts.timed("preparing", run.prepare)
    run.values = Values(parts.timed("acting", learner.act))
    run.world.step = parts.timed("env", run.world.step)
    run.replay.add = parts.timed("storing", run.replay.add)
    run.replay.sample = parts.timed("sampling", run.replay.sample)
    learner.learn = parts.timed("update", learner.learn)
    run.start()
    run.train()
    kernels = [tuple(v.shape) for v in learner.network.trainable_variables if len(v.shape) == 2]
    # Double Q-learning: the batch through the network, what follows through it and the target.
    products = {
        "acting": parts.calls["acting"] * product_seconds(kernels, config.num_envs, 1, False),
        "update": run.updates * product_seconds(kernels, config.batch_size, 3, True),
    }
    return {"steps": run.steps, "updates": run.updates, **result_of(parts, products)}


def main() -> int:
    on_one_core()
    with tempfile.TemporaryDirectory() as folder:
        result = train(COURSES[sys.argv[1]], int(sys.argv[2]), f"{folder}/run")
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
