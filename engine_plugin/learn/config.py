"""What a policy is trained with: one documented dataclass, command line and run record at once."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any, Literal

from engine_plugin.errors import ConfigError

# What settings left at 0 or "auto" become, by the kind of reward. With style alone the scale of
# the reward is the temperature's; beside the game's reward of ±1 a temperature of 0.02 makes a sure
# win worth 50 times the style of one action.
_STYLE: dict[str, Any] = {"policy": "soft", "gamma": 0.8, "n_step": 1, "temperature": 1.0}
_MIX: dict[str, Any] = {"policy": "soft", "gamma": 0.97, "n_step": 3, "temperature": 0.02}
DEFAULTS: dict[str, dict[str, Any]] = {
    "style": _STYLE,
    "constant": _STYLE,
    "none": _STYLE,
    "mix": _MIX,
    "game": {**_MIX, "policy": "greedy"},
}

# Settings and the least and greatest value that each may have.
RANGES: tuple[tuple[tuple[str, ...], float, float], ...] = (
    (("seed", "steps", "warm_up", "threads"), 0, math.inf),
    (("num_envs", "n_step", "steps_per_update", "evaluation_episodes", "replay_size"), 1, math.inf),
    (("width", "window", "discriminator_width", "discriminator_window"), 1, math.inf),
    (("batch_size",), 2, math.inf),
    (("epsilon", "target_tau", "rate_end", "old_negatives"), 0, 1),
)


@dataclass(frozen=True)
class PolicyConfig:
    """Train a policy from demonstrations, from the game's reward, or from both."""

    out: str
    """Folder of the run: checkpoints, run.json, log.jsonl, model.onnx."""
    game: str = "blast"
    """Game to train for."""
    demos: str | None = None
    """Demonstrations (.npz); needed for every reward but `game` and `constant`."""
    reward: Literal["style", "game", "mix", "constant", "none"] = "style"
    """style: the discriminator's alone; game: the rules' alone; mix: both; constant: +1 a step, the
    control that proves nothing was learned from it; none: cloning only."""
    style_form: Literal["advantage", "neutral", "survive", "goal"] = "advantage"
    """How the discriminator's logit becomes a reward; derivations in learn/rewards.py."""
    style_weight: float = 0.0
    """Factor of the style reward; 0: the temperature, with which a soft policy on style alone has
    the demonstrator as its fixed point (learn/rewards.py)."""
    game_weight: float = 1.0
    """Factor of the game reward (+1 win, -1 loss) in `game` and `mix`."""
    warm_start: bool = False
    """Start the DQN from a clone of the demonstrations."""
    minutes: float = 10.0
    """Wall-clock minutes of training."""
    steps: int = 0
    """Stop after this many env steps; 0 means only the clock stops the run."""
    seed: int = 0
    """Start of every random stream of the run."""
    opponents: str = "survivor,hunter"
    """Scripted players in the other seat, separated by commas; one named twice sits there twice as
    often."""
    levels: str = "generator"
    """Where the levels come from: `generator` (the shipped one), `builtin`, or a folder."""
    num_envs: int = 128
    """Envs stepped together."""
    late_reward: float = 1.0
    """Factor of the game reward for a match that nobody wins early (in Blast: before the arena
    closes); below 1, waiting for the walls pays less."""
    gamma: float = 0.0
    """Discount a step; 0: 0.8 for style alone, 0.97 with the game's reward."""
    n_step: int = 0
    """Steps of reward summed before the target network takes over; 0: 1 for style alone, 3 with the
    game's reward."""
    policy: Literal["auto", "soft", "greedy"] = "auto"
    """soft: actions sampled from softmax(Q / temperature), soft values in the target; greedy:
    epsilon-greedy behaviour, double-DQN target. auto: greedy for `game`, else soft."""
    temperature: float = 0.0
    """Temperature of the soft policy, in units of reward; 0: 1 for style alone, else 0.02."""
    play_temperature: float = 0.0
    """Temperature that the model plays with; 0: `temperature`."""
    epsilon: float = 0.05
    """Share of random allowed actions under the greedy policy."""
    safety: Literal["survivable", "none"] = "survivable"
    """Which actions are allowed in behaviour and target: survivable ones, or all legal ones."""
    batch_size: int = 512
    """Transitions in one update."""
    demo_share: float = 0.25
    """Share of each batch drawn from the demonstrations."""
    margin: float = 0.0
    """Weight of the large-margin loss on demonstrations at the start; falls to 0 over the run."""
    clone_weight: float = 0.0
    """Weight of the cross-entropy to the demonstrated action, kept as a loss term."""
    learning_rate: float = 5e-4
    """Adam's step size for the Q-network."""
    rate_end: float = 0.1
    """Share of the learning rates that is left at the end; they fall from half-time on."""
    steps_per_update: int = 256
    """Env steps between two updates of the Q-network."""
    target_tau: float = 0.01
    """Share of the Q-network that the target network takes over in each update."""
    replay_size: int = 200_000
    """Transitions that the replay buffer holds."""
    warm_up: int = 4_096
    """Env steps before the first update."""
    encoder: Literal["dense", "convolutional"] = "dense"
    """Network in front of the heads."""
    width: int = 256
    """Units of the hidden layers."""
    window: int = 9
    """Side of the egocentric window that the Q-network sees (odd)."""
    discriminator_window: int = 9
    """Side of the egocentric window that the discriminator sees (odd)."""
    discriminator_width: int = 128
    """Units of the discriminator's hidden layers."""
    discriminator_rate: float = 3e-4
    """Adam's step size for the discriminator."""
    discriminator_dropout: float = 0.1
    """Dropout on the discriminator's input and hidden layers."""
    gradient_penalty: float = 0.0
    """Weight of the squared gradient of the logit at demonstrations."""
    old_negatives: float = 0.5
    """Share of the discriminator's negatives drawn from the whole replay buffer, not its newest."""
    symmetries: int = 8
    """Board symmetries used as augmentation: 1 none, 4 flips, 8 flips and transposition."""
    clone_epochs: int = 60
    """Passes over the demonstrations when cloning."""
    evaluate_every: float = 60.0
    """Seconds of training between two evaluations; each writes a checkpoint."""
    evaluation_episodes: int = 200
    """Episodes of one evaluation during training."""
    select: Literal["auto", "style", "strength", "last"] = "auto"
    """Which checkpoint is kept as the model; auto: strength for `game` and `mix`, else style."""
    threads: int = 2
    """Threads of TensorFlow."""
    resume: bool = False
    """Go on from the checkpoint in `out`."""
    force: bool = False
    """Replace an existing `out`."""

    def resolved(self) -> PolicyConfig:
        """The same settings with nothing left open, checked. Raises ConfigError."""
        chosen = {
            name: value
            for name, value in DEFAULTS[self.reward].items()
            if getattr(self, name) in (0, "auto")
        }
        config = replace(self, **chosen)
        config = replace(
            config,
            style_weight=config.style_weight or config.temperature,
            play_temperature=config.play_temperature or config.temperature,
        )
        config.check()
        return config

    def check(self) -> None:
        """Raise ConfigError where settings are out of range or contradict each other."""
        if self.needs_demos and not self.demos:
            raise ConfigError(
                f"--reward {self.reward} learns from demonstrations: give them with --demos FILE "
                f"(make some with `engine-plugin record`)"
            )
        for names, low, high in RANGES:
            for name in names:
                value = getattr(self, name)
                if not low <= value <= high:
                    most = "" if high == math.inf else f" and at most {high:g}"
                    raise ConfigError(f"expected {name} of at least {low}{most}, got {value}")
        if not self.opponent_names:
            raise ConfigError("expected the name of a scripted player or more in opponents")
        if not 0 < self.gamma < 1:
            raise ConfigError(f"expected 0 < gamma < 1, got {self.gamma}")
        if self.minutes <= 0:
            raise ConfigError(f"expected a positive number of minutes, got {self.minutes}")
        if self.window % 2 == 0 or self.discriminator_window % 2 == 0:
            raise ConfigError("the windows need an odd side, so that the player is in the middle")
        if self.symmetries not in (1, 4, 8):
            raise ConfigError(f"expected 1, 4 or 8 symmetries, got {self.symmetries}")
        if not 0 <= self.demo_share < 1:
            raise ConfigError(f"expected 0 <= demo_share < 1, got {self.demo_share}")
        if self.policy == "greedy" and self.style_form == "advantage" and self.uses_discriminator:
            raise ConfigError(
                "style_form advantage needs the policy's probabilities: use --policy soft, or "
                "--style-form neutral"
            )
        if self.temperature <= 0:
            raise ConfigError(f"expected a positive temperature, got {self.temperature}")

    @property
    def needs_demos(self) -> bool:
        return self.reward in ("style", "mix", "none") or self.warm_start

    @property
    def uses_discriminator(self) -> bool:
        return self.reward in ("style", "mix")

    @property
    def opponent_names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.opponents.split(",") if name.strip())
