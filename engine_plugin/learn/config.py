"""What a policy is trained with: one documented dataclass, command line and run record at once.

Settings that are best chosen by the kind of game stand open; a run's record has them filled in.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import numpy as np

from engine_plugin.bridge.job import ROUND_FRAMES
from engine_plugin.card import Safety
from engine_plugin.errors import ConfigError

if TYPE_CHECKING:
    from engine_plugin.facts import GameFacts

# A setting that is left open is None until `resolved` fills it in by the kind of observation. All
# code but the command line sees resolved settings, so that types need not say so everywhere.
Value = TypeVar("Value")
if TYPE_CHECKING:
    Open = Annotated[Value, "open"]
else:
    Open = Value | None
OPEN: Any = None

EPISODE_STEPS = 10_000  # of a Gymnasium episode whose env sets no smaller limit
REPLAY_BYTES = 2 << 30  # that a replay buffer takes at most, if nothing else is said

# What settings left open become. "grid" are our compiled games, the others any game brought along.
_VECTOR: dict[str, Any] = {
    "minutes": 10.0,
    "num_envs": 8,
    "batch_size": 128,
    "learning_rate": 5e-4,
    "rate_end": 0.1,
    "steps_per_update": 2,
    "updates_at_once": 16,
    "target_tau": 0.005,
    "replay_size": 50_000,
    "warm_up": 1_000,
    "width": 128,
    "discriminator_width": 64,
    "epsilon": 0.05,
    "epsilon_steps": 10_000,
    "symmetries": 1,
    "newest_ticks": 250,
    "scale_rewards": True,
    "safety": "none",
    "evaluate_every": 60.0,
    "evaluation_episodes": 40,
    "max_frames": EPISODE_STEPS,
}
BY_OBSERVATION: dict[str, dict[str, Any]] = {
    "grid": {
        "minutes": 10.0,
        "num_envs": 128,
        "batch_size": 512,
        "learning_rate": 5e-4,
        "rate_end": 0.1,
        "steps_per_update": 256,
        "updates_at_once": 1,
        "target_tau": 0.01,
        "replay_size": 200_000,
        "warm_up": 4_096,
        "width": 256,
        "discriminator_width": 128,
        "epsilon": 0.05,
        "epsilon_steps": 0,
        "symmetries": 8,
        "newest_ticks": 40,
        "scale_rewards": False,
        "safety": "survivable",
        "evaluate_every": 60.0,
        "evaluation_episodes": 200,
        "max_frames": ROUND_FRAMES,
    },
    "vector": _VECTOR,
    "categories": _VECTOR,
    "image": {
        **_VECTOR,
        "num_envs": 16,
        "learning_rate": 3e-4,
        "steps_per_update": 4,
        "replay_size": 200_000,
        "warm_up": 5_000,
        "epsilon": 0.02,
        "epsilon_steps": 100_000,
    },
}

# Of a game's own loop every env is a process, and its rounds are long.
LOOP: dict[str, Any] = {"num_envs": 4, "evaluation_episodes": 12, "max_frames": ROUND_FRAMES}

# With a memory: fewer and larger updates, each of many steps.
RECURRENT: dict[str, Any] = {
    "batch_size": 512,
    "learning_rate": 1e-3,
    "target_tau": 0.02,
    "steps_per_update": 16,
    "updates_at_once": 4,
    "replay_size": 50_000,
}

# What settings left at 0 or "auto" become, by the kind of reward. With style alone the scale of
# the reward is the temperature's; beside the game's reward of ±1 a temperature of 0.02 makes a sure
# win worth 50 times the style of one action.
_STYLE: dict[str, Any] = {"policy": "soft", "gamma": 0.8, "n_step": 1, "temperature": 1.0}
_MIX: dict[str, Any] = {"policy": "soft", "gamma": 0.97, "n_step": 3, "temperature": 0.02}
DEFAULTS: dict[str, dict[str, Any]] = {
    "style": _STYLE,
    "constant": _STYLE,
    "none": _STYLE,
    "sqil": {**_STYLE, "temperature": 0.2},
    "mix": _MIX,
    "game": {**_MIX, "policy": "greedy"},
}
# The same for games brought along, whose episodes are long and whose rewards come early. What the
# discriminator pays wavers while it learns: far-sighted sums of it carry the agent away.
_FOREIGN: dict[str, Any] = {"gamma": 0.99, "n_step": 1, "temperature": 1.0, "policy": "soft"}
_FOREIGN_STYLE: dict[str, Any] = {**_FOREIGN, "gamma": 0.9}
FOREIGN_DEFAULTS: dict[str, dict[str, Any]] = {
    "style": _FOREIGN_STYLE,
    "none": _FOREIGN_STYLE,
    "sqil": {**_FOREIGN, "temperature": 0.2},
    "mix": _FOREIGN,
    "game": {**_FOREIGN, "n_step": 3, "policy": "greedy"},
    "constant": {**_FOREIGN, "n_step": 3, "policy": "greedy"},
}

# Settings and the least and greatest value that each may have.
RANGES: tuple[tuple[tuple[str, ...], float, float], ...] = (
    (("seed",), 0, 2**63 - 1),
    (("steps", "warm_up", "threads", "epsilon_steps"), 0, math.inf),
    (("num_envs", "n_step", "steps_per_update", "evaluation_episodes", "replay_size"), 1, math.inf),
    (("updates_at_once", "memory_size", "sequence", "max_frames"), 1, math.inf),
    (("burn_in", "evaluate_every", "evaluate_steps"), 0, math.inf),
    (("learning_rate", "discriminator_rate", "play_temperature"), 0, math.inf),
    (("margin", "clone_weight", "gradient_penalty"), 0, math.inf),
    (("pool_size", "snapshot_every", "clone_updates"), 1, math.inf),
    (("width", "window", "discriminator_width", "discriminator_window"), 1, math.inf),
    (("batch_size",), 2, math.inf),
    (("epsilon", "target_tau", "rate_end", "old_negatives"), 0, 1),
    (("clone_dropout", "discriminator_dropout"), 0, 0.9),
    (("avoid_weight", "self_kill_penalty", "discriminator_clone_weight"), 0, math.inf),
    (("held_out",), 0, 0.5),
)

# Settings that count in some games only, or beside others only.
COMPILED_GAMES = (
    "game",
    "levels",
    "symmetries",
    "late_reward",
    "self_kill_penalty",
    "encoder",
    "window",
    "discriminator_window",
    "ways",
)
OWN_LOOPS = ("seat", "actions", "drawing")
RECURRENT_NETWORKS = ("memory_size", "sequence", "burn_in")
SELF_PLAY = ("pool_size", "snapshot_every")


def no_effect(name: str, when: str) -> ConfigError:
    """The error for an option that was chosen and counts for nothing."""
    return ConfigError(f"--{name.replace('_', '-')} has no effect {when}: leave it out")


@dataclass(frozen=True)
class PolicyConfig:
    """Train a policy from demonstrations, from the game's reward, or from both."""

    out: str
    """Folder of the run: checkpoints, run.json, log.jsonl, model.onnx."""
    game: str = "blast"
    """Compiled game to train for."""
    env: str = ""
    """Gymnasium id to train for instead, such as CartPole-v1; "module:ID" imports the module that
    registers it first."""
    loop: str = ""
    """Game file to train for instead, whose own loop has a seat (engine_plugin.Seat)."""
    seat: str = ""
    """Name of the seat that learns, in a `loop` that has several; without it the first."""
    actions: str = ""
    """Actions of a `loop` to choose from, separated by commas, such as "left,right,left+jump".
    Without it the declared ones, and with demonstrations the combinations that were really used."""
    max_frames: Open[int] = OPEN
    """Frames after which a round of a `loop` is cut off; for --env steps after which an episode is.
    Open: 7,200, for --env 10,000."""
    drawing: bool = False
    """Let a `loop` draw, although nobody sees it; for games that read what they have drawn."""
    demos: str | None = None
    """Demonstrations (.npz); needed for every reward but `game` and `constant`."""
    reward: Open[Literal["style", "game", "mix", "constant", "none", "sqil"]] = OPEN
    """style: the discriminator's alone; game: the rules' alone; mix: both; constant: +1 a step, the
    control that proves nothing was learned from it; none: cloning only; sqil: 1 for demonstrated
    steps and 0 for one's own (Reddy et al. 2020), for comparison. Open: style, for --env without
    demonstrations game."""
    style_form: Literal["advantage", "neutral", "survive", "goal"] = "advantage"
    """How the discriminator's logit becomes a reward; derivations in learn/rewards.py."""
    style_weight: float = 0.0
    """Factor of the style reward; 0: the temperature, with which a soft policy on style alone has
    the demonstrator as its fixed point (learn/rewards.py)."""
    game_weight: float = 1.0
    """Factor of the game reward (+1 win, -1 loss) in `game` and `mix`."""
    scale_rewards: Open[bool] = OPEN
    """Divide the game's rewards by the size of the returns seen early in the run, so that values
    are about 1; open: not for our games of +1 and -1, for --env yes."""
    warm_start: bool = True
    """Start the DQN from a clone of the demonstrations, where there are any; not with --memory gru,
    which cannot clone."""
    minutes: Open[float] = OPEN
    """Wall-clock minutes of training; 0: no limit but `steps`. Open: 10, and 0 where `steps` are
    given."""
    steps: int = 0
    """Stop after this many env steps, by which rates and evaluations then go, so that the run can
    be made again exactly; 0 means only the clock stops the run."""
    seed: int = 0
    """Start of every random stream of the run."""
    opponents: str = "survivor,hunter"
    """Who sits in the other seat, separated by commas: scripted players, model files, shipped
    models such as blast/hard; one named twice sits there twice as often. `self` are frozen
    earlier policies of this run: with it, every episode draws its opponent, oftener one to whom the
    learner loses (learn/opponents.py)."""
    pool_size: int = 8
    """Frozen policies kept for `self`, spread over the run."""
    snapshot_every: int = 200_000
    """Env steps between two policies that are frozen for `self`."""
    levels: str = "generator"
    """Where the levels come from: `generator` (the shipped one), `builtin`, or a folder."""
    num_envs: Open[int] = OPEN
    """Envs stepped together; open: 128, for --env 8, of images 16, for --loop 4
    (each is a process)."""
    late_reward: float = 1.0
    """Factor of the game reward for a match that nobody wins early (in Blast: before the arena
    closes); below 1, waiting for the walls pays less."""
    self_kill_penalty: float = 0.0
    """Taken from the game reward of a match that the learner ends by its own hand (in Blast: its
    own bomb), beside the loss."""
    gamma: float = 0.0
    """Discount a step; 0: 0.8 for style alone, 0.97 with the game's reward; for --env 0.9 and
    0.99."""
    n_step: int = 0
    """Steps of reward summed before the target network takes over; 0: 1 for style alone and for
    `mix` with --env, else 3."""
    policy: Literal["auto", "soft", "greedy"] = "auto"
    """soft: actions sampled from softmax(Q / temperature), soft values in the target; greedy:
    epsilon-greedy behaviour, double-DQN target. auto: greedy for `game`, else soft."""
    temperature: float = 0.0
    """Temperature of the soft policy, in units of reward; 0: 1 for style alone and for --env, else
    0.02."""
    play_temperature: float = 0.0
    """Temperature that the model plays with; 0: `temperature`."""
    epsilon: Open[float] = OPEN
    """Share of random allowed actions under the greedy policy; open: 0.05, of images 0.02."""
    epsilon_steps: Open[int] = OPEN
    """Env steps over which that share falls from 1 to `epsilon`; open: 0, for --env 10,000, of
    images 100,000."""
    safety: Open[Safety] = OPEN
    """Which actions are allowed in behaviour and target. survivable: if the others stand still;
    cautious: wherever they walk in two ticks; none: all legal ones. Open: survivable, for --env
    none, where nothing is known of what can be survived."""
    batch_size: Open[int] = OPEN
    """Transitions in one update; open: 512, for --env 128."""
    demo_share: float = 0.25
    """Share of each batch drawn from the demonstrations."""
    held_out: float = 0.1
    """Share of the demonstrated episodes that nothing learns from: what the discriminator makes of
    them shows how much it knows by heart."""
    margin: float = 0.0
    """Weight of the large-margin loss on demonstrations at the start; falls to 0 over the run."""
    clone_weight: float = 0.0
    """Weight of the cross-entropy to the demonstrated action, kept as a loss term."""
    learning_rate: Open[float] = OPEN
    """Adam's step size for the Q-network; open: 5e-4, of images 3e-4."""
    rate_end: Open[float] = OPEN
    """Share of the learning rates that is left at the end; they fall from half-time on. Open:
    0.1."""
    steps_per_update: Open[int] = OPEN
    """Env steps between two updates of the Q-network; open: 256, for --env 2, of images 4."""
    updates_at_once: Open[int] = OPEN
    """Updates made in one call of the compiled graph, from batches drawn together; open: 1, for
    --env 16."""
    target_tau: Open[float] = OPEN
    """Share of the Q-network that the target network takes over in each update; open: 0.01,
    for --env 0.005."""
    replay_size: Open[int] = OPEN
    """Transitions that the replay buffer holds; open: 200,000, for --env 50,000, of images 200,000,
    or as many of these as fit into 2 GiB."""
    warm_up: Open[int] = OPEN
    """Env steps before the first update; open: 4,096, for --env 1,000, of images 5,000."""
    encoder: Literal["dense", "convolutional"] = "dense"
    """Network in front of the heads, of our games; images always go through convolutions."""
    memory: Literal["none", "gru"] = "none"
    """gru: a recurrent network, for games whose observation does not tell all that matters; it
    learns from the game's reward alone, with the greedy policy."""
    memory_size: int = 64
    """Numbers that a recurrent network remembers."""
    sequence: int = 32
    """Consecutive steps that a recurrent network learns from at once: as far back as it can learn
    to remember."""
    burn_in: int = 8
    """Steps before those, which only refresh what it remembered when they were played."""
    width: Open[int] = OPEN
    """Units of the hidden layers; open: 256, for --env 128."""
    window: int = 7
    """Side of the egocentric window that the Q-network sees (odd)."""
    ways: bool = True
    """Tell the networks how near things are on foot, besides the window (learn/ways.py)."""
    discriminator_window: int = 7
    """Side of the egocentric window that the discriminator sees (odd)."""
    discriminator_width: Open[int] = OPEN
    """Units of the discriminator's hidden layers; open: 128, for --env 64."""
    discriminator_rate: float = 3e-4
    """Adam's step size for the discriminator."""
    discriminator_dropout: float = 0.2
    """Dropout on the discriminator's hidden layers, and on its input where that is a board or an
    image."""
    discriminator_clone_weight: float = 3.0
    """Weight of the cloning loss on the discriminator's f, beside its own loss: keeps f from
    growing sharper as it memorises. Of the form `advantage`, whose fixed point is a clone's
    log pi."""
    gradient_penalty: float = 0.0
    """Weight of the squared gradient of the logit at demonstrations."""
    old_negatives: float = 0.5
    """Share of the discriminator's negatives drawn from the whole replay buffer, not its newest."""
    newest_ticks: Open[int] = OPEN
    """Ticks of play that count as its newest; open: 40, for --env 250."""
    symmetries: Open[int] = OPEN
    """Board symmetries used as augmentation: 1 none, 4 flips, 8 flips and transposition. Open: 8,
    for --env 1."""
    clone_dropout: float = 0.0
    """The same of the Q-network while it is cloning."""
    avoid_weight: float = 0.1
    """Weight of the loss that keeps the values of forbidden actions below those of the allowed, so
    that the policy can do without the filter."""
    control: Literal["none", "random-discriminator", "shuffled"] = "none"
    """A run that should fail if the measure is right. random-discriminator: it never learns;
    shuffled: the demonstrated actions are dealt out anew among the states."""
    clone_updates: int = 4_000
    """Updates of cloning, however many the demonstrations are: few are seen oftener."""
    evaluate_every: Open[float] = OPEN
    """Seconds of training between two evaluations; each writes a checkpoint. Open: 60."""
    evaluate_steps: Open[int] = OPEN
    """Env steps between two evaluations, in place of seconds; 0: by seconds. Open: a tenth of
    `steps`, for --env a twentieth; 0 without `steps`, or with `evaluate_every` seconds given."""
    evaluation_episodes: Open[int] = OPEN
    """Episodes of one evaluation during training; open: 200, for --env 40, for --loop 12."""
    select: Literal["auto", "style", "strength", "last"] = "auto"
    """Which checkpoint is kept as the model; auto: strength for `game` and `mix`, else style."""
    threads: int = 2
    """Threads of TensorFlow."""
    resume: bool = False
    """Go on from the checkpoint in `out`."""
    force: bool = False
    """Replace an existing `out`."""

    def resolved(self, facts: GameFacts | None = None) -> PolicyConfig:
        """The same settings with nothing left open, checked. Raises ConfigError.

        facts: of the game; without them a grid is seen or, with `env` or `loop`, a vector
        """
        kind = facts.observation_kind if facts else "vector" if self.is_foreign else "grid"
        reward = self.reward or ("game" if self.is_foreign and not self.demos else "style")
        by_reward = FOREIGN_DEFAULTS if self.is_foreign else DEFAULTS
        by_observation = {**BY_OBSERVATION[kind], "reward": reward}
        by_observation["evaluate_steps"] = 0
        if self.loop:
            by_observation |= LOOP
        if self.memory == "gru":
            by_observation |= RECURRENT
        if facts is not None:
            seen = math.prod(facts.observation_shape) * np.dtype(facts.observation_dtype).itemsize
            fit = REPLAY_BYTES // (2 * seen)  # what was seen, and what followed
            by_observation["replay_size"] = max(min(by_observation["replay_size"], fit), 1)
        if self.steps:
            by_observation["minutes"] = 0.0
            if self._is_open("evaluate_every"):
                share = 20 if self.is_foreign else 10
                by_observation["evaluate_steps"] = max(self.steps // share, 1)
        opened = {name: value for name, value in by_observation.items() if self._is_open(name)}
        chosen = {
            name: value
            for name, value in by_reward[reward].items()
            if getattr(self, name) in (0, "auto")
        }
        config = replace(self, **opened, **chosen)
        config = replace(
            config,
            style_weight=config.style_weight or config.temperature,
            play_temperature=config.play_temperature or config.temperature,
        )
        config.check()
        return config

    def _is_open(self, name: str) -> bool:
        return getattr(self, name) is None

    def check(self) -> None:
        """Raise ConfigError where settings are out of range or contradict each other."""
        if self.env and self.loop:
            raise ConfigError("expected --env or --loop, got both")
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
        if not self.minutes >= 0 or (self.minutes == 0 and self.steps == 0):
            raise ConfigError(
                f"expected a positive number of minutes, or 0 minutes and a number of steps, "
                f"got {self.minutes}"
            )
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
        if self.is_foreign and self.safety not in (None, "none"):
            raise ConfigError(
                f"--safety {self.safety} knows what is fatal in our compiled games, nothing of one "
                "brought along: leave it out"
            )
        holds = self.margin or self.clone_weight
        if holds and self.is_foreign and self.reward in ("game", "mix"):
            raise ConfigError(
                "--margin and --clone-weight hold to demonstrations whose rewards are known, and "
                "those of a game brought along have none: use --reward style, or leave them out"
            )
        if self.memory == "gru" and self.reward not in ("game", "constant"):
            raise ConfigError(
                f"--memory gru learns from the game's reward: expected --reward game, got "
                f"{self.reward}"
            )
        if self.memory == "gru" and self.policy != "greedy":
            raise ConfigError("--memory gru needs --policy greedy")
        if self.memory == "gru" and "self" in self.opponent_names:
            raise ConfigError(
                "--memory gru cannot play against itself: expected opponents without self"
            )
        if self.temperature <= 0:
            raise ConfigError(f"expected a positive temperature, got {self.temperature}")

    def expect_effect(self) -> None:
        """Raise ConfigError where what was chosen counts for nothing: nobody is to believe that it
        did. Not part of `check`, which runs of before have to pass."""
        kind = BY_OBSERVATION["vector" if self.is_foreign else "grid"]
        default = PolicyConfig(out=self.out)
        brought = f"with --{'env' if self.env else 'loop'}"
        plays_itself = "self" in self.opponent_names
        counts = (
            (COMPILED_GAMES, not self.is_foreign, brought),
            (("opponents",), not self.is_foreign or (self.loop and plays_itself), brought),
            (OWN_LOOPS, bool(self.loop), "without --loop"),
            (("max_frames",), self.is_foreign, "without --env or --loop"),
            (RECURRENT_NETWORKS, self.memory == "gru", "without --memory gru"),
            (SELF_PLAY, plays_itself, "without self among the opponents"),
        )
        for names, has_effect, when in counts:
            for name in names:
                usual = (getattr(default, name), kind.get(name))
                if not has_effect and getattr(self, name) not in usual:
                    raise no_effect(name, when)

    @property
    def is_foreign(self) -> bool:
        """Whether the game was brought along."""
        return bool(self.env or self.loop)

    @property
    def needs_demos(self) -> bool:
        return self.reward in ("style", "mix", "none", "sqil")

    @property
    def begins_with_clone(self) -> bool:
        return bool(self.demos) and self.memory == "none" and (
            self.warm_start or self.reward == "none"
        )

    @property
    def uses_discriminator(self) -> bool:
        return self.reward in ("style", "mix")

    @property
    def clones_discriminator(self) -> bool:
        """Whether a warm start gives the discriminator its fixed point beside a clone."""
        return self.style_form == "advantage" and self.control != "random-discriminator"

    @property
    def steps_in_a_row(self) -> int:
        """Consecutive steps that one sample of the replay buffer needs."""
        return self.n_step if self.memory == "none" else self.burn_in + self.sequence

    @property
    def others(self) -> tuple[str, ...]:
        """The opponents but `self`, each once."""
        return tuple(name for name in dict.fromkeys(self.opponent_names) if name != "self")

    @property
    def opponent_names(self) -> tuple[str, ...]:
        return tuple(name.strip() for name in self.opponents.split(",") if name.strip())
