"""Training a policy: demonstrations and game in, a model file out. Reads from top to bottom.

Everything the run needs to go on is in `checkpoint.npz`; `best.npz` holds the weights that
evaluated best so far, `log.jsonl` one line an evaluation, `run.json` what was run with what.
"""

from __future__ import annotations

import json
import os
import platform
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

import fastenv
from engine_plugin.errors import ConfigError
from engine_plugin.files import atomic_write, refuse_existing
from engine_plugin.learn.arena import Arena
from engine_plugin.learn.checkpoint import (
    arrays_to_variables,
    load_checkpoint,
    save_checkpoint,
    variables_to_arrays,
)
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.demonstrations import Demonstrations, load_demonstrations
from engine_plugin.learn.discriminator import DiscriminatorLearner
from engine_plugin.learn.dqn import DQNLearner
from engine_plugin.learn.evaluate import (
    YARDSTICK,
    StyleYardstick,
    play_episodes,
    profile,
    strength,
    summary,
)
from engine_plugin.learn.progress import TrainingProgress
from engine_plugin.learn.replay import ReplayBuffer, Transitions, concatenate
from engine_plugin.levels.source import levels_from
from fastenv import GameSpec

NEWEST_TICKS = 40  # of the replay buffer, from which newest negatives are drawn
CLONE_BATCH = 256
VALIDATION_SEED = 1_000_003  # levels and matches of the evaluations during training
RUN_FILES = ("checkpoint.npz", "best.npz", "log.jsonl", "run.json", "model.onnx")
VERSIONS = ("tensorflow", "keras", "numpy", "onnxruntime", "tf2onnx")


def train_policy(config: PolicyConfig, command: str = "") -> dict[str, Any]:
    """Train by `config` and write `out`/model.onnx; returns what run.json records of the result.

    Raises ConfigError, OutputExistsError, TrajectoryError, UnknownGameError or a ModelError before
    anything is written.
    """
    config = config.resolved()
    out = Path(config.out)
    if not config.resume:
        refuse_existing(out, config.force)
    spec = fastenv.game_spec(config.game)
    for name in config.opponent_names:
        fastenv.make_bot(name, config.game)
    levels = levels_from(config.levels, spec, config.seed)
    demonstrations = None
    if config.demos:
        demonstrations = load_demonstrations(config.demos, spec, config.safety)
    run = TrainingRun(config, command, spec, levels, demonstrations)
    if config.resume:
        run.resume()
    else:
        out.mkdir(parents=True, exist_ok=True)
        run.start()
    run.train()
    return run.finish()


class TrainingRun:
    """The parts of one run and what happens to them."""

    def __init__(
        self,
        config: PolicyConfig,
        command: str,
        spec: GameSpec,
        levels: list[fastenv.Level],
        demonstrations: Demonstrations | None,
    ):
        self.config, self.command, self.spec, self.levels = config, command, spec, levels
        self.out = Path(config.out)
        self.demonstrations = demonstrations
        self.random = np.random.default_rng(config.seed)
        _set_threads(config.threads)
        keras.utils.set_random_seed(config.seed)
        self.discriminator = (
            DiscriminatorLearner(spec, config) if config.uses_discriminator else None
        )
        self.learner = DQNLearner(
            spec, config, self.discriminator.network if self.discriminator else None
        )
        self.arena = Arena(
            config.game,
            config.opponent_names,
            config.num_envs,
            config.seed + 1,
            levels,
            config.safety,
            config.late_reward,
        )
        self.replay = ReplayBuffer(
            max(config.replay_size // config.num_envs, config.n_step + 1),
            config.num_envs,
            spec.observation_size,
            len(spec.actions),
        )
        self.yardstick = None
        scale = set(fastenv.scripted_player_names(config.game)) - {YARDSTICK}
        if demonstrations is not None and demonstrations.player in scale:
            self.yardstick = StyleYardstick(
                spec,
                demonstrations.player,
                self.validation_opponents,
                config.evaluation_episodes,
                VALIDATION_SEED,
                levels,
            )
        self.steps = 0
        self.updates = 0
        self.seconds = 0.0  # of training before this process
        self.best_score = -np.inf
        self.best: dict[str, Any] = {}

    @property
    def validation_opponents(self) -> tuple[str, ...]:
        """The demonstrator's opponents where style is judged, else one's own, each once."""
        opponents = self.config.opponent_names
        if self.selects_style and self.demonstrations is not None:
            opponents = self.demonstrations.opponents
        return tuple(dict.fromkeys(opponents))

    @property
    def selects_style(self) -> bool:
        if self.config.select == "auto":
            return self.config.reward not in ("game", "mix")
        return self.config.select == "style"

    # ------------------------------------------------------------------------------- the run

    def start(self) -> None:
        """Record what is run, and clone first where asked."""
        for name in RUN_FILES:
            (self.out / name).unlink(missing_ok=True)
        self.write_record({})
        if self.config.warm_start or self.config.reward == "none":
            self.clone()
            self.evaluate({"phase": "clone"})

    def clone(self) -> None:
        """Behaviour cloning: cross-entropy to the demonstrated actions, under random symmetries."""
        assert self.demonstrations is not None
        transitions = self.demonstrations.transitions
        rounds = self.config.clone_epochs * max(len(transitions) // CLONE_BATCH, 1)
        for _ in range(rounds):
            batch = transitions.sample(self.random, CLONE_BATCH, 1)
            shown = (batch.observations[:, 0], batch.allowed[:, 0], batch.actions[:, 0])
            symmetry = self.symmetry(CLONE_BATCH)
            self.learner.clone(*shown, symmetry)
            if self.discriminator is not None and self.config.style_form == "advantage":
                self.discriminator.clone(*shown, symmetry)
        self.learner.take_over_clone()

    def train(self) -> None:
        """Play, remember, judge and learn; a run stopped by hand keeps what it has."""
        if self.config.reward == "none":
            self.save()
            return
        with TrainingProgress(self.config.minutes * 60) as progress:
            try:
                self.learn(progress)
            except KeyboardInterrupt:
                self.save()
                progress.say(f"stopped; the same command with --resume goes on from {self.out}")
                raise

    def learn(self, progress: TrainingProgress) -> None:
        config = self.config
        began, before, first_steps = time.monotonic(), self.seconds, self.steps
        next_evaluation = self.seconds + config.evaluate_every
        numbers: list[np.ndarray] = []
        judged: list[np.ndarray] = []
        while not self.is_over:
            self.play_one_tick()
            while self.updates_due():
                if self.discriminator is not None:
                    judged += self.update_discriminator()
                numbers.append(self.update_policy())
            self.seconds = before + time.monotonic() - began
            if self.steps % (64 * config.num_envs) == 0:
                rate = (self.steps - first_steps) / max(time.monotonic() - began, 1e-9)
                progress.moved(self.seconds, rate)
            if self.is_over or self.seconds >= next_evaluation:
                next_evaluation += config.evaluate_every
                line = self.evaluate(_means(numbers, judged))
                numbers, judged = [], []
                self.save()
                progress.evaluated(_short(line))
                progress.say(_long(line))

    def play_one_tick(self) -> None:
        """One decision in every env, remembered with what came of it."""
        config, arena = self.config, self.arena
        values = self.learner.act(arena.observations, arena.allowed).numpy()
        if config.policy == "soft":
            # The argmax of values with Gumbel noise is a sample of their softmax.
            values = values / config.temperature + self.random.gumbel(size=values.shape)
        else:
            at_random = self.random.random(config.num_envs) < config.epsilon
            values = np.where(at_random[:, None], self.random.random(values.shape), values)
        actions = np.where(arena.allowed > 0, values, -np.inf).argmax(axis=1).astype(np.uint8)
        observations, allowed = arena.observations.copy(), arena.allowed.copy()
        arena.step(actions)
        self.replay.add(
            observations=observations,
            allowed=allowed,
            actions=actions,
            rewards=arena.rewards,
            next_observations=arena.next_observations,
            next_allowed=arena.allowed,
            terminated=arena.terminated,
            truncated=arena.truncated,
        )
        self.steps += config.num_envs

    @property
    def is_over(self) -> bool:
        """Whether the minutes or the steps are used up; a run resumed then plays no more."""
        config = self.config
        return self.seconds >= config.minutes * 60 or 0 < config.steps <= self.steps

    @property
    def share_left(self) -> float:
        """Share of the run that is still to come, by the clock or by the steps."""
        gone = self.seconds / (self.config.minutes * 60)
        if self.config.steps:
            gone = max(gone, self.steps / self.config.steps)
        return max(0.0, 1 - gone)

    @property
    def rate_factor(self) -> float:
        """Factor on the learning rates: 1 in the first half of the run, then down to `rate_end`."""
        return self.config.rate_end + (1 - self.config.rate_end) * min(1.0, 2 * self.share_left)

    def updates_due(self) -> bool:
        return self.updates * self.config.steps_per_update < self.steps - self.config.warm_up

    def update_discriminator(self) -> list[np.ndarray]:
        """Demonstrations against newest and older play; less often while it wins too easily."""
        assert self.discriminator is not None and self.demonstrations is not None
        if self.discriminator.should_rest and self.updates % 4:
            return []
        count = self.config.batch_size // 2
        old = int(count * self.config.old_negatives)
        self.discriminator.set_learning_rate(self.config.discriminator_rate * self.rate_factor)
        own = self.replay.sample(self.random, count - old, 1, newest=NEWEST_TICKS)
        if old:
            own = concatenate(own, self.replay.sample(self.random, old, 1))
        shown = self.demonstrations.transitions.sample(self.random, count, 1)
        result: np.ndarray = self.discriminator.update(
            self.learner.network, shown, own, self.symmetry(2 * count)
        ).numpy()
        self.discriminator.note(float(result[1]))
        return [result]

    def update_policy(self) -> np.ndarray:
        """One update of the Q-network from own transitions and demonstrations."""
        config = self.config
        shown = 0
        if self.demonstrations is not None and config.demo_share:
            shown = int(config.batch_size * config.demo_share)
        batch: Transitions = self.replay.sample(
            self.random, config.batch_size - shown, config.n_step
        )
        if shown:
            assert self.demonstrations is not None
            batch = concatenate(
                self.demonstrations.transitions.sample(self.random, shown, config.n_step), batch
            )
        left = self.share_left
        self.learner.set_learning_rate(config.learning_rate * self.rate_factor)
        self.updates += 1
        result: np.ndarray = self.learner.update(
            batch,
            shown,
            self.symmetry(config.batch_size),
            tf.constant(config.margin * left, tf.float32),
        ).numpy()
        return result

    def symmetry(self, count: int) -> np.ndarray:
        """A random board symmetry for each row, int32 [count]."""
        return self.random.integers(0, self.config.symmetries, count).astype(np.int32)

    # ------------------------------------------------------------------------ judging and keeping

    def evaluate(self, line: dict[str, Any]) -> dict[str, Any]:
        """Play validation matches, log the line, keep the weights if they are the best so far."""
        noise = np.random.default_rng(VALIDATION_SEED)

        def decide(observations: np.ndarray, allowed: np.ndarray) -> np.ndarray:
            values = self.learner.act_averaged(observations, allowed).numpy()
            if self.config.policy == "soft":
                values = values / self.config.play_temperature + noise.gumbel(size=values.shape)
            actions: np.ndarray = np.where(allowed > 0, values, -np.inf).argmax(axis=1)
            return actions.astype(np.uint8)

        played = play_episodes(
            self.spec,
            decide,
            self.validation_opponents,
            self.config.evaluation_episodes,
            VALIDATION_SEED,
            self.levels,
            self.config.safety,
        )
        line = {
            "seconds": round(self.seconds, 1),
            "steps": self.steps,
            "updates": self.updates,
            **line,
            "against": {name: summary(self.spec, rows) for name, rows in played.items()},
            "profile": profile(self.spec, np.concatenate(list(played.values()))),
            "strength": strength(self.spec, played),
        }
        if self.yardstick is not None:
            line["style"] = self.yardstick.score(played)
        with (self.out / "log.jsonl").open("a") as log:
            log.write(json.dumps(line) + "\n")
        if self.selects_style and self.yardstick is None and self.config.uses_discriminator:
            score = float(self.steps)  # a person's demonstrations: no yardstick, keep the last
        else:
            score = line["style"] if self.selects_style and "style" in line else line["strength"]
        if self.config.select == "last" or score >= self.best_score:
            self.best_score, self.best = score, line
            save_checkpoint(
                self.out / "best.npz",
                {"target": variables_to_arrays(self.learner.target.variables)},
                {"evaluation": line},
            )
        return line

    def save(self) -> None:
        """Write the checkpoint that `resume` goes on from."""
        groups = {
            "network": variables_to_arrays(self.learner.network.variables),
            "target": variables_to_arrays(self.learner.target.variables),
            "optimizer": variables_to_arrays(self.learner.optimizer.variables),
            "replay": {
                name: array[: self.replay.filled] for name, array in self.replay.arrays.items()
            },
            "envs": {
                f"{group:03d}": np.stack([np.frombuffer(blob, np.uint8) for blob in blobs])
                for group, blobs in enumerate(self.arena.save_states())
            },
        }
        facts = {
            "steps": self.steps,
            "updates": self.updates,
            "seconds": self.seconds,
            "best_score": float(self.best_score),
            "best": self.best,
            "random": self.random.bit_generator.state,
            "replay_head": self.replay.head,
            "replay_filled": self.replay.filled,
        }
        if self.discriminator is not None:
            groups["discriminator"] = variables_to_arrays(self.discriminator.network.variables)
            groups["discriminator_optimizer"] = variables_to_arrays(
                self.discriminator.optimizer.variables
            )
            facts["balanced_accuracy"] = self.discriminator.balanced_accuracy
        save_checkpoint(self.out / "checkpoint.npz", groups, facts)

    def resume(self) -> None:
        """Put everything back as the last checkpoint left it."""
        groups, facts = load_checkpoint(self.out / "checkpoint.npz")
        parts = {
            "network": self.learner.network.variables,
            "target": self.learner.target.variables,
            "optimizer": self.learner.optimizer.variables,
        }
        if self.discriminator is not None:
            parts["discriminator"] = self.discriminator.network.variables
            parts["discriminator_optimizer"] = self.discriminator.optimizer.variables
        for name, variables in parts.items():
            if name not in groups:
                raise ConfigError(
                    f"the checkpoint has no {name}: resume with the settings in run.json"
                )
            arrays_to_variables(groups[name], variables, name)
        if self.discriminator is not None:
            self.discriminator.balanced_accuracy = float(facts["balanced_accuracy"])
        for name, array in self.replay.arrays.items():
            stored = groups["replay"][name]
            if stored.shape[1:] != array.shape[1:] or len(stored) > len(array):
                raise ConfigError(
                    "the checkpoint's replay buffer is of another size: resume with the settings "
                    "in run.json"
                )
            array[: len(stored)] = stored
        self.replay.head, self.replay.filled = facts["replay_head"], facts["replay_filled"]
        self.arena.load_states(
            [[row.tobytes() for row in groups["envs"][name]] for name in sorted(groups["envs"])]
        )
        self.random.bit_generator.state = facts["random"]
        self.steps, self.updates = facts["steps"], facts["updates"]
        self.seconds = facts["seconds"]
        self.best_score, self.best = facts["best_score"], facts["best"]

    def finish(self) -> dict[str, Any]:
        """Keep the best weights as the run's result; `learn.outcome` exports them."""
        result = {
            "steps": self.steps,
            "updates": self.updates,
            "seconds": round(self.seconds, 1),
            "evaluation": self.best,
        }
        self.write_record(result)
        return result

    def record(self) -> dict[str, Any]:
        """What run.json and the card say of how the model was made."""
        return {
            "command": self.command,
            "config": asdict(self.config),
            "seed": self.config.seed,
            "versions": {name: version(name) for name in VERSIONS}
            | {"python": platform.python_version()},
            "cores": os.cpu_count(),
        }

    def write_record(self, result: dict[str, Any]) -> None:
        text = json.dumps({**self.record(), "result": result}, indent=1)
        atomic_write(self.out / "run.json", text.encode())


def _set_threads(threads: int) -> None:
    """Before TensorFlow's first operation; a process that already ran one keeps its threads."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError as error:
        if tf.config.threading.get_intra_op_parallelism_threads() != threads:
            raise ConfigError(
                "TensorFlow is running already with another number of threads; train in a fresh "
                "process"
            ) from error


def _means(numbers: list[np.ndarray], judged: list[np.ndarray]) -> dict[str, Any]:
    """Means since the last evaluation, by name."""
    line: dict[str, Any] = {}
    if numbers:
        names = ("temporal_difference_loss", "mean_value", "mean_reward")
        line |= dict(zip(names, np.mean(numbers, axis=0).round(4).tolist(), strict=True))
    if judged:
        names_of_judge = (
            "discriminator_loss",
            "balanced_accuracy",
            "logit_demonstrations",
            "logit_agent",
        )
        line |= dict(zip(names_of_judge, np.mean(judged, axis=0).round(4).tolist(), strict=True))
    return line


def _short(line: dict[str, Any]) -> str:
    wins = " ".join(
        f"{name} {row['wins']}:{row['losses']}" for name, row in line["against"].items()
    )
    style = f"style {line['style']:.2f} " if "style" in line else ""
    return style + wins


def _long(line: dict[str, Any]) -> str:
    rates = " ".join(f"{rate} {value:.2f}" for rate, value in line["profile"].items())
    accuracy = line.get("balanced_accuracy")
    judge = f" · discriminator {accuracy:.2f}" if accuracy is not None else ""
    return f"{line['seconds']:6.0f} s  {line['steps']:>9,} steps  {_short(line)} · {rates}{judge}"
