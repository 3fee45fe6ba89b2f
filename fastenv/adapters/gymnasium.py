"""One seat of a game as a Gymnasium env; a scripted player sits in the other.

    env = gymnasium.make("fastenv.adapters.gymnasium:fastenv/Blast-v0", opponent="hunter")
    observation, info = env.reset(seed=7, options={"level": level})
    env.step(env.action_space.sample(mask=info["action_mask"]))

An illegal action counts as waiting; which ones are legal stands in `info["action_mask"]`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, cast

import gymnasium
import numpy as np
from numpy.typing import NDArray

import fastenv
from fastenv.adapters.rendering import board_picture, board_text
from fastenv.adapters.single import SingleEnv, check_render_mode, observation_space

Observation = NDArray[np.uint8]


class FastenvEnv(gymnasium.Env[Observation, np.int64]):
    """A game of two seats, seen from one of them.

    Observations are uint8 [observation_size], laid out as `spec.observation` says. Rewards come
    from the rules: in Blast +1 for a win, -1 for a defeat, only at the end. `info` holds
    "action_mask" (int8 [actions], 1 = legal) and, in the last step of an episode, "statistics":
    the learner's counters by name.

    game: name of the game
    learner_seat: the seat that `step` acts for, from 0
    opponent: name of the scripted player in the other seats
    levels: an episode starts on one of them, by chance; None means built-in ones
    render_mode: "rgb_array" (uint8 [height * 16, width * 16, 3]), "ansi" (a line a row) or None

    Raises UnknownGameError, LevelError, ValueError.
    """

    metadata: ClassVar[dict[str, Any]] = {  # type: ignore[misc]
        "render_modes": ["rgb_array", "ansi"],
        "render_fps": 10,
    }

    def __init__(
        self,
        game: str = "blast",
        learner_seat: int = 0,
        opponent: str = "survivor",
        levels: Sequence[fastenv.Level] | None = None,
        render_mode: str | None = None,
    ):
        check_render_mode(render_mode, self.metadata["render_modes"])
        self._env = SingleEnv(game, levels)
        self.spec_of_game = self._env.spec
        if not 0 <= learner_seat < self.spec_of_game.players:
            raise ValueError(
                f"expected a learner_seat from 0 to {self.spec_of_game.players - 1}, "
                f"got {learner_seat}"
            )
        self.render_mode = render_mode
        self._seat = learner_seat
        self._others = [seat for seat in range(self.spec_of_game.players) if seat != learner_seat]
        self._opponent = fastenv.make_bot(opponent, game)
        # A Box of uint8 is typed for every dtype.
        self.observation_space = cast(Any, observation_space(self.spec_of_game))
        self.action_space = gymnasium.spaces.Discrete(len(self.spec_of_game.actions))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode; `options={"level": level}` chooses the level of this one episode.

        The same seed starts the same episode against the same opponent; without a seed the
        streams run on.
        """
        super().reset(seed=seed)
        if seed is None and not self._env.is_seeded:
            seed = int(self.np_random.integers(2**63))
        self._env.reset(seed, options)
        return self._env.observation(self._seat), self._info()

    def step(self, action: np.int64) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """One tick. After the end of an episode the env stays as it ended until `reset`."""
        actions = {seat: self._env.decide(self._opponent, seat) for seat in self._others}
        self._env.step(actions | {self._seat: action})
        info = self._info()
        if self._env.terminated or self._env.truncated:
            info["statistics"] = self._env.final_statistics(self._seat)
        return (
            self._env.observation(self._seat),
            self._env.reward(self._seat),
            self._env.terminated,
            self._env.truncated,
            info,
        )

    def render(self) -> Any:
        """The picture or the text of now, by `render_mode`."""
        if self.render_mode == "rgb_array":
            return board_picture(self._env.snapshot(), self.spec_of_game.contents)
        if self.render_mode == "ansi":
            return board_text(self._env.snapshot(), self.spec_of_game.contents)
        return None

    def _info(self) -> dict[str, Any]:
        return {"action_mask": self._env.action_mask(self._seat)}


for _name, _game in (("Blast", "blast"), ("Race", "race")):
    gymnasium.register(
        id=f"fastenv/{_name}-v0",
        entry_point="fastenv.adapters.gymnasium:FastenvEnv",
        vector_entry_point="fastenv.adapters.vector:FastenvVectorEnv",
        kwargs={"game": _game},
    )
