"""The settings of a level generator's training: command line and run record at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from engine_plugin.errors import ConfigError


@dataclass(frozen=True)
class LevelGanConfig:
    """How a level generator is trained."""

    game: str = "blast"
    """Game whose corpus is learned from."""
    out: str = "runs/generator"
    """Folder of the run: generator.onnx, checkpoint.npz, run.json."""
    minutes: float = 6.0
    """Training time; the schedules below follow the share of it that has passed."""
    steps: int = 0
    """Stop after this many training steps; 0 means only the clock stops the run."""
    seed: int = 0
    """Start of every random stream."""
    threads: int = 1
    """Threads that TensorFlow may use."""
    loss: Literal["hinge", "gan"] = "hinge"
    """hinge, with a spectrally normalised critic, or gan, the cross-entropy of the original."""
    corpus_levels: int = 2000
    """Levels of the grammar beside the drawn templates."""
    template_share: float = 0.1
    """Share of the real levels that are drawn templates."""
    latent_size: int = 32
    """Numbers that a level is made from, beside its conditions."""
    generator_channels: int = 48
    """Width of the generator's convolutions."""
    critic_channels: int = 48
    """Width of the level critic's first convolution; the others are wider."""
    batch_size: int = 32
    """Levels of each kind, real and generated, in one step."""
    generator_rate: float = 3e-4
    """Learning rate of the generator."""
    critic_rate: float = 8e-4
    """Learning rate of the level critic."""
    rate_end: float = 0.2
    """Share of the learning rates that is left at the end; they fall linearly from half-time."""
    temperature_start: float = 1.0
    """Temperature of the relaxed levels at the start: high gives smooth gradients."""
    temperature_end: float = 0.6
    """Temperature at the end: low gives gradients close to those of hard levels."""
    control_weight: float = 10.0
    """Weight of the squared error of the crate share."""
    rules_weight: float = 0.2
    """Weight of wrong counts of tiles and of missing room around starting cells."""
    average_decay: float = 0.998
    """Decay of the average of the generator's weights that is exported."""
    evaluate_every: float = 30.0
    """Seconds between two measurements and checkpoints."""
    evaluate_levels: int = 256
    """Levels that are generated for one measurement."""
    resume: bool = False
    """Go on from the checkpoint in the folder."""
    force: bool = False
    """Replace what is in the folder."""

    def check(self) -> None:
        """Raise ConfigError where a setting is out of range."""
        _expect(0 < self.minutes <= 7 * 24 * 60, "minutes", "above 0", self.minutes)
        _expect(self.steps >= 0, "steps", "at least 0", self.steps)
        for name in (
            "threads",
            "latent_size",
            "generator_channels",
            "critic_channels",
            "evaluate_levels",
        ):
            _expect(getattr(self, name) >= 1, name, "at least 1", getattr(self, name))
        _expect(self.batch_size >= 2, "batch_size", "at least 2", self.batch_size)
        _expect(self.corpus_levels >= 0, "corpus_levels", "at least 0", self.corpus_levels)
        _expect(self.seed >= 0, "seed", "at least 0", self.seed)
        _expect(self.loss in ("hinge", "gan"), "loss", "hinge or gan", self.loss)
        _expect(self.evaluate_every > 0, "evaluate_every", "above 0", self.evaluate_every)
        for name in ("generator_rate", "critic_rate", "temperature_start", "temperature_end"):
            _expect(getattr(self, name) > 0, name, "above 0", getattr(self, name))
        for name in ("template_share", "rate_end"):
            _expect(0 <= getattr(self, name) <= 1, name, "0 to 1", getattr(self, name))
        for name in ("control_weight", "rules_weight"):
            _expect(getattr(self, name) >= 0, name, "at least 0", getattr(self, name))
        _expect(0 <= self.average_decay < 1, "average_decay", "0 to below 1", self.average_decay)


def _expect(holds: bool, name: str, expected: str, got: object) -> None:
    if not holds:
        raise ConfigError(f"{name}: expected {expected}, got {got}")
