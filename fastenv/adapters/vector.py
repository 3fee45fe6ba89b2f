"""One seat of many games at once as a Gymnasium vector env, on one batch.

    envs = gymnasium.make_vec("fastenv.adapters.gymnasium:fastenv/Blast-v0", num_envs=64,
                              vectorization_mode="vector_entry_point", opponent="hunter")
    observations, infos = envs.reset(seed=7)
    envs.step(actions)                  # infos["action_mask"] int8 [num_envs, actions]

Env i, seeded with `seed + i`, plays as the single env of gymnasium.py does with that seed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

import fastenv
from fastenv.adapters.rendering import board_picture, board_text
from fastenv.adapters.single import check_render_mode, chosen_level, observation_space

Observations = NDArray[np.uint8]
Step = tuple[
    Observations, NDArray[np.float64], NDArray[np.bool_], NDArray[np.bool_], dict[str, Any]
]


class FastenvVectorEnv(VectorEnv[Observations, NDArray[np.int64], NDArray[Any]]):
    """Games of two seats, each seen from one of them; a scripted player sits in the other.

    Observations are uint8 [num_envs, observation_size]; what is handed out is a copy.
    `infos["action_mask"]` int8 [num_envs, actions] says which actions are legal now; an illegal one
    counts as waiting. In steps that end episodes, "statistics" holds the learner's counters of
    those, each int64 [num_envs] by name; as in Gymnasium, "_NAME" says which envs NAME is for.

    autoreset_mode, or its value as a string:
        SAME_STEP: the step that ends an episode returns the next one's first observation;
            infos["final_obs"] holds the last of the old one, infos["final_info"] its last
            "action_mask" and "statistics"
        NEXT_STEP: the following step starts the next episode; its action does nothing
        DISABLED: ended envs wait for `reset(options={"reset_mask": bool [num_envs]})`
    learner_seat, opponent, levels, render_mode: as for the single env; render draws every env

    Raises UnknownGameError, LevelError, ValueError.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 10,
        "autoreset_mode": AutoresetMode.SAME_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        game: str = "blast",
        learner_seat: int = 0,
        opponent: str = "survivor",
        levels: Sequence[fastenv.Level] | None = None,
        render_mode: str | None = None,
        autoreset_mode: AutoresetMode | str = AutoresetMode.SAME_STEP,
    ):
        check_render_mode(render_mode, self.metadata["render_modes"])
        self._mode = AutoresetMode(autoreset_mode)
        same_step = self._mode is AutoresetMode.SAME_STEP
        self._batch = fastenv.make_batch(game, num_envs, levels=levels, autoreset=same_step)
        spec = self._batch.spec
        if not 0 <= learner_seat < spec.players:
            raise ValueError(
                f"expected a learner_seat from 0 to {spec.players - 1}, got {learner_seat}"
            )
        self.spec_of_game = spec
        self.num_envs = num_envs
        self.render_mode = render_mode
        self.metadata = {**self.metadata, "autoreset_mode": self._mode}  # type: ignore[misc]
        self.single_observation_space = observation_space(spec)
        self.single_action_space = gymnasium.spaces.Discrete(len(spec.actions))
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self._seat = learner_seat
        self._others = [seat for seat in range(spec.players) if seat != learner_seat]
        self._opponent = fastenv.make_bot(opponent, game)
        self._actions = np.zeros((num_envs, spec.players), np.uint8)
        self._ended = np.zeros(num_envs, bool)
        self._is_seeded = False

    def reset(
        self,
        *,
        seed: int | Sequence[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Observations, dict[str, Any]]:
        """Start episodes: in all envs, or in those of `options["reset_mask"]` (bool [num_envs]).

        seed: of env 0, the others get the following ones; or one for each env; or None, with which
            the streams run on. options: "level" is the level of these episodes alone.
        """
        super().reset(seed=seed if seed is None or isinstance(seed, int) else None)
        options = options or {}
        chosen = _checked_mask(options.get("reset_mask"), self.num_envs)
        seeds = self._seeds(seed)
        with chosen_level(self._batch, options):
            self._start(chosen, seeds)
        self._ended[chosen] = False
        return self._observations(), self._infos(chosen)

    def step(self, actions: NDArray[np.int64]) -> Step:
        """One tick in every env. Raises ActionError before anything moves."""
        batch, seat = self._batch, self._seat
        if self._mode is AutoresetMode.DISABLED and self._ended.any():
            raise gymnasium.error.ResetNeeded(
                f"envs {np.flatnonzero(self._ended).tolist()} have ended: reset them by reset_mask"
            )
        self._actions[:, seat] = self._checked_actions(actions)
        # Ended envs stay as they ended in the step, and nobody draws from their streams.
        running = ~self._ended
        for other in self._others:
            self._actions[:, other] = self._opponent.act(batch, other, where=running)
        batch.step(self._actions)
        if not running.all():
            batch.reset_envs(self._ended)
        rewards = batch.rewards[:, seat].astype(np.float64)
        terminated, truncated = batch.terminated.copy(), batch.truncated.copy()
        ended = terminated | truncated
        infos = self._infos(np.ones(self.num_envs, bool))
        if ended.any():
            self._tell_ends(infos, ended)
        if self._mode is not AutoresetMode.SAME_STEP:
            self._ended[:] = ended
        return self._observations(), rewards, terminated, truncated, infos

    def render(self) -> tuple[Any, ...] | None:
        """The picture or the text of every env, by `render_mode`."""
        if self.render_mode is None:
            return None
        draw = board_picture if self.render_mode == "rgb_array" else board_text
        contents = self.spec_of_game.contents
        return tuple(draw(self._batch.snapshot(index), contents) for index in range(self.num_envs))

    def _start(self, chosen: NDArray[np.bool_], seeds: list[int | None]) -> None:
        """Start episodes in the chosen envs: from their seeds, or, where there is None, on their
        streams."""
        is_seeded = np.array([each is not None for each in seeds])
        numbers = np.array([each or 0 for each in seeds], np.uint64)
        self._batch.reset_envs(chosen & is_seeded, numbers)
        self._batch.reset_envs(chosen & ~is_seeded)

    def _seeds(self, seed: int | Sequence[int | None] | None) -> list[int | None]:
        if seed is None and not self._is_seeded:
            seed = int(self.np_random.integers(2**62))
        self._is_seeded = True
        if seed is None:
            return [None] * self.num_envs
        if not isinstance(seed, Sequence):
            seed = [int(seed) + index for index in range(self.num_envs)]
        if len(seed) != self.num_envs:
            raise ValueError(f"expected {self.num_envs} seeds, got {len(seed)}")
        for each in seed:
            if each is not None and not 0 <= each < 2**64:
                raise ValueError(f"expected seeds from 0 to 2**64 - 1, got {each}")
        return list(seed)

    def _checked_actions(self, actions: NDArray[np.int64]) -> NDArray[np.int64]:
        array, count = np.asarray(actions), len(self.spec_of_game.actions)
        if array.shape != (self.num_envs,) or array.dtype.kind not in "ui":
            raise fastenv.ActionError(
                f"expected {self.num_envs} integer actions, got {array.dtype} {list(array.shape)}"
            )
        if array.min() < 0 or array.max() >= count:
            raise fastenv.ActionError(
                f"expected actions from 0 to {count - 1}, got {array.min()} to {array.max()}"
            )
        return array

    def _observations(self) -> Observations:
        return self._batch.observations[:, self._seat].copy()

    def _infos(self, told: NDArray[np.bool_]) -> dict[str, Any]:
        mask = self._batch.legal_mask[:, self._seat].astype(np.int8)
        return {"action_mask": mask, "_action_mask": told.copy()}

    def _tell_ends(self, infos: dict[str, Any], ended: NDArray[np.bool_]) -> None:
        counters = np.where(ended[:, None], self._batch.final_statistics[:, self._seat], 0)
        statistics: dict[str, Any] = {}
        for name, values in zip(self.spec_of_game.statistics, counters.T, strict=True):
            statistics[name], statistics[f"_{name}"] = values.astype(np.int64), ended.copy()
        told: dict[str, Any] = {"statistics": statistics, "_statistics": ended.copy()}
        if self._mode is not AutoresetMode.SAME_STEP:
            infos |= told
            return
        last = np.full(self.num_envs, None, object)
        for index in np.flatnonzero(ended):
            last[index] = self._batch.final_observations[index, self._seat].copy()
        mask = np.where(ended[:, None], self._batch.final_legal_mask[:, self._seat], 0)
        told |= {"action_mask": mask.astype(np.int8), "_action_mask": ended.copy()}
        infos |= {"final_obs": last, "_final_obs": ended.copy()}
        infos |= {"final_info": told, "_final_info": ended.copy()}


def _checked_mask(mask: object, num_envs: int) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(num_envs, bool)
    if not isinstance(mask, np.ndarray) or mask.shape != (num_envs,) or mask.dtype != np.bool_:
        raise ValueError(f'expected a bool array of {num_envs} envs as option "reset_mask"')
    return mask
