"""The recorder that looks over a player's shoulder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from engine_plugin.bridge.actions import Actions, PressedKeys
from engine_plugin.bridge.over import FramesOver
from engine_plugin.bridge.players import LocalPlayer
from engine_plugin.bridge.seat import Seat


class Watch(Protocol):
    """Sees the keys of a person, or of whoever plays in place of one; see `machine/keyboard.py`."""

    def take(self) -> set[int]: ...
    def held(self, keys: Any) -> frozenset[int]: ...


class Recorder(Protocol):
    """Where decisions go; see `runtime.recorder.DemonstrationRecorder`."""

    def begin_episode(self, seed: int) -> None: ...
    def add(
        self, actions: Sequence[int], observations: np.ndarray, masks: np.ndarray
    ) -> None: ...
    def end_episode(self, result: Sequence[int], *, terminated: bool) -> None: ...
    def discard_last(self) -> bool: ...


class RecordingPlayer:
    """Whoever plays, and the recorder that sees what is shown and which keys are pressed.

    player: who presses the keys, None for a person
    open_recorder: called at the first sight, with the actions that are recorded
    begin_episode: called after an episode's end, where nobody is there to begin the next
    max_frames: an episode is cut after as many; 0 for a person, who ends it
    """

    def __init__(
        self,
        seat: Seat,
        watch: Watch,
        player: LocalPlayer | None,
        open_recorder: Callable[[Seat, Actions], Recorder],
        begin_episode: Callable[[], None],
        max_frames: int = 0,
    ) -> None:
        self.seat, self._watch, self._player = seat, watch, player
        self._open_recorder, self._begin_episode = open_recorder, begin_episode
        self._max_frames = max_frames
        self.actions = seat.actions.with_combinations()
        self.recorder: Recorder | None = None
        self._pressed = PressedKeys(self.actions)
        self._mask = np.ones((1, len(self.actions.names)), np.uint8)
        self._observation: np.ndarray | None = None
        self._frames = 0
        self._over = FramesOver()
        self._score = self._first_score = 0.0
        self._number = 0

    def tick(self, score: float, over: bool) -> None:
        seat = self.seat
        self._score = seat.checked_score(score)
        if self._observation is not None:
            self._pressed.frame(self._watch.held(seat.actions.all_keys), self._watch.take())
        is_cut = 0 < self._max_frames <= self._frames
        if self._observation is not None and (over or is_cut):
            self._end(terminated=bool(over))
            return
        if over and self._max_frames:
            self._over.count(seat.frame)
        if not over:
            self._over.clear()
            if self._frames % seat.every == 0:
                self._decision(seat.observe())
            self._frames += 1
        if self._player is not None:
            self._player.tick(score, over)

    def _decision(self, observation: np.ndarray) -> None:
        """A decision's stretch has ended, and the next begins with what is seen now."""
        if self.recorder is None:
            self.recorder = self._open_recorder(self.seat, self.actions)
        if self._observation is None:
            self.recorder.begin_episode(self._number)
            self._number += 1
            self._first_score = self._score
            self._watch.take()
            self._pressed.forget()
        else:
            self.recorder.add([self._pressed.decision()], self._observation[None], self._mask)
        self._observation = observation

    def _end(self, *, terminated: bool) -> None:
        assert self.recorder is not None and self._observation is not None
        self.recorder.add([self._pressed.decision()], self._observation[None], self._mask)
        won = int(np.sign(self._score - self._first_score))
        self.recorder.end_episode((won,), terminated=terminated)
        self._observation, self._frames = None, 0
        if self._player is not None:
            self._player.tick(self._score, True)
        self._begin_episode()

    def discard_last(self) -> bool:
        """Withdraw the last ended round; False where there is none."""
        return self.recorder is not None and self.recorder.discard_last()
