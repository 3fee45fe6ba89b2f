"""A ghost as a game uses it: watch a player, learn from her, play like her."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from engine_plugin.errors import ConfigError
from engine_plugin.facts import GameFacts
from engine_plugin.files import atomic_write, refuse_existing
from engine_plugin.ghost.clone import GhostConfig
from engine_plugin.ghost.encoders import check_readable
from engine_plugin.ghost.examples import Examples
from engine_plugin.ghost.model import raise_ghost
from engine_plugin.ghost.trainer import GhostTrainer, Pieces
from engine_plugin.runtime.policy import Policy, load_policy
from engine_plugin.trajectory import TrajectoryFile


class Ghost:
    """A small clone of a player, raised while the game runs.

        ghost = ai.Ghost(facts, name="ghost of Ada")
        ghost.add(observation, action)             # with every decision of hers
        trainer = ghost.start()                    # between two rounds; trainer.progress, .running
        if ghost.ready: rival = ai.AgentController(ghost.policy())
        ghost.save("ada.onnx")                     # one file, which plays in the game of others too

    facts: of the game: an `engine_plugin.facts.ForeignGame`, or a `fastenv.GameSpec`
    name: shown to people; safety: "survivable" where the game gives a survivable mask

    Raises ConfigError for a game whose observations are images: a ghost cannot read them.
    """

    def __init__(
        self,
        facts: GameFacts,
        *,
        name: str = "ghost",
        safety: str = "none",
        config: GhostConfig | None = None,
    ) -> None:
        check_readable(facts)
        self.facts = facts
        self.name = name
        self.safety = safety
        self.config = config or GhostConfig()
        self._examples = Examples(facts)
        self._model: bytes | None = None

    def __len__(self) -> int:
        """Decisions that it would learn from; the newest 24,000 are kept."""
        return len(self._examples)

    @property
    def ready(self) -> bool:
        """Whether it has learned and can play."""
        return self._model is not None

    @property
    def model(self) -> bytes:
        """The model file's bytes. Raises ConfigError before it has learned."""
        if self._model is None:
            raise ConfigError("expected a ghost that has learned, got none yet; call learn first")
        return self._model

    def add(self, observation: np.ndarray, action: int) -> None:
        """One decision of the player: what she saw [obs_size] and did. Raises TrajectoryError."""
        self._examples.add(observation, action)

    def extend(self, observations: np.ndarray, actions: np.ndarray) -> None:
        """Decisions in a row: observations [n, obs_size], integer actions [n]. Raises
        TrajectoryError."""
        self._examples.extend(observations, actions)

    def add_trajectories(self, trajectories: TrajectoryFile) -> None:
        """All that was demonstrated in a file of stored observations. Raises TrajectoryError."""
        self._examples.add_trajectories(trajectories)

    def pieces(self) -> Pieces:
        """Learn in pieces of milliseconds, for a game without threads: a generator that yields the
        share that is done; once it has ended the ghost is ready. Raises as `learn` does.
        """
        data = yield from self._learning()
        self._model = data
        return data

    def learn(self, progress: Callable[[float], None] = lambda share: None) -> None:
        """Learn from all that was added, and wait for it: a few seconds.

        Raises TrajectoryError for fewer than 100 decisions, ConfigError for a name that no card
        can have, and ModelError kinds.
        """
        for share in self.pieces():
            progress(share)

    def start(self, path: str | Path | None = None, *, force: bool = False) -> GhostTrainer:
        """Learn in a thread from all that was added so far; the game goes on, and may add more.

        path: also write the model file there, in the thread; one that exists is replaced with
            `force`, else left alone and becomes the trainer's error, as a full disk does

        Raises TrajectoryError for fewer than 100 decisions.
        """

        def keep(data: bytes) -> None:
            self._model = data
            if path is not None:
                self.save(path, force=force)

        return GhostTrainer.start(self._learning(), keep)

    def policy(self, *, seed: int = 0) -> Policy:
        """The ghost as a policy. Raises ConfigError before it has learned."""
        return load_policy(self.model, seed=seed)

    def save(self, path: str | Path, *, force: bool = False) -> None:
        """Write the model file. Raises ConfigError, OutputExistsError or OSError."""
        data = self.model
        refuse_existing(path, force)
        atomic_write(path, data)

    def _learning(self) -> Pieces:
        observations, actions = self._examples.arrays()
        return raise_ghost(
            self.facts,
            observations,
            actions,
            name=self.name,
            safety=self.safety,
            config=self.config,
        )
