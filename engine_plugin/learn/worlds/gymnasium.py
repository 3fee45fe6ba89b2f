"""Any Gymnasium env with discrete actions as a task, judged by the returns of unseen episodes.

Every env is stepped here, not by a vector env: episode k of env i begins with the seed that
(stream, i, k) gives, so that an env's state is its episode's number and the actions since, and the
last observation of an episode is never mixed up with the first of the next.
"""

from __future__ import annotations

import math
import traceback
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from engine_plugin.errors import ConfigError, WorldError
from engine_plugin.facts import ForeignField, ForeignGame, bound_of, fields_of_ranges
from engine_plugin.learn.config import EPISODE_STEPS, PolicyConfig
from engine_plugin.learn.demonstrations import Demonstrations, stored_demonstrations
from engine_plugin.learn.manners import Likeness
from engine_plugin.learn.opponents import Frozen
from engine_plugin.learn.worlds.contract import PolicyFunction, WorldState
from engine_plugin.learn.worlds.returns import (
    OpenWorld,
    RandomPlayer,
    describe_numbers,
    judge_returns,
    play_episodes,
    play_returns,
    record_returns,
    rounds_of,
)
from engine_plugin.trajectory import load_trajectories

# What episodes are for, as the first number of their seeds: none is ever met in another role.
TRAINING, VALIDATION, EVALUATION, RECORDING, PARITY, RANDOM_PLAY = range(6)
SUPPORTED = (
    "supported are observations in a Box (numbers or images, channels last), Discrete, "
    "MultiDiscrete or MultiBinary, and Discrete actions"
)

BEGINNINGS = 10  # tried by a run that goes on after a crash

# What the env shows -> the array [*observation_shape] that the learner sees.
Reader = Callable[[Any], np.ndarray]


def make_env(env_id: str) -> gymnasium.Env[Any, Any]:
    """The env of a Gymnasium id, or of "module:ID". Raises WorldError."""
    try:
        return gymnasium.make(env_id, disable_env_checker=True)
    except Exception as error:  # its constructor is somebody's code
        raise WorldError(f"cannot make the Gymnasium env {env_id!r}: {error}") from error


def gymnasium_facts(env_id: str) -> ForeignGame:
    """The facts of an env. Raises WorldError where it cannot be made or is not supported."""
    env = make_env(env_id)
    try:
        return read_spaces(env_id, env.observation_space, env.action_space)[0]
    finally:
        env.close()


def read_spaces(env_id: str, observation: Any, action: Any) -> tuple[ForeignGame, Reader]:
    """The facts that two spaces give, and how their observations are read. Raises WorldError."""
    if not isinstance(action, spaces.Discrete):
        raise WorldError(f"{env_id}: expected Discrete actions, got {action}; {SUPPORTED}")
    if action.n > 255:
        raise WorldError(f"{env_id}: expected at most 255 actions, got {action.n}")
    # The id of "module:ID" is what the game is called; the module is only where it comes from.
    name = env_id.rpartition(":")[2]
    actions = tuple(f"action {index}" for index in range(int(action.n)))
    kind, dtype, fields, read = _read_observation(env_id, observation)
    return ForeignGame(name, actions, fields, dtype, kind), read


def _read_observation(
    env_id: str, space: Any
) -> tuple[str, str, tuple[ForeignField, ...], Reader]:
    """(kind, dtype, fields, reader) of an observation space."""
    if isinstance(space, spaces.Discrete):
        first, highest = int(space.start), int(space.n) - 1
        kept = "uint8" if highest < 256 else "float32"
        field = ForeignField("id", (1,), 0, highest)
        return "categories", kept, (field,), lambda shown: np.array([shown - first])
    if isinstance(space, spaces.MultiDiscrete):
        counts, offset = np.ravel(space.nvec), np.ravel(space.start)
        kept = "uint8" if counts.max() <= 256 else "float32"
        fields = fields_of_ranges("ids", np.zeros(len(counts)), counts - 1.0)
        return "categories", kept, fields, lambda shown: np.ravel(shown) - offset
    if isinstance(space, spaces.MultiBinary):
        size = int(np.prod(space.shape))
        return "vector", "uint8", (ForeignField("bits", (size,), 0, 1),), np.ravel
    if not isinstance(space, spaces.Box):
        raise WorldError(
            f"{env_id}: observations in a {type(space).__name__} space; {SUPPORTED}: "
            "gymnasium.wrappers.FlattenObservation makes a Box of it"
        )
    kept = "uint8" if space.dtype in (np.dtype(np.uint8), np.dtype(bool)) else "float32"
    shape = space.shape
    if len(shape) == 2 and kept == "uint8" and min(shape) >= 3:
        shape = (*shape, 1)
    if len(shape) == 3 and min(shape[:2]) >= 3:
        # Without a bound, what is shown stays as it is.
        low, high = (bound_of(float(end)) for end in (np.min(space.low), np.max(space.high)))
        field = ForeignField("image", shape, low, 1.0 if high is None else high)
        image_shape = shape
        return "image", kept, (field,), lambda shown: np.reshape(shown, image_shape)
    if not math.prod(shape):
        raise WorldError(f"{env_id}: observations without a value; {SUPPORTED}")
    fields = fields_of_ranges("observation", np.ravel(space.low), np.ravel(space.high))
    return "vector", kept, fields, np.ravel


def episode_seed(role: int, seed: int, env: int, episode: int) -> int:
    """The seed that one episode begins with."""
    return int(np.random.SeedSequence((role, seed, env, episode)).generate_state(1)[0])


class GymnasiumWorld:
    """N envs of one id as a World (see `contract.World`); also the returns of their episodes.

    role, seed: which episodes are played
    once: an env whose episode has ended stays as it is; `is_over` says when all have
    max_frames: steps after which an episode is cut off, where the env itself does not

    returns float64 [N], lengths int64 [N]: of the running episode, or of the one that has just
    ended; cut bool [N]: it was cut off by `max_frames`. Raises WorldError where an env crashes,
    shows NaN or another shape than it says, pays what is no number, or allows no action.
    """

    def __init__(
        self,
        env_id: str,
        num_envs: int,
        role: int,
        seed: int,
        *,
        once: bool = False,
        max_frames: int = EPISODE_STEPS,
    ):
        self.envs = [make_env(env_id) for _ in range(num_envs)]
        first = self.envs[0]
        self.facts, self._read = read_spaces(env_id, first.observation_space, first.action_space)
        self.num_envs, self.role, self.seed, self.once = num_envs, role, seed, once
        self.max_frames = max_frames
        self._first_action = int(first.action_space.start)  # type: ignore[attr-defined]
        shape, actions = self.facts.observation_shape, len(self.facts.actions)
        self.observations = np.zeros((num_envs, *shape), self.facts.dtype)
        self.next_observations = np.zeros_like(self.observations)
        self.allowed = np.ones((num_envs, actions), np.uint8)
        self.next_allowed = np.ones_like(self.allowed)
        self.rewards = np.zeros(num_envs, np.float32)
        self.terminated = np.zeros(num_envs, bool)
        self.truncated = np.zeros(num_envs, bool)
        self.returns = np.zeros(num_envs)
        self.lengths = np.zeros(num_envs, np.int64)
        self.cut = np.zeros(num_envs, bool)
        self._episodes = np.full(num_envs, -1)  # the running episode's number
        self._played: list[list[int]] = [[] for _ in range(num_envs)]
        self._closed = np.zeros(num_envs, bool)
        for index in range(num_envs):
            self._begin(index)

    @property
    def is_over(self) -> bool:
        return bool(self._closed.all())

    def _begin(self, index: int) -> None:
        """Start the next episode of an env."""
        self._episodes[index] += 1
        self._played[index] = []
        seed = episode_seed(self.role, self.seed, index, int(self._episodes[index]))
        shown, info = self._ask("reset", partial(self.envs[index].reset, seed=seed))
        self._show(index, shown, info, self.observations, self.allowed)

    def _show(
        self,
        index: int,
        shown: Any,
        info: Any,
        observations: np.ndarray,
        allowed: np.ndarray,
        *,
        is_last: bool = False,
    ) -> None:
        """Write what an env shows into a row; at an episode's end it may allow no action."""
        value = self._ask("what it shows", partial(self._read, shown))
        if np.shape(value) != observations.shape[1:]:
            raise WorldError(
                f"{self.facts.name} shows a shape of {np.shape(shown)}; its observation_space "
                f"says {self.envs[index].observation_space.shape}"
            )
        if observations.dtype.kind == "f" and not np.isfinite(value).all():
            raise WorldError(f"{self.facts.name} shows NaN or infinity; expected finite numbers")
        observations[index] = value
        mask = np.not_equal(info.get("action_mask", 1), 0)
        if not mask.any() and not is_last:
            raise WorldError(
                f"{self.facts.name} allows no action at all (info['action_mask']); "
                "expected one or more"
            )
        allowed[index] = mask if mask.any() else 1

    def _ask(self, what: str, call: Callable[[], Any]) -> Any:
        """What an env answers. Raises WorldError where its code fails."""
        try:
            return call()
        except Exception as error:
            place = traceback.extract_tb(error.__traceback__)[-1]
            raise WorldError(
                f"{self.facts.name} has crashed in {what}: {type(error).__name__}: {error} "
                f"({Path(place.filename).name}:{place.lineno})"
            ) from error

    def step(self, actions: np.ndarray) -> None:
        for index, action in enumerate(actions.tolist()):
            if self._closed[index]:
                self.rewards[index] = 0
                continue
            if self.terminated[index] or self.truncated[index] or not self._played[index]:
                self.returns[index] = self.lengths[index] = 0
            try:
                self._step_one(index, action)
            except WorldError:
                # Whoever goes on from here begins another episode than the one that crashes.
                self._episodes[index] += 1
                self._played[index] = []
                raise

    def _step_one(self, index: int, action: int) -> None:
        step = partial(self.envs[index].step, action + self._first_action)
        shown, paid, terminated, truncated, info = self._ask("step", step)
        reward = self._ask("its reward", partial(float, paid))
        if not math.isfinite(reward):
            raise WorldError(f"{self.facts.name} pays a reward of {reward}; expected a number")
        self._played[index].append(action)
        self.rewards[index] = reward
        self.returns[index] += reward
        self.lengths[index] += 1
        ended = bool(terminated or truncated)
        self.cut[index] = not ended and self.lengths[index] >= self.max_frames
        ended |= bool(self.cut[index])
        self.terminated[index], self.truncated[index] = terminated, ended and not terminated
        self._show(
            index, shown, info, self.next_observations, self.next_allowed, is_last=ended
        )
        if ended and self.once:
            self._closed[index] = True
        elif ended:
            self._begin(index)
        else:
            self.observations[index] = self.next_observations[index]
            self.allowed[index] = self.next_allowed[index]

    def meet(self, frozen: Frozen) -> None:
        """Nobody plays against anybody here."""

    def report(self) -> dict[str, Any]:
        return {}

    def save_state(self) -> WorldState:
        """Every env's episode by its number and the actions since its start."""
        return {
            "episodes": self._episodes.astype(np.int64),
            "played": np.array([len(actions) for actions in self._played], np.int64),
            "actions": np.array([a for actions in self._played for a in actions], np.uint8),
            "observations": self.observations.copy(),
        }

    def load_state(self, state: WorldState) -> np.ndarray:
        """Play every env to where it was. One that does not show the same again (its game draws
        from more than its seed, or crashes there) begins its next episode instead."""
        begun_anew = np.zeros(self.num_envs, bool)
        if len(state.get("episodes", ())) != self.num_envs:
            raise ConfigError(
                "the checkpoint's envs are of another number: resume with the settings in run.json"
            )
        stops = np.cumsum(state["played"]).tolist()
        for index, stop in enumerate(stops):
            self._episodes[index] = state["episodes"][index] - 1
            played = state["actions"][stop - state["played"][index] : stop].tolist()
            if not self._plays_again(index, played, state["observations"][index]):
                self._begin_another(index)
                begun_anew[index] = True
        return begun_anew

    def _plays_again(self, index: int, played: list[int], expected: np.ndarray) -> bool:
        """Begin the next episode of an env and play it; whether it then shows what is expected."""
        try:
            self._begin_at_nothing(index)
            for action in played:
                self._step_one(index, action)
        except WorldError:
            return False
        return np.array_equal(self.observations[index], expected)

    def _begin_another(self, index: int) -> None:
        """Begin an episode that can be begun. Raises WorldError where none of the next ones can."""
        for _ in range(BEGINNINGS - 1):
            try:
                return self._begin_at_nothing(index)
            except WorldError:
                continue  # the next one has another seed
        self._begin_at_nothing(index)

    def _begin_at_nothing(self, index: int) -> None:
        """Begin the next episode of an env as if none had been before."""
        self.terminated[index] = self.truncated[index] = False
        self.returns[index] = self.lengths[index] = 0
        self._begin(index)

    def close(self) -> None:
        for env in self.envs:
            env.close()


class GymnasiumTask:
    """A Gymnasium env as a task. Raises WorldError where it cannot be made or is not supported."""

    symmetries = 0

    def __init__(self, config: PolicyConfig):
        self.config = config
        self.facts = gymnasium_facts(config.env)

    def world(self, num_envs: int, seed: int) -> GymnasiumWorld:
        limit = self.config.max_frames
        return GymnasiumWorld(self.config.env, num_envs, TRAINING, seed, max_frames=limit)

    def parity_world(self, num_envs: int, seed: int) -> GymnasiumWorld:
        return GymnasiumWorld(self.config.env, num_envs, PARITY, seed)

    def demonstrations(self) -> Demonstrations | None:
        if not self.config.demos:
            return None
        return stored_demonstrations(self.config.demos, self.facts)

    def judge(self, demonstrations: Demonstrations | None) -> GymnasiumJudge:
        return GymnasiumJudge(self.config, self.facts)


class GymnasiumJudge:
    """Validation episodes, by their returns and, beside demonstrations, by the likeness of their
    manners (learn/manners.py; not of images, whose every pixel would be one).

    Where the game's reward is not learned from, it does not choose the weights either, unless
    `select` asks for strength: the likeness does, and where there is none the last are kept."""

    def __init__(self, config: PolicyConfig, facts: ForeignGame):
        self.config = config
        self.by_return = config.select == "strength" or (
            config.select == "auto" and config.reward in ("game", "mix")
        )
        self.likeness = None
        if config.demos and facts.observation_kind != "image":
            shown = load_trajectories(config.demos).episodes
            with closing(self._world(RANDOM_PLAY)) as world:
                random = play_episodes(world, RandomPlayer(0))
            self.likeness = Likeness(rounds_of(shown), rounds_of(random), facts)

    def _world(self, role: int) -> GymnasiumWorld:
        config = self.config
        return GymnasiumWorld(
            config.env,
            config.evaluation_episodes,
            role,
            0,
            once=True,
            max_frames=config.max_frames,
        )

    def evaluate(self, decide: PolicyFunction) -> dict[str, Any]:
        measured: dict[str, Any] = {}
        with closing(self._world(VALIDATION)) as world:
            if self.likeness is None:
                play_returns(world, decide)  # what is seen, images above all, need not be kept
            else:
                rounds = rounds_of(play_episodes(world, decide))
                measured["style"] = round(self.likeness.score(rounds), 4)
                measured["profile"] = self.likeness.profile_of(rounds)
        returns, lengths = describe_numbers(world.returns), describe_numbers(world.lengths)
        return {"return": returns, "length": lengths, "cut": int(world.cut.sum()), **measured}

    def compared_with(self) -> dict[str, Any]:
        return {} if self.likeness is None else self.likeness.compared_with()

    def score(self, line: dict[str, Any]) -> float:
        if self.by_return:
            return float(line["return"]["mean"])
        return float(line.get("style", line["steps"]))

    def brief(self, line: dict[str, Any]) -> str:
        style = f"style {line['style']:.2f} " if "style" in line else ""
        return f"{style}return {line['return']['mean']:.1f}"

    def text(self, line: dict[str, Any]) -> str:
        shown, length = line["return"], line["length"]["mean"]
        style = f"style {line['style']:.2f}, " if "style" in line else ""
        return f"{style}return {shown['mean']:.1f} ± {shown['std']:.1f}, length {length:.0f}"


def judge_env(
    model: str, env_id: str, episodes: int, seed: int, max_frames: int = EPISODE_STEPS
) -> dict[str, Any]:
    """The `evaluate` command for an env: see `returns.judge_returns`."""
    facts = gymnasium_facts(env_id)
    open_world = _episodes_for(env_id, EVALUATION, max_frames)
    return judge_returns(model, facts, open_world, episodes, seed)


def record_env(
    model: str,
    env_id: str,
    episodes: int,
    seed: int,
    out: str,
    max_frames: int = EPISODE_STEPS,
    *,
    force: bool,
) -> dict[str, Any]:
    """The `record` command for an env: see `returns.record_returns`."""
    facts = gymnasium_facts(env_id)
    open_world = _episodes_for(env_id, RECORDING, max_frames)
    return record_returns(model, facts, open_world, episodes, seed, out, force=force)


def _episodes_for(env_id: str, role: int, max_frames: int) -> OpenWorld:
    if max_frames < 1:
        raise ConfigError(f"expected max_frames of at least 1, got {max_frames}")
    return lambda episodes, seed: GymnasiumWorld(
        env_id, episodes, role, seed, once=True, max_frames=max_frames
    )
