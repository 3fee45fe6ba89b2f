"""Small Gymnasium envs whose every step can be worked out by hand. Importing registers them."""

from __future__ import annotations

from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces


class Corridor(gymnasium.Env[np.ndarray, np.int64]):
    """Walk right for `length` steps: +1 at the end by the rules, -0.25 for every step before, cut
    off after `limit`.

    Shows (place, steps, a number drawn by the episode's seed). Left is not allowed at the start.
    """

    def __init__(self, length: int = 4, limit: int = 6, kind: str = "vector"):
        self.length, self.limit, self.kind = length, limit, kind
        self.action_space = spaces.Discrete(2, start=3)
        self.observation_space: Any = {
            "vector": spaces.Box(
                np.array([0, 0, -np.inf]), np.array([length, limit, np.inf]), dtype=np.float64
            ),
            "image": spaces.Box(0, 1, (5, 5, 2), bool),
            "bytes": spaces.Box(0, 255, (5, 5, 1), np.uint8),
            "screen": spaces.Box(0, 255, (36, 40, 3), np.uint8),
            "id": spaces.Discrete(length + 1, start=7),
            "ids": spaces.MultiDiscrete([length + 1, 300]),
            "bits": spaces.MultiBinary(8),
            "dict": spaces.Dict({"place": spaces.Discrete(3)}),
        }[kind]

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.place = self.steps = 0
        self.drawn = float(self.np_random.normal())
        return self._show(), self._info()

    def step(self, action: np.int64) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        assert action in self.action_space
        self.place = max(self.place + (1 if action == 4 else -1), 0)
        self.steps += 1
        reached = self.place == self.length
        cut = self.steps == self.limit and not reached
        return self._show(), 1.0 if reached else -0.25, reached, cut, self._info()

    def _info(self) -> dict[str, Any]:
        return {"action_mask": np.array([self.place > 0, 1], np.int8)}

    def _show(self) -> Any:
        if self.kind == "image":
            shown = np.zeros((5, 5, 2), bool)
            shown[self.place, self.steps % 5, 1] = True
            return shown
        return {
            "vector": np.array([self.place, self.steps, self.drawn]),
            "bytes": np.full((5, 5, 1), 50 * self.place, np.uint8),
            "screen": np.full((36, 40, 3), 50 * self.place, np.uint8),
            "id": self.place + 7,
            "ids": np.array([self.place, 250 + self.steps]),
            "bits": np.arange(8) < self.place,
            "dict": {"place": 0},
        }[self.kind]


class Cue(gymnasium.Env[np.ndarray, np.int64]):
    """Remember the cue (a T-maze, Bakker 2001): +1 for the turn that the first observation showed,
    -1 for the other, `length` steps later. In between nothing is shown of it, so that a policy
    without memory is right half of the time.
    """

    def __init__(self, length: int = 6):
        self.length = length
        self.action_space = spaces.Discrete(2)
        self.observation_space = spaces.Box(-1, 1, (2,), np.float32)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.steps = 0
        self.cue = int(self.np_random.integers(2))
        return self._show(), {}

    def step(self, action: np.int64) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.steps += 1
        over = self.steps > self.length
        reward = float(1 if action == self.cue else -1) if over else 0.0
        return self._show(), reward, over, False, {}

    def _show(self) -> np.ndarray:
        cue = (2 * self.cue - 1) if self.steps == 0 else 0
        return np.array([cue, self.steps >= self.length], np.float32)


for _kind in ("vector", "image", "bytes", "screen", "id", "ids", "bits", "dict"):
    gymnasium.register(
        f"small/Corridor-{_kind}-v0", entry_point=Corridor, kwargs={"kind": _kind}
    )
gymnasium.register("small/Cue-v0", entry_point=Cue)
