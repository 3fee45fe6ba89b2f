"""Running scales of what a game shows and pays, so that networks see numbers of about 1."""

from __future__ import annotations

import numpy as np


class RunningScale:
    """Mean and deviation of all that was ever shown to it (Chan et al. 1979), in doubles."""

    def __init__(self, size: int):
        self.count = 0.0
        self.mean = np.zeros(size)
        self.squares = np.zeros(size)  # sum of squared distances from the mean

    def add(self, observations: np.ndarray) -> None:
        """Take in observations [n, size]."""
        shown = observations.astype(np.float64)
        count, mean = len(shown), shown.mean(axis=0)
        total = self.count + count
        apart = mean - self.mean
        self.squares += ((shown - mean) ** 2).sum(axis=0)
        self.squares += apart**2 * self.count * count / total
        self.mean += apart * count / total
        self.count = total

    @property
    def deviation(self) -> np.ndarray:
        result: np.ndarray = np.sqrt(self.squares / max(self.count, 1.0))
        return result

    def save_state(self) -> dict[str, np.ndarray]:
        return {"count": np.array(self.count), "mean": self.mean, "squares": self.squares}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        self.count = float(state["count"])
        self.mean, self.squares = state["mean"].copy(), state["squares"].copy()

    @property
    def root_mean_square(self) -> np.ndarray:
        result: np.ndarray = np.sqrt(self.mean**2 + self.deviation**2)
        return result


class RunningReturns:
    """The size of a game's discounted returns, as they add up while it is played.

    Rewards divided by it make values of about 1, whatever a game's points are: the Huber loss is
    quadratic below 1 and takes no more notice of a rare fall from 100 than of an error of 1.
    """

    def __init__(self, num_envs: int, gamma: float):
        self.gamma = gamma
        self.running = np.zeros(num_envs)
        self.scale = RunningScale(1)

    def add(self, rewards: np.ndarray, ended: np.ndarray) -> None:
        """Take in a step: rewards float [num_envs], ended bool [num_envs]."""
        self.running = self.gamma * self.running + rewards
        self.scale.add(self.running[:, None])
        self.forget(ended)

    def forget(self, ended: np.ndarray) -> None:
        """Episodes ended in these envs, bool [num_envs]."""
        self.running[ended] = 0

    @property
    def size(self) -> float:
        """Root mean square of the returns; 1 while nothing was paid."""
        size = float(self.scale.root_mean_square[0])
        return size if size > 1e-8 else 1.0

    def save_state(self) -> dict[str, np.ndarray]:
        return {"running": self.running, **self.scale.save_state()}

    def load_state(self, state: dict[str, np.ndarray]) -> None:
        self.running = state["running"].copy()
        self.scale.load_state(state)
