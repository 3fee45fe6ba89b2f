"""All seats of a game as a PettingZoo parallel env.

    env = parallel_env(game="blast")
    observations, infos = env.reset(seed=7, options={"level": level})
    env.step({agent: env.action_space(agent).sample() for agent in env.agents})

An illegal action counts as waiting; which ones are legal stands in `infos[agent]["action_mask"]`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, SupportsInt

import gymnasium
import numpy as np
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

import fastenv
from fastenv.adapters.rendering import board_picture, board_text
from fastenv.adapters.single import SingleEnv, check_render_mode, observation_space

Observations = dict[str, NDArray[np.uint8]]
Infos = dict[str, dict[str, Any]]


class FastenvParallelEnv(ParallelEnv):  # type: ignore[misc]
    """A game with an agent in every seat: "player_1" in seat 0, "player_2" in seat 1, and so on.

    Observations are uint8 [observation_size], laid out as `spec.observation` says, each from its
    own seat. Infos hold "action_mask" (int8 [actions], 1 = legal) and, in the last step of an
    episode, "statistics": the counters of that seat by name. All agents end together.

    game: name of the game
    levels: an episode starts on one of them, by chance; None means built-in ones
    render_mode: "rgb_array" (uint8 [height * 16, width * 16, 3]), "ansi" (a line a row) or None

    Raises UnknownGameError, LevelError, ValueError.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "fastenv_v0",
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 10,
        "is_parallelizable": True,
    }

    def __init__(
        self,
        game: str = "blast",
        levels: Sequence[fastenv.Level] | None = None,
        render_mode: str | None = None,
    ):
        check_render_mode(render_mode, self.metadata["render_modes"])
        self._env = SingleEnv(game, levels)
        spec = self._env.spec
        self.render_mode = render_mode
        self.possible_agents = [f"player_{seat + 1}" for seat in range(spec.players)]
        self.agents: list[str] = []
        self._seats = {agent: seat for seat, agent in enumerate(self.possible_agents)}
        self.observation_spaces = {
            agent: observation_space(spec) for agent in self.possible_agents
        }
        self.action_spaces = {
            agent: gymnasium.spaces.Discrete(len(spec.actions)) for agent in self.possible_agents
        }

    def observation_space(self, agent: str) -> gymnasium.spaces.Box:
        return self.observation_spaces[agent]

    def action_space(self, agent: str) -> gymnasium.spaces.Discrete:
        return self.action_spaces[agent]

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observations, Infos]:
        """Start an episode; `options={"level": level}` chooses the level of this one episode.

        The same seed starts the same episode; without a seed the streams run on.
        """
        if seed is None and not self._env.is_seeded:
            seed = int(np.random.default_rng().integers(2**63))
        self._env.reset(seed, options)
        self.agents = list(self.possible_agents)
        return self._observations(), self._infos()

    def step(
        self, actions: Mapping[str, SupportsInt]
    ) -> tuple[Observations, dict[str, float], dict[str, bool], dict[str, bool], Infos]:
        """One tick. With the end of the episode `agents` becomes empty; then `reset`.

        Raises ActionError unless there is one action in range for each of `agents`.
        """
        if set(actions) != set(self.agents):
            raise fastenv.ActionError(
                f"expected actions for {self.agents or 'nobody (reset first)'}, got {list(actions)}"
            )
        if not self.agents:
            return {}, {}, {}, {}, {}
        self._env.step({self._seats[agent]: action for agent, action in actions.items()})
        ended = self._env.terminated or self._env.truncated
        infos = self._infos()
        if ended:
            for agent in self.agents:
                infos[agent]["statistics"] = self._env.final_statistics(self._seats[agent])
        result = (
            self._observations(),
            {agent: self._env.reward(self._seats[agent]) for agent in self.agents},
            dict.fromkeys(self.agents, self._env.terminated),
            dict.fromkeys(self.agents, self._env.truncated),
            infos,
        )
        if ended:
            self.agents = []
        return result

    def render(self) -> Any:
        """The picture or the text of now, by `render_mode`."""
        if self.render_mode == "rgb_array":
            return board_picture(self._env.snapshot(), self._env.spec.contents)
        if self.render_mode == "ansi":
            return board_text(self._env.snapshot(), self._env.spec.contents)
        return None

    def close(self) -> None:
        """Nothing is held open."""

    def _observations(self) -> Observations:
        return {agent: self._env.observation(self._seats[agent]) for agent in self.agents}

    def _infos(self) -> Infos:
        return {
            agent: {"action_mask": self._env.action_mask(self._seats[agent])}
            for agent in self.agents
        }


parallel_env = FastenvParallelEnv
