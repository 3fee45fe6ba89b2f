"""Looks at a run without taking part in it: measures its health, keeps its log, raises alarms,
draws.

Nothing here touches the run's random streams or its weights, so that a run that is watched is the
run that it would have been.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from engine_plugin.learn.alarms import Alarm, RunFacts, new_alarms
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.curves import CurveWriter
from engine_plugin.learn.health import JUDGED, discriminator_health, style_payment
from engine_plugin.learn.held_out import Split
from engine_plugin.learn.log import Line, RunLog
from engine_plugin.learn.replay import ReplayBuffer, Transitions

# transitions [n] -> logits float32 [n], high = demonstration, and style rewards float32 [n]
Weigh = Callable[[Transitions], tuple[np.ndarray, np.ndarray]]

STREAM = 104_729  # beside seed and step, so that the run's own draws do not move


class Watch:
    """What is kept and shown of one run."""

    def __init__(self, out: Path, config: PolicyConfig, split: Split | None):
        self.out, self.config, self.split = out, config, split
        self.log = RunLog(out / "log.jsonl")
        self.curves: CurveWriter | None = None
        self.facts = RunFacts(
            style_form=config.style_form if config.uses_discriminator else "",
            policy=config.policy,
            replay_size=config.replay_size,
            num_envs=config.num_envs,
            batch_size=config.batch_size,
            demonstration_ticks=split.mean_ticks if split else 0.0,
            demonstrated_transitions=split.learned.filled if split else 0,
            evaluation_episodes=config.evaluation_episodes,
            max_frames=config.max_frames,
        )

    def begin(self, steps: int | None = None) -> None:
        """Begin a log, or go on with the one there is from a checkpoint of `steps`."""
        if steps is not None:
            self.log.go_on_from(steps)
        self.curves = CurveWriter(self.out, self.log.lines)

    def discriminator(
        self, weigh: Weigh, replay: ReplayBuffer, newest: int, end_value: float, steps: int
    ) -> dict[str, Any]:
        """Figures of the discriminator and its reward, from transitions of each kind.

        newest: ticks of the replay buffer that count as the agent's present play
        """
        assert self.split is not None
        random = np.random.default_rng([STREAM, self.config.seed, steps])

        def some(source: ReplayBuffer, newest: int | None = None) -> Transitions:
            return source.sample(random, JUDGED, 1, newest)

        split = self.split
        shown = weigh(some(split.learned))[0]
        held_out = None if split.held_out is None else weigh(some(split.held_out))[0]
        own, rewards = weigh(some(replay, newest))
        return {
            "discriminator": discriminator_health(shown, held_out, own),
            "style_reward": style_payment(rewards, end_value),
        }

    def record(self, line: Line) -> list[Alarm]:
        """Write a line with the alarms that it raises; returns those."""
        alarms = new_alarms([*self.log.lines, line], self.facts)
        if alarms:
            line["alarms"] = [asdict(alarm) for alarm in alarms]
        self.log.append(line)
        if self.curves is not None:
            self.curves.write(line)
        return alarms

    def note(self, alarm: Alarm, steps: int) -> None:
        """Keep an alarm that no figures go with. A run that goes on from before it forgets it."""
        self.log.append({"steps": steps, "alarms": [asdict(alarm)]})

    def end(self) -> None:
        if self.curves is not None:
            self.curves.close()
            self.curves = None
