"""A ghost of whoever plays in a seat: it sees her rounds, and learns from them inside the game."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine_plugin.bridge.actions import Actions, really_used
from engine_plugin.bridge.recording import RecordingPlayer
from engine_plugin.bridge.seat import Seat
from engine_plugin.facts import ForeignGame
from engine_plugin.ghost.examples import FEWEST, MOST
from engine_plugin.ghost.ghost import Ghost
from engine_plugin.ghost.trainer import GhostTrainer

_LOG = logging.getLogger(__name__)


class RoundsKept:
    """What a person saw and did, round by round, in place of a file; the newest MOST decisions."""

    def __init__(self, facts: ForeignGame, recorded: Actions) -> None:
        """facts: of the game, its actions the `recorded` ones"""
        self.facts, self.recorded = facts, recorded
        self._rounds: list[list[tuple[np.ndarray, int]]] = []
        self._now: list[tuple[np.ndarray, int]] = []

    def __len__(self) -> int:
        """Decisions of the rounds that have ended."""
        return sum(len(played) for played in self._rounds)

    def begin_episode(self, seed: int) -> None:
        self._now = []

    def add(self, actions: Sequence[int], observations: np.ndarray, masks: np.ndarray) -> None:
        self._now.append((observations[0].copy(), int(actions[0])))

    def end_episode(self, result: Sequence[int], *, terminated: bool) -> None:
        self._rounds.append(self._now)
        self._now = []
        while len(self._rounds) > 1 and len(self) - len(self._rounds[0]) >= MOST:
            del self._rounds[0]

    def discard_last(self) -> bool:
        """Withdraw the last round that has ended; False where there is none."""
        return bool(self._rounds and self._rounds.pop())

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        """(observations float32 [n, size], indices of recorded actions int [n]), oldest first."""
        decisions = [decision for played in self._rounds for decision in played]
        seen, done = zip(*decisions, strict=True)
        return np.stack(seen), np.array(done)


class Watcher:
    """Sees what a person does, and never stops her game: after its first decision whatever goes
    wrong is told to `failed`, and nothing more is seen."""

    def __init__(self, recording: RecordingPlayer, failed: Callable[[Exception], None]) -> None:
        self._recording, self._failed = recording, failed
        self._is_blind = False

    def tick(self, score: float, over: bool) -> None:
        if self._is_blind:
            return
        try:
            self._recording.tick(score, over)
        except Exception as error:
            if self._recording.recorder is None:
                raise
            self._is_blind = True
            self._failed(error)


class SeatGhost:
    """The ghost of who plays in a seat, as its game uses it.

        me = ai.Seat("duel", ..., watch=True)
        ...
        if round_is_over: me.ghost.learn("ghosts/ada.onnx")
        if me.ghost.ready: rival.sit(me.ghost.path)

    ready: whether one has learned and can play; path: its file
    learning, progress: whether one learns now, and the share that is done
    error: what ended the last learning, or the watching, early, or None; nothing is raised into
        the game after its first decision

    It learns while the loop waits between its frames, as `Clock.tick` does.
    """

    def __init__(self, seat: Seat) -> None:
        self.path: Path | None = None
        self.error: Exception | None = None
        self._seat = seat
        self._rounds: RoundsKept | None = None
        self._trainer: GhostTrainer | None = None
        self._coming: Path | None = None
        self._watcher: Watcher | None = None

    def watcher(self) -> Watcher:
        """The sitter that sees what a person does in the seat; without one there is never enough to
        learn from."""
        if self._watcher is None:
            from engine_plugin.bridge.machine.keyboard import KeyWatch, expect_known_keys

            expect_known_keys(self._seat.actions.all_keys)
            recording = RecordingPlayer(self._seat, KeyWatch(), None, self._open, lambda: None)
            self._watcher = Watcher(recording, self._went_blind)
        return self._watcher

    def _went_blind(self, error: Exception) -> None:
        self.error = error
        _LOG.warning("the ghost of %r sees nothing more: %s", self._seat.name, error)

    def _open(self, seat: Seat, actions: Actions) -> RoundsKept:
        self._rounds = RoundsKept(seat.facts(actions), actions)
        return self._rounds

    def __len__(self) -> int:
        """Decisions that it would learn from: those of the rounds that have ended."""
        return 0 if self._rounds is None else len(self._rounds)

    def learn(self, path: str | Path) -> bool:
        """Begin to learn from all rounds so far, in a thread, and write the model to `path`, in
        place of what is there; the game goes on meanwhile. False, and nothing begins, while one
        learns already or where fewer than 100 decisions were seen."""
        self._look_after()
        if self._trainer is not None or len(self) < FEWEST:
            return False
        assert self._rounds is not None
        observations, chosen = self._rounds.arrays()
        learned, places = really_used(self._rounds.recorded, chosen, self._seat.actions)
        facts = replace(self._rounds.facts, actions=learned.names)
        ghost = Ghost(facts, name=f"ghost of a player of {facts.name}")
        ghost.extend(observations, places[chosen])
        self._coming, self.error = Path(path), None
        self._trainer = ghost.start(path, force=True)
        return True

    @property
    def learning(self) -> bool:
        self._look_after()
        return self._trainer is not None

    @property
    def progress(self) -> float:
        return 0.0 if self._trainer is None else self._trainer.progress

    @property
    def ready(self) -> bool:
        self._look_after()
        return self.path is not None

    def _look_after(self) -> None:
        if self._trainer is None or self._trainer.running:
            return
        self.error, self._trainer = self._trainer.error, None
        if self.error is None:
            self.path = self._coming
