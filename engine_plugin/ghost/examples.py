"""What a player saw and what she did: the examples that a ghost learns from."""

from __future__ import annotations

import numpy as np

from engine_plugin.errors import TrajectoryError
from engine_plugin.facts import GameFacts
from engine_plugin.trajectory import TrajectoryFile

FEWEST = 100
MOST = 24_000  # the newest stay: so that learning, which holds their features, needs some 50 MB


class Examples:
    """Observations and actions, the newest MOST of them.

    facts: of the game; what is added must be of its layout
    """

    def __init__(self, facts: GameFacts) -> None:
        self._facts = facts
        self._size = int(np.prod(facts.observation_shape))
        # A ring, so that taking all of it in the middle of a game is one copy.
        self._observations = np.zeros((MOST, self._size), facts.observation_dtype)
        self._actions = np.zeros(MOST, np.uint8)
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, MOST)

    def add(self, observation: np.ndarray, action: int) -> None:
        """One decision: the observation [obs_size], copied, and the action that followed.

        Raises TrajectoryError for what is no observation or action of the game.
        """
        self.extend(np.asarray(observation)[None], np.array([action]))

    def add_trajectories(self, trajectories: TrajectoryFile) -> None:
        """All that was demonstrated in a file of stored observations. Raises TrajectoryError.

        A file of one of our compiled games stores none: `engine-plugin ghost` plays it again.
        """
        header, facts = trajectories.header, self._facts
        for what, expected, got in (
            ("game", facts.name, header.game),
            ("layout", facts.layout_hash, header.layout_hash),
        ):
            if got != expected:
                raise TrajectoryError(
                    f"expected trajectories of the {what} {expected}, got {got}; "
                    "use those that were recorded with this game"
                )
        if not header.stores_observations:
            raise TrajectoryError(
                "expected trajectories with observations, got some without; "
                "engine-plugin ghost plays them again"
            )
        for episode in trajectories.episodes:
            assert episode.observations is not None
            for seat in header.demonstrated:
                self.extend(episode.observations[:, seat], episode.actions[:, seat])

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """Copies (observations [n, obs_size], actions uint8 [n]), oldest first.

        Raises TrajectoryError where there are fewer than FEWEST.
        """
        count = len(self)
        if count < FEWEST:
            raise TrajectoryError(
                f"expected {FEWEST} decisions or more to learn from, got {count}; play on"
            )
        order = np.arange(self._added - count, self._added) % MOST
        return self._observations[order], self._actions[order]

    def extend(self, seen: np.ndarray, actions: np.ndarray) -> None:
        """Decisions in a row: observations [n, ...] and integer actions [n], checked before
        anything is kept. Raises TrajectoryError."""
        facts = self._facts
        seen, actions = np.asarray(seen), np.asarray(actions)
        if actions.shape != seen.shape[:1] or actions.dtype.kind not in "ui":
            raise TrajectoryError(
                f"actions: expected as many integers as observations, {seen.shape[:1]}, got "
                f"{actions.dtype} {actions.shape}"
            )
        if not len(seen):
            return
        if seen[0].size != self._size:
            raise TrajectoryError(
                f"observation: expected {self._size} values of {facts.name}, got shape "
                f"{seen.shape[1:]}; use the layout {facts.layout_hash}"
            )
        if not np.can_cast(seen.dtype, facts.observation_dtype, "same_kind"):
            raise TrajectoryError(
                f"observation: expected {facts.observation_dtype}, got {seen.dtype}"
            )
        with np.errstate(over="ignore"):
            kept = seen.astype(facts.observation_dtype, copy=False)
        if kept.dtype.kind == "f" and not np.isfinite(kept).all():
            raise TrajectoryError("observation: expected finite values, got NaN or infinity")
        if kept.dtype.kind == "u" and (kept != seen).any():
            raise TrajectoryError(f"observation: expected {kept.dtype}, got {seen.max()}")
        if not ((actions >= 0) & (actions < len(facts.actions))).all():
            raise TrajectoryError(
                f"action: expected 0 to {len(facts.actions) - 1}, got {actions.tolist()[:5]}"
            )
        for start in range(0, len(seen), MOST):
            rows = slice(start, start + MOST)
            places = (self._added + np.arange(len(actions[rows]))) % MOST
            self._observations[places] = kept[rows].reshape(len(places), -1)
            self._actions[places] = actions[rows]
            self._added += len(places)
