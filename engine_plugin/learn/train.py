"""Training a policy: demonstrations and game in, a model file out. Reads from top to bottom.

Everything the run needs to go on is in `checkpoint.npz` (the one before it is kept beside it);
`best.npz` holds the weights that evaluated best so far, `log.jsonl` one line an evaluation,
`run.json` what was run with what; `tensorboard/` and `report.html` draw the log.

A run limited by steps goes by its steps alone, its rates and evaluations too, and can be made again
exactly: with the same number of threads, one that was stopped and went on is bit for bit the one
that was not.
"""

from __future__ import annotations

import json
import math
import os
import platform
import sys
import time
from dataclasses import asdict, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from engine_plugin.errors import ConfigError, TrainingDivergedError, WorldError
from engine_plugin.files import atomic_write, refuse_existing, remove_torn_writes
from engine_plugin.learn.acting import Actor, Values, values_to_actions
from engine_plugin.learn.alarms import not_a_number, nothing_learned
from engine_plugin.learn.checkpoint import (
    BEST,
    CHECKPOINT,
    PREVIOUS,
    arrays_to_variables,
    load_checkpoint,
    load_newest_checkpoint,
    save_checkpoint,
    variables_to_arrays,
)
from engine_plugin.learn.config import PolicyConfig
from engine_plugin.learn.curves import FOLDER as CURVES
from engine_plugin.learn.demonstrations import Demonstrations
from engine_plugin.learn.discriminator import DiscriminatorLearner
from engine_plugin.learn.dqn import DQNLearner
from engine_plugin.learn.frozen import FrozenNetworks
from engine_plugin.learn.health import DecisionTally
from engine_plugin.learn.held_out import split_episodes
from engine_plugin.learn.interval import Interval
from engine_plugin.learn.networks import expect_room
from engine_plugin.learn.pace import DiscriminatorPace
from engine_plugin.learn.progress import TrainingProgress
from engine_plugin.learn.recurrent import RecurrentLearner
from engine_plugin.learn.replacing import put_back, replacing
from engine_plugin.learn.replay import ReplayBuffer, Transitions, concatenate, split
from engine_plugin.learn.scaling import RunningReturns, RunningScale
from engine_plugin.learn.stopping import StoppedError, StopRequest
from engine_plugin.learn.watch import Watch
from engine_plugin.learn.ways import preparation
from engine_plugin.learn.worlds import facts_of, open_task
from engine_plugin.learn.worlds.contract import Task

CLONE_BATCH = 256
NOISE_SEED = 1_000_003  # of what a soft policy samples in an evaluation
RUN_FILES = (
    CHECKPOINT,
    PREVIOUS,
    BEST,
    "log.jsonl",
    "run.json",
    "model.onnx",
    "report.html",
    CURVES,
)
POLICY_FIGURES = ("temporal_difference_loss", "mean_value", "mean_reward")
DISCRIMINATOR_FIGURES = (
    "discriminator_loss",
    "balanced_accuracy",
    "logit_demonstrations",
    "logit_agent",
)
# Figures of a line that are about the training and not about the model.
WATCHED = ("discriminator", "style_reward", "decisions", "alarms", "score")
VERSIONS = ("tensorflow", "keras", "numpy", "onnxruntime", "tf2onnx")


def train_policy(config: PolicyConfig, command: str = "") -> dict[str, Any]:
    """Train by `config`; `out` then holds the run, from which `export` writes the model. Returns
    what run.json records of the result.

    Raises ConfigError, OutputExistsError, TrajectoryError, UnknownGameError or a ModelError before
    anything is written; KeyboardInterrupt or TrainingDivergedError with all kept that is good.
    """
    config.expect_effect()
    facts = facts_of(config)
    config = config.resolved(facts)
    if config.reward != "none" and 0 < config.steps <= config.warm_up:
        raise ConfigError(
            f"expected more steps than the warm-up of {config.warm_up:,}, after which learning "
            f"begins, got {config.steps:,}: more --steps, or a smaller --warm-up"
        )
    if config.loop:
        # What the demonstrations made of them is not asked again.
        config = replace(config, actions=",".join(facts.actions))
    out = Path(config.out)
    if not config.resume:
        refuse_existing(out, config.force)
    task = open_task(config)
    run = TrainingRun(config, command, task, task.demonstrations())
    if config.resume:
        run.resume()
        run.go_on()
    else:
        with replacing(out, RUN_FILES):
            run.start()
    run.train()
    return run.finish()


class TrainingRun:
    """The parts of one run and what happens to them. What kind of game it is, only its task knows:
    the run sees a world of arrays and a judge."""

    def __init__(
        self,
        config: PolicyConfig,
        command: str,
        task: Task,
        demonstrations: Demonstrations | None,
    ):
        self.config, self.command, self.task = config, command, task
        self.out = Path(config.out)
        self.demonstrations = demonstrations
        self.random = np.random.default_rng(config.seed)
        if demonstrations is not None and config.control == "shuffled":
            demonstrations.deal_actions_anew(self.random)
        facts = task.facts
        _set_threads(config.threads)
        keras.utils.set_random_seed(config.seed % 2**32)
        self.discriminator = (
            DiscriminatorLearner(facts, config) if config.uses_discriminator else None
        )
        self.learner: DQNLearner | RecurrentLearner
        if config.memory == "gru":
            self.learner = RecurrentLearner(facts, config)
        else:
            self.learner = DQNLearner(
                facts, config, self.discriminator.network if self.discriminator else None
            )
        expect_room(self.learner.network)
        self.prepare = preparation(facts, config)
        self.values = Values(self.learner.act, self.learner.state_size)
        self.world = task.world(config.num_envs, config.seed + 1)
        if isinstance(self.learner, DQNLearner):
            self.world.meet(
                FrozenNetworks(self.learner.target, facts, config.pool_size, self.prepare)
            )
        self.replay = ReplayBuffer(
            max(config.replay_size // config.num_envs, config.steps_in_a_row + 1),
            config.num_envs,
            self.prepare.shape,
            len(facts.actions),
            facts.observation_dtype,
            self.learner.state_size,
        )
        self.scale = None
        if facts.observation_kind == "vector":
            self.scale = RunningScale(facts.observation_shape[0])
        self.returns = None
        if config.scale_rewards:
            self.returns = RunningReturns(config.num_envs, config.gamma)
        self.judge = task.judge(demonstrations)
        self.examples = None
        if demonstrations is not None:
            self.examples = split_episodes(
                demonstrations.transitions.prepared(self.prepare), config.held_out, config.seed
            )
        self.pace = DiscriminatorPace()
        self.interval = Interval()
        self.watch = Watch(self.out, config, self.examples)
        self.due_seconds = config.evaluate_every
        self.steps = 0
        self.updates = 0
        self.evaluated_at = 0  # steps at the last evaluation
        self.scaled_at = 0  # steps at which the scales in use were last set
        self.reward_scale = 1.0  # factor on the game's rewards
        self.seconds = 0.0  # of training before this process
        self.best_score = -np.inf
        self.best: dict[str, Any] = {}

    # ------------------------------------------------------------------------------- the run

    def start(self) -> None:
        """Record what is run, and clone first where asked."""
        for name in RUN_FILES:
            remove_torn_writes(self.out / name)
        self.write_record({})
        self.watch.begin()
        if self.scale is not None and self.examples is not None:
            self.scale.add(self.examples.learned.arrays["observations"][:, 0])
            self.set_scale(self.scale)
        if self.config.begins_with_clone:
            self.clone()
            self.evaluate({"phase": "clone"})
        self.save()

    def clone(self) -> None:
        """Behaviour cloning: cross-entropy to the demonstrated actions, under random symmetries."""
        assert self.examples is not None and isinstance(self.learner, DQNLearner)
        transitions = self.examples.learned
        config = self.config
        with TrainingProgress("cloning") as progress:
            for done in range(config.clone_updates):
                share = done / config.clone_updates
                # A cosine from the learning rate down to nothing (Loshchilov & Hutter 2017).
                self.learner.set_learning_rate(
                    config.learning_rate * (1 + math.cos(math.pi * share)) / 2
                )
                batch = transitions.sample(self.random, CLONE_BATCH, 1)
                shown = (batch.observations[:, 0], batch.actions[:, 0])
                symmetry = self.symmetry(CLONE_BATCH)
                self.learner.clone(*shown, symmetry)
                if self.discriminator is not None and config.clones_discriminator:
                    self.discriminator.clone(*shown, symmetry)
                progress.moved(share)
        self.learner.take_over_clone()

    def train(self) -> None:
        """Play, remember, judge and learn; a run stopped by hand keeps what it has.

        Raises KeyboardInterrupt where it was stopped, TrainingDivergedError where it ran away.
        """
        if self.config.reward == "none":
            return
        with TrainingProgress() as progress, StopRequest() as stop:
            try:
                self.learn(progress, stop)
            except StoppedError:
                pass  # the evaluation is made once the run goes on
            except WorldError as error:
                # Some envs may have gone on by a step that nobody has seen.
                self.replay.cut(np.ones(self.config.num_envs, bool))
                self.count_evaluation()
                self.save()
                self.write_report()
                raise type(error)(
                    f"{error}\nwhat was learned is kept: --resume goes on from {self.out}"
                ) from error
            if stop.asked:
                self.save()
                self.write_report()
                progress.say(f"stopped; the same command with --resume goes on from {self.out}")
                raise KeyboardInterrupt

    def learn(self, progress: TrainingProgress, stop: StopRequest) -> None:
        config = self.config
        began, before, first_steps = time.monotonic(), self.seconds, self.steps
        while True:
            if self.evaluation_is_due:
                line = self.evaluate({}, stop)
                self.seconds = before + time.monotonic() - began
                self.count_evaluation()
                self.save()
                progress.evaluated(self.judge.brief(line))
                progress.say(self.describe(line))
                for alarm in line.get("alarms", ()):
                    progress.say(f"! {alarm['name']}: {alarm['text']}")
            if self.is_over or stop.asked:
                return
            self.play_one_tick()
            while self.updates_due >= config.updates_at_once:
                self.update_discriminator()
                self.update_policy()
            self.seconds = before + time.monotonic() - began
            if self.steps % (64 * config.num_envs) == 0:
                rate = (self.steps - first_steps) / max(time.monotonic() - began, 1e-9)
                progress.moved(1 - self.share_left, rate)

    @property
    def evaluation_is_due(self) -> bool:
        """Whether an interval, of steps or of seconds, or the run has been played to its end."""
        every = self.config.evaluate_steps
        if self.is_over:
            return self.steps > self.evaluated_at
        if every:
            return self.steps // every > self.evaluated_at // every
        return self.seconds >= self.due_seconds

    def count_evaluation(self) -> None:
        """The next interval begins here: from the end of an evaluation, or a run whose evaluations
        take long would do nothing else."""
        self.evaluated_at = self.steps
        self.due_seconds = self.seconds + self.config.evaluate_every

    def expect_finite(self, what: str, *values: np.ndarray) -> None:
        """Stop the run where it has run away; what is on disk is then still good.

        Raises TrainingDivergedError.
        """
        if all(np.isfinite(value).all() for value in values):
            return
        alarm = not_a_number(what, self.steps)
        self.watch.note(alarm, self.steps)
        self.write_report()
        raise TrainingDivergedError(alarm.text)

    def play_one_tick(self) -> None:
        """One decision in every env, remembered with what came of it."""
        config, world = self.config, self.world
        remembered = {}
        if self.learner.state_size:
            remembered["states"] = self.values.state_of(config.num_envs)
        observations = self.prepare(world.observations.copy())
        values = self.values(observations, world.allowed)
        if config.policy == "soft":
            actions = values_to_actions(values, world.allowed, config.temperature, self.random)
        else:
            at_random = self.random.random(config.num_envs) < self.epsilon
            values = np.where(at_random[:, None], self.random.random(values.shape), values)
            actions = values_to_actions(values, world.allowed)
        allowed = world.allowed.copy()
        if self.scale is not None:
            self.scale.add(observations)
        world.step(actions)
        self.replay.add(
            observations=observations,
            allowed=allowed,
            actions=actions,
            rewards=world.rewards,
            next_observations=self.prepare(world.next_observations),
            next_allowed=world.next_allowed,
            terminated=world.terminated,
            truncated=world.truncated,
            **remembered,
        )
        ended = world.terminated | world.truncated
        self.values.forget(ended)
        if self.returns is not None:
            self.returns.add(world.rewards, ended)
        self.steps += config.num_envs
        self.follow_scale()

    def follow_scale(self) -> None:
        """Scale by what was seen and paid: after the warm-up, and whenever the steps have doubled
        since, in the first quarter of the run. In between, and later, the same means the same."""
        settled = self.scaled_at > 0 and self.share_left < 0.75
        if settled or self.steps < max(2 * self.scaled_at, self.config.warm_up):
            return
        self.scaled_at = self.steps
        if self.scale is not None:
            self.set_scale(self.scale)
        if self.returns is not None:
            self.reward_scale = 1 / self.returns.size

    def set_scale(self, scale: RunningScale) -> None:
        """Normalise what all networks see."""
        self.learner.set_scale(scale.mean, scale.deviation)
        if self.discriminator is not None:
            self.discriminator.network.encoder.set_scale(scale.mean, scale.deviation)

    @property
    def is_over(self) -> bool:
        """Whether the minutes or the steps are used up; a run resumed then plays no more."""
        config = self.config
        return 0 < config.minutes * 60 <= self.seconds or 0 < config.steps <= self.steps

    @property
    def share_left(self) -> float:
        """Share of the run that is still to come: by the steps where they are limited."""
        config = self.config
        gone = self.steps / config.steps if config.steps else self.seconds / (config.minutes * 60)
        return max(0.0, 1 - gone)

    @property
    def rate_factor(self) -> float:
        """Factor on the learning rates: 1 in the first half of the run, then down to `rate_end`."""
        return self.config.rate_end + (1 - self.config.rate_end) * min(1.0, 2 * self.share_left)

    @property
    def epsilon(self) -> float:
        """Share of random actions now: from 1 down to `epsilon` over `epsilon_steps`."""
        config = self.config
        left = 1 - self.steps / config.epsilon_steps if config.epsilon_steps else 0.0
        return config.epsilon + (1 - config.epsilon) * max(left, 0.0)

    @property
    def updates_due(self) -> int:
        """Updates that the steps played so far call for and that were not made yet."""
        if self.replay.filled < self.config.steps_in_a_row:
            return 0
        played = self.steps - self.config.warm_up
        return -(-played // self.config.steps_per_update) - self.updates

    def update_discriminator(self) -> None:
        """Let the discriminator learn as often as its pace says, `updates_at_once` at a time."""
        if self.discriminator is None:
            return
        at_once = self.config.updates_at_once
        for _ in range(self.pace.updates_due(self.updates // at_once)):
            figures = self.teach(self.discriminator)
            self.expect_finite("discriminator's loss", figures)
            self.interval.add(DISCRIMINATOR_FIGURES, figures)
            for _ in range(at_once):
                self.pace.note(float(figures[1]))

    def teach(self, discriminator: DiscriminatorLearner) -> np.ndarray:
        """`updates_at_once` times demonstrations against newest and older play; mean figures,
        float32 [4]."""
        assert self.examples is not None
        config, at_once = self.config, self.config.updates_at_once
        count = config.batch_size // 2
        old = int(count * config.old_negatives)
        discriminator.set_learning_rate(config.discriminator_rate * self.rate_factor)
        fresh = self.replay.sample(self.random, (count - old) * at_once, 1, config.newest_ticks)
        own = split(fresh, at_once)
        if old:
            older = self.replay.sample(self.random, old * at_once, 1)
            own = concatenate(own, split(older, at_once), axis=1)
        examples = self.examples.learned.sample(self.random, count * at_once, 1)
        shown = split(examples, at_once)
        symmetry = self.symmetry(at_once, 2 * count)
        return discriminator.learn(self.learner.network, shown, own, symmetry)

    def update_policy(self) -> None:
        """`updates_at_once` updates of the policy."""
        if isinstance(self.learner, RecurrentLearner):
            figures = self.update_recurrent(self.learner)
        else:
            figures = self.update_network(self.learner)
        self.expect_finite("loss", figures)
        self.interval.add(POLICY_FIGURES, figures)

    def update_network(self, learner: DQNLearner) -> np.ndarray:
        """`updates_at_once` updates of the Q-network from own transitions and demonstrations."""
        config = self.config
        at_once = config.updates_at_once
        shown = 0
        # Demonstrations without the game's rewards would teach that nothing is ever paid.
        paid = config.reward in ("game", "mix")
        if self.demonstrations is not None and (self.demonstrations.has_rewards or not paid):
            shown = int(config.batch_size * config.demo_share)
        own = (config.batch_size - shown) * at_once
        batch = split(self.replay.sample(self.random, own, config.n_step), at_once)
        if shown:
            assert self.examples is not None
            examples = self.examples.learned.sample(
                self.random, shown * at_once, config.n_step
            )
            batch = concatenate(split(examples, at_once), batch, axis=1)
        if self.returns is not None:
            batch = batch._replace(rewards=batch.rewards * np.float32(self.reward_scale))
        learner.set_learning_rate(config.learning_rate * self.rate_factor)
        self.updates += at_once
        symmetry = self.symmetry(at_once, config.batch_size)
        return learner.learn(batch, shown, symmetry, config.margin * self.share_left)

    def update_recurrent(self, learner: RecurrentLearner) -> np.ndarray:
        """`updates_at_once` updates from stretches of play."""
        config = self.config
        count = max(config.batch_size // config.sequence, 1) * config.updates_at_once
        batch = self.replay.sample_sequences(self.random, count, config.steps_in_a_row)
        batch = batch._replace(rewards=batch.rewards * np.float32(self.reward_scale))
        learner.set_learning_rate(config.learning_rate * self.rate_factor)
        self.updates += config.updates_at_once
        figures: np.ndarray = learner.update_many(split(batch, config.updates_at_once)).numpy()
        return figures

    def symmetry(self, *shape: int) -> np.ndarray | None:
        """A random board symmetry for each row, int32 [*shape]; None where there are none."""
        if not self.task.symmetries:
            return None
        return self.random.integers(0, self.task.symmetries, shape).astype(np.int32)

    # ------------------------------------------------------------------------ judging and keeping

    def evaluate(self, line: dict[str, Any], stop: StopRequest | None = None) -> dict[str, Any]:
        """Play validation episodes, log the line, keep the weights if they are the best so far.

        Raises StoppedError, with all as it was, where `stop` is asked before they are over.
        """
        self.expect_finite("weights", *self.learner.network.get_weights())
        tally = DecisionTally(self.task.facts.actions)
        values = Values(self.learner.act_averaged, self.learner.state_size)
        decide = Actor(values, self.config, NOISE_SEED, tally, self.prepare, stop)
        judged = self.judge.evaluate(decide)
        line = {
            "seconds": round(self.seconds, 1),
            "steps": self.steps,
            "updates": self.updates,
            **line,
            **self.world.report(),
            **self.interval.means(),
            **judged,
            **self.discriminator_figures(),
            "decisions": tally.summary(),
        }
        self.interval = Interval()
        score = line["score"] = float(self.judge.score(line))
        self.watch.record(line)
        if self.config.select == "last" or score >= self.best_score:
            self.best_score = score
            self.best = {name: value for name, value in line.items() if name not in WATCHED}
            save_checkpoint(
                self.out / BEST,
                {"target": variables_to_arrays(self.learner.target.variables)},
                {"evaluation": self.best, "score": score},
            )
        return line

    def discriminator_figures(self) -> dict[str, Any]:
        """What a line says of the discriminator; nothing before there is play to judge."""
        if self.discriminator is None or not self.replay.filled:
            return {}
        discriminator, network = self.discriminator, self.learner.network

        def weigh(batch: Transitions) -> tuple[np.ndarray, np.ndarray]:
            logits, rewards = discriminator.weigh(network, batch)
            return logits.numpy(), rewards.numpy()

        figures = self.watch.discriminator(
            weigh, self.replay, self.config.newest_ticks, discriminator.end_value, self.steps
        )
        figures["discriminator"]["pace"] = self.pace.mode
        return figures

    def describe(self, line: dict[str, Any]) -> str:
        """One evaluation on one line, for people."""
        accuracy = line.get("balanced_accuracy")
        judged = f" · discriminator {accuracy:.2f}" if accuracy is not None else ""
        return (
            f"{line['seconds']:6.0f} s  {line['steps']:>9,} steps  {self.judge.text(line)}{judged}"
        )

    def save(self) -> None:
        """Write the checkpoint that `resume` goes on from."""
        groups = {
            "network": variables_to_arrays(self.learner.network.variables),
            "target": variables_to_arrays(self.learner.target.variables),
            "optimizer": variables_to_arrays(self.learner.optimizer.variables),
            "replay": {
                name: array[: self.replay.filled] for name, array in self.replay.arrays.items()
            },
            "world": self.world.save_state(),
        }
        if self.scale is not None:
            groups["scale"] = self.scale.save_state()
        if self.returns is not None:
            groups["returns"] = self.returns.save_state()
        if self.learner.state_size:
            groups["memory"] = {"state": self.values.state_of(self.config.num_envs)}
        facts = {
            "steps": self.steps,
            "updates": self.updates,
            "evaluated_at": self.evaluated_at,
            "scaled_at": self.scaled_at,
            "reward_scale": self.reward_scale,
            "seconds": self.seconds,
            "best_score": float(self.best_score),
            "best": self.best,
            "random": self.random.bit_generator.state,
            "replay_head": self.replay.head,
            "replay_filled": self.replay.filled,
            "pace": self.pace.state(),
            "interval": self.interval.state(),
            "due_seconds": self.due_seconds,
            "made_with": self.made_with,
        }
        if self.discriminator is not None:
            groups["discriminator"] = variables_to_arrays(self.discriminator.network.variables)
            groups["discriminator_optimizer"] = variables_to_arrays(
                self.discriminator.optimizer.variables
            )
        save_checkpoint(self.out / CHECKPOINT, groups, facts, self.out / PREVIOUS)

    def resume(self) -> None:
        """Put everything back as the last checkpoint left it."""
        put_back(self.out, RUN_FILES)
        groups, facts = load_newest_checkpoint(self.out, _say)
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
        for name, array in self.replay.arrays.items():
            stored = groups["replay"][name]
            if stored.shape[1:] != array.shape[1:] or len(stored) > len(array):
                raise ConfigError(
                    "the checkpoint's replay buffer is of another size: resume with the settings "
                    "in run.json"
                )
            array[: len(stored)] = stored
        self.replay.head, self.replay.filled = facts["replay_head"], facts["replay_filled"]
        begun_anew = self.world.load_state(groups.get("world", {}))
        self.replay.cut(begun_anew)
        if self.scale is not None:
            self.scale.load_state(groups["scale"])
        if self.returns is not None:
            self.returns.load_state(groups["returns"])
            self.returns.forget(begun_anew)
        self.random.bit_generator.state = facts["random"]
        if self.learner.state_size:
            self.values.state = groups["memory"]["state"].copy()
            self.values.forget(begun_anew)
        self.steps, self.updates = facts["steps"], facts["updates"]
        self.evaluated_at = facts.get("evaluated_at", self.steps)  # not known before
        self.scaled_at, self.reward_scale = facts["scaled_at"], facts["reward_scale"]
        self.seconds = facts["seconds"]
        self.pace = DiscriminatorPace(**facts["pace"])
        self.interval = Interval(facts["interval"])
        self.due_seconds = facts["due_seconds"]
        self.best_score, self.best = facts["best_score"], facts["best"]
        self.take_over_best()
        if facts["made_with"] != self.made_with:
            _say(
                f"the run began with {_listed(facts['made_with'])} and goes on with "
                f"{_listed(self.made_with)}: it will not be bit for bit the run it would have been"
            )

    def go_on(self) -> None:
        """Clear away what came after the checkpoint, and say in the record that the run goes on."""
        for name in RUN_FILES:
            remove_torn_writes(self.out / name)
        self.watch.begin(self.steps)
        self.write_record({})

    def take_over_best(self) -> None:
        """The best weights may have been written after the checkpoint; they count all the same."""
        try:
            _, facts = load_checkpoint(self.out / BEST)
            self.best_score, self.best = facts["score"], facts["evaluation"]
        except ConfigError as error:
            if self.best:
                _say(f"{str(error).split(';')[0]}; the next evaluation counts as the best")
            self.best_score, self.best = -np.inf, {}

    @property
    def made_with(self) -> dict[str, Any]:
        """What a run has to share with another to be the same bit for bit."""
        return {"TensorFlow": tf.__version__, "threads": self.config.threads}

    def finish(self) -> dict[str, Any]:
        """Record and draw the run's result; its weights are in `best.npz`."""
        if not self.updates and self.config.reward != "none":
            alarm = nothing_learned(self.config.warm_up, self.steps)
            self.watch.note(alarm, self.steps)
            _say(f"! {alarm.name}: {alarm.text}")
        result = {
            "steps": self.steps,
            "updates": self.updates,
            "seconds": round(self.seconds, 1),
            "evaluation": self.best,
            "in_words": self.judge.text(self.best) if self.best else "",
        }
        self.write_record(result)
        report = self.write_report()
        self.watch.end()
        self.world.close()
        return {**result, "report": report}

    def write_report(self) -> str:
        """Draw the run so far; that this cannot be done is no reason for a training to fail.
        Returns the report's path, or nothing."""
        try:
            from engine_plugin.learn.report import write_report

            return str(write_report(self.out))
        except ImportError as error:
            _say(f"no report.html: it needs {error.name}, which the extra `train` installs")
            return ""

    def record(self) -> dict[str, Any]:
        """What run.json and the card say of how the model was made."""
        return {
            "command": self.command,
            "config": asdict(self.config),
            "seed": self.config.seed,
            "versions": {name: version(name) for name in VERSIONS}
            | {"python": platform.python_version()},
            "cores": os.cpu_count(),
            "compared_with": self.judge.compared_with(),
            "demonstrations": self.demonstration_record(),
        }

    def demonstration_record(self) -> dict[str, Any]:
        """What was learned from, and what was held out; empty without demonstrations."""
        if self.examples is None or self.demonstrations is None:
            return {}
        return {
            "player": self.demonstrations.player,
            "opponents": list(self.demonstrations.opponents),
            "transitions": self.examples.learned.filled,
            "episodes": self.examples.episodes,
            "held_out_episodes": self.examples.held_out_episodes,
            "mean_ticks": round(self.examples.mean_ticks, 1),
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


def _say(text: str) -> None:
    print(text, file=sys.stderr)


def _listed(facts: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in facts.items())
