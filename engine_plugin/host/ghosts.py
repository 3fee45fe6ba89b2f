"""The player's own ghost: it watches her rounds, learns between them, and can then be played.

Knows no pygame. One keeper lasts the whole run, so that the rounds of all sittings add up.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine_plugin.errors import EnginePluginError
from engine_plugin.ghost.examples import FEWEST
from engine_plugin.ghost.ghost import Ghost
from engine_plugin.ghost.trainer import GhostTrainer
from fastenv import GameSpec

FOLDER = Path("ghosts")


class GhostKeeper:
    """Watches, teaches and files ghosts of the person who plays.

    path: the newest ghost of this run, or None
    """

    def __init__(self, spec: GameSpec) -> None:
        self.path: Path | None = None
        self._spec = spec
        self._ghost = Ghost(spec, name="ghost of a player", safety="survivable")
        self._round: list[tuple[np.ndarray, int]] = []
        self._trainer: GhostTrainer | None = None

    @property
    def learning(self) -> bool:
        return self._trainer is not None

    @property
    def progress(self) -> float:
        """How far learning is, 0 to 1."""
        return 0.0 if self._trainer is None else self._trainer.progress

    @property
    def has_enough(self) -> bool:
        """Whether enough was played to learn from."""
        return len(self._ghost) >= FEWEST

    def watch(self, observation: np.ndarray, action: int) -> None:
        """One tick that the person played: what she sees [obs_size], copied, and does."""
        self._round.append((observation.copy(), action))

    def keep_round(self) -> None:
        """The round is over, and counts."""
        for observation, action in self._round:
            self._ghost.add(observation, action)
        self._round.clear()

    def drop_round(self) -> None:
        """The round was cut short."""
        self._round.clear()

    def learn(self) -> str:
        """Start learning from the rounds so far; the text to tell the player."""
        if self.learning:
            return "Your ghost is learning"
        if not self.has_enough:
            return "Your ghost has seen too little of you; play on"
        self._trainer = self._ghost.start()
        return f"Your ghost learns from {len(self._ghost)} of your moves"

    def update(self) -> str:
        """Look after a ghost that learns; the text to tell the player once it has ended, or ""."""
        if self._trainer is None or self._trainer.running:
            return ""
        error, self._trainer = self._trainer.error, None
        if error is not None:
            return f"Your ghost could not learn: {error}"
        path = _next_path(self._spec.name)
        try:
            self._ghost.save(path)
        except (OSError, EnginePluginError) as fault:
            return f"Your ghost cannot be kept: {fault}"
        self.path = path
        return f"Your ghost is ready, a first draft of you: {path}"

    def close(self) -> None:
        """Give up what is being learned."""
        if self._trainer is not None:
            self._trainer.stop()
            self._trainer.wait()
            self._trainer = None


def kept_ghosts(game: str) -> list[str]:
    """Files of the ghosts of this game that were raised here, the newest first."""
    found = sorted((FOLDER / game).glob("ghost-*.onnx"), key=_number, reverse=True)
    return [path.as_posix() for path in found]


def _next_path(game: str) -> Path:
    taken = [_number(path) for path in (FOLDER / game).glob("ghost-*.onnx")]
    return FOLDER / game / f"ghost-{max(taken, default=0) + 1}.onnx"


def _number(path: Path) -> int:
    digits = path.stem.removeprefix("ghost-")
    return int(digits) if digits.isdecimal() else 0
