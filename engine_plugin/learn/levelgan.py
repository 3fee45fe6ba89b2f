"""Trains a level generator: a GAN over one-hot tile maps, from the corpus to an ONNX file.

The generator G turns a latent and a condition (crate share, symmetry) into tile logits; the level
critic D tells its levels from those of the corpus, knowing the condition. Levels are discrete, so
a sample is drawn with Gumbel noise and taken as it is, hard, on the way forward; on the way back it
counts as softmax((logits + noise) / temperature), the straight-through estimator (Jang et al. 2016,
arXiv 1611.01144). The critic therefore never sees a soft map, which it could tell at a glance.
"""

from __future__ import annotations

import json
import platform
import shlex
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, fields, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

import fastenv
from engine_plugin.card import Card
from engine_plugin.errors import ConfigError
from engine_plugin.files import atomic_write, refuse_existing
from engine_plugin.learn.checkpoint import plain_npz
from engine_plugin.learn.level_config import LevelGanConfig
from engine_plugin.learn.level_networks import Generator, LevelCritic, LevelShape
from engine_plugin.levels.corpus import seat_swap, symmetry_of, template_tiles, training_tiles
from engine_plugin.levels.grammar import CRATE_SHARE, LEAST_SPAWN_DISTANCE
from engine_plugin.levels.metrics import crate_ids, crate_shares, summarize
from engine_plugin.runtime.constraints import partner_cells
from engine_plugin.runtime.generator import LevelGenerator

VERSIONS = ("tensorflow", "keras", "tf2onnx", "onnxruntime")
MODEL_NAME, CHECKPOINT_NAME, RUN_NAME = "generator.onnx", "checkpoint.npz", "run.json"


# The losses. D(x) is a logit: high means "from the corpus".


def critic_loss(loss: str, on_corpus: tf.Tensor, on_generated: tf.Tensor) -> tf.Tensor:
    """What the critic minimises.

    gan: cross-entropy of a classifier with p(corpus) = sigmoid(D). As -log sigmoid(D) is
        softplus(-D) and -log(1 - sigmoid(D)) is softplus(D), it is softplus(-D(real)) +
        softplus(D(fake)) (Goodfellow et al. 2014, arXiv 1406.2661, eq. 1).
    hinge: only levels on the wrong side of a margin of 1 count (Lim and Ye 2017,
        arXiv 1705.02894).
    """
    if loss == "gan":
        return tf.reduce_mean(tf.nn.softplus(-on_corpus)) + tf.reduce_mean(
            tf.nn.softplus(on_generated)
        )
    return tf.reduce_mean(tf.nn.relu(1 - on_corpus)) + tf.reduce_mean(tf.nn.relu(1 + on_generated))


def generator_loss(loss: str, on_generated: tf.Tensor) -> tf.Tensor:
    """What the generator minimises of the critic's judgement.

    gan: -log sigmoid(D(fake)) = softplus(-D(fake)). Minimising log(1 - sigmoid(D)) = -softplus(D)
        has the same fixed point, but its slope, -sigmoid(D), vanishes just where the critic is sure
        that a level is generated (D far below 0); the slope here, -sigmoid(-D), is then -1. This
        is the non-saturating form of Goodfellow et al. 2014, section 3.
    hinge: -D(fake).
    """
    if loss == "gan":
        return tf.reduce_mean(tf.nn.softplus(-on_generated))
    return -tf.reduce_mean(on_generated)


def train_generator(
    config: LevelGanConfig, export: Callable[[Generator, Card, Path], float]
) -> Path:
    """Train, export and return the path of the model, out/generator.onnx, with its card.

    export: writes network and card to a path and returns how far the file is from the network
        (`engine_plugin.export.generator.export_generator`)

    Beside it stand checkpoint.npz and run.json. Raises OutputExistsError for an existing folder
    without `force` or `resume`, ConfigError, ParityError.
    """
    config.check()
    if not config.resume:
        refuse_existing(config.out, config.force)
    _set_up_tensorflow(config)
    spec = fastenv.game_spec(config.game)
    shape = level_shape(spec)
    training = _Training(config, spec, shape)
    checkpoint = Path(config.out) / CHECKPOINT_NAME
    if config.resume:
        training.restore(checkpoint)
    best = training.best

    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[state]}"),
        console=Console(stderr=True),
    ) as bar:
        task = bar.add_task("level GAN", total=1.0, state="")
        measured_at = training.seconds
        while training.progress < 1:
            losses = training.step()
            bar.update(task, completed=training.progress, state=training.describe(losses))
            if training.seconds - measured_at >= config.evaluate_every or training.progress >= 1:
                measured_at = training.seconds
                best = training.measure()
                training.save(checkpoint)

    training.average.set_weights(best.weights)
    record = {
        "command": command_line(config),
        "config": asdict(config),
        "seed": config.seed,
        "steps": best.step,
        "seconds": round(training.seconds, 1),
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in VERSIONS},
    }
    path = Path(config.out) / MODEL_NAME
    card = replace(training.card, training=record, evaluation=best.figures)
    difference = export(training.average, card, path)
    run = {**record, "evaluation": best.figures, "parity": difference, "history": training.history}
    atomic_write(Path(config.out) / RUN_NAME, (json.dumps(run, indent=1) + "\n").encode())
    return path


def level_shape(spec: fastenv.GameSpec) -> LevelShape:
    """What the networks need to know of a game."""
    return LevelShape(
        height=spec.height,
        width=spec.width,
        tile_names=tuple(tile.name for tile in spec.tiles),
        constraints=level_constraints(spec),
        symmetries=spec.level_constraints.symmetries,
        crate_range=CRATE_SHARE,
    )


def level_constraints(spec: fastenv.GameSpec) -> dict[str, Any]:
    """The game's constraints and, beyond them, what the corpus keeps to: players start apart."""
    return {**asdict(spec.level_constraints), "apart": LEAST_SPAWN_DISTANCE}


def generator_card(spec: fastenv.GameSpec, latent_size: int) -> Card:
    """The card of a generator of this game, without training record and evaluation."""
    symmetries = spec.level_constraints.symmetries
    return Card(
        kind="generator",
        name=f"{spec.name} levels",
        game=spec.name,
        game_version=spec.version,
        latent_size=latent_size,
        conditions=(
            ("crates", *CRATE_SHARE),
            *((f"symmetry_{symmetry}", 0.0, 1.0) for symmetry in symmetries),
        ),
        tiles=tuple((tile.name, tile.character) for tile in spec.tiles),
        height=spec.height,
        width=spec.width,
        constraints=level_constraints(spec),
    )


def command_line(config: LevelGanConfig) -> str:
    """The command that repeats this training: the essentials, and what is not the default."""
    always = ("game", "minutes", "seed", "out")
    words = ["engine-plugin", "train", "generator"]
    defaults = LevelGanConfig()
    for name in (*always, *(field.name for field in fields(config))):
        value = getattr(config, name)
        option = f"--{name.replace('_', '-')}"
        if option in words or name in ("resume", "force"):
            continue
        if name in always or value != getattr(defaults, name):
            text = f"{value:g}" if isinstance(value, float) else str(value)
            words += [option, text]
    return shlex.join(words)


@dataclass(frozen=True)
class _Best:
    """The averaged weights that measured best so far."""

    score: float
    step: int
    weights: list[np.ndarray]
    figures: dict[str, Any]


class _Training:
    """The state of one training: networks, optimizers, random stream, clock, best so far."""

    def __init__(self, config: LevelGanConfig, spec: fastenv.GameSpec, shape: LevelShape) -> None:
        self.config, self.spec, self.shape = config, spec, shape
        self.card = generator_card(spec, config.latent_size)
        self.corpus = training_tiles(spec, config.corpus_levels)
        self.drawn = len(template_tiles(spec))
        if len(self.corpus) < 1:
            raise ConfigError(f"{config.game} has no templates: expected corpus_levels above 0")
        self.conditions = corpus_conditions(self.corpus, spec)
        self.random = np.random.default_rng([config.seed, 0x6A4])
        self.generator = Generator(shape, config.generator_channels, config.seed)
        self.average = Generator(shape, config.generator_channels, config.seed)
        self.critic = LevelCritic(
            shape, config.critic_channels, config.loss == "hinge", config.seed + 1
        )
        self.generator_optimizer = keras.optimizers.Adam(config.generator_rate, 0.5, 0.99)
        self.critic_optimizer = keras.optimizers.Adam(config.critic_rate, 0.5, 0.99)
        self._build()
        self._train = tf.function(self._gradient_step, autograph=False)
        self.steps = 0
        self.seconds = 0.0
        self.history: list[dict[str, Any]] = []
        self.best = _Best(-np.inf, 0, self.average.get_weights(), {})

    @property
    def progress(self) -> float:
        """Share of the training that has passed."""
        of_time = self.seconds / (60 * self.config.minutes)
        of_steps = self.steps / self.config.steps if self.config.steps else 0.0
        return min(1.0, max(of_time, of_steps))

    def step(self) -> tuple[float, float]:
        """One batch: both networks learn. Returns the losses (critic, generator)."""
        config, started = self.config, time.perf_counter()
        batch, progress = config.batch_size, self.progress
        real = self._draw_real(batch)
        latent, condition = self._draw_latent(batch)
        shape = (batch, self.shape.height, self.shape.width, len(self.shape.tile_names))
        noise = self.random.gumbel(size=shape).astype(np.float32)
        views = self.random.integers(len(self._view_cells), size=2 * batch).astype(np.int32)
        temperature = (
            config.temperature_start
            * (config.temperature_end / config.temperature_start) ** progress
        )
        fall = 1 - (1 - config.rate_end) * max(0.0, 2 * progress - 1)
        self.generator_optimizer.learning_rate.assign(config.generator_rate * fall)
        self.critic_optimizer.learning_rate.assign(config.critic_rate * fall)
        losses = self._train(
            self.corpus_tensor,
            tf.constant(real),
            tf.constant(self.conditions[real]),
            tf.constant(latent),
            tf.constant(condition),
            tf.constant(noise),
            tf.constant(views),
            tf.constant(temperature, tf.float32),
        )
        result = float(losses[0]), float(losses[1])
        if not np.isfinite(result).all():
            raise ConfigError(
                f"training diverged at step {self.steps}: expected finite losses, got {result}; "
                "lower generator_rate and critic_rate"
            )
        self.steps += 1
        self.seconds += time.perf_counter() - started
        return result

    def _gradient_step(
        self,
        corpus: tf.Tensor,
        real: tf.Tensor,
        real_condition: tf.Tensor,
        latent: tf.Tensor,
        condition: tf.Tensor,
        noise: tf.Tensor,
        views: tf.Tensor,
        temperature: tf.Tensor,
    ) -> tuple[tf.Tensor, tf.Tensor]:
        batch, tiles = self.config.batch_size, len(self.shape.tile_names)
        on_real = self._view(tf.one_hot(tf.gather(corpus, real), tiles), views[:batch])
        with tf.GradientTape(persistent=True) as tape:
            logits = self.generator(latent, condition)
            noisy = logits + self.generator.symmetrize(noise, condition)
            levels = straight_through(noisy, temperature)
            seen = self._view(levels, views[batch:])
            judged_real = self.critic(on_real, real_condition, training=True)
            judged_fake = self.critic(seen, condition, training=True)
            loss_critic = critic_loss(self.config.loss, judged_real, judged_fake)
            loss_generator = (
                generator_loss(self.config.loss, judged_fake)
                + self.config.control_weight * self._control_error(levels, condition)
                + self.config.rules_weight * self._rules_error(levels)
            )
        for loss, network, optimizer in (
            (loss_critic, self.critic, self.critic_optimizer),
            (loss_generator, self.generator, self.generator_optimizer),
        ):
            weights = network.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        decay = self.config.average_decay
        for mean, value in zip(
            self.average.trainable_variables, self.generator.trainable_variables, strict=True
        ):
            mean.assign(decay * mean + (1 - decay) * value)
        return loss_critic, loss_generator

    def _control_error(self, levels: tf.Tensor, condition: tf.Tensor) -> tf.Tensor:
        """Mean squared difference between the crate share that is there and the one asked for."""
        counts = tf.reduce_sum(levels, (1, 2))
        crates = tf.reduce_sum(tf.gather(counts, self._crates, axis=1), 1)
        blocked = tf.reduce_sum(tf.gather(counts, self._walls, axis=1), 1)
        free = tf.cast(self.shape.height * self.shape.width, tf.float32) - blocked
        return tf.reduce_mean(tf.square(crates / free - condition[:, 0]))

    def _rules_error(self, levels: tf.Tensor) -> tf.Tensor:
        """Mean squared error of exact counts, and mean number of starting cells' missing openings.

        A starting cell lacks an opening if neither neighbour on an axis is open: 1 - (a + b) where
        that is above 0, with a and b 1 for open and 0 for closed neighbours.
        """
        constraints = self.spec.level_constraints
        counts = tf.reduce_sum(levels, (1, 2))
        error = tf.constant(0.0)
        for name, count in constraints.exactly:
            error += tf.reduce_mean(tf.square(counts[:, self.spec.tile_id(name)] - count))
        starts = self._sum_of(levels, constraints.pockets)
        room = tf.pad(self._sum_of(levels, constraints.open_tiles), ((0, 0), (1, 1), (1, 1)))
        across = room[:, 1:-1, :-2] + room[:, 1:-1, 2:]
        down = room[:, :-2, 1:-1] + room[:, 2:, 1:-1]
        for around in (across, down):
            lacking = tf.reduce_sum(starts * tf.nn.relu(1 - around), (1, 2))
            error += tf.reduce_mean(lacking)
        return error

    def _sum_of(self, levels: tf.Tensor, names: tuple[str, ...]) -> tf.Tensor:
        """Where one of these tiles is: [batch, height, width]."""
        ids = np.array([self.spec.tile_id(name) for name in names], np.int32)
        return tf.reduce_sum(tf.gather(levels, ids, axis=3), 3)

    def _view(self, levels: tf.Tensor, views: tf.Tensor) -> tf.Tensor:
        """Turn each level as its view says (DiffAugment, Zhao et al. 2020, arXiv 2006.10738).

        A board mirrored, or played from the other seat, is as good a level as before, so the
        critic sees every level, real and generated, in all these views and cannot learn it by
        heart; the generator's gradient passes through.
        """
        height, width, tiles = self.shape.height, self.shape.width, len(self.shape.tile_names)
        flat = tf.reshape(levels, (-1, height * width, tiles))
        flat = tf.gather(flat, tf.gather(self._view_cells, views), axis=1, batch_dims=1)
        flat = tf.gather(flat, tf.gather(self._view_tiles, views), axis=2, batch_dims=1)
        return tf.reshape(flat, (-1, height, width, tiles))

    def _build(self) -> None:
        shape = self.shape
        latent, condition = self._draw_latent(1)
        for generator in (self.generator, self.average):
            generator(tf.constant(latent), tf.constant(condition))
        self.average.set_weights(self.generator.get_weights())
        level = np.zeros((1, shape.height, shape.width, len(shape.tile_names)), np.float32)
        self.critic(tf.constant(level), tf.constant(condition))
        self.generator_optimizer.build(self.generator.trainable_variables)
        self.critic_optimizer.build(self.critic.trainable_variables)
        self.corpus_tensor = tf.constant(self.corpus, tf.int32)
        self._crates = np.array(crate_ids(shape.tile_names), np.int32)
        walls = shape.constraints["blocks_paths"]
        self._walls = np.array([shape.tile_names.index(name) for name in walls], np.int32)
        views = list(_views(self.spec))
        self._view_cells = tf.constant(np.array([cells for cells, _ in views], np.int32))
        self._view_tiles = tf.constant(np.array([tiles for _, tiles in views], np.int32))

    def _draw_real(self, count: int) -> np.ndarray:
        """Corpus indices int64 [count], templates as often as configured."""
        share = self.config.template_share if self.drawn < len(self.corpus) else 1.0
        share = share if self.drawn else 0.0
        drawn = self.random.random(count) < share
        from_templates = self.random.integers(0, max(self.drawn, 1), count)
        from_grammar = self.random.integers(
            min(self.drawn, len(self.corpus) - 1), len(self.corpus), count
        )
        return np.where(drawn, from_templates, from_grammar)

    def _draw_latent(self, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Latents float32 [count, z] and conditions float32 [count, c]."""
        latent = self.random.standard_normal((count, self.config.latent_size))
        condition = np.zeros((count, self.shape.condition_size), np.float32)
        condition[:, 0] = self.random.uniform(*self.shape.crate_range, count)
        symmetry = self.random.integers(len(self.shape.symmetries), size=count)
        condition[np.arange(count), 1 + symmetry] = 1
        return latent.astype(np.float32), condition

    def measure(self) -> _Best:
        """Measure the averaged generator and keep its weights if they are the best so far.

        The score is the joint yield (valid as sampled, no near-copy of the corpus, unique, crate
        share as asked) less ten times the divergence of 2x2 patterns from the corpus, so that
        neither dull nor broken levels can win. Held-out levels take no part in it.
        """
        average = tf.function(self.average, autograph=False)
        sampler = LevelGenerator(
            lambda latent, condition: np.asarray(average(latent, condition)), self.card
        )
        levels = sampler.generate(self.config.evaluate_levels, seed=self.config.seed)
        figures = summarize(levels, sampler.last_report, self.spec, self.corpus)
        score = figures["joint_yield"] - 10 * figures["pattern_divergence"]["2x2"]
        self.history.append({"step": self.steps, "seconds": round(self.seconds, 1), **figures})
        if score > self.best.score:
            self.best = _Best(score, self.steps, self.average.get_weights(), figures)
        return self.best

    def describe(self, losses: tuple[float, float]) -> str:
        rate = self.steps / max(self.seconds, 1e-9)
        text = f"step {self.steps} · {rate:.1f} steps/s · critic {losses[0]:.2f}"
        if self.history:
            latest = self.history[-1]
            text += f" · raw valid {latest['raw_valid']:.0%} · yield {latest['joint_yield']:.0%}"
        return text

    def save(self, path: Path) -> None:
        """Write everything that going on needs, in one file and atomically."""
        arrays = {
            f"{name}/{index}": value
            for name, values in self._state().items()
            for index, value in enumerate(values)
        }
        about = {
            "steps": self.steps,
            "seconds": self.seconds,
            "random": self.random.bit_generator.state,
            "history": self.history,
            "best": [self.best.score, self.best.step, self.best.figures],
            "config": asdict(self.config),
        }
        arrays["about"] = np.frombuffer(json.dumps(about).encode(), np.uint8)
        atomic_write(path, plain_npz(arrays))

    def restore(self, path: Path) -> None:
        """Go on from a checkpoint of the same networks. Raises ConfigError if it is none."""
        try:
            with np.load(path, allow_pickle=False) as file:
                about = json.loads(file["about"].tobytes())
                state = {
                    name: [file[f"{name}/{index}"] for index in range(len(values))]
                    for name, values in self._state().items()
                }
        except (OSError, ValueError, KeyError) as error:
            raise ConfigError(
                f"cannot resume from {path}: expected a checkpoint of the same settings ({error})"
            ) from error
        if about["config"] != (about["config"] | self._unchangeable()):
            raise ConfigError(f"cannot resume from {path}: it was trained with other settings")
        self.generator.set_weights(state["generator"])
        self.average.set_weights(state["average"])
        self.critic.set_weights(state["critic"])
        for optimizer, name in (
            (self.generator_optimizer, "generator_optimizer"),
            (self.critic_optimizer, "critic_optimizer"),
        ):
            for variable, value in zip(optimizer.variables, state[name], strict=True):
                variable.assign(value)
        self.steps, self.seconds = about["steps"], about["seconds"]
        self.random.bit_generator.state = about["random"]
        self.history = about["history"]
        score, step, figures = about["best"]
        self.best = _Best(score, step, state["best"], figures)

    def _state(self) -> dict[str, list[np.ndarray]]:
        return {
            "generator": self.generator.get_weights(),
            "average": self.average.get_weights(),
            "critic": self.critic.get_weights(),
            "best": self.best.weights,
            "generator_optimizer": [np.asarray(v) for v in self.generator_optimizer.variables],
            "critic_optimizer": [np.asarray(v) for v in self.critic_optimizer.variables],
        }

    def _unchangeable(self) -> dict[str, Any]:
        names = ("game", "loss", "latent_size", "generator_channels", "critic_channels", "seed")
        return {name: getattr(self.config, name) for name in names}


def straight_through(noisy_logits: tf.Tensor, temperature: tf.Tensor) -> tf.Tensor:
    """One-hot argmax forward, softmax(noisy_logits / temperature) backward."""
    soft = tf.nn.softmax(noisy_logits / temperature)
    hard = tf.one_hot(tf.argmax(noisy_logits, -1), noisy_logits.shape[-1])
    return hard + soft - tf.stop_gradient(soft)


def corpus_conditions(tiles: np.ndarray, spec: fastenv.GameSpec) -> np.ndarray:
    """What each corpus level would have been asked for: float32 [n, 1 + symmetries]."""
    symmetries = spec.level_constraints.symmetries
    conditions = np.zeros((len(tiles), 1 + len(symmetries)), np.float32)
    conditions[:, 0] = crate_shares(tiles, spec)
    for index, level in enumerate(tiles):
        conditions[index, 1 + symmetries.index(symmetry_of(level, spec))] = 1
    return conditions


def _views(spec: fastenv.GameSpec) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(cell order, tile order) of the ways to look at a board: four symmetries, two seats."""
    cells = partner_cells(spec.height, spec.width, "none").reshape(spec.height, spec.width)
    swapped = seat_swap(spec)
    for board in (cells, cells[::-1], cells[:, ::-1], cells[::-1, ::-1]):
        for tiles in (np.arange(len(swapped)), swapped):
            yield board.reshape(-1), tiles


def _set_up_tensorflow(config: LevelGanConfig) -> None:
    try:
        tf.config.threading.set_intra_op_parallelism_threads(config.threads)
        tf.config.threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        # Another training of this process has started TensorFlow: its thread counts stand.
        print("TensorFlow runs already: its number of threads stays", file=sys.stderr)
    keras.utils.set_random_seed(config.seed % 2**32)
