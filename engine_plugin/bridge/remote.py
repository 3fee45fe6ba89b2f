"""The learner at the other end of a pipe, sitting in a seat."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np

from engine_plugin.bridge.actions import Actions
from engine_plugin.bridge.over import FramesOver
from engine_plugin.bridge.seat import Hands, Seat
from engine_plugin.bridge.wire import STOP, GameEnd, Seen


class RemotePlayer:
    """The learner at the other end of a pipe decides.

    number: the seat's, 0 for the one that learns; that one alone counts frames and episodes
    begin_episode: what makes the next round; it may not return (a fresh process follows)
    max_frames: an episode is cut after as many
    """

    def __init__(
        self,
        seat: Seat,
        hands: Hands,
        wire: GameEnd,
        actions: Actions,
        number: int,
        max_frames: int,
        begin_episode: Callable[[], None],
        on_first_sight: Callable[[Seat], None],
    ) -> None:
        self.seat, self._hands, self._wire, self._actions = seat, hands, wire, actions
        self._number, self._max_frames = number, max_frames
        self._begin_episode, self._on_first_sight = begin_episode, on_first_sight
        self._observation: np.ndarray | None = None
        self._frames = 0
        self._over = FramesOver()
        self._score = self._score_now = 0.0  # when last shown, and in this frame
        self._is_first = True

    def tick(self, score: float, over: bool) -> None:
        seat, self._score_now = self.seat, score
        is_cut = self._number == 0 and self._frames >= self._max_frames
        if (over or is_cut) and not self._is_first:
            self._end(seat.checked_score(score), terminated=bool(over))
            return
        if over:
            # Another seat may be out long before the round ends for the one that learns.
            if self._number == 0:
                self._over.count(seat.frame)
            return
        self._over.clear()
        if self._frames % seat.every == 0:
            self._ask(seat.checked_score(score))
        self._frames += 1

    def _ask(self, score: float) -> None:
        """Show what is seen and hold what is answered."""
        observation = self._observation = self.seat.observe()
        if self._is_first:
            self._on_first_sight(self.seat)
            self._score = score
        self._wire.show(
            Seen(
                self._number, self.seat.frame, score - self._score, observation, self._is_first
            )
        )
        self._is_first, self._score = False, score
        action = self._wire.answer()
        if action == STOP:
            os._exit(0)  # the game's own ending may wait for somebody
        self._hold(self._actions.keys[action])

    def _end(self, score: float, *, terminated: bool) -> None:
        observation = self.seat.observe()
        reward = score - self._score
        self._hold(frozenset())
        self._frames, self._is_first = 0, True
        if self._number != 0:
            return
        self._wire.show(
            Seen(
                0, self.seat.frame, reward, observation,
                terminated=terminated, truncated=not terminated,
            )
        )  # fmt: skip
        self._begin_episode()

    def end_by_exit(self) -> bool:
        """The game has ended itself: the round is over with what was seen last, and paid what the
        last frame's score says. False where there was no round yet."""
        if self._is_first or self._observation is None:
            return False
        reward = self.seat.checked_score(self._score_now) - self._score
        self._wire.show(Seen(0, self.seat.frame, reward, self._observation, terminated=True))
        return True

    def _hold(self, keys: frozenset[int]) -> None:
        self.seat.hold(keys)
        self._hands.hold(self.seat.name, keys)

    def forget(self) -> None:
        """A round begins, whoever ended the last."""
        self._hold(frozenset())
        self._frames, self._is_first = 0, True
