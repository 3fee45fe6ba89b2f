"""What the learner needs of a game: three small protocols, and nothing else of it.

A `World` is N running games as arrays. A `Task` is a game with all that is needed to train on it:
it opens worlds, reads demonstrations, and names a `Judge`, who says how good a policy is in the
words of that kind of game (matches won and style; returns of episodes). A new kind of game, in
this process or in others, becomes trainable by being a Task.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np

from engine_plugin.facts import GameFacts
from engine_plugin.learn.demonstrations import Demonstrations
from engine_plugin.learn.opponents import Frozen

# observations [n, *shape], allowed uint8 [n, actions] -> actions uint8 [n]. One that remembers
# also has `forget(ended: bool [n])`, see learn/acting.py.
PolicyFunction = Callable[[np.ndarray, np.ndarray], np.ndarray]

WorldState = dict[str, np.ndarray]


class World(Protocol):
    """N envs stepped together. The arrays are the world's own, overwritten by `step`.

    num_envs            N
    observations        uint8 or float32 [N, *observation_shape], what `step` will act on
    allowed             uint8 [N, actions], the actions to choose from now; one at least
    rewards             float32 [N], of the step just made
    terminated          bool [N], ended by the rules
    truncated           bool [N], cut by a limit: the episode's value goes on
    next_observations   [N, *observation_shape], after the step and before any reset; where an
                        episode ended, its last observation
    next_allowed        uint8 [N, actions], allowed in `next_observations`
    """

    @property
    def num_envs(self) -> int: ...
    @property
    def observations(self) -> np.ndarray: ...
    @property
    def allowed(self) -> np.ndarray: ...
    @property
    def rewards(self) -> np.ndarray: ...
    @property
    def terminated(self) -> np.ndarray: ...
    @property
    def truncated(self) -> np.ndarray: ...
    @property
    def next_observations(self) -> np.ndarray: ...
    @property
    def next_allowed(self) -> np.ndarray: ...

    def step(self, actions: np.ndarray) -> None:
        """One decision in every env, actions uint8 [N]; ended envs begin a new episode."""

    def meet(self, frozen: Frozen) -> None:
        """The learner introduces itself once, before the first step: a world in which one can play
        against oneself has it freeze its policy from time to time."""

    def report(self) -> dict[str, Any]:
        """What the world knows of the time since the last report, for the log."""

    def save_state(self) -> WorldState:
        """All that the envs need to go on alike, as arrays for a checkpoint."""

    def load_state(self, state: WorldState) -> np.ndarray:
        """Go on from a saved state. Returns which envs could not, and have begun another episode,
        bool [N]. Raises ConfigError where it does not fit."""

    def close(self) -> None:
        """End whatever the envs hold: processes, windows."""


class Judge(Protocol):
    """Plays validation episodes, always the same ones, and says how good a policy is."""

    def evaluate(self, decide: PolicyFunction) -> dict[str, Any]:
        """What was measured, JSON-ready, for the run's log and the model's card."""

    def compared_with(self) -> dict[str, Any]:
        """What the measured values are held against, JSON-ready, for the run's record: profiles of
        other players. Empty where nothing is."""

    def score(self, line: dict[str, Any]) -> float:
        """The number by which the best weights are kept; `line` holds the measured values and the
        run's steps."""

    def brief(self, line: dict[str, Any]) -> str:
        """A few words for the progress bar."""

    def text(self, line: dict[str, Any]) -> str:
        """The measured values on one line, for people."""


class Task(Protocol):
    """A game and how it is trained on."""

    @property
    def facts(self) -> GameFacts: ...
    @property
    def symmetries(self) -> int:
        """How many board symmetries augment it; 0 where nothing is known of any."""

    def world(self, num_envs: int, seed: int) -> World:
        """Envs to train in. Raises typed errors before any is stepped."""

    def parity_world(self, num_envs: int, seed: int) -> World:
        """Envs to record some observations in; needs nothing but the game itself."""

    def demonstrations(self) -> Demonstrations | None:
        """What the settings name as examples, if anything. Raises TrajectoryError."""

    def judge(self, demonstrations: Demonstrations | None) -> Judge: ...
