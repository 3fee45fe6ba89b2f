"""Stable-Baselines3's DQN on a course: `fast_learner.py` runs it in its own environment.

    PYTHONPATH=. ENVIRONMENT/bin/python tests/benchmarks/learner_sb3.py COURSE SEED
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from functools import partial
from typing import Any

import gymnasium
import numpy as np
import stable_baselines3
import torch
from learner_courses import (
    COURSES,
    Course,
    Parts,
    ScoreClock,
    on_one_core,
    product_seconds,
    result_of,
)
from stable_baselines3 import DQN
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.monitor import Monitor
from stable_baselines3.common.torch_layers import BaseFeaturesExtractor
from stable_baselines3.common.vec_env import DummyVecEnv

from engine_plugin.learn.worlds import facts_of

SEATS = 2


class Board(BaseFeaturesExtractor):
    """A grid game's bytes as numbers that a dense layer can use: every cell's content one-hot and
    how soon it is deadly, both players' places one-hot, all other fields from 0 to 1."""

    def __init__(self, observation_space: gymnasium.spaces.Box, game: str):
        spec = facts_of(COURSES[game].config(0))
        fields, start = {}, 0
        for field in spec.observation:
            fields[field.name] = slice(start, start + field.size)
            start += field.size
        contents = len(spec.contents)
        cell = np.zeros((256, contents), np.float32)
        for value in range(256):
            content, danger = value & 15, value >> 4
            if 0 < content < contents:
                cell[value, content - 1] = 1
            cell[value, contents - 1] = (9 - danger) / 8 if danger else 0
        cells = fields.pop("cells")
        places = [name for name in fields if name.endswith(("_column", "_row"))]
        sizes = [spec.width if name.endswith("_column") else spec.height for name in places]
        count = (cells.stop - cells.start) * contents + sum(sizes) + len(fields)
        super().__init__(observation_space, count)
        self.cells, self.starts = cells, [fields[name].start for name in places]
        self.sizes, self.others = sizes, slice(cells.stop, None)
        self.register_buffer("cell", torch.from_numpy(cell))
        self.register_buffer("high", torch.from_numpy(observation_space.high[self.others]).float())

    def forward(self, observations: Any) -> Any:
        ids = observations.long()
        cells = self.cell[ids[:, self.cells]].flatten(1)
        places = [
            torch.nn.functional.one_hot(ids[:, start], size)
            for start, size in zip(self.starts, self.sizes, strict=True)
        ]
        others = observations[:, self.others] / self.high
        return torch.cat([cells, *places, others], dim=1)


@dataclass(frozen=True)
class Peer:
    """How Stable-Baselines3 trains on a course.

    env, options: what gymnasium.make is given, in turn for each of `num_envs` envs
    settings: of its DQN
    """

    env: str
    settings: dict[str, Any]
    options: tuple[dict[str, Any], ...] = ({},)
    num_envs: int = 1


# rl-baselines3-zoo's tuned settings, hyperparams/dqn.yml.
ZOO_CARTPOLE = {
    "learning_rate": 2.3e-3, "batch_size": 64, "buffer_size": 100_000, "learning_starts": 1_000,
    "gamma": 0.99, "target_update_interval": 10, "train_freq": 256, "gradient_steps": 128,
    "exploration_fraction": 0.16, "exploration_final_eps": 0.04,
    "policy_kwargs": {"net_arch": [256, 256]},
}  # fmt: skip
# The best of five settings tried on seed 0: the defaults on the plain bytes (0 to 20 % of matches
# won after a minute), and on `Board` batches of 64, 128 and 256, nets of 128 and 256 units, 1 and 3
# steps of reward, 8 and 16 envs (all 70 to 80 %).
BLAST = {
    "learning_rate": 5e-4, "batch_size": 256, "buffer_size": 200_000, "learning_starts": 4_096,
    "gamma": 0.97, "n_steps": 3, "target_update_interval": 2_000, "train_freq": 32,
    "gradient_steps": 4, "exploration_fraction": 0.02, "exploration_final_eps": 0.05,
    "policy_kwargs": {
        "net_arch": [256, 256], "features_extractor_class": Board,
        "features_extractor_kwargs": {"game": "blast"},
    },
}  # fmt: skip
PEERS = {
    "cartpole": Peer("CartPole-v1", ZOO_CARTPOLE),
    "blast": Peer(
        "fastenv.adapters.gymnasium:fastenv/Blast-v0",
        BLAST,
        tuple({"opponent": "idle", "learner_seat": seat} for seat in range(SEATS)),
        num_envs=16,
    ),
}


class Judge(BaseCallback):
    """Stops the clock, has the policy judged, and ends the run where that is over."""

    def __init__(self, clock: ScoreClock):
        super().__init__()
        self.clock = clock

    def decide(self, observations: np.ndarray, allowed: np.ndarray) -> np.ndarray:
        return self.model.predict(observations, deterministic=True)[0].astype(np.uint8)

    def _on_step(self) -> bool:
        return True if not self.clock.is_due else self.judged()

    def judged(self) -> bool:
        """Whether the run goes on after a judging."""
        clock = self.clock
        clock.stop()
        clock.note(clock.judge.evaluate(self.decide), self.num_timesteps)
        clock.go_on()
        return not clock.is_over


def train(course: Course, peer: Peer, seed: int) -> dict[str, Any]:
    clock, parts = ScoreClock(course), Parts()
    clock.go_on()
    makers = [
        partial(_make, peer.env, peer.options[index % len(peer.options)])
        for index in range(peer.num_envs)
    ]
    model = DQN("MlpPolicy", DummyVecEnv(makers), seed=seed, device="cpu", **peer.settings)
    model._sample_action = parts.timed("acting", model._sample_action)
    model.env.step = parts.timed("env", model.env.step)
    model._store_transition = parts.timed("storing", model._store_transition)
    model.train = parts.timed("update", model.train)
    model.replay_buffer.sample = parts.timed("sampling", model.replay_buffer.sample)
    judge = Judge(clock)
    model.learn(course.steps, callback=judge)
    if not clock.is_over:
        judge.judged()
    parts.seconds["update"] -= parts.seconds["sampling"]  # it samples itself
    layers = [layer for layer in model.q_net.modules() if isinstance(layer, torch.nn.Linear)]
    kernels = [(layer.in_features, layer.out_features) for layer in layers]
    products = {
        "acting": parts.calls["acting"] * product_seconds(kernels, peer.num_envs, 1, False),
        "update": model._n_updates * product_seconds(kernels, model.batch_size, 2, True),
    }
    return {
        "steps": model.num_timesteps,
        "updates": model._n_updates,
        **result_of(clock, parts, products),
        "versions": {
            "stable_baselines3": stable_baselines3.__version__, "torch": torch.__version__,
        },
    }  # fmt: skip


def _make(name: str, options: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    return Monitor(gymnasium.make(name, **options))


def main() -> int:
    on_one_core()
    torch.set_num_threads(1)
    result = train(COURSES[sys.argv[1]], PEERS[sys.argv[1]], int(sys.argv[2]))
    print(json.dumps(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
